//! Fewer buckets for the same limits.

use std::collections::BTreeMap;

use super::detection::{Detection, Limit, LimitKey};

/// QERs of a session that limit exactly the same packets have one bucket, named after the lowest of them, and the
/// lowest MBR: a control plane that sends a flow's QER and the session's with every PDR of its only flow costs no more
/// than one that sends a single QER. Neither does a detection name a bucket twice after this.
pub(super) fn merge(detections: &mut [Detection]) {
    let mut users: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, detection) in detections.iter().enumerate() {
        for qer in detection.limits.iter().filter_map(qer_of) {
            let users = users.entry(qer).or_default();
            if users.last() != Some(&at) {
                users.push(at);
            }
        }
    }
    let mut names: BTreeMap<&[usize], u32> = BTreeMap::new();
    for (qer, users) in &users {
        names.entry(users).or_insert(*qer);
    }
    for detection in detections {
        let mut merged: Vec<Limit> = Vec::new();
        for limit in &detection.limits {
            let name = qer_of(limit).and_then(|qer| names.get(users.get(&qer)?.as_slice()));
            let key = name.map_or(limit.key, |name| LimitKey::Qer(*name));
            match merged.iter_mut().find(|other| other.key == key) {
                Some(other) => other.kbps = other.kbps.min(limit.kbps),
                None => merged.push(Limit { key, ..*limit }),
            }
        }
        detection.limits = merged;
    }
}

fn qer_of(limit: &Limit) -> Option<u32> {
    match limit.key {
        LimitKey::Qer(qer) => Some(qer),
        LimitKey::Correlated(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pfcp::ie::Interface;
    use crate::session::model::Way;

    fn merged(limits: &[&[(LimitKey, u64)]]) -> Vec<Vec<(LimitKey, u64)>> {
        let detection = |limits: &&[(LimitKey, u64)]| Detection {
            limits: limits
                .iter()
                .map(|&(key, kbps)| Limit { key, kbps })
                .collect(),
            ..Detection::of_way(&Way::default(), Interface::Core)
        };
        let mut detections: Vec<_> = limits.iter().map(detection).collect();
        merge(&mut detections);
        let limits = detections.iter().map(|detection| &detection.limits);
        limits
            .map(|limits| limits.iter().map(|limit| (limit.key, limit.kbps)).collect())
            .collect()
    }

    #[test]
    fn qers_of_the_same_packets_have_one_bucket_with_the_lowest_rate() {
        let (one, two, three) = (LimitKey::Qer(1), LimitKey::Qer(2), LimitKey::Qer(3));
        let shared = LimitKey::Correlated(1);
        let same = merged(&[&[(two, 10), (one, 20)], &[(one, 5), (two, 8), (shared, 1)]]);
        assert_eq!(same, [vec![(one, 10)], vec![(one, 5), (shared, 1)]]);
        // One flow more has the session's limit, and one of its own.
        let flows: [&[_]; 2] = [&[(one, 10), (two, 20)], &[(three, 5), (two, 20)]];
        assert_eq!(merged(&flows), flows);
        let single: [&[_]; 2] = [&[(two, 10)], &[(two, 10)]];
        assert_eq!(merged(&single), single);
    }
}
