//! PFCP messages and IEs: read, written again, compared.

use std::path::Path;

use anyhow::Result;
use upf_user::pfcp::codec::tree::{self, Content, Ie};
use upf_user::pfcp::codec::{Frame, Message, decode, frames};

use super::compare::{self, Kinds, constructor};
use super::go::{self, Expr};
use super::known;
use super::report::Report;
use super::table::{Row, Table};

const MESSAGES: &str = "pfcp-messages.tsv";
const IES: &str = "pfcp-ies.tsv";
const VALUES: &str = "pfcp-ie-values.tsv";
const PAYLOADS: &str = "pfcp-ie-payloads.tsv";

/// The constants of the tests that the messages come from.
const SEQUENCE: u64 = 0x11_2233;
const SEID: u64 = 0x1122_3344_5566_7788;

/// Constructors of IEs that the payloads' table names otherwise.
const ALIASES: [(&str, u16); 1] = [("PacketDetectionRuleID", 56)];

/// The types of constructors, from the rows of single IEs.
pub(super) fn kinds(folder: &Path) -> Result<Kinds> {
    let table = Table::read(&folder.join(IES))?;
    let kind = |row: Row<'_>| {
        let Ok(Expr::Call(name, _)) = go::parse(row.get("expected_fields")) else {
            return None;
        };
        Some((
            constructor(&name).to_owned(),
            row.get("ie_type").parse().ok()?,
        ))
    };
    let named = ALIASES
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), *kind));
    Ok(table.rows().filter_map(kind).chain(named).collect())
}

/// Whole messages.
pub(super) fn messages(folder: &Path, kinds: &Kinds) -> Result<Report> {
    let mut report = Report::new(MESSAGES);
    for row in Table::read(&folder.join(MESSAGES))?.rows() {
        let (name, octets) = (row.get("name"), row.octets("hex")?);
        report.row();
        if let Some(reason) = known::reason(MESSAGES, name) {
            report.known(name, reason);
            continue;
        }
        let mut all = frames(&octets);
        match all.next() {
            Some(Ok(frame)) => message(name, &row, &frame, kinds, &mut report),
            other => report.disagrees(name, format!("no message: {other:?}")),
        }
        if all.next().is_some() {
            report.disagrees(name, "a second message behind it");
        }
    }
    Ok(report)
}

fn message(name: &str, row: &Row<'_>, frame: &Frame<'_>, kinds: &Kinds, report: &mut Report) {
    let ies = match tree::read_message(frame) {
        Ok(ies) => ies,
        Err(error) => return report.disagrees(name, error),
    };
    kept(name, &ies, report);
    match tree::write_message(&frame.header, &ies) {
        Ok(octets) if octets == frame.bytes => report.compared(1),
        other => report.disagrees(name, format!("written anew it is {other:?}")),
    }
    if known::is_header(name) {
        report.known(
            name,
            "a header with an Application ID behind it, not what its type needs",
        );
    } else {
        typed(name, frame, report);
    }
    let Ok(Expr::Call(_, arguments)) = go::parse(row.get("expected_fields")) else {
        return report.not_compared(name, "fields that cannot be read");
    };
    header(name, frame, &arguments, report);
    let is_ie =
        |argument: &&Expr| matches!(argument, Expr::Call(name, _) if name.starts_with("ie.New"));
    let listed: Vec<_> = arguments.iter().filter(is_ie).collect();
    if listed.is_empty() && !ies.is_empty() {
        return report.not_compared(name, "IEs that are listed as octets");
    }
    if listed.len() != ies.len() {
        let (listed, read) = (listed.len(), ies.len());
        return report.disagrees(name, format!("{listed} IEs are listed, {read} were read"));
    }
    for (argument, ie) in listed.into_iter().zip(&ies) {
        compare::call(name, argument, ie, kinds, report);
    }
}

/// What a constructor lists in front of the IEs: the tests' SEID and sequence number.
fn header(name: &str, frame: &Frame<'_>, arguments: &[Expr], report: &mut Report) {
    for argument in arguments {
        let Expr::Name(constant) = argument else {
            continue;
        };
        let (listed, read) = match constant.as_str() {
            "seq" => (SEQUENCE, u64::from(frame.header.sequence)),
            "seid" => (SEID, frame.header.seid.unwrap_or_default()),
            _ => {
                report.not_compared(name, "header flags and constants, by their names");
                continue;
            }
        };
        match listed == read {
            true => report.compared(1),
            false => report.disagrees(name, format!("{constant} is {read:#x}")),
        }
    }
}

/// The typed message, and the same once it is written and read again.
fn typed(name: &str, frame: &Frame<'_>, report: &mut Report) {
    let Some(decoded) = decode(frame) else {
        return report.disagrees(name, "a type that is not known");
    };
    let decoded = match decoded {
        Ok(decoded) => decoded,
        Err(error) => return report.disagrees(name, format!("as a typed message: {error}")),
    };
    let message = Message {
        seid: frame.header.seid.unwrap_or_default(),
        sequence: frame.header.sequence,
        priority: frame.header.priority,
        body: decoded.body,
    };
    let again = message.encode();
    let again = again.as_deref().unwrap_or_default();
    match frames(again)
        .next()
        .map(|frame| frame.map(|frame| decode(&frame)))
    {
        Some(Ok(Some(Ok(again)))) if again.body == message.body => report.compared(1),
        other => report.disagrees(name, format!("as a typed message, written anew: {other:?}")),
    }
}

