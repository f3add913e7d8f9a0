//! The name of a SIM.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An IMSI (TS 23.003 clause 2.2): 6 to 15 digits, in eight bytes. Ordered by length, then by number. A text in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "&str", into = "String")]
pub struct Imsi(u64);

/// A text that is no IMSI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an IMSI has 6 to 15 digits")]
pub struct NoImsi;

impl Imsi {
    /// How many digits it has.
    #[must_use]
    pub const fn digits(self) -> u32 {
        self.0.ilog10()
    }
}

impl FromStr for Imsi {
    type Err = NoImsi;

    fn from_str(text: &str) -> Result<Self, NoImsi> {
        let is_imsi = (6..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !is_imsi {
            return Err(NoImsi);
        }
        // A leading 1 keeps leading zeros.
        format!("1{text}").parse().map(Self).map_err(|_| NoImsi)
    }
}

impl TryFrom<&str> for Imsi {
    type Error = NoImsi;

    fn try_from(text: &str) -> Result<Self, NoImsi> {
        text.parse()
    }
}

impl From<Imsi> for String {
    fn from(imsi: Imsi) -> Self {
        imsi.to_string()
    }
}

impl fmt::Display for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string()[1..])
    }
}

impl fmt::Debug for Imsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept() {
        for text in [
            "001010000000001",
            "999999999999999",
            "000000",
            "26201123456789",
        ] {
            let imsi: Imsi = text.parse().unwrap();
            assert_eq!(imsi.to_string(), text);
            assert_eq!(imsi.digits() as usize, text.len());
        }
        for text in [
            "",
            "12345",
            "1234567890123456",
            "00101000000000a",
            "+01010000000001",
            "٠٠١٠١٠",
        ] {
            assert_eq!(text.parse::<Imsi>(), Err(NoImsi), "{text}");
        }
        let [a, b]: [Imsi; 2] = ["001010000000009", "001010000000010"].map(|t| t.parse().unwrap());
        assert!(a < b);
    }
}
