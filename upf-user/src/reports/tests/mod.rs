//! The export's files, and the outbox without a node.

mod contexts;
mod export;
mod outbox;

use std::time::Instant;

use super::*;
use crate::pfcp::ie::{UsageReportTrigger, VolumeMeasurement, Volumes};
use crate::store::SessionStore;

const NOW_MS: u64 = 1_764_074_622_007;

pub(super) fn cp(last: u8) -> NodeId {
    NodeId::Address([192, 0, 2, last].into())
}

pub(super) fn made(node: &NodeId, seid: u64, sequence: u32) -> MadeReport {
    let volumes = |total: u64| Volumes {
        total: Some(total),
        uplink: Some(total / 3),
        downlink: Some(total - total / 3),
    };
    MadeReport {
        node: node.clone(),
        seid,
        cp_seid: seid + 1000,
        imsi: Some("001010000000001".parse().unwrap()),
        dnn: Some("internet".into()),
        ue_addresses: vec!["10.45.0.1".into(), "2001:db8:45::/64".into()],
        made_ms: NOW_MS,
        report: UsageReport {
            urr_id: 7,
            sequence,
            trigger: UsageReportTrigger(1 << 1 | 1 << 8),
            start_time: Some(3_973_063_422),
            end_time: Some(3_973_063_482),
            volume: Some(VolumeMeasurement {
                octets: volumes(1 << 40),
                packets: volumes(1000),
            }),
            duration: Some(60),
            ..UsageReport::default()
        },
    }
}
