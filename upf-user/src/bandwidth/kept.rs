//! What outlives a restart: names and numbers, which may no longer mean anything when they are read again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Assignment, Bandwidth, CustomerId, Imsi, SimChange, SpeedLimit};

/// What a SIM was given, as it is kept. Names of classes and customers that there are no more stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAssignment {
    /// Its speed class's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Box<str>>,
    /// Its customer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Box<str>>,
}

/// A customer's limit as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptLimit {
    /// bit/s; `None` for no limit.
    pub uplink_bps: Option<u64>,
    /// bit/s; `None` for no limit.
    pub downlink_bps: Option<u64>,
    /// How long a full bucket lasts, in milliseconds.
    pub depth_ms: u64,
    /// Whether packets are marked before any is dropped.
    pub ecn: bool,
}

/// All that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Customers' limits.
    pub customers: Vec<(CustomerId, KeptLimit)>,
    /// What SIMs were given.
    pub sims: Vec<(Imsi, KeptAssignment)>,
}

impl KeptAssignment {
    /// Changes what is to be changed.
    pub fn change(&mut self, change: &SimChange) {
        if let Some(class) = &change.class {
            self.class.clone_from(class);
        }
        if let Some(customer) = &change.customer {
            self.customer.clone_from(customer);
        }
    }

    /// Whether nothing is left to keep.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.class.is_none() && self.customer.is_none()
    }
}

impl From<&SpeedLimit> for KeptLimit {
    fn from(limit: &SpeedLimit) -> Self {
        Self {
            uplink_bps: limit.uplink_bps,
            downlink_bps: limit.downlink_bps,
            depth_ms: u64::try_from(limit.depth.as_millis()).unwrap_or(u64::MAX),
            ecn: limit.ecn,
        }
    }
}

impl From<&KeptLimit> for SpeedLimit {
    fn from(kept: &KeptLimit) -> Self {
        Self {
            uplink_bps: kept.uplink_bps,
            downlink_bps: kept.downlink_bps,
            depth: Duration::from_millis(kept.depth_ms),
            ecn: kept.ecn,
        }
    }
}

impl Bandwidth {
    /// What a SIM was given, in names.
    #[must_use]
    pub fn kept(&self, assignment: &Assignment) -> KeptAssignment {
        let class = assignment.class.and_then(|class| self.class(class));
        let customer = assignment.customer.as_ref();
        KeptAssignment {
            class: class.map(|class| (*class.name).into()),
            customer: customer.map(|customer| (*customer.0).into()),
        }
    }

    /// What names mean now. What is unknown is left out.
    #[must_use]
    pub fn assigned(&self, kept: &KeptAssignment) -> Assignment {
        let class = kept.class.as_deref();
        let customer = kept.customer.as_deref();
        Assignment {
            class: class.and_then(|name| self.class_named(name)),
            customer: customer.and_then(|name| self.customer_named(name).cloned()),
        }
    }

    /// Takes note of what was kept, and tells for how many SIMs part of it means nothing under this config.
    pub fn restore(&mut self, kept: &Kept) -> usize {
        for (customer, limit) in &kept.customers {
            self.set_customer(customer.clone(), Some(limit.into()));
        }
        let mut ignored = 0;
        for (imsi, kept) in &kept.sims {
            let assignment = self.assigned(kept);
            let is_whole = assignment.class.is_some() == kept.class.is_some()
                && assignment.customer.is_some() == kept.customer.is_some();
            ignored += usize::from(!is_whole);
            self.assign(*imsi, assignment);
        }
        ignored
    }
}
