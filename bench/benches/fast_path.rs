//! The limiter, and the packet logic on this host.

use std::cell::Cell;
use std::hint::black_box;

use bench::packets::frames::{from_gnb, from_router, from_ue, gtpu, to_ue};
use bench::packets::host::{Buffer, HostTables};
use bench::packets::world::{NEAR, World, teid};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use upf_common::forward::{Verdict, process};
use upf_common::meter::{Rate, pass, ticks};

const BITS_PER_SECOND: u64 = 400_000_000_000;
const SLOT: u32 = 7;

/// What the arithmetic costs, on a bucket of this thread's own.
fn meter(criterion: &mut Criterion) {
    let rate = Rate::from_bits_per_second(BITS_PER_SECOND);
    let bucket = Cell::new(0);
    let mut now = 0;
    criterion.bench_function("meter: a packet that passes", |bench| {
        bench.iter(|| {
            now += ticks(100);
            pass(black_box(&bucket), now, black_box(1400), rate)
        });
    });
    let empty = Cell::new(now + rate.depth);
    criterion.bench_function("meter: a packet over the rate", |bench| {
        bench.iter(|| pass(black_box(&empty), black_box(now), black_box(1400), rate));
    });
    criterion.bench_function("meter: a rate from bit/s", |bench| {
        bench.iter(|| Rate::from_bits_per_second(black_box(123_456_789)));
    });
}

fn packets(criterion: &mut Criterion) {
    let plain = World::new().session(SLOT);
    let limited = World::new().change(SLOT, |uplink, downlink| {
        for rules in [uplink, downlink] {
            rules.meter_slot = SLOT;
        }
    });
    let limited = limited.meter(SLOT, BITS_PER_SECOND);
    let frames = [
        (
            "uplink",
            from_gnb(&gtpu(0x30, 255, teid(SLOT), &from_ue(SLOT))),
        ),
        ("downlink", from_router(&to_ue(SLOT))),
    ];
    for (limit, world) in [("no MBR", &plain), ("with an MBR", &limited)] {
        let tables = HostTables::new(world);
        for (way, frame) in &frames {
            let original = Buffer::new(frame);
            assert_eq!(forward(&tables, &mut original.clone()), Verdict::Transmit);
            criterion.bench_function(
                &format!("packet logic on the host: {way}, {limit}"),
                |bench| {
                    bench.iter_batched_ref(
                        || original.clone(),
                        |buffer| {
                            tables.now_ns.set(tables.now_ns.get() + 100);
                            forward(&tables, buffer)
                        },
                        BatchSize::SmallInput,
                    );
                },
            );
        }
    }
}

fn forward(tables: &HostTables, buffer: &mut Buffer) -> Verdict {
    process(buffer, tables, NEAR)
}

criterion_group!(benches, meter, packets);
criterion_main!(benches);
