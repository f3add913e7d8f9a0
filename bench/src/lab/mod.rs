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
use serde_json::{Value, json};

use upf_user::bandwidth::Rate;

use crate::{
    control::{ControlPlane, Established, ue_address},
    netns::Environment,
    pfcp::{Session, Tunnel},
    topology::{Agent, AgentOptions, Topology},
};
use plan::{Group, Plan};
use traffic::{Traffic, gnb_tunnel};
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
    /// One limit for all SIMs, each way, such as "1 Mbit/s", by their QERs; without it there are three speed classes
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
        "{} s are too few to judge the limits: at least {} s, or a higher --rate",
        time.unwrap_or_default().as_secs(),
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

/// Marks of a run.
#[derive(Default)]
struct Looks {
    /// From here on only the limits let packets pass.
    steady: Option<Mark>,
    /// Just before some SIMs change their class.
    changed: Option<Mark>,
    /// From here on they are held at the new one.
    settled: Option<Mark>,
}

impl Lab {
    fn start(plan: Plan) -> Result<Self> {
        say("namespaces: ran (gNB, SMF) - upf - dn")?;
        let topology = Topology::new(Environment::new()?)?;
        say("agent: starting")?;
        let agent = topology.start_agent(&AgentOptions {
            sessions: plan.sims.max(1000),
            more: &plan.config(),
            ..AgentOptions::default()
        })?;
        let address = relay::start(&topology.upf)?;
        say(&format!(
            "metrics: http://{address}/metrics   sessions: http://{address}/v1/sessions   SIMs: http://{address}/v1/sims/{}",
            imsi_of(0)
        ))?;
        assign(&agent, &plan)?;
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
        let mut view = View::new(self.plan.clone());
        let mut looks = Looks::default();
        let mut next_look = start;
        while !signals::asked_to_end() && time.is_none_or(|time| start.elapsed() < time) {
            self.look(start.elapsed(), time, &mut looks, &mut view)?;
            if Instant::now() >= next_look {
                self.check()?;
                let (metrics, changing) = (self.agent.get("/metrics")?, self.changing_dropped()?);
                // The end of a pipe ends the lab as Ctrl-C does.
                if view.show(&self.traffic, &metrics, changing).is_err() {
                    break;
                }
                next_look += Duration::from_secs(1);
            }
            thread::sleep(NAP);
        }
        let end = self.mark();
        self.check()?;
        if start.elapsed() < self.plan.shortest() {
            return say("ended before the limits could be judged");
        }
        self.judge(&looks, &end)
    }

    /// Marks what is to be compared later, and changes the SIMs that change, when it is time.
    fn look(
        &self,
        elapsed: Duration,
        time: Option<Duration>,
        looks: &mut Looks,
        view: &mut View,
    ) -> Result<()> {
        if looks.steady.is_none() && elapsed >= self.plan.warm_up() {
            looks.steady = Some(self.mark());
        }
        if looks.changed.is_none() && self.plan.change(time).is_some_and(|at| elapsed >= at) {
            looks.changed = Some(self.mark());
            self.change(view)?;
        }
        let settled = looks.changed.as_ref().is_some_and(|changed| {
            let next = self.plan.groups.iter().filter_map(|group| group.next);
            let settling = next.map(|class| plan::warm_up(class.rate)).max();
            changed.at.elapsed() >= settling.unwrap_or_default()
        });
        if looks.settled.is_none() && settled {
            looks.settled = Some(self.mark());
        }
        Ok(())
    }

    /// Gives the SIMs that change their next class, over REST.
    fn change(&self, view: &mut View) -> Result<()> {
        for (number, group) in self.plan.groups.iter().enumerate() {
            let Some(next) = group.next else { continue };
            for sim in group.sims.clone() {
                let path = format!("/v1/sims/{}", imsi_of(sim));
                let body = json!({"class": next.name}).to_string();
                self.agent.put(&path, &body)?;
                say(&format!("PUT {path} {body}\n"))?;
            }
            view.change(number, next);
        }
        Ok(())
    }

