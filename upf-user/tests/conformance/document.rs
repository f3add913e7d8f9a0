//! Whether docs/pfcp.md and docs/charging.md tell the truth: what they name exists, and nothing is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use upf_user::pfcp::codec::MessageType;

use crate::TABLES;
use crate::support::message::Got;
use crate::support::requests::setup;
use crate::support::types::UP_FUNCTION_FEATURES;
use crate::support::world::{Setting, World, smf};

/// A line of a table: its cells, and the heading that it stands under.
struct Line {
    heading: String,
    cells: Vec<String>,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const PFCP: &str = "docs/pfcp.md";
const CHARGING: &str = "docs/charging.md";

/// The lines of all tables of a page that name proofs, without their heads.
fn lines(page: &str) -> Vec<Line> {
    let page = read(&repository().join(page));
    let (mut heading, mut lines) = (String::new(), Vec::new());
    let (mut is_body, mut has_proofs) = (false, false);
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            (is_body, has_proofs) = (false, false);
            if let Some(text) = line.strip_prefix("## ") {
                text.clone_into(&mut heading);
            }
            continue;
        };
        if row.starts_with("---") {
            is_body = has_proofs;
        } else if !is_body {
            has_proofs |= row.ends_with(" proved by |");
        } else {
            let cells = row.trim_end_matches('|').split('|');
            let cells: Vec<_> = cells.map(|cell| cell.trim().to_owned()).collect();
            let heading = heading.clone();
            lines.push(Line { heading, cells });
        }
    }
    lines
}

fn under(page: &str, heading: &str) -> Vec<Vec<String>> {
    let lines = lines(page)
        .into_iter()
        .filter(|line| line.heading == heading);
    let cells: Vec<_> = lines.map(|line| line.cells).collect();
    assert!(!cells.is_empty(), "there is no table under {heading}");
    cells
}

/// Takes a reference apart: the table or file, and the name in it.
fn reference(text: &str) -> (&str, &str) {
    let parts = text
        .strip_prefix('`')
        .and_then(|text| text.split_once("`: "));
    parts.unwrap_or_else(|| panic!("\"{text}\" is no reference"))
}

#[test]
fn every_test_that_is_named_exists() {
    let tables: BTreeMap<_, BTreeSet<_>> = TABLES
        .iter()
        .map(|(table, rows)| (*table, rows().iter().map(|row| row.name).collect()))
        .collect();
    for Line { cells, .. } in [PFCP, CHARGING].into_iter().flat_map(lines) {
        let proofs = cells.last().map(String::as_str).unwrap_or_default();
        assert!(!proofs.is_empty(), "nothing proves {cells:?}");
        for proof in proofs.split("; ") {
            let (place, name) = reference(proof);
            let exists = match tables.get(place) {
                Some(rows) => rows.contains(name),
                None => {
                    let source = read(&repository().join(place));
                    // A test, or a row of a table.
                    source.contains(&format!("fn {name}("))
                        || source.contains(&format!("\"{name}\""))
                }
            };
            assert!(exists, "{cells:?}: there is no {proof}");
        }
    }
}

#[test]
fn every_message_is_named() {
    let known: BTreeSet<_> = (0..=u8::MAX)
        .filter(|code| MessageType::from_code(*code).is_some())
        .collect();
    let with_type = |cells: &Vec<String>| cells.get(1)?.parse::<u8>().ok();
    let named: BTreeSet<_> = under(PFCP, "Procedures")
        .iter()
        .filter_map(with_type)
        .collect();
    assert_eq!(named, known);
}

#[test]
fn every_information_element_is_named() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pfcp/ie/kind.rs");
    let number = |line: &str| {
        let (_, number) = line.strip_prefix("pub const ")?.split_once(": u16 = ")?;
        number.trim_end_matches(';').parse::<u16>().ok()
    };
    let known: BTreeSet<_> = read(&source).lines().filter_map(number).collect();
    let named = under(PFCP, "Information elements");
    let named: BTreeSet<_> = named
        .iter()
        .map(|cells| cells[1].parse::<u16>().expect("a type"))
        .collect();
    assert!(known.len() > 100, "{known:?}");
    assert_eq!(named, known);
}

/// A line for each bit of Usage Report Trigger, but for those that the page says are not made.
#[test]
fn every_trigger_of_usage_reports_is_named() {
    let source = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pfcp/ie.rs"));
    let (_, bits) = source
        .split_once("impl UsageReportTrigger {")
        .expect("the bits");
    let (bits, _) = bits.split_once("\n}").expect("their end");
    let name = |line: &str| {
        let (name, _) = line
            .trim()
            .strip_prefix("pub const ")?
            .split_once(": u32")?;
        Some(name.to_owned())
    };
    let known: BTreeSet<_> = bits.lines().filter_map(name).collect();
    assert!(known.len() > 20, "{known:?}");
    let named = under(CHARGING, "Triggers");
    let mut named: BTreeSet<_> = named.iter().map(|cells| cells[0].clone()).collect();
    named.extend(["TEBUR", "IPMJL"].map(str::to_owned));
    assert_eq!(named, known);
}

/// Octet and bit as clause 8.2.25 counts them: octets from 5, bits from 1.
#[test]
fn exactly_the_features_named_are_announced() {
    let mut world = World::new(Setting::default());
    let (octets, _) = world.octets(&setup(), false);
    let answers: Vec<Got> = world.receive(smf(), octets);
    let features = answers[0].find(UP_FUNCTION_FEATURES).expect("features");
    let bits = features.iter().zip(5..).flat_map(|(bits, octet)| {
        let set = (0..8_u32).filter(move |bit| bits & 1 << bit != 0);
        set.map(move |bit| (octet, bit + 1))
    });
    let announced: BTreeSet<(u32, u32)> = bits.collect();
    let named = under(PFCP, "UP Function Features");
    let named: BTreeSet<_> = named
        .iter()
        .filter_map(|cells| cells[1].split_once('/'))
        .map(|(octet, bit)| (octet.parse().expect("octet"), bit.parse().expect("bit")))
        .collect();
    assert_eq!(named, announced);
}
