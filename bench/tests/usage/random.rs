//! Random traffic over random thresholds and quotas, packet by packet.

use bench::gtpu::GPdu;
use bench::packets::frames::{from_gnb, from_router, ipv4, udp};
use bench::packets::host::HostTables;
use bench::packets::world::{QFI, SERVER, World, limited_usage, teid, ue};
use etherparse::IpNumber;
use proptest::prelude::*;
use upf_common::abi::{NO_MARK, Usage, UsageDirection, usage_event, usage_flags};

const SLOT: u32 = 5;
const HEADERS: usize = 28;

/// Bounds of what is counted, for both directions together and for each.
#[derive(Clone, Copy, Debug)]
struct Limits {
    threshold: [u64; 3],
    quota: [u64; 3],
}

/// What should happen, by simple sums.
struct Reference {
    limits: Limits,
    /// Uplink and downlink.
    bytes: [u64; 2],
    is_exhausted: bool,
    told: Vec<u32>,
}

impl Reference {
    fn all(&self) -> [u64; 3] {
        let [up, down] = self.bytes;
        [up + down, up, down]
    }

    fn tell(&mut self, kind: u32) {
        if !self.told.contains(&kind) {
            self.told.push(kind);
        }
    }

    /// Whether a packet passes.
    fn take(&mut self, way: usize, bytes: u64) -> bool {
        let counts = [true, way == 0, way == 1];
        let would_be = self.all().map(|sum| sum + bytes);
        let over = |(sum, quota): (u64, u64)| quota != NO_MARK && sum > quota;
        let is_over = would_be
            .into_iter()
            .zip(self.limits.quota)
            .zip(counts)
            .any(|(pair, counts)| counts && over(pair));
        if self.is_exhausted || is_over {
            self.is_exhausted = true;
            self.tell(usage_event::EXHAUSTED);
            return false;
        }
        self.bytes[way] += bytes;
        let at = |limits: [u64; 3]| {
            let all = self.all().into_iter().zip(limits).zip(counts);
            all.into_iter()
                .any(|((sum, limit), counts)| counts && limit != NO_MARK && sum >= limit)
        };
        let (is_reached, is_used_up) = (at(self.limits.threshold), at(self.limits.quota));
        if is_reached {
            self.tell(usage_event::REACHED);
        }
        if is_used_up {
            self.is_exhausted = true;
            self.tell(usage_event::EXHAUSTED);
        }
        true
    }
}

fn frame(way: usize, payload: usize) -> Vec<u8> {
    let data = vec![7; payload];
    if way == 0 {
        let packet = ipv4(ue(SLOT), SERVER, IpNumber::UDP, &udp(1, 2, &data), |_| ());
        let message = GPdu {
            teid: teid(SLOT),
            qfi: Some(QFI),
            payload: &packet,
        };
        from_gnb(&message.to_uplink_bytes())
    } else {
        from_router(&ipv4(
            SERVER,
            ue(SLOT),
            IpNumber::UDP,
            &udp(2, 1, &data),
            |_| (),
        ))
    }
}

fn bound() -> impl Strategy<Value = u64> {
    prop_oneof![Just(NO_MARK), 0_u64..20_000, Just(0), Just(28)]
}

fn bounds() -> impl Strategy<Value = [u64; 3]> {
    [bound(), bound(), bound()]
}

fn check(world: &World, limits: Limits, packets: &[(usize, usize)]) {
    let tables = HostTables::new(world);
    let mut reference = Reference {
        limits,
        bytes: [0; 2],
        is_exhausted: false,
        told: Vec::new(),
    };
    for (number, &(way, payload)) in packets.iter().enumerate() {
        let passes = reference.take(way, (payload + HEADERS) as u64);
        let outcome = tables.run(&frame(way, payload));
        let slot = tables.slot(SLOT);
        let counted = [slot.uplink.state.bytes, slot.downlink.state.bytes];
        assert_eq!(counted, reference.bytes, "packet {number} passes: {passes}");
        let kinds: Vec<_> = outcome
            .usage_events
            .iter()
            .map(|event| event.kind)
            .collect();
        assert_eq!(kinds, reference.told, "packet {number}");
        for usage in outcome.usages {
            assert_eq!([usage.uplink.bytes, usage.downlink.bytes], reference.bytes);
        }
    }
    let slot = tables.slot(SLOT);
    assert_eq!(slot.tail.word & usage_flags::LOCKED, 0);
}

fn packets() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0_usize..2, 0_usize..1400), 1..80)
}

proptest! {
    #[test]
    fn a_slot_does_what_simple_sums_say(threshold in bound(), quota in bound(), packets in packets()) {
        let limits = Limits {
            threshold: [threshold, NO_MARK, NO_MARK],
            quota: [quota, NO_MARK, NO_MARK],
        };
        let world = World::new().session(SLOT).quota(SLOT, threshold, quota);
        check(&world, limits, &packets);
    }

    #[test]
    fn a_record_does_what_simple_sums_say(threshold in bounds(), quota in bounds(), packets in packets()) {
        let direction = |at: usize| UsageDirection {
            mark: 0,
            threshold: threshold[at],
            quota: quota[at],
            ..UsageDirection::default()
        };
        let usage = Usage {
            uplink: direction(1),
            downlink: direction(2),
            tail: limited_usage(threshold[0], quota[0]),
        };
        let world = World::new()
            .change(SLOT, |up, down| {
                up.usage = 0;
                down.usage = 0;
            })
            .usage_set(&[usage]);
        check(&world, Limits { threshold, quota }, &packets);
    }
}