    /// Packets that were dropped of the SIMs that change, as the REST API shows it.
    fn changing_dropped(&self) -> Result<f64> {
        let changing = self.plan.groups.iter().filter(|group| group.next.is_some());
        let mut dropped = 0.0;
        for sim in changing.flat_map(|group| group.sims.clone()) {
            let view = self.agent.get(&format!("/v1/sims/{}", imsi_of(sim)))?;
            let view: Value = serde_json::from_str(&view)?;
            let ways = [&view["uplink"], &view["downlink"]];
            let counts = ways.map(|way| way["dropped_packets"].as_f64().unwrap_or_default());
            dropped += counts.iter().sum::<f64>();
        }
        Ok(dropped)
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

    fn judge(&self, looks: &Looks, end: &Mark) -> Result<()> {
        let steady = looks.steady.as_ref().context("too early")?;
        say("deviation of SIMs from their limits:")?;
        let mut complaints = Vec::new();
        for group in &self.plan.groups {
            let until = looks.changed.as_ref().filter(|_| group.next.is_some());
            complaints.extend(self.judged(group, group.rate, steady, until.unwrap_or(end))?);
            if let (Some(next), Some(settled)) = (group.next, &looks.settled) {
                complaints.extend(self.judged(group, next.rate, settled, end)?);
            }
        }
        let strays = [&self.traffic.uplink, &self.traffic.downlink]
            .map(|way| way.strays.load(std::sync::atomic::Ordering::Relaxed));
        if strays != [0, 0] {
            complaints.push(format!("{strays:?} packets arrived that belong to no SIM"));
        }
        if complaints.is_empty() {
            return say(&format!(
                "every SIM was held within {:.0} %",
                TOLERANCE * 100.0
            ));
        }
        bail!("{}", complaints.join("; "))
    }

    /// What is wrong with a group between two marks; both ways are told.
    fn judged(&self, group: &Group, limit: Rate, from: &Mark, to: &Mark) -> Result<Vec<String>> {
        let time = to.at.duration_since(from.at);
        let of_group = |counts: &Vec<u64>| counts.get(group.places()).map(<[u64]>::to_vec);
        let mut text = format!(
            "{:<16}{:>12} over {:>4.1} s",
            group.name,
            limit.to_string(),
            time.as_secs_f64()
        );
        let mut complaints = Vec::new();
        for (way, before, after) in [
            ("up", &from.uplink, &to.uplink),
            ("down", &from.downlink, &to.downlink),
        ] {
            let counts = of_group(before).zip(of_group(after)).context("no counts")?;
            let deviation = Deviation::new(limit, self.plan.size, &counts.0, &counts.1, time);
            let deviation = deviation.context("no SIMs")?;
            text += &format!(
                "   {way} median {:+.2} %, worst {:+.2} %",
                deviation.median * 100.0,
                deviation.worst * 100.0
            );
            complaints.extend(complaint(way, group, &deviation));
        }
        say(&text)?;
        Ok(complaints)
    }
}

fn complaint(way: &str, group: &Group, deviation: &Deviation) -> Option<String> {
    (!deviation.is_held()).then(|| {
        let place = u32::try_from(deviation.worst_sim).unwrap_or_default();
        let percent = deviation.worst * 100.0;
        let ue = ue_address(group.sims.start + place);
        format!("{way}: SIM {ue} was {percent:+.1} % off its limit")
    })
}

/// Gives SIMs their speed classes over REST, but for those of the default one.
fn assign(agent: &Agent, plan: &Plan) -> Result<()> {
    let sims = plan.groups.iter().flat_map(|group| {
        let class = group.class.into_iter();
        class.flat_map(|class| {
            let sims = group.sims.clone();
            sims.map(move |sim| json!({"imsi": imsi_of(sim), "class": class.name}))
        })
    });
    let sims = sims.collect::<Vec<_>>();
    if sims.is_empty() {
        return Ok(());
    }
    let answer = agent.patch("/v1/sims", &json!({"sims": sims}).to_string())?;
    say(&format!("PATCH /v1/sims: {}", answer.trim()))
}

/// The IMSI of the SIM with this number.
fn imsi_of(sim: u32) -> String {
    format!("{:015}", imsi(sim))
}

/// In the test network 001/01.
fn imsi(sim: u32) -> u64 {
    1_010_000_000_000 + u64::from(sim)
}

/// Establishes all sessions, then tells the UPF the gNB's tunnels, as SMFs do.
fn establish(control: &mut ControlPlane, plan: &Plan) -> Result<Vec<Established>> {
    let by_qer = plan.groups.first().filter(|group| group.class.is_none());
    let session = |sim: u32| Session {
        seid: u64::from(sim) + 1,
        ue: ue_address(sim),
        kilobits: by_qer.map(|group| group.rate.kilobits()),
        qfi: QFI,
        imsi: Some(imsi(sim)),
        volume_threshold: None,
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
    let active = plan.active();
    let all = if active == plan.sims {
        format!("{active} SIMs")
    } else {
        format!(
            "{active} of {} SIMs (as many as the generator can serve)",
            plan.sims
        )
    };
    format!(
        "traffic: {all}, {}-byte packets, {:.0} packets/s offered each way\n",
        plan.size,
        plan.offered(),
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