/// Single IEs.
pub(super) fn ies(folder: &Path, kinds: &Kinds) -> Result<Report> {
    let mut report = Report::new(IES);
    for row in Table::read(&folder.join(IES))?.rows() {
        let name = row.get("name");
        let Some(ies) = single(IES, name, &row.octets("hex")?, &mut report) else {
            continue;
        };
        match go::parse(row.get("expected_fields")) {
            Ok(expr) => compare::call(name, &expr, &ies[0], kinds, &mut report),
            Err(error) => {
                report.not_compared(name, &format!("fields that cannot be read: {error}"));
            }
        }
    }
    Ok(report)
}

/// Values that other decoders got out of IEs.
pub(super) fn values(folder: &Path) -> Result<Report> {
    let mut report = Report::new(VALUES);
    for row in Table::read(&folder.join(VALUES))?.rows() {
        let name = row.get("name");
        let octets = row.octets("hex")?;
        if octets.is_empty() {
            report.row();
            report.not_compared(name, "a row without octets");
            continue;
        }
        let Some(ies) = single(VALUES, name, &octets, &mut report) else {
            continue;
        };
        match go::parse(row.get("decoded_value")) {
            Ok(expr) => compare::anywhere(name, &expr, &ies, &mut report),
            Err(error) => {
                report.not_compared(name, &format!("a value that cannot be read: {error}"));
            }
        }
    }
    Ok(report)
}

/// An IE that is read and written to the same octets; `None` where the row is done with.
fn single(file: &str, name: &str, octets: &[u8], report: &mut Report) -> Option<Vec<Ie>> {
    report.row();
    if let Some(reason) = known::reason(file, name) {
        report.known(name, reason);
        return None;
    }
    let ies = match tree::read_ies(octets) {
        Ok(ies) => ies,
        Err(error) => {
            report.disagrees(name, error);
            return None;
        }
    };
    if ies.len() != 1 {
        report.disagrees(name, format!("{} IEs instead of one", ies.len()));
        return None;
    }
    kept(name, &ies, report);
    match tree::write_ies(&ies) {
        Ok(written) if written == octets => report.compared(1),
        other => report.disagrees(name, format!("written anew it is {other:?}")),
    }
    Some(ies)
}

/// What the values of a tree do not say is told: spare bits, octets of later versions, unknown IEs.
fn kept(name: &str, ies: &[Ie], report: &mut Report) {
    for ie in ies {
        let known = ie.name.unwrap_or("IE of an unknown type");
        match &ie.content {
            Content::Group(children) => kept(name, children, report),
            Content::Leaf(leaf) if !leaf.is_faithful() => {
                let spare = leaf.spare();
                report.disagrees(
                    name,
                    format!("{known} leaves out {spare:02x?} of its octets"),
                );
            }
            Content::Leaf(leaf) => {
                if leaf.spare().iter().any(|bits| *bits != 0) {
                    report.note(format!(
                        "{name}: spare bits of {known} kept: {:02x?}",
                        leaf.spare()
                    ));
                }
                if !leaf.surplus().is_empty() {
                    report.note(format!(
                        "{name}: octets behind {known} kept: {:02x?}",
                        leaf.surplus()
                    ));
                }
            }
            Content::Vendor { .. } => {}
            Content::Unknown(_) => {
                report.note(format!("{name}: IE type {} kept as it is", ie.kind));
            }
        }
    }
}

/// Values of IEs without type and length.
pub(super) fn payloads(folder: &Path, kinds: &Kinds) -> Result<Report> {
    let mut report = Report::new(PAYLOADS);
    for row in Table::read(&folder.join(PAYLOADS))?.rows() {
        let name = row.get("name");
        let value = row.octets("hex")?;
        if value.is_empty() {
            report.row();
            report.not_compared(name, "a row without octets");
            continue;
        }
        let constructor = name.split('/').next().unwrap_or(name);
        let kind = row
            .get("ie_type")
            .parse()
            .ok()
            .or(kinds.get(constructor).copied());
        let Some(kind) = kind else {
            report.row();
            report.not_compared(name, "a type that Release 16 does not have any more");
            continue;
        };
        let len = u16::try_from(value.len())?;
        let octets = [&kind.to_be_bytes()[..], &len.to_be_bytes(), &value].concat();
        let Some(ies) = single(PAYLOADS, name, &octets, &mut report) else {
            continue;
        };
        match (go::parse(row.get("expected_fields")), &ies[0].content) {
            (Ok(expr), Content::Leaf(leaf)) => compare::fields(name, &expr, leaf, &mut report),
            (Ok(_), _) => report.not_compared(name, "no single value"),
            (Err(error), _) => {
                report.not_compared(name, &format!("fields that cannot be read: {error}"));
            }
        }
    }
    Ok(report)
}
