//! Times of NTP on the clock of the agent.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::store::NTP_TO_UNIX;
use crate::usage::Millis;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct NtpAnchor {
    /// The moment.
    pub instant: Instant,
    /// Seconds of NTP then, their lower 32 bits (TS 29.244 clause 8.2.121).
    pub ntp_seconds: u32,
    /// The same moment since 1970.
    pub millis: Millis,
}

impl NtpAnchor {
    /// The beginning of the second that it is: without its fraction, every time would come late by it.
    #[must_use]
    pub fn now() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = unix.unwrap_or_default();
        let fraction = Duration::from_nanos(unix.subsec_nanos().into());
        let now = Instant::now();
        Self {
            instant: now.checked_sub(fraction).unwrap_or(now),
            ntp_seconds: unix.as_secs().wrapping_add(NTP_TO_UNIX) as u32,
            millis: Millis(unix.as_secs().saturating_mul(1000)),
        }
    }

    /// What time it is at a moment; what was before the clock began was at the anchor.
    #[must_use]
    pub fn millis_of(&self, moment: Instant) -> Millis {
        let since = moment.saturating_duration_since(self.instant).as_millis();
        self.millis.after(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// The reverse.
    pub(super) fn instant_at(&self, millis: Millis) -> Instant {
        let since = Duration::from_millis(millis.since(self.millis));
        self.instant.checked_add(since).unwrap_or(self.instant)
    }

    /// When it is that time: the moment that is nearest to the anchor, because the 32 bits wrap every 136 years.
    /// What was before the clock began was at the anchor.
    pub(super) fn instant_of(&self, ntp_seconds: u32) -> Instant {
        let since = ntp_seconds.wrapping_sub(self.ntp_seconds).cast_signed();
        let distance = Duration::from_secs(since.unsigned_abs().into());
        let instant = if since >= 0 {
            self.instant.checked_add(distance)
        } else {
            self.instant.checked_sub(distance)
        };
        instant.unwrap_or(self.instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_on_both_sides_of_the_wrap() {
        let instant = Instant::now() + Duration::from_secs(1_000_000);
        let anchor = NtpAnchor {
            instant,
            ntp_seconds: u32::MAX - 5,
            millis: Millis(7),
        };
        let after = |seconds| instant + Duration::from_secs(seconds);
        assert_eq!(anchor.instant_of(u32::MAX - 5), instant);
        assert_eq!(anchor.instant_of(u32::MAX), after(5));
        assert_eq!(anchor.instant_of(4), after(10));
        let before = instant - Duration::from_secs(95);
        assert_eq!(anchor.instant_of(u32::MAX - 100), before);
    }
}
