//! What GTP-U nodes tell each other: messages that the agent's sockets see, paths, copies.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use crate::gtpu::codec::message;
use crate::gtpu::{Ignored, NotSent, PathState};

/// What became of an Error Indication of a peer's that was believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// Sessions send there, and their control planes are told.
    Sessions,
    /// No session does.
    Nobody,
}

/// Counters of GTP-U signalling. Clones count together.
#[derive(Clone, Debug)]
pub struct GtpuMetrics {
    messages: IntCounterVec,
    lost: IntCounter,
    paths: IntGaugeVec,
    round_trips: Histogram,
    errors_sent: IntCounterVec,
    errors_received: IntCounterVec,
    copies: IntCounterVec,
}

impl GtpuMetrics {
    /// All at zero, and in no registry.
    ///
    /// # Errors
    /// When a metric's name is none.
    pub fn new() -> prometheus::Result<Self> {
        let vector =
            |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let paths = Opts::new(
            "upf_gtpu_paths",
            "GTP-U peers by whether they answer Echo Requests.",
        );
        let round_trips = HistogramOpts::new(
            "upf_gtpu_path_rtt_seconds",
            "Time from an Echo Request of ours to the peer's answer.",
        );
        // 50 µs to 1.6 s: from the next rack to the other side of the world and a busy gNB.
        let buckets = prometheus::exponential_buckets(50e-6, 2.0, 16)?;
        let metrics = Self {
            messages: vector(
                "upf_gtpu_messages_total",
                "GTP-U messages that the agent received or sent; Echo Requests that the fast path answers are not among them.",
                &["type", "way"],
            )?,
            lost: IntCounter::new(
                "upf_gtpu_lost_messages_total",
                "GTP-U messages of the agent's that could not be sent.",
            )?,
            paths: IntGaugeVec::new(paths, &["state"])?,
            round_trips: Histogram::with_opts(round_trips.buckets(buckets))?,
            errors_sent: vector(
                "upf_gtpu_suppressed_error_indications_total",
                "Packets with an unknown TEID that were not answered with an Error Indication.",
                &["reason"],
            )?,
            errors_received: vector(
                "upf_gtpu_received_error_indications_total",
                "Error Indications of peers by what became of them.",
                &["outcome"],
            )?,
            copies: vector(
                "upf_copies_total",
                "Copies of user packets (DUPL).",
                &["outcome"],
            )?,
        };
        metrics.begin();
        Ok(metrics)
    }

    /// Series that are there before their first event.
    fn begin(&self) {
        for state in PathState::ALL {
            self.paths.with_label_values(&[state.label()]);
        }
        for reason in [NotSent::HeldBack, NotSent::Limited] {
            self.errors_sent.with_label_values(&[not_sent(reason)]);
        }
        let outcomes = [Reported::Sessions, Reported::Nobody].map(reported);
        let reasons = [Ignored::Source, Ignored::Limited, Ignored::Repeated].map(ignored);
        for outcome in outcomes.iter().chain(&reasons) {
            self.errors_received.with_label_values(&[*outcome]);
        }
        for sent in [true, false] {
            self.copies.with_label_values(&[copy(sent)]);
        }
    }

    pub(super) fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.messages.clone()))?;
        registry.register(Box::new(self.lost.clone()))?;
        registry.register(Box::new(self.paths.clone()))?;
        registry.register(Box::new(self.round_trips.clone()))?;
        registry.register(Box::new(self.errors_sent.clone()))?;
        registry.register(Box::new(self.errors_received.clone()))?;
        registry.register(Box::new(self.copies.clone()))
    }

    /// Counts what came from a peer.
    pub fn received(&self, datagram: &[u8]) {
        let kind = type_label(datagram);
        self.messages.with_label_values(&[kind, "rx"]).inc();
    }

    /// Counts what goes to a peer, or should have.
    pub fn sent(&self, datagram: &[u8], is_sent: bool) {
        if is_sent {
            let kind = type_label(datagram);
            self.messages.with_label_values(&[kind, "tx"]).inc();
        } else {
            self.lost.inc();
        }
    }

    /// Messages that could not be sent so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// How many paths have which state.
    pub fn set_paths(&self, counts: [(PathState, u64); PathState::ALL.len()]) {
        for (state, count) in counts {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.paths.with_label_values(&[state.label()]).set(count);
        }
    }

    /// A peer has answered after this time.
    pub fn round_trip(&self, time: Duration) {
        self.round_trips.observe(time.as_secs_f64());
    }

    /// A packet with an unknown TEID was not answered.
    pub fn error_not_sent(&self, reason: NotSent) {
        self.errors_sent
            .with_label_values(&[not_sent(reason)])
            .inc();
    }

    /// A peer's Error Indication was ignored.
    pub fn error_ignored(&self, reason: Ignored) {
        self.errors_received
            .with_label_values(&[ignored(reason)])
            .inc();
    }

    /// A peer's Error Indication was looked into.
    pub fn error_reported(&self, outcome: Reported) {
        self.errors_received
            .with_label_values(&[reported(outcome)])
            .inc();
    }

    /// A copy was sent, or could not be.
    pub fn copy(&self, is_sent: bool) {
        self.copies.with_label_values(&[copy(is_sent)]).inc();
    }

    /// Error Indications received with this outcome.
    #[cfg(test)]
    pub(crate) fn received_errors(&self, outcome: &str) -> u64 {
        self.errors_received.with_label_values(&[outcome]).get()
    }

    /// Copies sent and lost.
    #[cfg(test)]
    pub(crate) fn copies(&self) -> (u64, u64) {
        let count = |is_sent| self.copies.with_label_values(&[copy(is_sent)]).get();
        (count(true), count(false))
    }
}

const fn not_sent(reason: NotSent) -> &'static str {
    match reason {
        NotSent::HeldBack => "held_back",
        NotSent::Limited => "limited",
    }
}

const fn ignored(reason: Ignored) -> &'static str {
    match reason {
        Ignored::Source => "wrong_source",
        Ignored::Limited => "limited",
        Ignored::Repeated => "repeated",
    }
}

const fn reported(outcome: Reported) -> &'static str {
    match outcome {
        Reported::Sessions => "reported",
        Reported::Nobody => "no_session",
    }
}

const fn copy(is_sent: bool) -> &'static str {
    if is_sent { "sent" } else { "lost" }
}

/// A closed list: a peer cannot make new series.
fn type_label(datagram: &[u8]) -> &'static str {
    match datagram.get(1).copied() {
        Some(message::ECHO_REQUEST) => "echo_request",
        Some(message::ECHO_RESPONSE) => "echo_response",
        Some(message::ERROR_INDICATION) => "error_indication",
        Some(message::SUPPORTED_EXTENSION_HEADERS) => "supported_extension_headers_notification",
        Some(message::TUNNEL_STATUS) => "tunnel_status",
        Some(message::END_MARKER) => "end_marker",
        Some(message::G_PDU) => "g_pdu",
        Some(_) => "other",
        None => "malformed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_cannot_make_new_series() {
        let labels: std::collections::BTreeSet<_> =
            (0..=255).map(|kind| type_label(&[0x30, kind])).collect();
        assert_eq!(labels.len(), 8);
        assert_eq!(type_label(&[0x30]), "malformed");
    }
}
