//! The lab: a UPF under traffic of many SIMs on one machine, in network namespaces.
//!
//! An ordinary control plane sets sessions up over PFCP, a gNB and a host in the data network send
//! more than each SIM may, and what arrives is compared with the limit. See [`crate::topology`] for
//! the network.

mod plan;
mod rate;
mod relay;
mod signals;
mod traffic;
mod verdict;
mod view;

use std::{
    io::{self, IsTerminal as _, Write as _},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use upf_user::bandwidth::Rate;

use crate::{
    control::{ControlPlane, Established, ue_address},
    netns::Environment,
    pfcp::{Session, Tunnel},
    topology::{Agent, AgentOptions, Topology},
};
use plan::Plan;
use traffic::{Direction, Traffic, gnb_tunnel};
use verdict::{Deviation, TOLERANCE};
use view::View;

/// The QoS flow of every SIM.
const QFI: u8 = 1;
/// Between two looks at signals.
const NAP: Duration = Duration::from_millis(50);

/// A 4G/5G user plane under traffic of many SIMs, in network namespaces of this machine.
#[derive(Debug, Parser)]
#[command(name = "upf-lab")]
pub struct Options {
    /// SIMs, each with a session of its own
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    sims: u32,
    /// Seconds of traffic; without it, until Ctrl-C
    #[arg(long)]
    seconds: Option<u64>,
    /// Limit of each SIM, each way, such as "1 Mbit/s"; the default depends on the number of SIMs
    #[arg(long)]
    rate: Option<Rate>,
    /// Bytes of an inner IP packet
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(64..=1400))]
    size: u16,
}

/// Runs the lab; everything it made is gone when this returns.
///
/// # Errors
/// When a part does not start or ends early, or when a SIM was not held at its rate.
pub fn run(options: &Options) -> Result<()> {
    let plan = Plan::new(options.sims, options.rate, options.size);
    plan.check()?;
    let time = options.seconds.map(Duration::from_secs);
    ensure!(
        time.is_none_or(|time| time >= plan.shortest()),
        "{} s are too few to judge a limit of {}: at least {} s, or a higher --rate",
        time.unwrap_or_default().as_secs(),
        plan.rate,
        plan.shortest().as_secs() + 1
    );
    signals::install()?;
    Lab::start(plan)?.run(time)
}

struct Lab {
    plan: Plan,
    traffic: Traffic,
    _control: crate::control::KeepAlive,
    agent: Agent,
    _topology: Topology,
}

/// Packet counts at one moment.
struct Mark {
    at: Instant,
    uplink: Vec<u64>,
    downlink: Vec<u64>,
}

impl Lab {
    fn start(plan: Plan) -> Result<Self> {
        say("namespaces: ran (gNB, SMF) - upf - dn")?;
        let topology = Topology::new(Environment::new()?)?;
        say("agent: starting")?;
        let agent = topology.start_agent(&AgentOptions {
            sessions: plan.sims.max(1000),
            ..AgentOptions::default()
        })?;
        let address = relay::start(&topology.upf)?;
        say(&format!(
            "metrics: http://{address}/metrics   sessions: http://{address}/v1/sessions"
        ))?;
        let mut control = ControlPlane::associate(&topology.ran).with_context(|| agent.log())?;
        let sessions = establish(&mut control, &plan)?;
        let tunnels = sessions
            .iter()
            .map(|session| session.uplink)
            .collect::<Vec<_>>();
        let traffic = Traffic::start(&topology, &plan, &tunnels, QFI)?;
        say(&offer(&plan))?;
        let _control = control.keep_alive();
        Ok(Self {
            plan,
            traffic,
            _control,
            agent,
            _topology: topology,
        })
    }

    fn run(mut self, time: Option<Duration>) -> Result<()> {
        let start = Instant::now();
        let mut view = View::new(self.plan);
        let mut steady = None;
        let mut next_look = start;
        while !signals::asked_to_end() && time.is_none_or(|time| start.elapsed() < time) {
            if steady.is_none() && start.elapsed() >= self.plan.warm_up() {
                steady = Some(self.mark());
            }
            if Instant::now() >= next_look {
                self.check()?;
                // The end of a pipe ends the lab as Ctrl-C does.
                if view
                    .show(&self.traffic, &self.agent.get("/metrics")?)
                    .is_err()
                {
                    break;
                }
                next_look += Duration::from_secs(1);
            }
            thread::sleep(NAP);
        }
        let end = self.mark();
        self.check()?;
        match steady {
            Some(steady) if start.elapsed() >= self.plan.shortest() => self.judge(&steady, &end),
            _ => say("ended before the limit could be judged"),
        }
    }

