//! PFCP messages, counted by what their bytes say.
//!
//! Only the header and the Cause are looked at, so that what cannot be decoded is counted as well. Label
//! values come from closed lists: a peer cannot make new time series.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

/// Counters of the control plane's messages.
pub struct PfcpMetrics {
    messages: IntCounterVec,
    durations: Histogram,
    /// Datagrams that there was no room for.
    pub dropped: IntCounter,
}

/// What became of our requests to control planes, heartbeats and set-ups aside. Clones count together.
#[derive(Clone, Debug)]
pub struct RequestCounters {
    /// Sent N1 times and not answered.
    pub unanswered: IntCounter,
    /// Refused by the control plane.
    pub refused: IntCounter,
    /// Not sent, because too many waited.
    pub dropped: IntCounter,
    all: IntCounterVec,
}

impl RequestCounters {
    pub(super) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.all.clone()))
    }
}

impl Default for RequestCounters {
    fn default() -> Self {
        let options = Opts::new(
            "upf_pfcp_failed_requests_total",
            "Our PFCP requests, heartbeats and association set-ups aside, that came to nothing.",
        );
        let all =
            IntCounterVec::new(options, &["reason"]).expect("a name and a label as they should be");
        let of = |reason| all.with_label_values(&[reason]);
        Self {
            unanswered: of("unanswered"),
            refused: of("refused"),
            dropped: of("dropped"),
            all,
        }
    }
}

impl PfcpMetrics {
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let options = Opts::new(
            "upf_pfcp_messages_total",
            "PFCP messages; a response carries the cause it gave, a request has none.",
        );
        let messages = IntCounterVec::new(options, &["type", "way", "cause"])?;
        let options = HistogramOpts::new(
            "upf_pfcp_request_duration_seconds",
            "Time from a peer's PFCP request to our response.",
        );
        // 50 µs to 1.6 s: from one session in memory to a peer's timer.
        let buckets = prometheus::exponential_buckets(50e-6, 2.0, 16)?;
        let durations = Histogram::with_opts(options.buckets(buckets))?;
        registry.register(Box::new(messages.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        let dropped = IntCounter::new(
            "upf_pfcp_dropped_datagrams_total",
            "Datagrams of allowed peers to the PFCP port that there was no room for, dropped unread.",
        )?;
        registry.register(Box::new(dropped.clone()))?;
        Ok(Self {
            messages,
            durations,
            dropped,
        })
    }

    /// Counts what came from a peer.
    pub fn received(&self, datagram: &[u8]) {
        self.count(datagram, "rx");
    }

    /// Counts what goes to a peer. `since_request` is the time since a peer's datagram made us send;
    /// it is taken for the duration of a request where this is the response.
    pub fn sent(&self, datagram: &[u8], since_request: Option<Duration>) {
        self.count(datagram, "tx");
        if let Some(duration) = since_request.filter(|_| is_response(datagram)) {
            self.durations.observe(duration.as_secs_f64());
        }
    }

    fn count(&self, datagram: &[u8], way: &str) {
        let messages = Messages {
            rest: Some(datagram),
        };
        for message in messages {
            let cause = message.cause.map_or("", cause_label);
            self.messages
                .with_label_values(&[type_label(message.kind), way, cause])
                .inc();
        }
    }
}

/// Whether a datagram begins with a response. Requests have odd numbers below 12 and even ones from
/// there on; 11 answers what has a wrong version (TS 29.244 clause 7.3).
fn is_response(datagram: &[u8]) -> bool {
    let kind = datagram.get(1).copied().unwrap_or_default();
    matches!(
        kind,
        2 | 4 | 6 | 8 | 10 | 11 | 13 | 15 | 17 | 51 | 53 | 55 | 57
    )
}

struct Glimpse {
    /// `None` for what has no PFCP header.
    kind: Option<u8>,
    cause: Option<u8>,
}

/// The messages of one datagram: bundled ones follow each other where FO says so (TS 29.244 clause 7.2.2.1).
struct Messages<'a> {
    rest: Option<&'a [u8]>,
}

const FOLLOW_ON: u8 = 1 << 2;
const SEID: u8 = 1 << 0;
const SHORT_HEADER: usize = 8;
const LONG_HEADER: usize = 16;
/// The length counts from here on.
const LENGTH_COUNTS_FROM: usize = 4;
const CAUSE: u16 = 19;

impl Iterator for Messages<'_> {
    type Item = Glimpse;

    fn next(&mut self) -> Option<Glimpse> {
        let bytes = self.rest.take()?;
        let Some(&[flags, kind, high, low]) = bytes.first_chunk::<LENGTH_COUNTS_FROM>() else {
            return Some(Glimpse {
                kind: None,
                cause: None,
            });
        };
        let end = LENGTH_COUNTS_FROM + usize::from(u16::from_be_bytes([high, low]));
        let header = if flags & SEID == 0 {
            SHORT_HEADER
        } else {
            LONG_HEADER
        };
        let body = bytes.get(header..end.min(bytes.len())).unwrap_or_default();
        if flags & FOLLOW_ON != 0 {
            self.rest = bytes.get(end..).filter(|rest| !rest.is_empty());
        }
        Some(Glimpse {
            kind: Some(kind),
            cause: find_cause(body),
        })
    }
}

