//! What a session room has put into its tables, as a [`World`], and back again.

use upf_common::abi::{self, NO_SLOT, POOL_NETWORK, control_flags};
use upf_user::datapath::memory::MemoryDatapath;
use upf_user::datapath::{Datapath as _, network_key};
use upf_user::session::SessionsConfig;

use super::host::HostTables;
use super::world::{ENTRIES, NEAR, PAGES, SLOTS, World};

/// The network instances of a config with one device for both sides: that of rules that name none, and the only one
/// with a name.
pub const INSTANCES: [u32; 2] = [0, 1];

/// The tables of the sessions, with one device for both sides, and no way remembered.
#[must_use]
pub fn world_of(config: &SessionsConfig, tables: &MemoryDatapath) -> World {
    let mut world = World::new();
    let (first_pool, pool_count) = config.pools.of_instance(config.default_core_instance);
    let port = &mut world.ports[0];
    port.instance = config.default_core_instance;
    (port.first_pool, port.pool_count) = (first_pool, pool_count);
    world.pools = config
        .pools
        .entries()
        .iter()
        .map(|(_, pool)| *pool)
        .collect();
    world.instances = INSTANCES.map(|_| NEAR).to_vec();
    let blocks = 0..config.pools.blocks();
    world.blocks = blocks
        .map(|index| tables.block(index).unwrap_or(NO_SLOT))
        .collect();
    let slots = (0..SLOTS).filter_map(|index| Some((index, *tables.slot(index)?)));
    world.slots = slots
        .filter(|(_, slot)| *slot != abi::Slot::default())
        .collect();
    world.teids = tables.teids().collect();
    world.ue_addresses = tables.ue_addresses().collect();
    let pools = config.pools.networks().map(|(instance, net)| {
        let (bits, key) = network_key(instance, net);
        (bits, key, POOL_NETWORK)
    });
    world.networks = tables.framed_routes().chain(pools).collect();
    world.control_flags = if tables.has_framed() {
        control_flags::FRAMED_ROUTES
    } else {
        0
    };
    world.peers = (0..ENTRIES)
        .filter_map(|index| tables.peer(index).copied())
        .collect();
    world.lists = (0..PAGES)
        .filter_map(|index| tables.list(index).copied())
        .collect();
    let usages = 0..tables.usages();
    let records = usages.clone().filter_map(|index| tables.usage(index));
    world.usages = records.copied().collect();
    world.usage_sets = usages
        .filter_map(|index| tables.usage_set(index).copied())
        .collect();
    world.routes = Vec::new();
    world
}

/// What packets have changed in slots and in records of URRs, for the session room to see.
pub fn take_back(host: &HostTables, tables: &mut MemoryDatapath) {
    for index in 0..SLOTS {
        if let Some(slot) = tables.slot_mut(index) {
            *slot = host.slot(index);
        }
    }
    for index in 0..tables.usages() {
        if let Some(usage) = tables.usage_mut(index) {
            *usage = host.usage(index);
        }
    }
}