    fn check(&mut self) -> Result<()> {
        self.agent.check()?;
        self.traffic.check()
    }

    fn mark(&self) -> Mark {
        Mark {
            at: Instant::now(),
            uplink: self.traffic.uplink.snapshot(),
            downlink: self.traffic.downlink.snapshot(),
        }
    }

    fn judge(&self, steady: &Mark, end: &Mark) -> Result<()> {
        let time = end.at.duration_since(steady.at);
        let ways = [
            ("uplink", &self.traffic.uplink, &steady.uplink, &end.uplink),
            (
                "downlink",
                &self.traffic.downlink,
                &steady.downlink,
                &end.downlink,
            ),
        ];
        say(&format!(
            "\n{} SIMs, limit {} each way, over the last {:.1} s:",
            self.plan.active,
            self.plan.rate,
            time.as_secs_f64()
        ))?;
        let mut complaints = Vec::new();
        for (name, direction, before, after) in ways {
            let deviation = Deviation::new(&self.plan, before, after, time).context("no SIMs")?;
            say(&format!(
                "{name:9} deviation from the limit: median {:+.2} %, worst {:+.2} %",
                deviation.median * 100.0,
                deviation.worst * 100.0
            ))?;
            complaints.extend(complaint(name, direction, &deviation));
        }
        if complaints.is_empty() {
            return say(&format!(
                "every SIM was held within {:.0} %",
                TOLERANCE * 100.0
            ));
        }
        bail!("{}", complaints.join("; "))
    }
}

fn complaint(name: &str, direction: &Direction, deviation: &Deviation) -> Option<String> {
    let strays = direction.strays.load(std::sync::atomic::Ordering::Relaxed);
    if strays > 0 {
        return Some(format!(
            "{name}: {strays} packets arrived that belong to no SIM"
        ));
    }
    (!deviation.is_held()).then(|| {
        let sim = u32::try_from(deviation.worst_sim).unwrap_or_default();
        let percent = deviation.worst * 100.0;
        format!(
            "{name}: SIM {} was {percent:+.1} % off its limit",
            ue_address(sim)
        )
    })
}

/// Establishes all sessions, then tells the UPF the gNB's tunnels, as SMFs do.
fn establish(control: &mut ControlPlane, plan: &Plan) -> Result<Vec<Established>> {
    let session = |sim: u32| Session {
        seid: u64::from(sim) + 1,
        ue: ue_address(sim),
        kilobits: plan.rate.kilobits(),
        qfi: QFI,
    };
    let sessions = (0..plan.sims).map(session).collect::<Vec<_>>();
    let bar = progress("sessions", plan.sims)?;
    let established = control.establish(&sessions, |count| step(&bar, count))?;
    bar.finish_and_clear();
    let tunnels = (0..plan.sims)
        .zip(&established)
        .map(|(sim, session)| (session.seid, gnb_tunnel(sim)))
        .collect::<Vec<(u64, Tunnel)>>();
    let bar = progress("gNB tunnels", plan.sims)?;
    control.hand_over(&tunnels, |count| step(&bar, count))?;
    bar.finish_and_clear();
    say(&format!("sessions: {} established", plan.sims))?;
    Ok(established)
}

fn offer(plan: &Plan) -> String {
    let all = if plan.active == plan.sims {
        format!("{} SIMs", plan.sims)
    } else {
        format!(
            "{} of {} SIMs (as many as the generator can serve)",
            plan.active, plan.sims
        )
    };
    format!(
        "traffic: {all}, {}-byte packets, {:.0} packets/s offered each way, limit {} per SIM\n",
        plan.size,
        plan.offered(),
        plan.rate
    )
}

fn progress(what: &str, count: u32) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{msg}: {bar:40} {pos}/{len} ({per_sec})")?;
    Ok(ProgressBar::new(count.into())
        .with_style(style)
        .with_message(what.to_owned()))
}

/// On a terminal a bar; indicatif hides it elsewhere, where a line now and then does.
fn step(bar: &ProgressBar, count: usize) -> Result<()> {
    ensure!(
        !signals::asked_to_end(),
        "ended by a signal before the sessions stood"
    );
    bar.set_position(count as u64);
    if !io::stderr().is_terminal() && count.is_multiple_of(10_000) {
        say(&format!("{}: {count}", bar.message()))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")?;
    Ok(output.flush()?)
}
