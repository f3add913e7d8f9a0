//! Points in time as texts, in UTC.

use crate::store::NTP_TO_UNIX;

const DAY_SECONDS: u64 = 86_400;
/// Days of 400 years.
const ERA_DAYS: u64 = 146_097;
/// From 1 March of the year 0 to 1970.
const MARCH_0_TO_1970: u64 = 719_468;

/// Year, month, day, hour, minute, second.
fn fields(unix_seconds: u64) -> [u64; 6] {
    // Years begin in March here: the day that some have more comes last.
    let days = unix_seconds / DAY_SECONDS + MARCH_0_TO_1970;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let second = unix_seconds % DAY_SECONDS;
    [
        era * 400 + year + carry,
        month,
        day_of_month,
        second / 3600,
        second / 60 % 60,
        second % 60,
    ]
}

/// `2026-11-25T12:43:42Z`
pub(super) fn seconds(unix_seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = fields(unix_seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `2026-11-25T12:43:42.007Z`
pub(crate) fn millis(unix_ms: u64) -> String {
    let mut text = seconds(unix_ms / 1000);
    text.pop();
    format!("{text}.{:03}Z", unix_ms % 1000)
}

/// `20261125T124342Z`: no sign that a file's name had better not have.
pub(super) fn compact(unix_seconds: u64) -> String {
    seconds(unix_seconds).replace(['-', ':'], "")
}

/// A stamp of NTP as one of Unix: those before 1970 count as after 2036, when NTP begins anew.
pub(super) fn unix_of(ntp: u32) -> u64 {
    let era = NTP_TO_UNIX & u64::from(u32::MAX);
    u64::from(ntp).wrapping_sub(era) & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_all_kinds() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (1_764_074_622, "2025-11-25T12:43:42Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(seconds(unix), text);
        }
        assert_eq!(millis(951_782_400_007), "2000-02-29T00:00:00.007Z");
        assert_eq!(compact(951_782_400), "20000229T000000Z");
    }

    #[test]
    fn stamps_of_ntp_go_on_after_2036() {
        assert_eq!(unix_of(2_208_988_800), 0);
        assert_eq!(unix_of(u32::MAX), 2_085_978_495);
        assert_eq!(unix_of(0), 2_085_978_496);
    }
}
