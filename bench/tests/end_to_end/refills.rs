//! An SMF that grants quotas as a charging function does (Gy): for each usage report a new one, a thousand times with
//! `cargo xtask test --long`. Traffic never stands still for long, and nothing passes that was not granted.

mod traffic;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bench::ue::Ue;
use serde_json::Value;
use upf_user::testing;

use crate::{
    capture::Capture,
    smf::charging::{Charged, Grant, URR, Usage},
    world::{QFI, TUNNEL, UE, World, reaches, server},
};
use traffic::{PACKET, Traffic};

const IMSI: &str = "001010000000001";
/// What another report may take.
const PROGRESS: Duration = Duration::from_secs(5);
/// For how long no packet may arrive, beyond what the SMF takes to grant a new quota.
const STALL: Duration = Duration::from_millis(250);
/// The directions may be on different cores: of each, one packet may pass beyond a quota.
const BEYOND: u64 = 2 * PACKET;

fn refills() -> usize {
    testing::amount(100, 1000)
}

/// A session that is charged, with its UE and a recording of what the UPF and its SMF say.
struct Charge {
    // Goes first.
    _ue: Ue,
    world: World,
    n4: Capture,
    session: Charged,
}

/// What is known when it is over.
struct Account {
    usage: Vec<Usage>,
    /// Bytes that the UPF has forwarded, up and down.
    forwarded: [u64; 2],
    /// Packets that quotas have stopped.
    stopped: f64,
    /// The longest time without a packet, of both directions together.
    gap: Duration,
}

impl Charge {
    fn begin(grant: Grant) -> Result<Self> {
        let mut world = World::new()?;
        let n4 = Capture::start(&world.topology, &world.topology.ran, "smf")?;
        let session = world.smf.charge(IMSI, grant)?;
        let ran = &world.topology.ran;
        let address = format!("{UE}/32");
        let ue = Ue::attach(
            &world.home,
            &[&address],
            ran,
            &[TUNNEL],
            session.uplink,
            Some(QFI),
        )?;
        reaches(&world.home, &server())?;
        Ok(Self {
            _ue: ue,
            world,
            n4,
            session,
        })
    }

    /// Traffic goes both ways until so many quotas were granted for reports.
    fn refill(mut self, grant: Grant, times: usize) -> Result<Account> {
        self.world.smf.refill(grant, times)?;
        let traffic = Traffic::start(&self.world)?;
        // The last grant brings a report that is answered with none.
        self.world.smf.reported(times + 1, PROGRESS)?;
        let gap = traffic.end();
        self.look()?;
        let forwarded = self.forwarded()?;
        let stopped = self.stopped()?;
        ensure!(self.world.smf.delete(1)? == 1, "the deletion is refused");
        let usage = self.world.smf.usage()?;
        let account = Account {
            usage,
            forwarded,
            stopped,
            gap,
        };
        account.check(times)?;
        self.judge(&account.usage)?;
        Ok(account)
    }

    fn forwarded(&self) -> Result<[u64; 2]> {
        let bytes = |direction| {
            let labels = [("direction", direction)];
            anyhow::Ok(self.world.metric("upf_bytes_total", &labels)? as u64)
        };
        Ok([bytes("uplink")?, bytes("downlink")?])
    }

    fn stopped(&self) -> Result<f64> {
        let up = self.world.dropped("uplink", "quota_exhausted")?;
        Ok(up + self.world.dropped("downlink", "quota_exhausted")?)
    }

    /// What the REST API shows of the session and its SIM is what has been counted and reported until now.
    fn look(&mut self) -> Result<()> {
        let [up, down] = self.forwarded()?;
        let usage = self.world.smf.usage()?;
        let last = usage.last().context("no report")?;
        let told: u64 = usage.iter().map(|usage| usage.total).sum();
        let get = |path: String| -> Result<Value> {
            Ok(serde_json::from_str(&self.world.agent.get(&path)?)?)
        };
        let session = get(format!("/v1/sessions/{}/usage", self.session.seid))?;
        let urr = &session["urrs"][0];
        let shown = [
            (&urr["id"], u64::from(URR)),
            (&urr["counted"]["uplink"]["bytes"], up),
            (&urr["counted"]["downlink"]["bytes"], down),
            (&urr["counted"]["total"]["bytes"], up + down),
            (&urr["unreported"]["total"]["bytes"], up + down - told),
            (&urr["last_sequence"], u64::from(last.sequence)),
        ];
        for (value, expected) in shown {
            ensure!(value.as_u64() == Some(expected), "{expected} in {session}");
        }
        let sim = get(format!("/v1/sims/{IMSI}/usage"))?;
        let is_same = sim["sessions"][0]["urrs"][0]["counted"] == urr["counted"];
        let passed = &sim["passed"]["total"]["bytes"];
        ensure!(*passed == up + down && is_same, "{sim} and {session}");
        self.world
            .reached("upf_usage_reports_total", &[], usage.len() as f64, PROGRESS)?;
        let waiting = self.world.metric("upf_usage_reports_unacknowledged", &[])?;
        ensure!(waiting == 0.0, "{waiting} reports wait");
        Ok(())
    }

