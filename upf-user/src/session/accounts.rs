//! Which packets count for which URRs, and whether the counters of slots do for them ([`crate::datapath::slots::WantedUsage`]).

use std::collections::BTreeSet;

use super::compile::Compiler;
use super::detection::Detection;
use super::model::{Model, Urr};
use crate::datapath::slots::{HalfKey, Wanted, WantedUsage};
use crate::pfcp::ie::{Volumes, measurement_information};

impl Compiler<'_> {
    /// Adds to what a session wants where its URRs are counted.
    pub(super) fn want_usages(&self, wanted: &mut Wanted, model: &Model) {
        let urrs: BTreeSet<u32> = self.counted().flat_map(|one| one.urrs.clone()).collect();
        let halves = self.halves(wanted);
        for urr in urrs {
            let rule = model.urrs.get(urr);
            let is_plain = rule.is_some_and(is_plain);
            let halves = halves.as_deref().filter(|_| is_plain);
            wanted.usages.push(WantedUsage {
                urr,
                halves: halves.and_then(|halves| whole_halves(urr, halves)),
            });
        }
        for detection in self.counted() {
            if !detection.urrs.is_empty() && !wanted.usage_sets.contains(&detection.urrs) {
                wanted.usage_sets.push(detection.urrs.clone());
            }
        }
    }

    /// Detections that some packet may match.
    fn counted(&self) -> impl Iterator<Item = &Detection> {
        let all = self.detections.iter();
        all.filter(|detection| {
            detection
                .filters
                .as_ref()
                .is_none_or(|list| !list.is_empty())
        })
    }

    /// The detections that lead to each half. `None` where that is not known: networks behind UEs have slots of others' choice.
    fn halves(&self, wanted: &Wanted) -> Option<Vec<(HalfKey, Vec<&Detection>)>> {
        if !wanted.framed_routes.is_empty() {
            return None;
        }
        let tunnels = wanted.tunnels.iter().map(|want| {
            let leads = |one: &&Detection| one.tunnel.is_some_and(|own| own.key == want.key);
            let key = HalfKey::Tunnel(want.key);
            (key, self.counted().filter(leads).collect())
        });
        let addresses = wanted.addresses.iter().map(|&endpoint| {
            let leads = |one: &&Detection| {
                let names_none = one.ue.is_empty();
                let names_it = || self.endpoints(one).any(|own| own == endpoint);
                one.tunnel.is_none() && (names_none || names_it())
            };
            let key = HalfKey::Address(endpoint);
            (key, self.counted().filter(leads).collect())
        });
        Some(tunnels.chain(addresses).collect())
    }
}

/// The halves whose packets are all a URR's; `None` if only some packets of a half are.
fn whole_halves(urr: u32, halves: &[(HalfKey, Vec<&Detection>)]) -> Option<Vec<HalfKey>> {
    let mut whole = Vec::new();
    for (key, detections) in halves {
        let counts = |one: &&&Detection| one.urrs.contains(&urr);
        let counted = detections.iter().filter(counts).count();
        if counted == detections.len() && counted > 0 {
            whole.push(*key);
        } else if counted > 0 {
            return None;
        }
    }
    Some(whole)
}

/// Whether a URR wants nothing that a slot does not have.
fn is_plain(urr: &Urr) -> bool {
    let is_total = |volumes: &Option<Volumes>| {
        volumes.is_none_or(|volumes| volumes.uplink.is_none() && volumes.downlink.is_none())
    };
    let information = urr.measurement_information.unwrap_or_default();
    let bounds = [
        &urr.volume_threshold,
        &urr.volume_quota,
        &urr.subsequent_volume_threshold,
        &urr.subsequent_volume_quota,
    ];
    let times = &urr.additional_monitoring_times;
    let later = times.iter().flat_map(|time| {
        [
            &time.subsequent_volume_threshold,
            &time.subsequent_volume_quota,
        ]
    });
    bounds.into_iter().chain(later).all(is_total)
        && information & measurement_information::MBQE == 0
        && urr.quota_action_far_id.is_none()
}
