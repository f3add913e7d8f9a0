//! PFCP from bytes and to bytes.

use std::hint::black_box;

use bench::figures::requests::{establishment, heartbeat, message, tunnel};
use criterion::{Criterion, criterion_group, criterion_main};
use upf_user::pfcp::codec::{Body, decode, frames};

fn codec(criterion: &mut Criterion) {
    for (name, body) in [
        ("heartbeat", heartbeat()),
        (
            "establishment of 4 PDRs",
            Body::SessionEstablishmentRequest(establishment(1)),
        ),
        (
            "modification of a FAR",
            Body::SessionModificationRequest(tunnel(0x1001)),
        ),
    ] {
        let message = message(body);
        let bytes = message.encode().expect("a message that fits");
        criterion.bench_function(&format!("decode {name}, {} bytes", bytes.len()), |bench| {
            bench.iter(|| {
                let frame = frames(black_box(&bytes)).next()?.ok()?;
                decode(&frame)?.ok()
            });
        });
        criterion.bench_function(&format!("encode {name}, {} bytes", bytes.len()), |bench| {
            bench.iter(|| black_box(&message).encode());
        });
    }
}

criterion_group!(benches, codec);
criterion_main!(benches);
