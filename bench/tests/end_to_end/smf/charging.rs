//! Sessions that the SMF charges: it grants quotas, and a new one for each usage report.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::ue::Endpoint;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Created, Smf, accepted, json_of};
use crate::world::{QFI, TUNNEL, UE};

/// The URR of such a session.
pub(crate) const URR: u32 = 7;
/// PDR IDs.
const DOWNLINK: u16 = 1;
const UPLINK: u16 = 2;

/// What is granted at a time, in bytes of both directions and in seconds; 0 for none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Grant {
    pub(crate) threshold: u64,
    pub(crate) quota: u64,
    pub(crate) validity: u32,
}

/// A usage report, as scapy reads it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Usage {
    pub(crate) urr: u32,
    /// UR-SEQN.
    pub(crate) sequence: u32,
    /// Names of its triggers.
    pub(crate) triggers: Vec<String>,
    /// Bytes.
    pub(crate) total: u64,
    pub(crate) uplink: u64,
    pub(crate) downlink: u64,
    /// Seconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// When it came, in seconds of the SMF's clock.
    pub(crate) came: f64,
    /// Whether the UPF has accepted a new quota for it.
    #[serde(default)]
    pub(crate) refilled: bool,
    /// How long that took from the report on, in seconds.
    #[serde(default)]
    pub(crate) seconds: f64,
}

/// A session that is charged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charged {
    /// UP SEID.
    pub(crate) seid: u64,
    /// Where the UE's packets go to.
    pub(crate) uplink: Endpoint,
}

impl Grant {
    fn json(self) -> Value {
        let Self {
            threshold,
            quota,
            validity,
        } = self;
        json!({"id": URR, "threshold": threshold, "quota": quota, "validity": validity})
    }
}

impl Smf {
    /// Session 1 of this SIM, all of whose packets are charged by one URR.
    pub(crate) fn charge(&mut self, imsi: &str, grant: Grant) -> Result<Charged> {
        let pdr = |id: u16, from: &str| {
            json!({
                "id": id, "from": from, "instance": "internet", "ue": [UE], "far": id, "urrs": [URR],
            })
        };
        let mut uplink = pdr(UPLINK, "Access");
        uplink["choose"] = json!(5);
        uplink["qfi"] = json!(QFI);
        let rules = json!({
            "pdrs": [pdr(DOWNLINK, "Core"), uplink],
            "fars": [
                {"id": DOWNLINK, "to": "Access", "tunnel": json_of(TUNNEL)},
                {"id": UPLINK, "to": "Core", "instance": "internet"},
            ],
            "urrs": [grant.json()],
        });
        let answer =
            self.ask(json!({"do": "create", "session": 1, "imsi": imsi, "rules": rules}))?;
        accepted(&answer, 1)?;
        let created = Created::read(&answer)?;
        Ok(Charged {
            seid: answer["seid"].as_u64().context("no SEID")?,
            uplink: created.tunnels[&UPLINK],
        })
    }

    /// From now on a report of session 1 is answered with a new quota, so many times in all.
    pub(crate) fn refill(&mut self, grant: Grant, times: usize) -> Result<()> {
        let command = json!({"do": "refills", "session": 1, "grant": grant.json(), "times": times});
        self.ask(command).map(drop)
    }

    /// The usage reports so far, each once, in the order of their coming.
    pub(crate) fn usage(&mut self) -> Result<Vec<Usage>> {
        let answer = self.ask(json!({"do": "usage"}))?;
        Ok(serde_json::from_value(answer["reports"].clone())?)
    }

    /// Waits until there are so many of them; `progress` is what another one may take.
    pub(crate) fn reported(&mut self, count: usize, progress: Duration) -> Result<Vec<Usage>> {
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            let usage = self.usage()?;
            if usage.len() >= count {
                return Ok(usage);
            }
            if usage.len() > seen {
                (seen, since) = (usage.len(), Instant::now());
            }
            ensure!(
                since.elapsed() < progress,
                "nothing more after {seen} of {count} usage reports: {:?}",
                usage.last()
            );
            // Each look is work for the SMF, which has other things to do.
            thread::sleep(Duration::from_millis(250));
        }
    }
}
