//! Whether an IE says what a vector lists: each number, text, address and flag of the list has to be in it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use upf_user::pfcp::codec::tree::{Content, Ie, Leaf};

use super::constants;
use super::go::Expr;
use super::report::Report;

/// What an IE's value is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Atom {
    Number(u64),
    Text(String),
    Address(IpAddr),
    /// The name of an enumeration's value.
    Word(String),
}

/// The atoms of one value, those that an expectation has found taken away.
#[derive(Clone, Debug, Default)]
struct Pool {
    atoms: Vec<Atom>,
    /// The octets of the value, whole: flags and numbers that are spread over fields are looked for here.
    octets: Vec<u8>,
    has_spare: bool,
}

/// Types by the names of their constructors.
pub(super) type Kinds = BTreeMap<String, u16>;

/// The name of a constructor, without package and `New`.
pub(super) fn constructor(name: &str) -> &str {
    let name = name.rsplit('.').next().unwrap_or(name);
    name.strip_prefix("New").unwrap_or(name)
}

/// Compares a constructor call with the IE that it made.
pub(super) fn call(row: &str, expr: &Expr, ie: &Ie, kinds: &Kinds, report: &mut Report) {
    let Expr::Call(name, arguments) = expr else {
        return report.not_compared(row, "the column holds no constructor call");
    };
    let name = constructor(name);
    if let Some(kind) = kinds.get(name).filter(|kind| **kind != ie.kind) {
        return report.disagrees(row, format!("{name} has type {kind}, the IE {}", ie.kind));
    }
    match &ie.content {
        Content::Group(children) => group(row, name, arguments, children, kinds, report),
        Content::Leaf(leaf) => values(row, name, arguments, Pool::of(leaf), report),
        Content::Vendor { enterprise, octets } => {
            let pool = Pool {
                atoms: std::iter::once(u64::from(*enterprise))
                    .chain(octets.iter().map(|octet| u64::from(*octet)))
                    .chain([u64::from(ie.kind)])
                    .map(Atom::Number)
                    .collect(),
                octets: octets.clone(),
                has_spare: false,
            };
            values(row, name, arguments, pool, report);
        }
        Content::Unknown(_) => report.not_compared(row, "an IE of a type that is not known"),
    }
}

fn group(
    row: &str,
    name: &str,
    arguments: &[Expr],
    children: &[Ie],
    kinds: &Kinds,
    report: &mut Report,
) {
    let is_there = |argument: &&Expr| **argument != Expr::Name("nil".to_owned());
    let expected: Vec<_> = arguments.iter().filter(is_there).collect();
    if expected.len() != children.len() {
        let (listed, read) = (expected.len(), children.len());
        return report.disagrees(row, format!("{name} lists {listed} IEs, {read} were read"));
    }
    for (argument, child) in expected.into_iter().zip(children) {
        call(row, argument, child, kinds, report);
    }
}

/// Compares a value with anything that it should hold, wherever it stands in an IE.
pub(super) fn anywhere(row: &str, expr: &Expr, ies: &[Ie], report: &mut Report) {
    let pool = |leaf: &Leaf| Pool::of(leaf).holds_all(&flat(std::slice::from_ref(expr)));
    let mut found = None;
    each_leaf(ies, &mut |leaf| {
        let outcome = pool(leaf);
        match (&found, &outcome) {
            (Some(Ok(_)), _) | (Some(Err(_)), Err(_)) => {}
            _ => found = Some(outcome),
        }
    });
    match found {
        Some(Ok(count)) => report.compared(count),
        Some(Err(missing)) => report.disagrees(row, format!("{missing} is nowhere in it")),
        None => report.not_compared(row, "the IE has no values"),
    }
}

fn each_leaf(ies: &[Ie], look: &mut impl FnMut(&Leaf)) {
    for ie in ies {
        match &ie.content {
            Content::Group(children) => each_leaf(children, look),
            Content::Leaf(leaf) => look(leaf),
            Content::Vendor { .. } | Content::Unknown(_) => {}
        }
    }
}

fn values(row: &str, name: &str, arguments: &[Expr], pool: Pool, report: &mut Report) {
    let mut arguments = flat(&constants::as_encoded(name, arguments));
    let is_known = |argument: &Expr| !constants::is_unknown_name(argument);
    if !arguments.iter().all(is_known) {
        report.not_compared(row, "a constant whose value the row does not have");
        arguments.retain(is_known);
    }
    match pool.holds_all(&arguments) {
        Ok(count) => report.compared(count),
        Err(missing) => {
            report.disagrees(row, format!("{name}: {missing} is not in {:?}", pool.atoms));
        }
    }
}

