//! What the session room has to know of the config.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::clock::NtpAnchor;
use super::flow_description;
use super::model::SdfFilter;
use crate::bandwidth::Bandwidth;
use crate::config::{self, Config, RuleAction};
use crate::datapath::instances::Instances;
use crate::datapath::slots::{PoolError, PoolLayout, UePool};

/// A GTP-U address of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalGtpu {
    /// The address.
    pub address: IpAddr,
    /// Number of the network instance that its device leads to; 0 for an unnamed one.
    pub instance: u32,
}

/// What sessions depend on.
#[derive(Clone, Debug)]
pub struct SessionsConfig {
    /// Our address in F-SEIDs.
    pub pfcp_address: IpAddr,
    /// Our GTP-U addresses, in the order of the config.
    pub gtpu: Vec<LocalGtpu>,
    /// Numbers of the network instances.
    pub instances: Instances,
    /// The network instance of rules that name none.
    pub default_core_instance: u32,
    /// UE address pools.
    pub pools: PoolLayout,
    /// The same pools, as UE addresses are handed out from them.
    pub ue_pools: Vec<UePool>,
    /// What time it is.
    pub clock: NtpAnchor,
    /// DSCP that is written into the UE's packets, by QFI.
    pub marking: Vec<(u8, u8)>,
    /// Whether limits of QERs mark packets of ECN-capable transports before they drop any.
    pub ecn: bool,
    /// Speed classes and customers, and what SIMs were given so far.
    pub bandwidth: Bandwidth,
    pub(super) predefined_rules: Vec<PredefinedRule>,
    pub(super) forwarding_policies: Vec<ForwardingPolicy>,
}

/// The names that numbers in the rules of sessions stand for, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbering {
    instances: Vec<String>,
    predefined_rules: Vec<String>,
    forwarding_policies: Vec<String>,
}

impl Numbering {
    /// Whether all numbers mean the same in a later config.
    pub(super) fn is_kept_by(&self, later: &Self) -> bool {
        let instances = later.instances.get(..self.instances.len());
        let same = |(own, other): (&String, &String)| config::same_network_instance(own, other);
        instances.is_some_and(|later| self.instances.iter().zip(later).all(same))
            && later.predefined_rules.starts_with(&self.predefined_rules)
            && later
                .forwarding_policies
                .starts_with(&self.forwarding_policies)
    }
}

/// Rules of ours that a control plane activates by their name (clause 5.19).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PredefinedRule {
    pub(super) name: String,
    pub(super) precedence: Option<u32>,
    pub(super) filters: Vec<SdfFilter>,
    pub(super) drops: bool,
    /// Its MBRs, kbit/s.
    pub(super) uplink_kbps: Option<u64>,
    pub(super) downlink_kbps: Option<u64>,
}

/// Where traffic goes by the name of a policy (clause 8.2.23).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ForwardingPolicy {
    pub(super) name: String,
    /// The network instance's number.
    pub(super) instance: u32,
}

impl SessionsConfig {
    /// What its numbers stand for.
    pub(super) fn numbering(&self) -> Numbering {
        let instances = (0..self.instances.len() as u32).filter_map(|n| self.instances.name(n));
        let rules = self.predefined_rules.iter().map(|rule| rule.name.clone());
        let policies = self.forwarding_policies.iter();
        Numbering {
            instances: instances.map(str::to_owned).collect(),
            predefined_rules: rules.collect(),
            forwarding_policies: policies.map(|policy| policy.name.clone()).collect(),
        }
    }

