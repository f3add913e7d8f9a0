//! What the lab shows while it runs: a table that is redrawn on a terminal, lines in a pipe.

use std::{
    collections::{BTreeMap, VecDeque},
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use super::{
    plan::Plan,
    rate::bits,
    traffic::{Direction, Traffic},
};
use crate::{
    control::ue_address,
    topology::{Sample, samples},
};

/// One SIM's rate is averaged over so many seconds: a slow SIM has few packets in one.
const WINDOW: usize = 5;

/// Counters at one moment.
#[derive(Clone, Debug)]
struct Reading {
    at: Instant,
    ways: [Way; 2],
    /// Packets dropped so far, by direction and reason.
    drops: BTreeMap<(String, String), f64>,
    sessions: f64,
}

#[derive(Clone, Debug)]
struct Way {
    offered: u64,
    delivered: u64,
    /// Of the one SIM that is shown.
    sim: u64,
}

impl Way {
    fn new(direction: &Direction) -> Self {
        let delivered = direction.snapshot();
        Self {
            offered: direction.offered.load(Relaxed),
            delivered: delivered.iter().sum(),
            sim: delivered.first().copied().unwrap_or_default(),
        }
    }
}

/// The live view.
#[derive(Debug)]
pub(super) struct View {
    plan: Plan,
    start: Instant,
    readings: VecDeque<Reading>,
    /// Lines of the last drawing, on a terminal.
    drawn: Option<usize>,
}

impl View {
    /// A view of traffic that starts now.
    #[must_use]
    pub(super) fn new(plan: Plan) -> Self {
        let drawn = io::stdout().is_terminal().then_some(0);
        Self {
            plan,
            start: Instant::now(),
            readings: VecDeque::new(),
            drawn,
        }
    }

    /// Shows what has changed since the last call; `metrics` is the agent's page.
    ///
    /// # Errors
    /// When nobody reads standard output any more.
    pub(super) fn show(&mut self, traffic: &Traffic, metrics: &str) -> io::Result<()> {
        let ways = [Way::new(&traffic.uplink), Way::new(&traffic.downlink)];
        let (drops, sessions) = read(metrics);
        self.readings.push_back(Reading {
            at: Instant::now(),
            ways,
            drops,
            sessions,
        });
        if self.readings.len() > WINDOW + 1 {
            self.readings.pop_front();
        }
        let (Some(first), Some(last)) = (self.readings.front(), self.readings.back()) else {
            return Ok(());
        };
        let Some(before) = self.readings.iter().rev().nth(1) else {
            return Ok(());
        };
        let mut output = io::stdout().lock();
        if let Some(lines) = &mut self.drawn {
            let table = table(&self.plan, self.start.elapsed(), first, before, last);
            // Back to the first line of the last drawing, and clear what follows.
            if *lines > 0 {
                write!(output, "\x1b[{lines}A\x1b[J")?;
            }
            *lines = table.lines().count();
            output.write_all(table.as_bytes())?;
        } else {
            let line = line(&self.plan, self.start.elapsed(), first, before, last);
            writeln!(output, "{line}")?;
        }
        output.flush()
    }
}

fn read(metrics: &str) -> (BTreeMap<(String, String), f64>, f64) {
    let mut drops = BTreeMap::new();
    let mut sessions = 0.0;
    for sample in samples(metrics) {
        match sample.name {
            "upf_dropped_packets_total" => {
                let label = |name| Sample::label(&sample, name).unwrap_or_default().to_owned();
                drops.insert((label("direction"), label("reason")), sample.value);
            }
            "upf_sessions" => sessions = sample.value,
            _ => {}
        }
    }
    (drops, sessions)
}

/// Counts a second between two readings.
struct Rates<'a> {
    before: &'a Reading,
    after: &'a Reading,
    bits_per_packet: f64,
}

impl<'a> Rates<'a> {
    fn new(plan: &Plan, before: &'a Reading, after: &'a Reading) -> Self {
        Self {
            before,
            after,
            bits_per_packet: f64::from(plan.size) * 8.0,
        }
    }

    fn per_second(&self, way: usize, count: impl Fn(&Way) -> u64) -> f64 {
        let change = count(&self.after.ways[way]).saturating_sub(count(&self.before.ways[way]));
        change as f64 / self.seconds()
    }

    fn bits(&self, packets_per_second: f64) -> String {
        bits(packets_per_second * self.bits_per_packet)
    }

