//! Forwarding Action Rules.

use super::NetworkInstance;
use super::rule_set::rules;
use crate::pfcp::ie::{ApplyAction, HeaderEnrichment, Interface, RedirectInformation};
use crate::session::config::SessionsConfig;
use crate::session::detection::RemoteTunnel;
use serde::{Deserialize, Serialize};

/// Forwarding Action Rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Far {
    pub(in crate::session) id: u32,
    pub(in crate::session) action: ApplyAction,
    pub(in crate::session) forwarding: Forwarding,
    pub(in crate::session) duplicates: Vec<Duplicate>,
    pub(in crate::session) bar: Option<u8>,
}

/// Forwarding Parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Forwarding {
    /// `None` if the FAR never had Forwarding Parameters.
    pub(in crate::session) destination: Option<Interface>,
    pub(in crate::session) network_instance: Option<NetworkInstance>,
    pub(in crate::session) tunnel: Option<RemoteTunnel>,
    /// DSCP of the outer header.
    pub(in crate::session) dscp: Option<u8>,
    /// The forwarding policy's number in the config.
    pub(in crate::session) policy: Option<u16>,
    pub(in crate::session) redirect: Option<Box<RedirectInformation>>,
    pub(in crate::session) header_enrichment: Option<Box<HeaderEnrichment>>,
    pub(in crate::session) linked_endpoint: Option<u8>,
    pub(in crate::session) proxying: Option<u8>,
    /// 3GPP Interface Type of the destination.
    pub(in crate::session) destination_type: Option<u8>,
    /// Data Network Access Identifier.
    pub(in crate::session) dnai: Option<Box<str>>,
}

/// Duplicating Parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct Duplicate {
    pub(in crate::session) destination: Interface,
    pub(in crate::session) tunnel: Option<RemoteTunnel>,
    /// DSCP of the outer header.
    pub(in crate::session) dscp: Option<u8>,
    /// The forwarding policy's number in the config.
    pub(in crate::session) policy: Option<u16>,
}

/// What a FAR does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Action {
    Drop,
    Buffer,
    Forward,
}

rules!(Far: u32);

impl Forwarding {
    /// The network instance that packets go to: that of the forwarding policy, if there is one.
    pub(in crate::session) fn instance(&self, config: &SessionsConfig) -> Option<NetworkInstance> {
        let policy = self.policy.map(usize::from);
        let policy = policy.and_then(|number| config.forwarding_policies.get(number));
        let of_policy = policy.map(|policy| NetworkInstance::Known(policy.instance));
        of_policy.or(self.network_instance)
    }
}

impl Far {
    /// What is done with a packet. A FAR that redirects drops what it would forward: TREU is not announced, and a
    /// subscriber who is to be redirected must not go on for free.
    pub(in crate::session) fn verdict(&self) -> Action {
        if self.action.has(ApplyAction::BUFF) {
            Action::Buffer
        } else if self.forwards() && self.forwarding.redirect.is_none() {
            Action::Forward
        } else {
            Action::Drop
        }
    }

    /// Whether Apply Action asks for FORW.
    pub(in crate::session) fn forwards(&self) -> bool {
        self.action.has(ApplyAction::FORW)
    }

    pub(in crate::session) fn duplicates(&self) -> bool {
        self.action.has(ApplyAction::DUPL)
    }

    /// The tunnels that it sends to now.
    pub(in crate::session) fn remote_tunnels(&self) -> impl Iterator<Item = RemoteTunnel> + '_ {
        let forwarded = (self.verdict() == Action::Forward).then_some(self.forwarding.tunnel);
        let copied = self.duplicates.iter().filter(|_| self.duplicates());
        let copied = copied.filter_map(|copy| copy.tunnel);
        forwarded.flatten().into_iter().chain(copied)
    }
}