    /// Takes from the config what sessions depend on.
    ///
    /// # Errors
    /// When the pools cannot be laid out.
    pub fn new(config: &Config) -> Result<Self, PoolError> {
        let instances = Instances::new(config);
        let number = |name: Option<&str>| name.and_then(|n| instances.number(n)).unwrap_or(0);
        let gtpu = config.interfaces.iter().flat_map(|interface| {
            let instance = number(interface.network_instance.as_deref());
            let addresses = interface.gtpu.iter();
            addresses.map(move |&address| LocalGtpu { address, instance })
        });
        let gtpu = gtpu.collect();
        let core = config.interfaces.iter().find(|i| i.role.is_core());
        let default_core_instance = number(core.and_then(|i| i.network_instance.as_deref()));
        let ue_pools = config.pools.iter().flat_map(|pool| {
            let v4 = pool.ipv4.map(IpNet::V4);
            let nets = v4.into_iter().chain(pool.ipv6.map(IpNet::V6));
            let instance = number(Some(&pool.network_instance));
            nets.map(move |net| UePool {
                instance,
                net,
                quarantine: pool.quarantine,
            })
        });
        let ue_pools: Vec<_> = ue_pools.collect();
        let nets: Vec<_> = ue_pools
            .iter()
            .map(|pool| (pool.instance, pool.net))
            .collect();
        let pools = PoolLayout::new(&nets)?;
        let policies = config.forwarding_policies.iter();
        let forwarding_policies = policies
            .map(|policy| ForwardingPolicy {
                name: policy.name.clone(),
                instance: number(Some(&policy.network_instance)),
            })
            .collect();
        let predefined_rules = config.predefined_rules.iter();
        let markings = config.markings.iter();
        Ok(Self {
            pfcp_address: config.pfcp.listen.ip(),
            gtpu,
            default_core_instance,
            pools,
            ue_pools,
            clock: NtpAnchor::now(),
            marking: markings.map(|one| (one.qfi, one.inner_dscp)).collect(),
            ecn: config.bandwidth.ecn,
            bandwidth: Bandwidth::new(&config.bandwidth),
            predefined_rules: predefined_rules.map(PredefinedRule::new).collect(),
            forwarding_policies,
            instances,
        })
    }

    /// The GTP-U address of a family for a network instance: that of the first interface which leads there, else the
    /// first of all. Control planes name the DNN for tunnels as well, so an instance without a GTP-U address
    /// is no error.
    #[must_use]
    pub fn gtpu_for(&self, instance: Option<u32>, is_ipv6: bool) -> Option<LocalGtpu> {
        let mut of_family = self.of_family(is_ipv6);
        let there = of_family
            .clone()
            .find(|local| Some(local.instance) == instance);
        there.or_else(|| of_family.next()).copied()
    }

    /// Whether we have a GTP-U address of a family.
    pub(super) fn has_gtpu(&self, is_ipv6: bool) -> bool {
        self.of_family(is_ipv6).next().is_some()
    }

    /// The number of a predefined rule.
    pub(super) fn predefined_rule(&self, name: &str) -> Option<u16> {
        let mut rules = self.predefined_rules.iter();
        Some(rules.position(|rule| rule.name == name)? as u16)
    }

    /// The number of a forwarding policy.
    pub(super) fn forwarding_policy(&self, name: &str) -> Option<u16> {
        let mut policies = self.forwarding_policies.iter();
        Some(policies.position(|policy| policy.name == name)? as u16)
    }

    fn of_family(&self, is_ipv6: bool) -> impl Iterator<Item = &LocalGtpu> + Clone {
        let gtpu = self.gtpu.iter();
        gtpu.filter(move |local| local.address.is_ipv6() == is_ipv6)
    }
}

impl PredefinedRule {
    fn new(rule: &config::PredefinedRule) -> Self {
        let filters = rule.filters.iter();
        let filter = |text: &String| SdfFilter {
            flow: flow_description::parse(text),
            ..SdfFilter::default()
        };
        Self {
            name: rule.name.clone(),
            precedence: rule.precedence,
            // The config has checked that they can be read.
            filters: filters.map(filter).collect(),
            drops: rule.action == RuleAction::Drop,
            uplink_kbps: rule.uplink_kbps,
            downlink_kbps: rule.downlink_kbps,
        }
    }
}
