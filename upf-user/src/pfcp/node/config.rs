//! What the node has to be told.

use std::net::SocketAddr;
use std::time::Duration;

use super::features::FEATURES;
use crate::pfcp::ie::{NodeId, UpFunctionFeatures};
use crate::session::NtpAnchor;

/// T1: how long a request waits for its response before it is sent again (TS 29.244 clause 6.4).
pub const T1: Duration = Duration::from_secs(3);
/// N1: how often a request is sent in all (TS 29.244 clause 6.4).
pub const N1: u32 = 3;
/// Time between two heartbeats to a peer (TS 29.244 clause 6.2.2 leaves it to the operator).
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// How long sessions of a peer that does not answer are kept forwarding.
pub const UNREACHABLE_GRACE: Duration = Duration::from_secs(300);
/// Time before a set-up that got no answer, or a refusal, is tried again.
pub const CONNECT_RETRY: Duration = Duration::from_secs(10);

/// Load from which on control planes are asked for less, in percent.
pub const OVERLOAD_PERCENT: u8 = 90;

/// What the node has to be told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our Node ID.
    pub node_id: NodeId,
    /// Since when we have what we have, in seconds of NTP: not later than our start.
    pub recovery_time_stamp: u32,
    /// Control planes that we set the association up with ourselves.
    pub connect: Vec<SocketAddr>,
    /// See [`T1`].
    pub t1: Duration,
    /// See [`N1`].
    pub n1: u32,
    /// See [`HEARTBEAT_INTERVAL`].
    pub heartbeat_interval: Duration,
    /// See [`UNREACHABLE_GRACE`].
    pub unreachable_grace: Duration,
    /// See [`CONNECT_RETRY`].
    pub connect_retry: Duration,
    /// See [`OVERLOAD_PERCENT`].
    pub overload_percent: u8,
    /// What we announce: [`FEATURES`], or less.
    pub features: UpFunctionFeatures,
    /// What time it is.
    pub clock: NtpAnchor,
}

impl Config {
    /// A node with the usual timers that waits for control planes to come.
    #[must_use]
    pub fn new(node_id: NodeId, recovery_time_stamp: u32) -> Self {
        Self {
            node_id,
            recovery_time_stamp,
            connect: Vec::new(),
            t1: T1,
            n1: N1,
            heartbeat_interval: HEARTBEAT_INTERVAL,
            unreachable_grace: UNREACHABLE_GRACE,
            connect_retry: CONNECT_RETRY,
            overload_percent: OVERLOAD_PERCENT,
            features: FEATURES,
            clock: NtpAnchor::now(),
        }
    }

    /// The number of what is told first about our load. It rises once a second at most, so that it begins above those of
    /// former lives, and of processes before us in this one.
    pub(super) fn first_load_sequence(&self) -> u32 {
        let stamp = self.recovery_time_stamp;
        match self.clock.ntp_seconds.wrapping_sub(stamp).cast_signed() {
            1.. => self.clock.ntp_seconds,
            _ => stamp,
        }
    }

    /// How long a request can come again: T1 × (N1 + 1).
    pub(super) fn answers_kept(&self) -> Duration {
        self.t1.saturating_mul(self.n1.saturating_add(1))
    }
}
