//! Frames into the packet logic, and GTP-U messages into the agent's codec. An input is an octet that chooses what is
//! in the tables, and a frame.

use std::sync::OnceLock;

use upf_user::gtpu::codec;

use crate::packets::cases::all;
use crate::packets::host::HostTables;
use crate::packets::soundness;
use crate::packets::world::World;

/// Takes an input.
///
/// # Panics
/// When something does not hold.
pub fn run(input: &[u8]) {
    thread_local! {
        static TABLES: Vec<HostTables> = worlds().iter().map(HostTables::new).collect();
    }
    let Some((number, frame)) = input.split_first() else {
        return;
    };
    let _ = codec::decode(frame);
    // Behind Ethernet, IPv4 and UDP.
    let _ = codec::decode(frame.get(42..).unwrap_or_default());
    // No device gives less than an Ethernet header.
    if frame.len() < 14 {
        return;
    }
    let index = usize::from(*number) % worlds().len();
    TABLES.with(|tables| {
        let outcome = tables[index].run(frame);
        soundness::check(&worlds()[index], frame, &outcome);
    });
}

/// Those of the cases, each once.
fn worlds() -> &'static [World] {
    static WORLDS: OnceLock<Vec<World>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        let mut worlds: Vec<World> = Vec::new();
        for case in all() {
            if !worlds.contains(&case.world) {
                worlds.push(case.world);
            }
        }
        worlds.truncate(usize::from(u8::MAX) + 1);
        worlds
    })
}
