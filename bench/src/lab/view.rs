//! What the lab shows while it runs: a table that is redrawn on a terminal, and goes on in a pipe.

use std::{
    collections::VecDeque,
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use upf_user::bandwidth::Rate;

use super::{
    plan::{Class, Plan},
    rate::bits,
    traffic::Traffic,
};
use crate::topology::samples;

/// Rates of SIMs are averaged over so many seconds: a slow SIM has few packets in one.
const WINDOW: usize = 5;

/// Counters at one moment.
#[derive(Clone, Debug)]
struct Reading {
    at: Instant,
    /// Packets that were offered, up and down.
    offered: [u64; 2],
    /// Packets that arrived, up and down, of each group.
    delivered: [Vec<u64>; 2],
    /// Packets that the UPF dropped of each group.
    dropped: Vec<f64>,
    sessions: f64,
}

/// The live view.
#[derive(Debug)]
pub(super) struct View {
    plan: Plan,
    /// The limit of each group now, and its class.
    limits: Vec<(Rate, Option<Class>)>,
    start: Instant,
    readings: VecDeque<Reading>,
    /// Lines of the last drawing, on a terminal.
    drawn: Option<usize>,
}

impl View {
    /// A view of traffic that starts now.
    #[must_use]
    pub(super) fn new(plan: Plan) -> Self {
        let groups = plan.groups.iter();
        Self {
            limits: groups.map(|group| (group.rate, group.class)).collect(),
            plan,
            start: Instant::now(),
            readings: VecDeque::new(),
            drawn: io::stdout().is_terminal().then_some(0),
        }
    }

    /// Some SIMs have another class from now on.
    pub(super) fn change(&mut self, group: usize, class: Class) {
        self.limits[group] = (class.rate, Some(class));
        // No average over both.
        self.readings.clear();
    }

    /// Shows what has changed since the last call; `metrics` is the agent's page, and `changing` how many packets of the
    /// SIM that changes were dropped.
    ///
    /// # Errors
    /// When nobody reads standard output any more.
    pub(super) fn show(
        &mut self,
        traffic: &Traffic,
        metrics: &str,
        changing: f64,
    ) -> io::Result<()> {
        let ways = [&traffic.uplink, &traffic.downlink];
        let delivered = ways.map(|way| {
            let sims = way.snapshot();
            let groups = self.plan.groups.iter();
            let sum = |range| sims.get(range).map_or(0, |sims: &[u64]| sims.iter().sum());
            groups.map(|group| sum(group.places())).collect()
        });
        self.readings.push_back(Reading {
            at: Instant::now(),
            offered: ways.map(|way| way.offered.load(Relaxed)),
            delivered,
            dropped: self.dropped(metrics, changing),
            sessions: value(metrics, "upf_sessions", &[]),
        });
        if self.readings.len() > WINDOW + 1 {
            self.readings.pop_front();
        }
        let Some(text) = self.text(self.start.elapsed()) else {
            return Ok(());
        };
        let mut output = io::stdout().lock();
        if let Some(lines) = &mut self.drawn {
            // Back to the first line of the last drawing, and clear what follows.
            if *lines > 0 {
                write!(output, "\x1b[{lines}A\x1b[J")?;
            }
            *lines = text.lines().count();
        }
        output.write_all(text.as_bytes())?;
        output.flush()
    }

    /// Packets that were dropped so far of each group.
    fn dropped(&self, metrics: &str, changing: f64) -> Vec<f64> {
        let of_group = |(group, (_, class)): (&super::plan::Group, &(Rate, Option<Class>))| {
            let Some(class) = class else {
                let limited = [("reason", "rate_limited")];
                return value(metrics, "upf_dropped_packets_total", &limited);
            };
            if group.next.is_some() {
                return changing;
            }
            let labels = [
                ("level", "sim"),
                ("class", class.name),
                ("outcome", "dropped"),
            ];
            let all = value(metrics, "upf_limited_packets_total", &labels);
            // The SIM that changes has a line of its own.
            let is_of_class = |other: &Class| other.name == class.name;
            let mut others = self.plan.groups.iter().zip(&self.limits);
            let is_there = others.any(|(group, (_, class))| {
                group.next.is_some() && class.as_ref().is_some_and(is_of_class)
            });
            if is_there { all - changing } else { all }
        };
        let groups = self.plan.groups.iter().zip(&self.limits);
        groups.map(of_group).collect()
    }

    fn text(&self, time: Duration) -> Option<String> {
        let last = self.readings.back()?;
        let before = self.readings.iter().rev().nth(1)?;
        let seconds = last.at.duration_since(before.at).as_secs_f64().max(1e-3);
        let offered = [0, 1].map(|way| (last.offered[way] - before.offered[way]) as f64 / seconds);
        let mut text = format!(
            "{:>4.0} s   {:.0} sessions   offered: up {:.0} packets/s, down {:.0} packets/s\n",
            time.as_secs_f64(),
            last.sessions,
            offered[0],
            offered[1],
        );
        text += &format!(
            "{:<16}{:>6}{:>12}{:>16}{:>10}{:>16}{:>10}{:>12}\n",
            "", "SIMs", "limit", "up", "", "down", "", "dropped"
        );
        for group in 0..self.plan.groups.len() {
            text += &self.line(group, before, last);
        }
        text.push('\n');
        Some(text)
    }

    fn line(&self, number: usize, before: &Reading, last: &Reading) -> String {
        let group = &self.plan.groups[number];
        let (rate, class) = self.limits[number];
        let first = self.readings.front().unwrap_or(before);
        let time = last.at.duration_since(first.at).as_secs_f64().max(1e-3);
        let bits_per_packet = f64::from(self.plan.size) * 8.0;
        let allowed = rate.bits() as f64 * group.places().len() as f64;
        let delivered = [0, 1].map(|way| {
            let packets = last.delivered[way][number] - first.delivered[way][number];
            packets as f64 * bits_per_packet / time
        });
        let [up, down] = delivered.map(bits);
        let [up_off, down_off] =
            delivered.map(|got| format!("{:+.1} %", (got / allowed - 1.0) * 100.0));
        let seconds = last.at.duration_since(before.at).as_secs_f64().max(1e-3);
        let dropped = (last.dropped[number] - before.dropped[number]).max(0.0) / seconds;
        let changing = class.filter(|_| group.next.is_some());
        let note = changing.map_or(String::new(), |class| format!("  {}", class.name));
        format!(
            "{:<16}{:>6}{:>12}{up:>16}{up_off:>10}{down:>16}{down_off:>10}{:>12}{note}\n",
            group.name,
            group.places().len(),
            rate.to_string(),
            format!("{dropped:.0}/s"),
        )
    }
}

/// The sum of a metric's samples that have all of these labels.
fn value(metrics: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    samples(metrics)
        .filter(|sample| sample.name == name)
        .filter(|sample| {
            labels
                .iter()
                .all(|(key, value)| sample.label(key) == Some(value))
        })
        .map(|sample| sample.value)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(slow: u32, fast: u32) -> String {
        let sample = |class: &str, count: u32| {
            format!(
                "upf_limited_packets_total{{level=\"sim\",class=\"{class}\",direction=\"uplink\",outcome=\"dropped\"}} \
                 {count}\n"
            )
        };
        format!(
            "upf_sessions 3\n{}{}",
            sample("s1.slow", slow),
            sample("s3.fast", fast)
        )
    }

    fn reading(view: &View, at: Instant, packets: u64, page: &str, changing: f64) -> Reading {
        let groups = view.plan.groups.iter();
        let delivered = groups.map(|group| packets * group.places().len() as u64);
        let delivered = delivered.collect::<Vec<_>>();
        Reading {
            at,
            offered: [packets * 6, packets * 6],
            delivered: [delivered.clone(), delivered],
            dropped: view.dropped(page, changing),
            sessions: 3.0,
        }
    }

    #[test]
    fn a_line_tells_what_a_class_gets_and_what_is_dropped_of_it() {
        let mut view = View::new(Plan::new(3, None, 1000));
        let start = Instant::now();
        let before = reading(&view, start, 0, &page(0, 0), 0.0);
        // 16 packets a second are 128 kbit/s.
        let at = start + Duration::from_secs(2);
        let after = reading(&view, at, 32, &page(70, 7), 20.0);
        view.readings.extend([before, after]);
        let text = view.text(Duration::from_secs(2)).unwrap();
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap();
        for (name, parts) in [
            (
                "SIM 10.128.0.1",
                ["128 kbit/s", "128.0 kbit/s", "+0.0 %", "10/s  s1.slow"],
            ),
            ("s1.slow", [" 1 ", "128.0 kbit/s", "+0.0 %", "25/s"]),
            ("s2.mid", ["512 kbit/s", "128.0 kbit/s", "-75.0 %", " 0/s"]),
        ] {
            for part in parts {
                assert!(line(name).contains(part), "{part} in {text}");
            }
        }
        assert!(text.contains("offered: up 96 packets/s"), "{text}");
        let fast = view.plan.groups[0].next.unwrap();
        view.change(0, fast);
        assert_eq!(view.dropped(&page(70, 30), 20.0), [20.0, 70.0, 0.0]);
        assert!(view.text(Duration::ZERO).is_none());
    }

    #[test]
    fn sims_with_qers_have_one_line() {
        let mut view = View::new(Plan::new(3, Some("1 Mbit/s".parse().unwrap()), 1000));
        let page = "upf_dropped_packets_total{direction=\"uplink\",reason=\"rate_limited\"} 50\n\
            upf_dropped_packets_total{direction=\"downlink\",reason=\"far_drop\"} 9\n";
        let start = Instant::now();
        let before = reading(&view, start, 0, "", 0.0);
        let after = reading(&view, start + Duration::from_secs(1), 125, page, 0.0);
        view.readings.extend([before, after]);
        let text = view.text(Duration::from_secs(1)).unwrap();
        let line = text.lines().find(|line| line.starts_with("QER")).unwrap();
        for part in ["1 Mbit/s", "3.00 Mbit/s", "+0.0 %", "50/s"] {
            assert!(line.contains(part), "{part} in {text}");
        }
    }
}
