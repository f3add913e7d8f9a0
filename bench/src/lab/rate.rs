//! Bit rates as people write them.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, Error, Result, ensure};

/// Bits per second, a whole number of kbit/s as PFCP has it (TS 29.244 clause 8.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// A rate of so many kbit/s.
    #[must_use]
    pub const fn from_kilobits(kilobits: u64) -> Self {
        Self(kilobits * 1000)
    }

    /// kbit/s.
    #[must_use]
    pub const fn kilobits(self) -> u64 {
        self.0 / 1000
    }

    /// bit/s.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = Error;

    /// `1 Mbit/s`, `64kbit/s`, `2.5 M`.
    fn from_str(text: &str) -> Result<Self> {
        let end = text
            .find(|c: char| c != '.' && !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().context("a rate looks like `1 Mbit/s`")?;
        let unit = unit
            .trim()
            .trim_end_matches("/s")
            .trim_end_matches("bit")
            .trim_end_matches("bps");
        let factor = match unit {
            "" => 1e0,
            "k" | "K" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            _ => anyhow::bail!("`{unit}` is no unit of a rate; use kbit/s, Mbit/s or Gbit/s"),
        };
        let bits = number * factor;
        ensure!(
            (8e3..=1e11).contains(&bits),
            "a rate lies between 8 kbit/s and 100 Gbit/s"
        );
        Ok(Self::from_kilobits((bits / 1e3).round() as u64))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bits(self.0 as f64))
    }
}

/// Bits per second in a handy unit.
#[must_use]
pub(super) fn bits(bits: f64) -> String {
    match bits {
        1e9.. => format!("{:.2} Gbit/s", bits / 1e9),
        1e6.. => format!("{:.2} Mbit/s", bits / 1e6),
        _ => format!("{:.1} kbit/s", bits / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, bits) in [
            ("1 Mbit/s", 1_000_000),
            ("64kbit/s", 64_000),
            ("2.5 M", 2_500_000),
            ("100 Gbit/s", 100_000_000_000),
            ("8000", 8_000),
            ("10 Mbps", 10_000_000),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().bits(), bits, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "fast",
            "1 furlong/s",
            "0",
            "1 bit/s",
            "-1 Mbit/s",
            "1e99",
            "200 Gbit/s",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
