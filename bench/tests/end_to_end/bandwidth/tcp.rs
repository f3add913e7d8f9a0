//! What TCP gets of a limit: CUBIC and BBR, both ways, with and without ECN.

use anyhow::Result;
use upf_common::meter::DEFAULT_DEPTH_NS;

use super::{
    WAYS, classes,
    lines::{Line, Lines, at_once},
    undisturbed,
};
use crate::iperf::Way;

const CONTROLS: [&str; 2] = ["cubic", "bbr"];
/// The least part of a limit that has to arrive as payload.
const LEAST: f64 = 0.9;
/// And the most: a full bucket may come on top of what is measured, and what a receiver held back for a lost segment before.
const MOST: f64 = 1.05;
const DEPTH_SECONDS: f64 = DEFAULT_DEPTH_NS as f64 / 1e9;
/// What runs at the same time has at most so many bit/s together: more of it takes all of two CPUs.
const MACHINE: f64 = 400e6;
/// From here on a test takes long enough when it has [`SHORT`].
const MANY: f64 = 20e6;
const SHORT: u32 = 3;
const LONG: u32 = 6;

/// What one connection does; each has a line of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Case {
    way: Way,
    control: &'static str,
    ecn: bool,
}

fn cases() -> Vec<Case> {
    let of_control = |ecn| {
        CONTROLS
            .into_iter()
            .flat_map(move |control| WAYS.map(|way| Case { way, control, ecn }))
    };
    [false, true].into_iter().flat_map(of_control).collect()
}

/// A line for each case, whose UE asks for ECN or does not.
fn lines(cases: &[Case], config: &str) -> Result<Lines> {
    let lines = Lines::new(u8::try_from(cases.len())?, config)?;
    for (line, case) in lines.lines.iter().zip(cases) {
        let ecn = u8::from(case.ecn).to_string();
        line.home.sysctl("net.ipv4.tcp_ecn", &ecn)?;
    }
    Ok(lines)
}

const fn seconds(limit: f64) -> u32 {
    if limit < MANY { LONG } else { SHORT }
}

/// What runs at the same time: lines and their cases.
fn rounds<'a>(
    lines: &'a Lines,
    cases: &'a [Case],
    limit: f64,
) -> impl Iterator<Item = Vec<(&'a Line, Case)>> {
    let together = ((MACHINE / limit) as usize).max(1);
    let rounds = lines.lines.chunks(together).zip(cases.chunks(together));
    rounds.map(|(lines, cases)| lines.iter().zip(cases.iter().copied()).collect())
}

/// What arrives of each case as payload, as a part of the limit.
fn goodput(round: &[(&Line, Case)], limit: f64) -> Result<Vec<f64>> {
    at_once(round, |(line, case)| {
        let options = ["--congestion", case.control, "--omit", "1"];
        let client = line.client(seconds(limit));
        Ok(client.tcp_with(case.way, &options)? / limit)
    })
}

#[test]
fn tcp_gets_nine_tenths_of_its_class() -> Result<()> {
    let rates = [("512k", 512e3), ("5M", 5e6), ("50M", 50e6), ("200M", 200e6)];
    let names = ["512 kbit/s", "5 Mbit/s", "50 Mbit/s", "200 Mbit/s"];
    let cases = cases();
    let lines = lines(&cases, &classes(&names))?;
    for (class, limit) in rates {
        lines.give(class)?;
        let most = MOST + DEPTH_SECONDS / f64::from(seconds(limit));
        for round in rounds(&lines, &cases, limit) {
            undisturbed(|| {
                let mut off = Vec::new();
                for ((_, case), part) in round.iter().zip(goodput(&round, limit)?) {
                    let text = format!("{class} {case:?}: {:.1} %", part * 100.0);
                    println!("{text}");
                    if !(LEAST..most).contains(&part) {
                        off.push(text);
                    }
                }
                Ok(off)
            })?;
        }
    }
    for (line, case) in lines.lines.iter().zip(&cases) {
        let marked = lines.count(line, case.way, "marked")?;
        assert_eq!(marked > 0, case.ecn, "{case:?}: {marked} marked");
        assert!(lines.count(line, case.way, "dropped")? > 0, "{case:?}");
    }
    Ok(())
}

/// Goodput by rate, depth, congestion control and ECN: what the default depth was chosen by.
#[test]
#[ignore = "takes minutes"]
fn tcp_by_depth() -> Result<()> {
    const RATES: [(&str, f64); 4] = [
        ("512 kbit/s", 512e3),
        ("5 Mbit/s", 5e6),
        ("50 Mbit/s", 50e6),
        ("200 Mbit/s", 200e6),
    ];
    const DEPTHS: [u32; 5] = [50, 100, 200, 300, 500];
    let name = |rate: usize, depth: u32| format!("r{rate}d{depth}");
    let mut config = String::new();
    for (at, (rate, _)) in RATES.iter().enumerate() {
        for depth in DEPTHS {
            config += &format!(
                "[speed_class.\"{}\"]\nuplink = \"{rate}\"\ndownlink = \"{rate}\"\ndepth = \"{depth} ms\"\n",
                name(at, depth)
            );
        }
    }
    let cases = cases();
    let lines = lines(&cases, &config)?;
    for (at, (rate, limit)) in RATES.iter().enumerate() {
        let mut columns = Vec::new();
        for depth in DEPTHS {
            lines.give(&name(at, depth))?;
            let column = rounds(&lines, &cases, *limit).map(|round| goodput(&round, *limit));
            columns.push(column.collect::<Result<Vec<_>>>()?.concat());
        }
        for (number, Case { way, control, ecn }) in cases.iter().enumerate() {
            let cells = columns
                .iter()
                .map(|column| format!(" {:.0} |", column[number] * 100.0));
            let ecn = if *ecn { "on" } else { "off" };
            let cells = cells.collect::<String>();
            println!("| {control} | {ecn} | {} | {rate} |{cells}", way.label());
        }
    }
    Ok(())
}
