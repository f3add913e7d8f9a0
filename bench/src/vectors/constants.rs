//! What names, durations and times of the vectors' columns mean on the wire.

use std::net::IpAddr;

use super::compare::Atom;
use super::go::Expr;

/// Seconds from the start of NTP's time to that of Unix (RFC 5905).
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Names of values: those of enumerations that we have as such.
const WORDS: [(&str, &str); 12] = [
    ("CauseRequestAccepted", "RequestAccepted"),
    ("CauseRequestRejected", "RequestRejected"),
    ("SrcInterfaceAccess", "Access"),
    ("DstInterfaceAccess", "Access"),
    ("SourceInterfaceCore", "Core"),
    ("DestinationInterfaceCore", "Core"),
    ("GateStatusOpen", "true"),
    ("GateStatusClosed", "false"),
    ("RuleIDTypePDR", "Pdr"),
    ("RuleIDTypeFAR", "Far"),
    ("RuleIDTypeBAR", "Bar"),
    ("OuterHeaderRemovalGtpUUdpIpv4", "GtpuUdpIpv4"),
];

/// Names of values: numbers.
const NUMBERS: [(&str, u64); 26] = [
    ("Cause", 19),
    ("BTITCTP", 0),
    ("FlowDirectionDownlink", 1),
    ("FramedRoutingNone", 0),
    ("GateStatusOpen", 0),
    ("GateStatusClosed", 1),
    ("HeaderTypeHTTP", 0),
    ("MPTCPProxyTransportConverter", 1),
    ("NodeIDIPv4Address", 0),
    ("NodeIDIPv6Address", 1),
    ("PDNTypeIPv4", 1),
    ("PDNTypeIpv4", 1),
    ("PriorityActive", 0),
    ("RedirectAddrIPv4AndIPv6", 4),
    ("RedirectAddrURL", 2),
    ("SteeringFunctionalityATSSSLL", 0),
    ("SteeringModeActiveStandby", 0),
    ("TGPPInterfaceTypeS1U", 0),
    ("TimeUnitMinute", 0),
    ("CpFunctionFeaturesLoad", 1),
    ("CpFunctionFeaturesOvrl", 2),
    ("UpFunctionFeaturesTrst", 1 << 3),
    ("UpFunctionFeaturesUdbc", 1 << 10),
    ("OuterHeaderCreationGtpUUdpIpv4", 0x0100),
    ("OuterHeaderCreationUdpIpv4", 0x0400),
    ("OuterHeaderCreationUdpIpv6", 0x0800),
];

/// Units of durations, in nanoseconds.
const UNITS: [(&str, u64); 4] = [
    ("time.Millisecond", 1_000_000),
    ("time.Second", 1_000_000_000),
    ("time.Minute", 60_000_000_000),
    ("time.Hour", 3_600_000_000_000),
];

/// Units of timers in seconds, and their codes (TS 29.244 clause 8.2.36).
const TIMER_UNITS: [(u64, u64); 5] = [(2, 0), (60, 1), (600, 2), (3_600, 3), (36_000, 4)];

/// The constants of the vectors' tests that are MAC addresses.
const MAC: [u8; 5] = [0x12, 0x34, 0x56, 0x78, 0x90];

/// What an expression may look like in a value: any of several rows of atoms.
pub(super) fn alternatives(expr: &Expr) -> Vec<Vec<Atom>> {
    match expr {
        Expr::Number(number) => of_number(*number),
        Expr::Text(text) => of_text(text),
        Expr::Name(name) => of_name(name),
        Expr::Call(name, arguments) => of_call(name, arguments),
        Expr::Composite(_, octets) => {
            let octets = octets.iter().filter_map(|(_, octet)| match octet {
                Expr::Number(number) => u8::try_from(*number).ok(),
                _ => None,
            });
            of_octets(&octets.collect::<Vec<_>>())
        }
        Expr::Binary(left, operator, right) => of_binary(left, *operator, right),
    }
}

/// Values that say that there is none: nought and the empty string.
pub(super) fn stands_for_nothing(expr: &Expr) -> bool {
    match expr {
        Expr::Number(number) => *number == 0,
        Expr::Text(text) => text.is_empty(),
        Expr::Name(name) => number(name) == Some(0),
        _ => false,
    }
}

/// A name that stands for something that only the tests knew which the vectors come from.
pub(super) fn is_unknown_name(expr: &Expr) -> bool {
    match expr {
        Expr::Name(name) => {
            !["true", "false", "nil"].contains(&name.as_str()) && of_name(name).is_empty()
        }
        _ => false,
    }
}

/// A number, or the two octets of it.
fn of_number(number: u64) -> Vec<Vec<Atom>> {
    let mut all = vec![vec![Atom::Number(number)]];
    if (0x100..=0xffff).contains(&number) {
        all.push([number >> 8, number & 0xff].map(Atom::Number).to_vec());
    }
    all
}

fn of_text(text: &str) -> Vec<Vec<Atom>> {
    let mut all = vec![vec![Atom::Text(text.to_owned())]];
    if let Ok(address) = text.parse() {
        all.extend(of_address(address));
    }
    // A node's number is written as its hex digits.
    if let Ok(number) = u64::from_str_radix(text, 16) {
        all.push(vec![Atom::Number(number)]);
    }
    all.extend(of_octets(text.as_bytes()));
    all
}

fn of_address(address: IpAddr) -> Vec<Vec<Atom>> {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mut all = of_octets(&octets);
    all.insert(0, vec![Atom::Address(address)]);
    all
}

