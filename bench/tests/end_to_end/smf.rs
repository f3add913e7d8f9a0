//! The SMF made of scapy: `peer/smf.py`, spoken to over a pipe.

pub(crate) mod charging;

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::Namespace,
    pfcp::Tunnel,
    topology::{N4, SMF},
    ue::Endpoint,
};
use serde::Deserialize;
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer/smf.py");

/// The SMF; its process ends with it.
pub(crate) struct Smf {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What the UPF says of itself in an association setup.
#[derive(Debug, Deserialize)]
pub(crate) struct Association {
    pub(crate) cause: u8,
    pub(crate) node: String,
    pub(crate) recovery: u32,
    pub(crate) ftup: u8,
}

/// What the UPF tells by itself: a node report or a session report.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Report {
    /// `node` or `session`.
    pub(crate) kind: String,
    /// The session's number.
    pub(crate) session: u64,
    /// Node Report Type or Report Type.
    #[serde(rename = "type")]
    pub(crate) report_type: u8,
    /// Peers whose paths have failed.
    pub(crate) failed: Vec<Ipv4Addr>,
    /// Peers whose paths have recovered.
    pub(crate) recovered: Vec<Ipv4Addr>,
    /// Tunnels that their peers do not know.
    pub(crate) unknown: Vec<FTeid>,
}

/// The tunnel that the UPF allocated, and the session's UP SEID.
#[derive(Debug, Deserialize)]
pub(crate) struct UplinkTunnel {
    pub(crate) teid: u32,
    pub(crate) address: String,
    pub(crate) seid: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct FTeid {
    pub(crate) teid: u32,
    pub(crate) address: Ipv4Addr,
}

/// What the UPF chose for a session's PDRs, by their IDs.
#[derive(Debug)]
pub(crate) struct Created {
    pub(crate) tunnels: HashMap<u16, Endpoint>,
    pub(crate) ues: HashMap<u16, UeAddresses>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UeAddresses {
    pub(crate) v4: Option<Ipv4Addr>,
    pub(crate) v6: Option<Ipv6Addr>,
}

#[derive(Deserialize)]
struct AnyFTeid {
    teid: u32,
    address: IpAddr,
}

impl Created {
    fn read(answer: &Value) -> Result<Self> {
        let tunnels: HashMap<u16, AnyFTeid> = serde_json::from_value(answer["tunnels"].clone())?;
        Ok(Self {
            tunnels: tunnels
                .into_iter()
                .map(|(pdr, AnyFTeid { teid, address })| (pdr, Endpoint { teid, address }))
                .collect(),
            ues: serde_json::from_value(answer["ues"].clone())?,
        })
    }
}

impl UplinkTunnel {
    pub(crate) fn tunnel(&self) -> Result<Tunnel> {
        Ok(Tunnel {
            teid: self.teid,
            address: self.address.parse()?,
        })
    }
}

impl Smf {
    /// The SMF of the topology.
    pub(crate) fn start(namespace: &Namespace) -> Result<Self> {
        Self::at(namespace, SMF, *N4.ip())
    }

