//! Moments, as charging counts them.

use serde::{Deserialize, Serialize};

/// From the beginning of NTP's first era (1900) to 1970.
const NTP_SECONDS_OF_1970: u64 = 2_208_988_800;

/// A moment: milliseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct Millis(pub u64);

impl Millis {
    /// Seconds of NTP, their lower 32 bits, as PFCP tells times (TS 29.244 clause 8.2.15 and others). Parts of a second
    /// are cut off.
    #[must_use]
    pub const fn ntp_seconds(self) -> u32 {
        (self.0 / 1000).wrapping_add(NTP_SECONDS_OF_1970) as u32
    }

    /// When it is that time of NTP: the moment that is nearest to this one, because the 32 bits wrap every 136 years.
    #[must_use]
    pub const fn at_ntp(self, ntp_seconds: u32) -> Self {
        let distance = ntp_seconds.wrapping_sub(self.ntp_seconds()).cast_signed();
        let whole = self.0 - self.0 % 1000;
        let millis = distance.unsigned_abs() as u64 * 1000;
        Self(if distance >= 0 {
            whole.saturating_add(millis)
        } else {
            whole.saturating_sub(millis)
        })
    }

    /// So many seconds later.
    #[must_use]
    pub const fn after_seconds(self, seconds: u32) -> Self {
        self.after(seconds as u64 * 1000)
    }

    /// So many milliseconds later.
    #[must_use]
    pub const fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since then; 0 if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ntp_counts_from_1900_and_wraps() {
        assert_eq!(Millis(0).ntp_seconds(), 2_208_988_800);
        assert_eq!(Millis(1_999).ntp_seconds(), 2_208_988_801);
        // The second era begins on 2036-02-07 06:28:16 UTC.
        assert_eq!(Millis(2_085_978_496_000).ntp_seconds(), 0);
        assert_eq!(Millis(u64::MAX).after_seconds(1), Millis(u64::MAX));
    }

    #[test]
    fn times_of_ntp_are_found_on_both_sides_of_the_wrap() {
        let now = Millis(2_085_978_490_123);
        assert_eq!(now.at_ntp(now.ntp_seconds()), Millis(2_085_978_490_000));
        assert_eq!(now.at_ntp(4), Millis(2_085_978_500_000));
        assert_eq!(now.at_ntp(u32::MAX - 99), Millis(2_085_978_396_000));
        assert_eq!(Millis(5_000).at_ntp(0), Millis(2_085_978_496_000));
        assert_eq!(Millis(5_000).at_ntp(2_208_988_700), Millis(0));
    }
}
