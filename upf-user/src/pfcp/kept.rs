//! What the node has to have at hand when another process goes on in its place. Peers do not notice that then: the
//! Recovery Time Stamp stays what it was (TS 23.007 clause 19A).

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::ie::{CpFunctionFeatures, NodeId};

/// An association. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAssociation {
    /// Where the control plane is.
    pub address: SocketAddr,
    /// Where its requests came from.
    pub addresses: Vec<IpAddr>,
    /// When it started, in seconds of NTP.
    pub recovery_time_stamp: u32,
    /// CP Function Features, as last told.
    pub cp_features: CpFunctionFeatures,
    /// When the association was set up.
    pub since_ms: u64,
    /// Whether it takes no new sessions.
    pub is_releasing: bool,
    /// When it goes then, released or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release_at_ms: Option<u64>,
}

/// What became of answers, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptAnswer {
    /// One was given.
    Given(GivenAnswer),
    /// Those to what came from an address before are void: there is another association now, or none.
    Void {
        /// The address.
        peer: IpAddr,
        /// Until when this is of use, milliseconds since 1970.
        until_ms: u64,
    },
}

/// The answer to a request that may come again (TS 29.244 clause 6.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAnswer {
    /// Where the request came from.
    pub from: SocketAddr,
    /// Its sequence number.
    pub sequence: u32,
    /// A hash of its bytes.
    pub request_hash: u64,
    /// The answer.
    pub bytes: Vec<u8>,
    /// Until when the request may come again, milliseconds since 1970.
    pub until_ms: u64,
}

/// All that a node goes on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptNode {
    /// The associations.
    pub associations: Vec<(NodeId, KeptAssociation)>,
    /// Answers, in the order in which they were kept.
    pub answers: Vec<KeptAnswer>,
    /// The sequence number of our next request: peers may still hold answers to those before.
    pub next_sequence: Option<u32>,
}

impl KeptAnswer {
    /// Until when it is of use, milliseconds since 1970.
    #[must_use]
    pub const fn until_ms(&self) -> u64 {
        match self {
            Self::Given(answer) => answer.until_ms,
            Self::Void { until_ms, .. } => *until_ms,
        }
    }
}