/// Octets one by one, or the number that they make; a flow label has 20 bits of 24.
fn of_octets(octets: &[u8]) -> Vec<Vec<Atom>> {
    let single = octets.iter().map(|octet| Atom::Number(u64::from(*octet)));
    let mut all = vec![single.collect()];
    if !octets.is_empty() && octets.len() <= 8 {
        let fold = |number, octet: &u8| number << 8 | u64::from(*octet);
        all.push(vec![Atom::Number(octets.iter().fold(0, fold))]);
    }
    all
}

fn of_name(name: &str) -> Vec<Vec<Atom>> {
    if let Some(last) = name
        .strip_prefix("mac")
        .and_then(|digit| digit.parse().ok())
    {
        return of_octets(&[&MAC[..], &[last]].concat());
    }
    let name = name.rsplit('.').next().unwrap_or(name);
    let word = WORDS.iter().filter(|(other, _)| *other == name);
    let words = word.map(|(_, word)| vec![Atom::Word((*word).to_owned())]);
    let numbers = number(name).map(|number| vec![Atom::Number(number)]);
    words.chain(numbers).collect()
}

fn number(name: &str) -> Option<u64> {
    let name = name.rsplit('.').next().unwrap_or(name);
    let known = NUMBERS.iter().find(|(other, _)| *other == name);
    known.map(|(_, number)| *number)
}

fn of_call(name: &str, arguments: &[Expr]) -> Vec<Vec<Atom>> {
    match (name, arguments) {
        ("net.ParseIP", [Expr::Text(text)]) => text.parse().map(of_address).unwrap_or_default(),
        ("byte", [Expr::Text(text)]) => of_text(text),
        ("time.Date", _) => {
            ntp(arguments).map_or_else(Vec::new, |seconds| vec![vec![Atom::Number(seconds)]])
        }
        _ => Vec::new(),
    }
}

/// The NTP seconds of `time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)`; other months are not in the vectors.
fn ntp(date: &[Expr]) -> Option<u64> {
    let [Expr::Number(year), Expr::Name(month), Expr::Number(day), ..] = date else {
        return None;
    };
    if month != "time.January" || *year < 1970 {
        return None;
    }
    let is_leap = |year: &u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let leap_days = (1970..*year).filter(is_leap).count() as u64;
    let days = (year - 1970) * 365 + leap_days + day - 1;
    Some(NTP_TO_UNIX + days * 86_400)
}

fn of_binary(left: &Expr, operator: char, right: &Expr) -> Vec<Vec<Atom>> {
    match (left, operator, right) {
        (Expr::Number(count), '*', Expr::Name(unit)) => {
            let unit = UNITS.iter().find(|(name, _)| name == unit);
            unit.map_or_else(Vec::new, |(_, ns)| of_duration(count * ns))
        }
        (left, '|', right) => match (flag(left), flag(right)) {
            (Some(left), Some(right)) => vec![vec![Atom::Number(left | right)]],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn flag(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Name(name) => number(name),
        _ => None,
    }
}

/// A duration in any of the units that IEs have: seconds, milliseconds, nanoseconds, 50 ms, and a timer's.
fn of_duration(ns: u64) -> Vec<Vec<Atom>> {
    let seconds = ns / 1_000_000_000;
    let timers = TIMER_UNITS.iter().filter_map(|(unit, code)| {
        let count = seconds / unit;
        (seconds.is_multiple_of(*unit) && count < 32).then_some(code << 5 | count)
    });
    let plain = [seconds, ns / 1_000_000, ns, ns / 50_000_000];
    let all = plain
        .into_iter()
        .chain(timers)
        .filter(|number| *number != 0);
    all.map(|number| vec![Atom::Number(number)]).collect()
}

/// Arguments that a constructor encodes: a tag's parts, a PLMN's digits, a timer's parts.
pub(super) fn as_encoded(constructor: &str, arguments: &[Expr]) -> Vec<Expr> {
    match (constructor, arguments) {
        (
            "CTAG" | "STAG",
            [
                Expr::Number(flags),
                Expr::Number(pcp),
                Expr::Number(dei),
                Expr::Number(vid),
            ],
        ) => {
            let second = (vid >> 8) << 4 | dei << 3 | pcp;
            [*flags, second, vid & 0xff].map(Expr::Number).to_vec()
        }
        ("TraceInformation", [Expr::Text(mcc), Expr::Text(mnc), rest @ ..]) => {
            let digits = |text: &str| {
                text.bytes()
                    .map(|digit| u64::from(digit - b'0'))
                    .collect::<Vec<_>>()
            };
            let (mcc, mnc) = (digits(mcc), digits(mnc));
            let third = mnc.get(2).copied().unwrap_or(0xf);
            let octets = [
                mcc[1] << 4 | mcc[0],
                third << 4 | mcc[2],
                mnc[1] << 4 | mnc[0],
            ];
            octets
                .into_iter()
                .map(Expr::Number)
                .chain(rest.iter().cloned())
                .collect()
        }
        ("DLBufferingDuration", [Expr::Number(unit), Expr::Number(value)]) => {
            vec![Expr::Number(unit << 5 | value)]
        }
        _ => arguments.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_timers() {
        let date =
            super::super::go::parse("time.Date(2019, time.January, 1, 0, 0, 0, 0, time.UTC)");
        assert_eq!(
            alternatives(&date.unwrap()),
            [vec![Atom::Number(0xdfd5_2c00)]]
        );
        let timer = super::super::go::parse("20 * time.Hour").unwrap();
        assert!(alternatives(&timer).contains(&vec![Atom::Number(0x82)]));
    }
}
