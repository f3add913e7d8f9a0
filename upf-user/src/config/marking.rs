//! `[[marking]]`: DSCPs of user packets by their QoS flow.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::reader::Section;

/// QoS flow identifiers (TS 38.415 clause 5.5.3.3); 0 is none of ours.
const QFIS: RangeInclusive<u8> = 1..=63;
/// DSCPs (RFC 2474 clause 3).
const DSCPS: RangeInclusive<u8> = 0..=63;

/// `[[marking]]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marking {
    /// The QoS flow, 1 to 63.
    pub qfi: u8,
    /// The DSCP of its user packets, both ways.
    pub inner_dscp: u8,
}

/// For people.
impl fmt::Display for Marking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QFI {}: inner DSCP {}", self.qfi, self.inner_dscp)
    }
}

/// `None` only where a problem has been reported.
pub(super) fn read(root: &Section<'_>) -> Option<Vec<Marking>> {
    let sections = root.sections("marking");
    let markings: Vec<_> = sections.iter().map(read_one).collect();
    let markings: Vec<_> = markings.into_iter().collect::<Option<_>>()?;
    let mut first_lines = HashMap::new();
    for (Marking { qfi, .. }, section) in markings.iter().zip(&sections) {
        let line = section.line_of("qfi");
        if let Some(first) = first_lines.get(qfi) {
            let message = format!("QFI {qfi} is marked on line {first} already; write it once");
            section.problem("qfi", message);
        } else {
            first_lines.insert(qfi, line);
        }
    }
    Some(markings)
}

fn read_one(section: &Section<'_>) -> Option<Marking> {
    let qfi = read_number(section, "qfi", "5", QFIS);
    let inner_dscp = read_number(section, "inner_dscp", "46", DSCPS);
    section.finish();
    Some(Marking {
        qfi: qfi?,
        inner_dscp: inner_dscp?,
    })
}

fn read_number(
    section: &Section<'_>,
    key: &'static str,
    example: &str,
    range: RangeInclusive<u8>,
) -> Option<u8> {
    let number = section.optional_integer(key, example);
    if number.is_none() && !section.has(key) {
        section.problem(key, format!("the key is missing; write {key} = {example}"));
    }
    let number = number?;
    let allowed = u8::try_from(number).ok().filter(|n| range.contains(n));
    if allowed.is_none() {
        let (first, last) = (range.start(), range.end());
        section.problem(key, format!("{number} cannot be; write {first} to {last}"));
    }
    allowed
}
