//! The plot of docs/bandwidth.md: what is offered against what is delivered, by the real meter in virtual time.

use std::{cell::Cell, fmt::Write as _};

use upf_common::meter::{Rate, pass, ticks};
use upf_user::bandwidth;

/// Limits, bit/s.
const LIMITS: [u64; 13] = [
    8_000,
    32_000,
    64_000,
    128_000,
    512_000,
    2_000_000,
    8_000_000,
    100_000_000,
    1_000_000_000,
    10_000_000_000,
    40_000_000_000,
    100_000_000_000,
    400_000_000_000,
];
/// Bytes of packets; the curves are those of the third, the deviation is the worst of all.
const SIZES: [u32; 4] = [64, 576, 1400, 9000];
const SHOWN: u32 = SIZES[2];
/// What is offered, in parts of the limit.
const OFFERED: [f64; 10] = [0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 5.0, 10.0];
/// Packets that the limit lets pass in one run.
const PACKETS: f64 = 4000.0;
/// The clock when the first packet comes, in ns.
const START: u64 = 1 << 40;

/// One limit's curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// bit/s.
    pub limit: u64,
    /// Offered and delivered, bit/s.
    pub points: Vec<(f64, f64)>,
    /// How far what is delivered lies off the lesser of what is offered and the limit, over all sizes and loads: the
    /// largest, as a fraction.
    pub worst: f64,
}

/// The part of the limit that passes when packets come at equal distances.
fn delivered(limit: u64, size: u32, offered: f64) -> f64 {
    let rate = Rate::from_bits_per_second(limit);
    // That the bucket was full once is over.
    let bucket = Cell::new(ticks(START) + rate.depth);
    let packet_ns = f64::from(size) * 8e9 / limit as f64;
    let count = (PACKETS * offered).round();
    let passes = |number: &u64| {
        let at = *number as f64 * packet_ns / offered;
        pass(&bucket, ticks(START + at as u64), size, rate)
    };
    let passed = (1..=count as u64).filter(passes).count();
    passed as f64 * offered / count
}

/// The curves of all limits.
#[must_use]
pub fn curves() -> Vec<Curve> {
    LIMITS.iter().map(|limit| curve(*limit)).collect()
}

fn curve(limit: u64) -> Curve {
    let points = OFFERED.map(|offered| {
        let bits = limit as f64;
        (bits * offered, bits * delivered(limit, SHOWN, offered))
    });
    let deviations = SIZES.iter().flat_map(|size| {
        OFFERED.map(|offered| delivered(limit, *size, offered) / offered.min(1.0) - 1.0)
    });
    let worst = deviations.max_by(|a, b| a.abs().total_cmp(&b.abs()));
    Curve {
        limit,
        points: points.to_vec(),
        worst: worst.unwrap_or_default(),
    }
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 640.0;
/// The plot's corners: left, top, right, bottom.
const FRAME: [f64; 4] = [86.0, 56.0, 690.0, 580.0];
/// Powers of ten at the ends of both axes, bit/s.
const DECADES: [i32; 2] = [3, 13];

/// The plot.
#[must_use]
pub fn svg() -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{}\" y=\"26\" font-size=\"16\">Offered and delivered, by limit</text>\n\
         <text x=\"{}\" y=\"44\" fill=\"#666\">{SHOWN}-byte packets; at the right the limit, and the worst deviation over \
         packets of 64 to 9,000 bytes and all loads</text>\n",
        FRAME[0], FRAME[0]
    );
    axes(&mut text);
    for curve in curves() {
        draw(&mut text, &curve);
    }
    text.push_str("</svg>\n");
    text
}

fn axes(text: &mut String) {
    let [left, top, right, bottom] = FRAME;
    for decade in DECADES[0]..=DECADES[1] {
        let bits = 10_f64.powi(decade);
        let (x, y) = (across(bits), down(bits));
        let name = unit(decade);
        line(text, [x, top, x, bottom], "#e4e4e4", "");
        line(text, [left, y, right, y], "#e4e4e4", "");
        label(text, x, bottom + 18.0, "middle", &name);
        label(text, left - 8.0, y + 4.0, "end", &name);
    }
    let least = 10_f64.powi(DECADES[0]);
    let most = 10_f64.powi(DECADES[1]);
    let diagonal = [across(least), down(least), across(most), down(most)];
    line(text, diagonal, "#999", " stroke-dasharray=\"5 4\"");
    label(
        text,
        (left + right) / 2.0,
        bottom + 42.0,
        "middle",
        "offered, bit/s",
    );
    let (x, y) = (18.0, (top + bottom) / 2.0);
    writeln!(
        text,
        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">delivered, bit/s</text>"
    )
    .ok();
}

fn draw(text: &mut String, curve: &Curve) {
    let place = |(offered, delivered): &(f64, f64)| {
        format!("{:.1},{:.1}", across(*offered), down(*delivered))
    };
    let places: Vec<_> = curve.points.iter().map(place).collect();
    writeln!(
        text,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"1.6\"/>",
        places.join(" ")
    )
    .ok();
    for point in &curve.points {
        let (x, y) = (across(point.0), down(point.1));
        writeln!(
            text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"#1f6feb\"/>"
        )
        .ok();
    }
    let rate = bandwidth::Rate::from_bits(curve.limit);
    let rate = rate.map_or_else(|_| curve.limit.to_string(), |rate| rate.to_string());
    let y = down(curve.limit as f64) + 4.0;
    label(text, FRAME[2] + 12.0, y, "start", &rate);
    let worst = format!("{:+.3} %", curve.worst * 100.0);
    label(text, WIDTH - 30.0, y, "end", &worst);
}

fn line(text: &mut String, [x1, y1, x2, y2]: [f64; 4], colour: &str, more: &str) {
    writeln!(
        text,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"{more}/>"
    )
    .ok();
}

fn label(text: &mut String, x: f64, y: f64, anchor: &str, what: &str) {
    writeln!(
        text,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{what}</text>"
    )
    .ok();
}

/// A power of ten in short.
fn unit(decade: i32) -> String {
    let prefix = ["", "k", "M", "G", "T"];
    let prefix = prefix.get((decade / 3) as usize).copied();
    format!(
        "{}{}",
        10_u32.pow((decade % 3) as u32),
        prefix.unwrap_or("?")
    )
}

fn across(bits: f64) -> f64 {
    FRAME[0] + part(bits) * (FRAME[2] - FRAME[0])
}

fn down(bits: f64) -> f64 {
    FRAME[3] - part(bits) * (FRAME[3] - FRAME[1])
}

fn part(bits: f64) -> f64 {
    (bits.log10() - f64::from(DECADES[0])) / f64::from(DECADES[1] - DECADES[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_curve_follows_the_load_up_to_its_limit() {
        for curve in curves() {
            assert!(curve.worst.abs() < 0.01, "{curve:?}");
        }
    }

    #[test]
    fn the_plot_in_docs_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bandwidth.svg");
        let committed = std::fs::read_to_string(path).expect("docs/bandwidth.svg");
        assert!(
            committed == svg(),
            "draw it anew: cargo run -p bench --bin upf-plot > docs/bandwidth.svg"
        );
    }
}