    /// tshark understands every message, and reads the same volumes in the same reports.
    fn judge(self, usage: &[Usage]) -> Result<()> {
        const REPORTS: &str = "ip.src == 10.100.0.2 && pfcp.volume_measurement.tovol";
        let n4 = self.n4.end()?;
        n4.judge("pfcp", 2 * usage.len())?;
        let fields = [
            "pfcp.ur_seqn",
            "pfcp.volume_measurement.tovol",
            "pfcp.volume_measurement.ulvol",
            "pfcp.volume_measurement.dlvol",
        ];
        let text = n4.fields(REPORTS, &fields)?;
        let mut read = Vec::new();
        for line in text.lines() {
            let columns = line.split('\t').map(|column| {
                let numbers = column.split(',').map(|text| Ok(text.trim().parse()?));
                numbers.collect::<Result<Vec<u64>>>()
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            let rows = (0..columns[0].len()).map(|row| {
                let cell = |column: usize| columns[column].get(row).copied();
                Some([cell(0)?, cell(1)?, cell(2)?, cell(3)?])
            });
            read.extend(rows.collect::<Option<Vec<_>>>().context(line.to_owned())?);
        }
        // Requests may have been sent twice.
        read.dedup();
        let told = usage.iter().map(|one| {
            let sequence = u64::from(one.sequence);
            [sequence, one.total, one.uplink, one.downlink]
        });
        let told: Vec<_> = told.collect();
        ensure!(read == told, "tshark reads {read:?}, scapy {told:?}");
        Ok(())
    }
}

impl Account {
    /// Each report is there, once and in order, and together they tell what was forwarded.
    fn check(&self, refills: usize) -> Result<()> {
        let usage = &self.usage;
        ensure!(usage.len() >= refills + 2, "{} reports", usage.len());
        let refilled = usage.iter().filter(|one| one.refilled).count();
        ensure!(refilled == refills, "{refilled} of {refills} refills");
        for (number, one) in (0..).zip(usage) {
            ensure!((one.urr, one.sequence) == (URR, number), "{one:?}");
            ensure!(one.total == one.uplink + one.downlink, "{one:?}");
        }
        for pair in usage.windows(2) {
            let follows = pair[0].end == pair[1].start && pair[0].came <= pair[1].came;
            ensure!(follows, "{pair:?}");
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let (first, last) = (&usage[0], &usage[usage.len() - 1]);
        let minutes = refills as u64 + 60;
        ensure!(
            first.start + minutes > now && last.end <= now,
            "{first:?} {last:?}"
        );
        ensure!(last.triggers == ["TERMR"], "{last:?}");
        let told = |of: fn(&Usage) -> u64| usage.iter().map(of).sum::<u64>();
        let told = [told(|one| one.uplink), told(|one| one.downlink)];
        ensure!(told == self.forwarded, "{told:?} of {:?}", self.forwarded);
        Ok(())
    }

    /// How long the SMF took for a new quota at most.
    fn slowest(&self) -> Duration {
        let seconds = self.usage.iter().map(|one| one.seconds);
        Duration::from_secs_f64(seconds.fold(0.0, f64::max))
    }

    fn goes_on(&self) -> Result<()> {
        let bound = self.slowest() + STALL;
        println!(
            "{} reports, {} bytes; the SMF took {:?} at most, no packet for {:?}, {} stopped",
            self.usage.len(),
            self.forwarded[0] + self.forwarded[1],
            self.slowest(),
            self.gap,
            self.stopped
        );
        ensure!(self.gap < bound, "no packet for {:?}", self.gap);
        Ok(())
    }
}

#[test]
fn a_threshold_in_time_keeps_traffic_going() -> Result<()> {
    // A report each 60 ms or so, and most of a second until the quota is used up.
    let grant = Grant {
        threshold: 200_000,
        quota: 3_000_000,
        validity: 600,
    };
    let account = Charge::begin(grant)?.refill(grant, refills())?;
    let (_, reports) = account.usage.split_last().context("reports")?;
    for one in reports {
        ensure!(one.triggers.contains(&"VOLTH".to_owned()), "{one:?}");
        ensure!(one.total >= grant.threshold, "{one:?}");
    }
    account.goes_on()?;
    // Nothing was stopped, unless the SMF slept.
    let has_slept = account.slowest() > Duration::from_millis(300);
    ensure!(
        account.stopped == 0.0 || has_slept,
        "{} packets stopped",
        account.stopped
    );
    Ok(())
}

#[test]
fn a_quota_that_is_used_up_stops_and_goes_on_with_the_next() -> Result<()> {
    let grant = Grant {
        quota: 40_000,
        ..Grant::default()
    };
    let account = Charge::begin(grant)?.refill(grant, refills())?;
    let (_, reports) = account.usage.split_last().context("reports")?;
    for one in reports {
        ensure!(one.triggers == ["VOLQU"], "{one:?}");
        ensure!(one.total > grant.quota - PACKET, "{one:?}");
        ensure!(one.total <= grant.quota + BEYOND, "{one:?}");
    }
    let granted = (refills() as u64 + 1) * grant.quota;
    let passed = account.forwarded[0] + account.forwarded[1];
    ensure!(passed <= granted + BEYOND, "{passed} of {granted} bytes");
    ensure!(account.stopped > 0.0, "nothing was stopped");
    account.goes_on()
}

#[test]
fn a_quota_whose_validity_is_over_stops_too() -> Result<()> {
    let grant = Grant {
        quota: 1 << 30,
        validity: 1,
        ..Grant::default()
    };
    let times = testing::amount(2, 10);
    let account = Charge::begin(grant)?.refill(grant, times)?;
    let (_, reports) = account.usage.split_last().context("reports")?;
    for one in reports {
        ensure!(one.triggers == ["QUVTI"], "{one:?}");
    }
    for pair in reports.windows(2) {
        // From the grant on, which came so long after the report.
        let valid = pair[1].came - pair[0].came - pair[0].seconds;
        ensure!((0.7..1.5).contains(&valid), "{valid} s: {pair:?}");
    }
    ensure!(account.stopped > 0.0, "nothing was stopped");
    account.goes_on()
}
