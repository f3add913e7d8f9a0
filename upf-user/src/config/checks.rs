//! What types alone do not say: settings that contradict each other or cannot be served.

use std::collections::HashMap;
use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{BLOCK_SLOTS, MAX_GTPU_ADDRESSES, MAX_POOLS, MAX_PORTS};

use super::reader::Section;
use super::{Interface, NodeName, Pfcp, Placed, Pool, same_network_instance};
use crate::datapath::slots::MAX_BLOCKS;

/// `IFNAMSIZ` without the closing zero.
const MAX_DEVICE_NAME: usize = 15;
/// A domain name and each of its labels (RFC 1035 clause 2.3.4); an APN is shorter still.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// A Network Instance is written like an APN (TS 23.003 clause 9.1).
const MAX_NETWORK_INSTANCE: usize = 100;
/// Prefix lengths of pools. Wider ones would swallow addresses that can be nobody's UE.
const IPV4_POOL: std::ops::RangeInclusive<u8> = 8..=32;
const IPV6_POOL: std::ops::RangeInclusive<u8> = 32..=64;

pub(super) fn at_least_one_interface(root: &Section<'_>, count: usize) {
    if count == 0 {
        let message = "no interface is configured; add an [[interface]] with device and role";
        root.problem("interface", message);
    }
}

/// An address, or a domain name of at least two labels.
///
/// # Errors
/// What is wrong and what to write.
pub(super) fn node_name(text: &str) -> Result<NodeName, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return if address.is_unspecified() {
            Err(format!(
                "\"{text}\" names nobody; write an address that peers reach us at"
            ))
        } else {
            Ok(NodeName::Address(address))
        };
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    let looks_numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    if name.contains('.') && name.len() <= MAX_NAME && !looks_numeric && name.split('.').all(label)
    {
        return Ok(NodeName::Fqdn(name.to_owned()));
    }
    Err(format!(
        "\"{text}\" is neither an address nor a fully qualified domain name; \
         write one like \"10.100.0.2\" or \"upf1.example.org\""
    ))
}