    /// A control plane at this address for the UPF at that one.
    pub(crate) fn at(namespace: &Namespace, address: Ipv4Addr, upf: Ipv4Addr) -> Result<Self> {
        let mut command = Command::new("/usr/bin/python3");
        // Without compiled scripts beside the scripts.
        command
            .args(["-B", SCRIPT, &address.to_string(), &upf.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = namespace.spawn_child(&mut command)?;
        let input = child.stdin.take().context("piped")?;
        let output = BufReader::new(child.stdout.take().context("piped")?);
        Ok(Self {
            child,
            input,
            output,
        })
    }

    pub(crate) fn associate(&mut self) -> Result<Association> {
        Ok(serde_json::from_value(
            self.ask(json!({"do": "associate"}))?,
        )?)
    }

    /// Waits until the UPF sets the association up, and accepts it.
    pub(crate) fn accept(&mut self) -> Result<Association> {
        Ok(serde_json::from_value(self.ask(json!({"do": "accept"}))?)?)
    }

    /// Waits until the UPF asks for its release, and releases it if that is wanted: the period that it gives, seconds.
    pub(crate) fn release_when_asked(&mut self, releases: bool) -> Result<u64> {
        let answer = self.ask(json!({"do": "release_when_asked", "releases": releases}))?;
        answer["period"].as_u64().context("no period")
    }

    /// Forgets everything, as a restart makes it.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.ask(json!({"do": "restart"})).map(drop)
    }

    /// Heartbeat requests of the UPF so far, each of them answered.
    pub(crate) fn heartbeats(&mut self) -> Result<u64> {
        let answer = self.ask(json!({"do": "heartbeats_seen"}))?;
        answer["count"].as_u64().context("no count")
    }

    /// What the UPF has told by itself so far, each of it accepted.
    pub(crate) fn reports(&mut self) -> Result<Vec<Report>> {
        let answer = self.ask(json!({"do": "reports"}))?;
        Ok(serde_json::from_value(answer["reports"].clone())?)
    }

    /// Waits until the UPF has told by itself what is asked for.
    pub(crate) fn told(
        &mut self,
        what: impl Fn(&Report) -> bool,
        patience: Duration,
    ) -> Result<Report> {
        let begin = Instant::now();
        loop {
            let reports = self.reports()?;
            if let Some(report) = reports.iter().find(|report| what(report)) {
                return Ok(report.clone());
            }
            ensure!(begin.elapsed() < patience, "the UPF has told {reports:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Establishes a session for a UE's IPv4 address, or its IPv6 prefix.
    pub(crate) fn establish(
        &mut self,
        session: u64,
        ue: &str,
        kilobits: Option<u64>,
        qfi: Option<u8>,
    ) -> Result<UplinkTunnel> {
        self.establish_for(None, session, ue, kilobits, qfi)
    }

    /// The same for the SIM with this IMSI.
    pub(crate) fn establish_for(
        &mut self,
        imsi: Option<&str>,
        session: u64,
        ue: &str,
        kilobits: Option<u64>,
        qfi: Option<u8>,
    ) -> Result<UplinkTunnel> {
        let family = if ue.contains(':') { "ipv6" } else { "ipv4" };
        let answer = self.ask(json!({
            "do": "establish", "session": session, family: ue, "rate": kilobits, "qfi": qfi,
            "imsi": imsi,
        }))?;
        accepted(&answer, session)?;
        Ok(serde_json::from_value(answer)?)
    }

    /// Establishes a session of these rules; `peer/rules.py` says how they are written.
    pub(crate) fn create(&mut self, session: u64, pdn: &str, rules: Value) -> Result<Created> {
        let command = json!({"do": "create", "session": session, "pdn": pdn, "rules": rules});
        let answer = self.ask(command)?;
        accepted(&answer, session)?;
        Created::read(&answer)
    }

    /// Changes a session: what to `create`, `update` and `remove`.
    pub(crate) fn change(&mut self, session: u64, changes: Value) -> Result<Created> {
        let mut command = json!({"do": "change", "session": session});
        merge(&mut command, changes);
        let answer = self.ask(command)?;
        accepted(&answer, session)?;
        Created::read(&answer)
    }

    /// Says which flows applications have: flow descriptions by application ID.
    pub(crate) fn applications(&mut self, flows: Value) -> Result<()> {
        let answer = self.ask(json!({"do": "applications", "flows": flows}))?;
        ensure!(answer["cause"] == 1, "refused: {answer}");
        Ok(())
    }

    /// Establishes session 1 as a control plane of that profile does; the tunnels by PDR ID.
    pub(crate) fn profile(&mut self, name: &str, more: Value) -> Result<HashMap<u16, Tunnel>> {
        let mut command = json!({"do": "profile", "session": 1, "name": name});
        merge(&mut command, more);
        let answer = self.ask(command)?;
        accepted(&answer, 1)?;
        let tunnels: HashMap<u16, FTeid> = serde_json::from_value(answer["tunnels"].clone())?;
        Ok(tunnels
            .into_iter()
            .map(|(pdr, FTeid { teid, address })| (pdr, Tunnel { teid, address }))
            .collect())
    }

    /// Joins the tunnels of session 1, a serving gateway's, to those of its neighbours.
    pub(crate) fn join(&mut self, access: Tunnel, core: Tunnel) -> Result<()> {
        let command = json!({"do": "join", "access": json_of(access), "core": json_of(core)});
        self.modify(1, command)
    }

    pub(crate) fn tunnel(&mut self, session: u64, tunnel: Tunnel) -> Result<()> {
        let mut command = json!({"do": "tunnel"});
        merge(&mut command, json_of(tunnel));
        self.modify(session, command)
    }

    /// The downlink goes to another tunnel, and the old one is ended with an End Marker (SNDEM).
    pub(crate) fn hand_over(&mut self, session: u64, tunnel: Tunnel) -> Result<()> {
        let mut command = json!({"do": "tunnel", "end_marker": true});
        merge(&mut command, json_of(tunnel));
        self.modify(session, command)
    }

    /// What the session's UE sends is copied into the tunnel.
    pub(crate) fn duplicate(&mut self, session: u64, tunnel: Tunnel) -> Result<()> {
        let mut command = json!({"do": "duplicate"});
        merge(&mut command, json_of(tunnel));
        self.modify(session, command)
    }

    /// The UE went to sleep: buffer, and tell the control plane.
    pub(crate) fn idle(&mut self, session: u64) -> Result<()> {
        self.modify(session, json!({"do": "idle"}))
    }

    pub(crate) fn rate(&mut self, session: u64, kilobits: u64) -> Result<()> {
        self.modify(session, json!({"do": "rate", "rate": kilobits}))
    }

    pub(crate) fn gates(&mut self, session: u64, uplink: &str, downlink: &str) -> Result<()> {
        self.modify(
            session,
            json!({"do": "gate", "uplink": uplink, "downlink": downlink}),
        )
    }

    fn modify(&mut self, session: u64, mut command: Value) -> Result<()> {
        command["session"] = session.into();
        let answer = self.ask(command)?;
        accepted(&answer, session)
    }

    /// The cause of the answer to a deletion.
    pub(crate) fn delete(&mut self, session: u64) -> Result<u64> {
        let answer = self.ask(json!({"do": "delete", "session": session}))?;
        answer["cause"].as_u64().context("no cause")
    }

    pub(crate) fn release(&mut self) -> Result<()> {
        let answer = self.ask(json!({"do": "release"}))?;
        ensure!(answer["cause"] == 1, "release refused: {answer}");
        Ok(())
    }

    /// Sends the last request again; whether the answer is byte for byte the same.
    pub(crate) fn repeat(&mut self) -> Result<bool> {
        self.ask(json!({"do": "repeat"}))?["same"]
            .as_bool()
            .context("no answer")
    }

    fn ask(&mut self, command: Value) -> Result<Value> {
        writeln!(self.input, "{command}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        ensure!(
            !line.is_empty(),
            "the SMF ended (python3-scapy?) at {command}"
        );
        let answer: Value = serde_json::from_str(&line)?;
        ensure!(answer.get("error").is_none(), "{command}: {answer}");
        Ok(answer)
    }
}

impl Drop for Smf {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A tunnel as the SMF takes it.
pub(crate) fn json_of(tunnel: Tunnel) -> Value {
    json!({"teid": tunnel.teid, "address": tunnel.address.to_string()})
}

fn merge(command: &mut Value, more: Value) {
    if let (Value::Object(command), Value::Object(more)) = (command, more) {
        command.extend(more);
    }
}

fn accepted(answer: &Value, session: u64) -> Result<()> {
    ensure!(answer["cause"] == 1, "refused: {answer}");
    ensure!(
        answer["header_seid"] == session,
        "not to our SEID: {answer}"
    );
    Ok(())
}
