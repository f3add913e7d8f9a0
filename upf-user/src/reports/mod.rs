//! What becomes of usage reports once they are made.
//!
//! ```text
//!   made ──▶ store ──▶ export (one JSON line each)
//!              │
//!              ├──▶ Session Report Request, again and again ──▶ acknowledged: removed
//!              │
//!              └──▶ in the answer to a modification or deletion: removed once it is exported
//! ```
//!
//! The export is the whole record; the [`Outbox`] holds what control planes still have to acknowledge.

mod export;
mod figures;
mod outbox;
mod queue;
mod record;
#[cfg(test)]
mod tests;
pub(crate) mod utc;

use serde::{Deserialize, Serialize};

pub use export::{ExportCounts, Exporter, FILE};
pub use figures::Figures;
pub use outbox::{Batch, Contexts, MAX_KEPT, Outbox};
pub use queue::{BACK_OFF, MAX_BACK_OFF, MAX_DATAGRAM, MAX_REFUSALS};
pub use record::{Delivery, TRIGGERS, UsageRecord};

use crate::bandwidth::Imsi;
use crate::pfcp::ie::NodeId;
use crate::pfcp::message::UsageReport;

/// A usage report with what there is to know of its session at the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeReport {
    /// The control plane.
    pub node: NodeId,
    /// Our SEID.
    pub seid: u64,
    /// The control plane's SEID.
    pub cp_seid: u64,
    /// The subscriber, where the control plane told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imsi: Option<Imsi>,
    /// The DNN, where the control plane told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dnn: Option<Box<str>>,
    /// The UE's addresses and prefixes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ue_addresses: Vec<Box<str>>,
    /// When it was made, milliseconds since 1970.
    pub made_ms: u64,
    /// What is reported.
    pub report: UsageReport,
}
