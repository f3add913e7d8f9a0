//! `[gtpu]`: what we tell GTP-U peers beside user packets.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::reader::Section;

/// `[gtpu]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gtpu {
    /// From one Echo Request to a peer to the next; zero for none at all.
    pub echo_interval: Duration,
    /// T3-RESPONSE: how long an answer may take (TS 29.281 clause 12).
    pub t3_response: Duration,
    /// N3-REQUESTS: how often a request is sent before the path counts as failed (clause 12).
    pub n3_requests: u32,
    /// How long after our start no Error Indication is sent, while control planes set sessions up anew.
    pub error_indication_holdoff: Duration,
    /// Error Indications to all peers together, in a second; zero for none at all.
    pub error_indications_per_second: u32,
}

/// No path is to be asked more often (TS 29.281 clause 7.2.1).
const MIN_ECHO_INTERVAL: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Gtpu {
    /// Whether the interval is one for labs only.
    #[must_use]
    pub fn echoes_too_often(&self) -> bool {
        !self.echo_interval.is_zero() && self.echo_interval < MIN_ECHO_INTERVAL
    }
}

impl Default for Gtpu {
    fn default() -> Self {
        Self {
            echo_interval: MIN_ECHO_INTERVAL,
            t3_response: Duration::from_secs(3),
            n3_requests: 5,
            error_indication_holdoff: Duration::from_secs(60),
            error_indications_per_second: 1000,
        }
    }
}

/// For people.
impl fmt::Display for Gtpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (interval, holdoff) = (self.echo_interval, self.error_indication_holdoff);
        if interval.is_zero() {
            f.write_str("no Echo Requests")?;
        } else {
            write!(f, "Echo Requests every {interval:?}")?;
        }
        if self.echoes_too_often() {
            f.write_str(": for labs only, TS 29.281 asks for 60 s or more")?;
        }
        match self.error_indications_per_second {
            0 => f.write_str("; no Error Indications"),
            rate => write!(
                f,
                "; {rate} Error Indications a second, from {holdoff:?} on"
            ),
        }
    }
}

/// `None` only where a problem has been reported.
pub(super) fn read(section: &Section<'_>) -> Option<Gtpu> {
    let default = Gtpu::default();
    let echo_interval = read_echo_interval(section, default.echo_interval);
    let t3_response = read_duration(section, "t3_response", default.t3_response);
    let t3_response = t3_response.and_then(|duration| {
        let range = Duration::from_millis(100)..=Duration::from_secs(60);
        within(section, "t3_response", duration, range, "100 ms to 60 s")
    });
    let n3_requests = read_count(section, "n3_requests", default.n3_requests, 1..=20);
    let key = "error_indication_holdoff";
    let holdoff = read_duration(section, key, default.error_indication_holdoff)
        .and_then(|holdoff| within(section, key, holdoff, Duration::ZERO..=DAY, "0 s to 24 h"));
    let key = "error_indications_per_second";
    let rate = read_count(
        section,
        key,
        default.error_indications_per_second,
        0..=100_000,
    );
    section.finish();
    Some(Gtpu {
        echo_interval: echo_interval?,
        t3_response: t3_response?,
        n3_requests: n3_requests?,
        error_indication_holdoff: holdoff?,
        error_indications_per_second: rate?,
    })
}

fn read_echo_interval(section: &Section<'_>, default: Duration) -> Option<Duration> {
    let key = "echo_interval";
    let interval = read_duration(section, key, default)?;
    if interval.is_zero() {
        return Some(interval);
    }
    let range = Duration::from_secs(1)..=DAY;
    within(
        section,
        key,
        interval,
        range,
        "1 s to 24 h, or \"0 s\" for none",
    )
}

fn read_duration(section: &Section<'_>, key: &'static str, default: Duration) -> Option<Duration> {
    const EXAMPLE: &str = "60 s";
    let Some(text) = section.optional_text(key, EXAMPLE) else {
        return Some(default);
    };
    let duration = duration(text);
    if duration.is_none() {
        let message = format!("\"{text}\" is no time; write one like \"{EXAMPLE}\"");
        section.problem(key, message);
    }
    duration
}

/// A whole number and its unit: ms, s, min or h.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let milliseconds = match unit.trim_start() {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

pub(super) fn within(
    section: &Section<'_>,
    key: &'static str,
    duration: Duration,
    range: RangeInclusive<Duration>,
    write: &str,
) -> Option<Duration> {
    let is_within = range.contains(&duration);
    if !is_within {
        section.problem(key, format!("{duration:?} cannot be kept; write {write}"));
    }
    is_within.then_some(duration)
}

fn read_count(
    section: &Section<'_>,
    key: &'static str,
    default: u32,
    range: RangeInclusive<u32>,
) -> Option<u32> {
    let example = default.to_string();
    let count = section
        .optional_integer(key, &example)
        .unwrap_or(i64::from(default));
    let allowed = u32::try_from(count)
        .ok()
        .filter(|count| range.contains(count));
    if allowed.is_none() {
        let message = format!(
            "{count} cannot be kept; write {} to {}",
            range.start(),
            range.end()
        );
        section.problem(key, message);
    }
    allowed
}