fn find_cause(mut body: &[u8]) -> Option<u8> {
    while let Some((&[t0, t1, l0, l1], rest)) = body.split_first_chunk::<4>() {
        let (value, next) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        if u16::from_be_bytes([t0, t1]) == CAUSE {
            return value.first().copied();
        }
        body = next;
    }
    None
}

/// TS 29.244 clause 7.3.
fn type_label(kind: Option<u8>) -> &'static str {
    match kind {
        Some(1) => "heartbeat_request",
        Some(2) => "heartbeat_response",
        Some(3) => "pfd_management_request",
        Some(4) => "pfd_management_response",
        Some(5) => "association_setup_request",
        Some(6) => "association_setup_response",
        Some(7) => "association_update_request",
        Some(8) => "association_update_response",
        Some(9) => "association_release_request",
        Some(10) => "association_release_response",
        Some(11) => "version_not_supported_response",
        Some(12) => "node_report_request",
        Some(13) => "node_report_response",
        Some(14) => "session_set_deletion_request",
        Some(15) => "session_set_deletion_response",
        Some(16) => "session_set_modification_request",
        Some(17) => "session_set_modification_response",
        Some(50) => "session_establishment_request",
        Some(51) => "session_establishment_response",
        Some(52) => "session_modification_request",
        Some(53) => "session_modification_response",
        Some(54) => "session_deletion_request",
        Some(55) => "session_deletion_response",
        Some(56) => "session_report_request",
        Some(57) => "session_report_response",
        Some(_) => "other",
        None => "malformed",
    }
}

/// TS 29.244 clause 8.2.1.
fn cause_label(cause: u8) -> &'static str {
    match cause {
        1 => "request_accepted",
        2 => "more_usage_report_to_send",
        3 => "request_partially_accepted",
        64 => "request_rejected",
        65 => "session_context_not_found",
        66 => "mandatory_ie_missing",
        67 => "conditional_ie_missing",
        68 => "invalid_length",
        69 => "mandatory_ie_incorrect",
        70 => "invalid_forwarding_policy",
        71 => "invalid_f_teid_allocation_option",
        72 => "no_established_pfcp_association",
        73 => "rule_creation_modification_failure",
        74 => "pfcp_entity_in_congestion",
        75 => "no_resources_available",
        76 => "service_not_supported",
        77 => "system_failure",
        78 => "redirection_requested",
        79 => "all_dynamic_addresses_are_occupied",
        80 => "unknown_pre_defined_rule",
        81 => "unknown_application_id",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glimpses(datagram: &[u8]) -> Vec<(Option<u8>, Option<u8>)> {
        Messages {
            rest: Some(datagram),
        }
        .map(|glimpse| (glimpse.kind, glimpse.cause))
        .collect()
    }

    #[test]
    fn the_cause_is_found_behind_other_ies() {
        let body = [0, 96, 0, 4, 1, 2, 3, 4, 0, 19, 0, 1, 65];
        let mut short = vec![0x20, 6, 0, 17, 0, 0, 1, 0];
        short.extend(body);
        assert_eq!(glimpses(&short), [(Some(6), Some(65))]);
        let mut long = vec![0x21, 51, 0, 25, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0];
        long.extend(body);
        assert_eq!(glimpses(&long), [(Some(51), Some(65))]);
    }

    #[test]
    fn bundled_messages_are_counted_one_by_one() {
        let first = [0x24, 1, 0, 4, 0, 0, 1, 0];
        let second = [0x20, 2, 0, 4, 0, 0, 2, 0];
        let bundle = [first, second].concat();
        assert_eq!(glimpses(&bundle), [(Some(1), None), (Some(2), None)]);
        assert_eq!(
            glimpses(&first),
            [(Some(1), None)],
            "FO with nothing behind"
        );
    }

    #[test]
    fn what_is_cut_short_is_counted_too() {
        assert_eq!(glimpses(&[]), [(None, None)]);
        assert_eq!(glimpses(&[0x20, 1, 0]), [(None, None)]);
        assert_eq!(
            glimpses(&[0x20, 1, 0xff, 0xff, 0, 19, 0, 9]),
            [(Some(1), None)]
        );
        assert_eq!(
            glimpses(&[0x20, 6, 0, 9, 0, 0, 1, 0, 0, 19, 0, 0]),
            [(Some(6), None)]
        );
    }

    #[test]
    fn a_peer_cannot_make_new_series() {
        assert_eq!(type_label(Some(200)), "other");
        assert_eq!(cause_label(200), "other");
    }

    #[test]
    fn responses_are_told_from_requests() {
        assert!(is_response(&[0x20, 51]) && is_response(&[0x20, 11]));
        assert!(!is_response(&[0x20, 50]) && !is_response(&[0x20]));
    }
}
