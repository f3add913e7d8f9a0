//! From the rules of a session to detections.

use super::detection::{Detection, Forward, Limit, LimitKey, RemoteTunnel};
use super::model::{Action, Far, Model};
use crate::datapath::Direction;

impl Model {
    pub(super) fn detections(&self) -> Vec<Detection> {
        let detection = |pdr: &super::model::Pdr| {
            let far = self.far_of(pdr);
            let limits = self.qers_of(pdr).filter_map(|qer| {
                let mbr = qer.mbr?;
                Some(Limit {
                    key: LimitKey::Qer(qer.id),
                    kbps: match pdr.traffic() {
                        Direction::Uplink => mbr.uplink_kbps,
                        Direction::Downlink => mbr.downlink_kbps,
                    },
                })
            });
            Detection {
                pdr: pdr.id,
                precedence: pdr.precedence,
                source: pdr.source,
                tunnel: pdr.tunnel,
                network_instance: pdr.network_instance,
                ue: pdr.ue.unwrap_or_default(),
                framed: Vec::new(),
                filters: (!pdr.filters.is_empty()).then(|| pdr.filters.clone()),
                qfis: pdr.qfis.clone(),
                action: far.map_or(Action::Drop, Far::verdict),
                forward: far.filter(|far| far.forwards()).and_then(|far| {
                    Some(Forward {
                        destination: far.destination?,
                        network_instance: far.network_instance,
                        tunnel: far.tunnel.map(|tunnel| RemoteTunnel {
                            teid: tunnel.teid,
                            address: tunnel.address.into(),
                        }),
                        dscp: far.dscp,
                    })
                }),
                duplicates: Vec::new(),
                is_gate_open: self.is_gate_open(pdr),
                limits: limits.collect(),
                qfi: self.qers_of(pdr).find_map(|qer| qer.qfi),
                is_reflective: false,
            }
        };
        self.pdrs.iter().map(detection).collect()
    }
}
