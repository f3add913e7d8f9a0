//! Whether docs/pfcp.md tells the truth: what it names exists, and nothing is left out.

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

/// The lines of all tables, without their heads.
fn lines() -> Vec<Line> {
    let page = read(&repository().join("docs/pfcp.md"));
    let (mut heading, mut lines, mut is_body) = (String::new(), Vec::new(), false);
    for line in page.lines() {
        let Some(row) = line.strip_prefix('|') else {
            is_body = false;
            if let Some(text) = line.strip_prefix("## ") {
                text.clone_into(&mut heading);
            }
            continue;
        };
        if row.starts_with("---") {
            is_body = true;
        } else if is_body {
            let cells = row.trim_end_matches('|').split('|');
            let cells: Vec<_> = cells.map(|cell| cell.trim().to_owned()).collect();
            let heading = heading.clone();
            lines.push(Line { heading, cells });
        }
    }
    lines
}

fn under(heading: &str) -> Vec<Vec<String>> {
    let lines = lines().into_iter().filter(|line| line.heading == heading);
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
    for Line { cells, .. } in lines() {
        let proofs = cells.last().map(String::as_str).unwrap_or_default();
        assert!(!proofs.is_empty(), "nothing proves {cells:?}");
        for proof in proofs.split("; ") {
            let (place, name) = reference(proof);
            let exists = match tables.get(place) {
                Some(rows) => rows.contains(name),
                None => read(&repository().join(place)).contains(&format!("fn {name}(")),
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
    let named: BTreeSet<_> = under("Procedures").iter().filter_map(with_type).collect();
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
    let named = under("Information elements");
    let named: BTreeSet<_> = named
        .iter()
        .map(|cells| cells[1].parse::<u16>().expect("a type"))
        .collect();
    assert!(known.len() > 100, "{known:?}");
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
    let named = under("UP Function Features");
    let named: BTreeSet<_> = named
        .iter()
        .filter_map(|cells| cells[1].split_once('/'))
        .map(|(octet, bit)| (octet.parse().expect("octet"), bit.parse().expect("bit")))
        .collect();
    assert_eq!(named, announced);
}
