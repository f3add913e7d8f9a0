//! Packets that go round in the kernel, on both cores at once.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use etherparse::IpNumber;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use upf_common::abi::{Rules, flags, mapped};

use super::frames::{from_gnb, ipv4};
use super::kernel::Kernel;
use super::world::{LOCAL, NEAR_MAC, QFI, SERVER, World, route, teid, ue};
use crate::gtpu::GPdu;

/// Bytes of a UE's packet.
pub const BYTES: usize = 1400;
/// What comes back from the kernel, at most.
const ROOM: usize = 2048;

/// Sessions in slots from 0 on whose packets go round: what leaves for the peer arrives from it again, as it was, so that
/// one call of the kernel sends it any number of times. The uplink rules of each slot are changed.
#[must_use]
pub fn going_round(slots: u32, change: impl Fn(u32, &mut Rules)) -> World {
    let mut world = World::new();
    let peer = &mut world.peers[0];
    (peer.local, peer.remote) = (peer.remote, mapped(LOCAL.octets()));
    world.routes = vec![route(mapped(LOCAL.octets()), NEAR_MAC)];
    for slot in 0..slots {
        world = world.change(slot, |up, _| {
            *up = Rules {
                flags: up.flags | flags::ENCAPSULATE | flags::PDU_SESSION | flags::ANY_SOURCE,
                qfi: QFI,
                pdu_type: 1,
                peer_teid: teid(slot).to_be_bytes(),
                ..*up
            };
            change(slot, up);
        });
    }
    world
}

/// One of its packets.
#[must_use]
pub fn frame(slot: u32) -> Vec<u8> {
    let packet = ipv4(ue(0), SERVER, IpNumber(99), &[7; BYTES - 20], |_| ());
    let message = GPdu {
        teid: teid(slot),
        qfi: Some(QFI),
        payload: &packet,
    };
    from_gnb(&message.to_uplink_bytes())
}

/// Keeps this thread on a CPU.
fn stay_on(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("this test needs two CPUs")
}

/// Both cores send for some time, each one its frames in turn, `times` of each at once. Tells when they are done.
///
/// # Errors
/// With fewer than two CPUs, or when the kernel does not run the program.
///
/// # Panics
/// When a thread does.
pub fn send(
    kernel: &Kernel,
    frames: [&[Vec<u8>]; 2],
    times: u32,
    time: Duration,
) -> Result<Instant> {
    let barrier = Barrier::new(frames.len());
    let run = |cpu: usize| -> Result<Instant> {
        stay_on(cpu)?;
        let mut output = vec![0; ROOM];
        barrier.wait();
        let start = Instant::now();
        while start.elapsed() < time {
            for frame in frames[cpu] {
                kernel.take(frame, &mut output, times)?;
            }
        }
        Ok(Instant::now())
    };
    thread::scope(|scope| {
        let run = &run;
        let threads = [0, 1].map(|cpu| scope.spawn(move || run(cpu)));
        let [first, second] = threads.map(|thread| thread.join().expect("no panic"));
        Ok(first?.max(second?))
    })
}
