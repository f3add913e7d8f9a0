//! What a control plane tells about a session beside its rules.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;

use crate::pfcp::ie::{FqCsid, FqCsidNode, SNssai, UserId};
use crate::pfcp::message::{SessionEstablishmentRequest, SessionModificationRequest};

/// What is known of a session beside its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub(super) dnn: Option<Box<str>>,
    pub(super) user_id: Option<Box<UserId>>,
    pub(super) s_nssai: Option<SNssai>,
    pub(super) rat_type: Option<u8>,
    pub(super) pdn_type: Option<u8>,
    pub(super) group_id: Option<Box<[u8]>>,
    /// Seconds.
    pub(super) inactivity_timer: Option<u32>,
    /// The sets of sessions that it ends with.
    pub(super) fq_csids: Vec<FqCsid>,
}

impl About {
    pub(super) fn new(request: &SessionEstablishmentRequest) -> Self {
        Self {
            dnn: request.dnn.as_deref().map(Box::from),
            user_id: request.user_id.clone().map(Box::new),
            s_nssai: request.s_nssai,
            rat_type: request.rat_type,
            pdn_type: request.pdn_type,
            group_id: request.group_id.as_deref().map(Box::from),
            inactivity_timer: request.user_plane_inactivity_timer,
            fq_csids: request.fq_csids.clone(),
        }
    }

    /// The FQ-CSIDs of a node type replace the ones before.
    pub(super) fn modify(&mut self, request: &SessionModificationRequest) {
        let timer = request.user_plane_inactivity_timer;
        self.inactivity_timer = timer.or(self.inactivity_timer);
        let new = &request.fq_csids;
        let is_kept = |old: &FqCsid| !new.iter().any(|new| new.node_type == old.node_type);
        self.fq_csids.retain(is_kept);
        self.fq_csids.extend(new.iter().cloned());
    }

    pub(super) fn imsi(&self) -> Option<&str> {
        self.user_id.as_ref()?.imsi()
    }

    /// Whether the session belongs to one of these sets. O(sets of the session).
    pub(super) fn is_in(&self, sets: &Sets) -> bool {
        let mut own = self.fq_csids.iter();
        own.any(|own| sets.overlap(own))
    }
}

/// Sets of sessions (TS 23.007 clause 23) that can be looked up.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// With the node type as it was told.
    told: HashSet<(FqCsidNode, u16, Option<u8>)>,
    of_any_type: HashSet<(FqCsidNode, u16)>,
}

impl Sets {
    pub(super) fn new(fq_csids: &[FqCsid]) -> Self {
        let mut sets = Self::default();
        for FqCsid {
            node,
            csids,
            node_type,
        } in fq_csids
        {
            for csid in csids {
                sets.told.insert((*node, *csid, *node_type));
                sets.of_any_type.insert((*node, *csid));
            }
        }
        sets
    }

    /// The same, one by one.
    pub(super) fn fq_csids(&self) -> Vec<FqCsid> {
        let told = self.told.iter();
        told.map(|&(node, csid, node_type)| FqCsid {
            node,
            csids: vec![csid],
            node_type,
        })
        .collect()
    }

    /// A node type that one of them does not tell is any.
    fn overlap(&self, own: &FqCsid) -> bool {
        let node = own.node;
        let mut csids = own.csids.iter();
        csids.any(|&csid| match own.node_type {
            None => self.of_any_type.contains(&(node, csid)),
            told => [None, told]
                .iter()
                .any(|told| self.told.contains(&(node, csid, *told))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the lookup stands for.
    fn overlap(a: &FqCsid, b: &FqCsid) -> bool {
        let is_same_type =
            a.node_type.is_none() || b.node_type.is_none() || a.node_type == b.node_type;
        is_same_type && a.node == b.node && a.csids.iter().any(|csid| b.csids.contains(csid))
    }

    #[test]
    fn sets_are_found_as_if_each_were_compared() {
        let mut all = Vec::new();
        for node in [FqCsidNode::Id(1), FqCsidNode::Id(2)] {
            for csids in [vec![1], vec![2, 1], vec![3], vec![]] {
                for node_type in [None, Some(2), Some(3)] {
                    let csids = csids.clone();
                    all.push(FqCsid {
                        node,
                        csids,
                        node_type,
                    });
                }
            }
        }
        for (own, (a, b)) in all.iter().flat_map(|own| {
            let pairs = all.iter().zip(all.iter().skip(5));
            pairs.map(move |pair| (own, pair))
        }) {
            let about = About {
                fq_csids: vec![own.clone()],
                ..About::default()
            };
            let sets = Sets::new(&[a.clone(), b.clone()]);
            let expected = overlap(own, a) || overlap(own, b);
            assert_eq!(about.is_in(&sets), expected, "{own:?} {a:?} {b:?}");
        }
    }
}