    fn drops(&self) -> Vec<String> {
        let rate = |(key, after): (&(String, String), &f64)| {
            let before = self.before.drops.get(key).copied().unwrap_or_default();
            let per_second = (after - before) / self.seconds();
            (per_second > 0.0).then(|| format!("{} {}: {per_second:.0}/s", key.0, key.1))
        };
        self.after.drops.iter().filter_map(rate).collect()
    }

    fn seconds(&self) -> f64 {
        self.after
            .at
            .duration_since(self.before.at)
            .as_secs_f64()
            .max(1e-3)
    }
}

fn table(plan: &Plan, time: Duration, first: &Reading, before: &Reading, last: &Reading) -> String {
    let (now, lately) = (
        Rates::new(plan, before, last),
        Rates::new(plan, first, last),
    );
    let mut text = format!(
        "{:>4.0} s   {:.0} of {} sessions\n\n{:12}{:>32}{:>32}\n",
        time.as_secs_f64(),
        last.sessions,
        plan.sims,
        "",
        "offered",
        "delivered"
    );
    for (way, name) in ["uplink", "downlink"].into_iter().enumerate() {
        let offered = now.per_second(way, |way| way.offered);
        let delivered = now.per_second(way, |way| way.delivered);
        text += &format!(
            "{name:12}{:>18}{:>14}{:>18}{:>14}\n",
            format!("{offered:.0} packets/s"),
            now.bits(offered),
            format!("{delivered:.0} packets/s"),
            now.bits(delivered)
        );
    }
    let sim = |way| lately.bits(lately.per_second(way, |way| way.sim));
    text += &format!(
        "\nSIM {:20}up {}, down {}, limit {}\n",
        ue_address(0).to_string(),
        sim(0),
        sim(1),
        plan.rate
    );
    let drops = now.drops();
    text += "dropped     ";
    text += &if drops.is_empty() {
        "nothing".to_owned()
    } else {
        drops.join("\n            ")
    };
    text.push('\n');
    text
}

fn line(plan: &Plan, time: Duration, first: &Reading, before: &Reading, last: &Reading) -> String {
    let (now, lately) = (
        Rates::new(plan, before, last),
        Rates::new(plan, first, last),
    );
    let delivered = |way| {
        let packets = now.per_second(way, |way| way.delivered);
        format!("{packets:.0} packets/s {}", now.bits(packets))
    };
    let sim = |way| lately.bits(lately.per_second(way, |way| way.sim));
    let drops = now.drops();
    let drops = if drops.is_empty() {
        "nothing".to_owned()
    } else {
        drops.join(", ")
    };
    format!(
        "{:3.0} s | {:.0} sessions | up {} | down {} | {} up {} down {} of {} | dropped {drops}",
        time.as_secs_f64(),
        last.sessions,
        delivered(0),
        delivered(1),
        ue_address(0),
        sim(0),
        sim(1),
        plan.rate,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "upf_sessions 3\n\
        upf_dropped_packets_total{direction=\"uplink\",reason=\"rate_limited\"} 50\n\
        upf_dropped_packets_total{direction=\"downlink\",reason=\"far_drop\"} 0\n";

    fn reading(at: Instant, packets: u64, page: &str) -> Reading {
        let way = Way {
            offered: packets * 2,
            delivered: packets,
            sim: packets / 10,
        };
        let (drops, sessions) = read(page);
        Reading {
            at,
            ways: [way.clone(), way],
            drops,
            sessions,
        }
    }

    #[test]
    fn a_line_tells_rates_and_drops() {
        let plan = Plan::new(3, Some("1 Mbit/s".parse().unwrap()), 1000);
        let start = Instant::now();
        let before = reading(start, 0, "");
        let after = reading(start + Duration::from_secs(2), 1000, PAGE);
        let text = line(&plan, Duration::from_secs(2), &before, &before, &after);
        for part in [
            "3 sessions",
            "up 500 packets/s 4.00 Mbit/s",
            "up 400.0 kbit/s",
            "of 1 Mbit/s",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            text.ends_with("dropped uplink rate_limited: 25/s"),
            "{text}"
        );
        let table = table(&plan, Duration::from_secs(2), &before, &before, &after);
        assert!(
            table.contains("1000 packets/s") && table.contains("rate_limited: 25/s"),
            "{table}"
        );
    }
}