/// Compares a composite value, `Name{ Field: value, … }`, with an IE's value.
pub(super) fn fields(row: &str, expr: &Expr, leaf: &Leaf, report: &mut Report) {
    let Expr::Composite(name, fields) = expr else {
        return report.not_compared(row, "the column holds no composite value");
    };
    let is_length = |key: &str| key.starts_with("LengthOf") || key.ends_with("Length");
    let is_value = |(key, _): &&(Option<String>, Expr)| !key.as_deref().is_some_and(is_length);
    let lengths = fields.iter().filter(|field| !is_value(field)).count();
    if lengths > 0 {
        report.not_compared(row, "a length: the same octets have the same lengths");
    }
    let listed = fields
        .iter()
        .filter(is_value)
        .map(|(_, value)| value.clone());
    values(
        row,
        name,
        &listed.collect::<Vec<_>>(),
        Pool::of(leaf),
        report,
    );
}

/// Elements of composite values and arguments of calls that are values themselves stand for the whole.
fn flat(exprs: &[Expr]) -> Vec<Expr> {
    let all = exprs.iter().flat_map(|expr| match expr {
        Expr::Composite(kind, list) if kind != "byte" => {
            let list: Vec<_> = list.iter().map(|(_, element)| element.clone()).collect();
            flat(&list)
        }
        Expr::Call(name, arguments) if name.contains(".New") => {
            flat(&constants::as_encoded(constructor(name), arguments))
        }
        other => vec![other.clone()],
    });
    all.collect()
}

impl Pool {
    fn of(leaf: &Leaf) -> Self {
        let mut atoms = atoms(&format!("{:?}", leaf.value()));
        let surplus = leaf.surplus().iter();
        atoms.extend(surplus.map(|octet| Atom::Number(u64::from(*octet))));
        Self {
            atoms,
            octets: leaf.octets().unwrap_or_default(),
            has_spare: leaf.spare().iter().any(|bits| *bits != 0),
        }
    }

    /// How many of the expected values are there, or the first one that is not.
    fn holds_all(&self, expected: &[Expr]) -> Result<usize, String> {
        if self.is_spelled_out(expected) {
            return Ok(expected.len());
        }
        let mut left = self.clone();
        let mut flags = 0;
        for expr in expected {
            match expr {
                Expr::Name(name) if name == "true" => flags += 1,
                Expr::Name(name) if name == "false" || name == "nil" => {}
                expr => {
                    let found = constants::alternatives(expr)
                        .into_iter()
                        .any(|atoms| left.take(&atoms));
                    if !found && !constants::stands_for_nothing(expr) {
                        return Err(format!("{expr:?}"));
                    }
                }
            }
        }
        let has_flags = expected.contains(&Expr::Name("true".to_owned()))
            || expected.contains(&Expr::Name("false".to_owned()));
        if has_flags && !self.has_flags(flags) {
            return Err(format!("{flags} flags"));
        }
        Ok(expected.len())
    }

    /// Numbers that are the octets one by one, or the bits of the flags.
    fn is_spelled_out(&self, expected: &[Expr]) -> bool {
        let numbers = expected.iter().map(|expr| match expr {
            Expr::Number(number) => Some(*number),
            _ => None,
        });
        let Some(numbers) = numbers.collect::<Option<Vec<_>>>() else {
            return false;
        };
        let octets = self.octets.iter().map(|octet| u64::from(*octet));
        let is_octets = numbers.len() == self.octets.len() && octets.eq(numbers.iter().copied());
        let is_bits = numbers.len() > 1
            && self.octets.len() == 1
            && numbers.iter().all(|bit| *bit < 2)
            && numbers.iter().sum::<u64>() == u64::from(self.octets[0].count_ones());
        is_octets || is_bits
    }

    /// Whether as many flags stand, in the first octet or in all of them.
    fn has_flags(&self, count: u32) -> bool {
        let all = self.octets.iter().map(|octet| octet.count_ones()).sum();
        let first = self.octets.first().map_or(0, |octet| octet.count_ones());
        [first, all].contains(&count)
    }