fn label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty()
        && label.len() <= MAX_LABEL
        && label.bytes().all(inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Everything that concerns more than one key.
pub(super) fn across(
    pfcp: &Placed<'_, Pfcp>,
    interfaces: &[Placed<'_, Interface>],
    pools: &[Placed<'_, Pool>],
) {
    check_pfcp(pfcp);
    for interface in interfaces {
        check_device(interface);
        check_gtpu(interface);
        check_interface_network_instance(interface);
    }
    check_devices_differ(interfaces);
    check_interface_count(interfaces);
    for pool in pools {
        check_pool(pool, interfaces);
        check_pool_holds_no_own_address(pool, pfcp, interfaces);
    }
    check_pools_apart(pools);
    check_pools_fit(pools);
}

fn check_pfcp(pfcp: &Placed<'_, Pfcp>) {
    let Placed { section, value } = pfcp;
    if value.listen.ip().is_unspecified() {
        let message = format!(
            "{} does not say which address answers leave from; write the address itself",
            value.listen
        );
        section.problem("listen", message);
    }
    if value.listen.port() == 0 {
        section.problem("listen", "port 0 cannot be reached; write port 8805");
    }
    if value.allow.is_empty() {
        let message = "nobody may speak PFCP; write the control planes' networks, \
                       such as allow = [\"10.100.0.0/24\"]";
        section.problem("allow", message);
    }
    for peer in &value.connect {
        if peer.is_ipv4() != value.listen.is_ipv4() {
            let message = format!(
                "{peer} cannot be reached from {}; write an address of the same family",
                value.listen
            );
            section.problem("connect", message);
        } else if peer.port() == 0 {
            section.problem("connect", format!("{peer} has port 0; write port 8805"));
        } else if !value.allow.is_empty() && !value.allows(peer.ip()) {
            let message = format!("{peer} is not in pfcp.allow; add its network there");
            section.problem("connect", message);
        }
    }
}

fn check_device(interface: &Placed<'_, Interface>) {
    let device = &interface.value.device;
    let fits =
        !device.is_empty() && device.len() <= MAX_DEVICE_NAME && device != "." && device != "..";
    let clean = |c: char| !c.is_whitespace() && c != '/' && c != ':';
    if !fits || !device.chars().all(clean) {
        let message = format!(
            "\"{device}\" cannot be a Linux device; write a name of 1 to {MAX_DEVICE_NAME} \
             characters as `ip link` shows it"
        );
        interface.section.problem("device", message);
    }
}

fn check_gtpu(interface: &Placed<'_, Interface>) {
    let Placed { section, value } = interface;
    if value.role.is_access() && value.gtpu.is_empty() {
        let message = format!(
            "an interface with role {} ends GTP-U tunnels and needs an address for them; \
             write gtpu = [\"10.1.0.2\"]",
            value.role
        );
        section.problem("gtpu", message);
    }
    // Ports have room for as many of each family.
    for (family, is_one) in [
        ("IPv4", IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
        ("IPv6", IpAddr::is_ipv6),
    ] {
        let count = value.gtpu.iter().filter(|address| is_one(address)).count();
        if count > MAX_GTPU_ADDRESSES {
            let message = format!(
                "{count} {family} addresses are too many for one device; write at most {MAX_GTPU_ADDRESSES}"
            );
            section.problem("gtpu", message);
        }
    }
    for (index, address) in value.gtpu.iter().enumerate() {
        if value
            .gtpu
            .iter()
            .take(index)
            .any(|earlier| earlier == address)
        {
            section.problem(
                "gtpu",
                format!("{address} stands here twice; write it once"),
            );
        }
        if !is_of_one_host(*address) {
            let message =
                format!("{address} is no address of one host; write one of the device's own");
            section.problem("gtpu", message);
        }
    }
}

/// Link-local addresses belong to a device, which peers cannot name.
fn is_of_one_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()),
        IpAddr::V6(v6) => {
            let is_mapped = v6.to_ipv4_mapped().is_some();
            !(v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local() || is_mapped)
        }
    }
}

fn check_interface_network_instance(interface: &Placed<'_, Interface>) {
    let Placed { section, value } = interface;
    match &value.network_instance {
        None if value.role.is_core() => {
            let message = format!(
                "an interface with role {} has to say what it leads to; \
                 write network_instance = \"internet\"",
                value.role
            );
            section.problem("network_instance", message);
        }
        Some(name) => check_network_instance(section, name),
        None => {}
    }
}

fn check_network_instance(section: &Section<'_>, name: &str) {
    if name.len() > MAX_NETWORK_INSTANCE || !name.split('.').all(label) {
        let message = format!(
            "\"{name}\" cannot be a network instance; write labels of letters, digits and hyphens \
             joined by dots, such as \"internet\""
        );
        section.problem("network_instance", message);
    }
}

fn check_devices_differ(interfaces: &[Placed<'_, Interface>]) {
    let mut first_lines: HashMap<&str, usize> = HashMap::new();
    for interface in interfaces {
        let line = interface.section.line_of("device");
        let device = interface.value.device.as_str();
        match first_lines.get(device) {
            Some(first) => {
                let message = format!(
                    "\"{device}\" is already configured on line {first}; \
                     write one [[interface]] with role = \"both\""
                );
                interface.section.problem("device", message);
            }
            None => {
                first_lines.insert(device, line);
            }
        }
    }
}

fn check_interface_count(interfaces: &[Placed<'_, Interface>]) {
    if let Some(first_too_many) = interfaces.get(MAX_PORTS) {
        let message = format!("there are more than {MAX_PORTS} interfaces; leave some out");
        first_too_many.section.problem("device", message);
    }
}

fn check_pool(pool: &Placed<'_, Pool>, interfaces: &[Placed<'_, Interface>]) {
    let Placed { section, value } = pool;
    check_network_instance(section, &value.network_instance);
    if value.ipv4.is_none() && value.ipv6.is_none() {
        section.missing("ipv4", "10.45.0.0/16");
    }
    check_prefix_length(section, "ipv4", value.ipv4.map(IpNet::V4), IPV4_POOL);
    check_prefix_length(section, "ipv6", value.ipv6.map(IpNet::V6), IPV6_POOL);
    let leads_there = |interface: &Interface| {
        let name = interface.network_instance.as_deref().unwrap_or_default();
        interface.role.is_core() && same_network_instance(name, &value.network_instance)
    };
    if !interfaces
        .iter()
        .any(|interface| leads_there(&interface.value))
    {
        let message = format!(
            "no interface with role core leads to \"{0}\"; \
             write network_instance = \"{0}\" on the device towards it",
            value.network_instance
        );
        section.problem("network_instance", message);
    }
}

fn check_prefix_length(
    section: &Section<'_>,
    key: &'static str,
    net: Option<IpNet>,
    range: std::ops::RangeInclusive<u8>,
) {
    if let Some(net) = net.filter(|net| !range.contains(&net.prefix_len())) {
        let message = format!(
            "{net} cannot be a pool; write a prefix length from {} to {}",
            range.start(),
            range.end()
        );
        section.problem(key, message);
    }
}

fn check_pool_holds_no_own_address(
    pool: &Placed<'_, Pool>,
    pfcp: &Placed<'_, Pfcp>,
    interfaces: &[Placed<'_, Interface>],
) {
    let gtpu = interfaces
        .iter()
        .flat_map(|interface| interface.value.gtpu.iter().copied());
    for address in gtpu.chain([pfcp.value.listen.ip()]) {
        for (key, net) in prefixes(&pool.value) {
            if net.contains(&address) {
                let message = format!(
                    "{net} holds {address}, which is our own; write a pool of UE addresses only"
                );
                pool.section.problem(key, message);
            }
        }
    }
}

/// Pools of different network instances may overlap: the network instance is part of the key.
fn check_pools_apart(pools: &[Placed<'_, Pool>]) {
    for (index, later) in pools.iter().enumerate() {
        for earlier in pools.iter().take(index) {
            let names = (
                &earlier.value.network_instance,
                &later.value.network_instance,
            );
            if same_network_instance(names.0, names.1) {
                check_pair_apart(earlier, later);
            }
        }
    }
}

fn check_pair_apart(earlier: &Placed<'_, Pool>, later: &Placed<'_, Pool>) {
    for (key, net) in prefixes(&later.value) {
        for (_, other) in prefixes(&earlier.value) {
            if net.contains(&other) || other.contains(&net) {
                let message = format!(
                    "{net} overlaps {other} on line {} in the same network instance; \
                     write pools that do not",
                    earlier.section.line_of(key)
                );
                later.section.problem(key, message);
            }
        }
    }
}

/// The tables that lead from an address to a slot have a fixed size.
fn check_pools_fit(pools: &[Placed<'_, Pool>]) {
    let (mut count, mut blocks) = (0_u32, 0_u64);
    for pool in pools {
        for (key, net) in prefixes(&pool.value) {
            count += 1;
            blocks = blocks.saturating_add(blocks_of(net));
            if count > MAX_POOLS {
                let message = format!(
                    "there are more than {MAX_POOLS} prefixes in pools; join some into wider ones"
                );
                return pool.section.problem(key, message);
            }
            if blocks > u64::from(MAX_BLOCKS) {
                let message = format!(
                    "with {net} the pools hold more than {MAX_BLOCKS} blocks of {BLOCK_SLOTS} UEs; \
                     write longer prefixes"
                );
                return pool.section.problem(key, message);
            }
        }
    }
}

/// Blocks of 256 addresses, or of 256 /64 prefixes.
fn blocks_of(net: IpNet) -> u64 {
    let host_bits = match net {
        IpNet::V4(net) => 32 - net.prefix_len(),
        IpNet::V6(net) => 64_u8.saturating_sub(net.prefix_len()),
    };
    1_u64
        .checked_shl(u32::from(host_bits))
        .map_or(u64::MAX, |hosts| hosts.div_ceil(u64::from(BLOCK_SLOTS)))
}

fn prefixes(pool: &Pool) -> impl Iterator<Item = (&'static str, IpNet)> {
    let ipv4 = pool.ipv4.map(|net| ("ipv4", IpNet::V4(net)));
    let ipv6 = pool.ipv6.map(|net| ("ipv6", IpNet::V6(net)));
    ipv4.into_iter().chain(ipv6)
}
