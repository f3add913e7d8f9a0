//! Bit rates as people write them.

use std::fmt;
use std::str::FromStr;

/// Slowest and fastest rate that limits are exact at, bit/s.
const RANGE: std::ops::RangeInclusive<u64> = 8_000..=400_000_000_000;
/// Units, the largest first.
const UNITS: [(&str, u64); 4] = [
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1000),
    ("bit/s", 1),
];

/// Bits per second, 8 kbit/s to 400 Gbit/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

/// Why something is no rate of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// It is not a number and a unit.
    #[error("a rate is a number with bit/s, kbit/s, Mbit/s or Gbit/s, such as \"1.5 Mbit/s\"")]
    Shape,
    /// It is one that limits cannot keep.
    #[error("a rate lies between 8 kbit/s and 400 Gbit/s")]
    Range,
}

impl Rate {
    /// A rate of so many bit/s.
    ///
    /// # Errors
    /// When there is no limit of that rate.
    pub fn from_bits(bits_per_second: u64) -> Result<Self, NoRate> {
        let is_in_range = RANGE.contains(&bits_per_second);
        is_in_range
            .then_some(Self(bits_per_second))
            .ok_or(NoRate::Range)
    }

    /// bit/s.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whole kbit/s, as PFCP has rates (TS 29.244 clause 8.2.8).
    #[must_use]
    pub const fn kilobits(self) -> u64 {
        self.0 / 1000
    }
}

impl FromStr for Rate {
    type Err = NoRate;

    /// `1 Mbit/s`, `64kbit/s`, `2.5 Gbit/s`. Parts of a bit are cut off.
    fn from_str(text: &str) -> Result<Self, NoRate> {
        let end = text.find(|c: char| c != '.' && !c.is_ascii_digit());
        let (number, unit) = text.split_at(end.ok_or(NoRate::Shape)?);
        let mut units = UNITS.into_iter();
        let (_, factor) = units
            .find(|(name, _)| *name == unit.trim_start_matches(' '))
            .ok_or(NoRate::Shape)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() || fraction.contains('.') {
            return Err(NoRate::Shape);
        }
        // Only digits are left: what cannot be read is too large.
        let whole: u64 = whole.parse().map_err(|_| NoRate::Range)?;
        let bits = whole.checked_mul(factor).ok_or(NoRate::Range)?;
        Self::from_bits(bits.saturating_add(part_of(factor, fraction)))
    }
}

/// The part of a unit that the digits behind the point are.
fn part_of(unit: u64, digits: &str) -> u64 {
    let mut place = unit;
    let mut part = 0;
    for digit in digits.bytes() {
        place /= 10;
        part += u64::from(digit - b'0') * place;
    }
    part
}

/// In the largest unit that it has one of, without rounding.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut units = UNITS.into_iter();
        let (name, unit) = units.find(|(_, unit)| self.0 >= *unit).unwrap_or(UNITS[3]);
        let digits = unit.ilog10() as usize;
        let fraction = format!("{:0digits$}", self.0 % unit);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        f.pad(&format!("{}{point}{fraction} {name}", self.0 / unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_shown() {
        for (text, bits, shown) in [
            ("1 Mbit/s", 1_000_000, "1 Mbit/s"),
            ("64kbit/s", 64_000, "64 kbit/s"),
            ("2.5 Mbit/s", 2_500_000, "2.5 Mbit/s"),
            ("0.128 Mbit/s", 128_000, "128 kbit/s"),
            ("400 Gbit/s", 400_000_000_000, "400 Gbit/s"),
            ("8000 bit/s", 8_000, "8 kbit/s"),
            ("8001 bit/s", 8_001, "8.001 kbit/s"),
            ("8000.9 bit/s", 8_000, "8 kbit/s"),
            ("1.0000000019 Gbit/s", 1_000_000_001, "1.000000001 Gbit/s"),
            ("10.05 kbit/s", 10_050, "10.05 kbit/s"),
        ] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!(rate.bits(), bits, "{text}");
            assert_eq!(rate.to_string(), shown);
            assert_eq!(shown.parse(), Ok(rate));
        }
        assert_eq!("1.5 Mbit/s".parse().map(Rate::kilobits), Ok(1500));
    }

    #[test]
    fn nonsense_is_refused() {
        use NoRate::{Range, Shape};
        for (text, why) in [
            ("", Shape),
            ("fast", Shape),
            ("1 furlong/s", Shape),
            ("8000", Shape),
            ("10 M", Shape),
            ("10 Mbit", Shape),
            ("1 MBit/s", Shape),
            ("1.2.3 Mbit/s", Shape),
            (".5 Mbit/s", Shape),
            ("5. Mbit/s", Shape),
            ("-1 Mbit/s", Shape),
            ("1e6 bit/s", Shape),
            ("٣ Mbit/s", Shape),
            ("0 bit/s", Range),
            ("7999 bit/s", Range),
            ("400.1 Gbit/s", Range),
            ("99999999999999999999 bit/s", Range),
            ("18446744073709551615 Gbit/s", Range),
        ] {
            assert_eq!(text.parse::<Rate>(), Err(why), "{text}");
        }
    }
}