    /// Takes these atoms away, all of them or none.
    fn take(&mut self, wanted: &[Atom]) -> bool {
        if let [Atom::Number(number)] = wanted
            && self.is_whole(*number)
        {
            return true;
        }
        let mut left = self.atoms.clone();
        for atom in wanted {
            let is_it = |other: &Atom| other == atom || self.is_masked(other, atom);
            let Some(place) = left.iter().position(is_it) else {
                return false;
            };
            left.remove(place);
        }
        self.atoms = left;
        true
    }

    /// The number that all octets make, or the octet of flags in front.
    fn is_whole(&self, number: u64) -> bool {
        let whole = self.octets.iter().take(8);
        let whole = whole.fold(0, |whole, octet| whole << 8 | u64::from(*octet));
        (self.octets.len() <= 8 && whole == number)
            || self
                .octets
                .first()
                .is_some_and(|first| u64::from(*first) == number)
    }

    /// A number of six or of twenty bits, where the vector sets spare ones as well.
    fn is_masked(&self, ours: &Atom, theirs: &Atom) -> bool {
        let (Atom::Number(ours), Atom::Number(theirs)) = (ours, theirs) else {
            return false;
        };
        self.has_spare && [theirs & 0x3f, theirs & 0xf_ffff].contains(ours)
    }
}

/// The atoms of a value that is written as Rust writes it for people.
fn atoms(debug: &str) -> Vec<Atom> {
    let mut atoms = Vec::new();
    let mut rest = debug;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let (text, behind) = quoted(&rest[1..]);
            atoms.push(Atom::Text(text));
            rest = behind;
            continue;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._:".contains(c);
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (token, behind) = rest.split_at(end);
        rest = behind;
        if let Ok(number) = token.parse() {
            atoms.push(Atom::Number(number));
        } else if let Ok(address) = token.parse() {
            atoms.push(Atom::Address(address));
        } else if !token.ends_with(':') {
            atoms.push(Atom::Word(token.to_owned()));
        }
    }
    atoms
}

/// A string up to its quotation mark, and what is behind that.
fn quoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '"' => return (out, &text[place + 1..]),
            '\\' => out.extend(chars.next().map(|(_, c)| c)),
            c => out.push(c),
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Create FAR: ID 7, FORW, to Core by network instance "n6".
    const FAR: [u8; 32] = [
        0, 3, 0, 28, 0, 108, 0, 4, 0, 0, 0, 7, 0, 44, 0, 1, 2, 0, 4, 0, 11, 0, 42, 0, 1, 1, 0, 22,
        0, 2, b'n', b'6',
    ];

    fn report(listed: &str) -> Report {
        let ies = upf_user::pfcp::codec::tree::read_ies(&FAR).unwrap();
        let kinds = [("CreateFAR", 3), ("FARID", 108), ("NetworkInstance", 22)];
        let kinds = kinds.map(|(name, kind)| (name.to_owned(), kind)).into();
        let mut report = Report::new("test");
        call(
            "row",
            &super::super::go::parse(listed).unwrap(),
            &ies[0],
            &kinds,
            &mut report,
        );
        report
    }

    #[test]
    fn what_is_not_so_disagrees() {
        let far = |id: &str, action: &str, name: &str| {
            report(&format!(
                "ie.NewCreateFAR({id}, ie.NewApplyAction({action}), ie.NewForwardingParameters(\
                 ie.NewDestinationInterface(ie.DestinationInterfaceCore), {name}))"
            ))
        };
        let (id, name) = ("ie.NewFARID(7)", "ie.NewNetworkInstance(\"n6\")");
        assert!(far(id, "0x02", name).is_clean());
        for wrong in [
            far("ie.NewFARID(8)", "0x02", name),
            far(id, "0x04", name),
            far(id, "0x02", "ie.NewNetworkInstance(\"n3\")"),
            far(id, "0x02", "nil"),
            far("ie.NewNetworkInstance(\"n6\")", "0x02", name),
        ] {
            assert!(!wrong.is_clean(), "{wrong}");
        }
    }

    #[test]
    fn atoms_are_found_in_what_is_printed() {
        let found = atoms(r#"X { ipv4: Some(10.0.0.1), text: "a \" b", n: [1, 2], kind: Core }"#);
        for atom in [
            Atom::Address([10, 0, 0, 1].into()),
            Atom::Text("a \" b".to_owned()),
            Atom::Number(2),
            Atom::Word("Core".to_owned()),
        ] {
            assert!(found.contains(&atom), "{atom:?} in {found:?}");
        }
    }
}
