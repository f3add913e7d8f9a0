//! Frames that nobody should send: cut at every byte, every byte flipped, and many changed at random.

use bench::packets::cases::all;
use bench::packets::host::HostTables;
use bench::packets::soundness::check;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// Frames of the random part.
const RANDOM: usize = 400_000;

#[test]
fn no_frame_makes_a_wrong_packet() {
    let mut count = 0;
    for case in all() {
        let tables = HostTables::new(&case.world);
        let mut run = |frame: &[u8]| {
            count += 1;
            let outcome = tables.run(frame);
            check(&case.world, frame, &outcome);
        };
        for length in 14..case.frame.len() {
            run(&case.frame[..length]);
        }
        for at in 0..case.frame.len().min(120) {
            let mut frame = case.frame.clone();
            for flip in [0x01, 0x80, 0xff, 0x10] {
                frame[at] = case.frame[at] ^ flip;
                run(&frame);
            }
        }
    }
    assert!(count > 40_000, "{count}");
}

#[test]
fn nor_does_any_of_many_at_random() {
    let mut random = StdRng::seed_from_u64(29_281);
    let cases = all();
    let tables: Vec<_> = cases
        .iter()
        .map(|case| HostTables::new(&case.world))
        .collect();
    for _ in 0..RANDOM {
        let index = random.random_range(0..cases.len());
        let mut frame = cases[index].frame.clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..frame.len());
            frame[at] = random.random();
        }
        if random.random_bool(0.3) {
            frame.truncate(random.random_range(14..=frame.len()));
        }
        check(&cases[index].world, &frame, &tables[index].run(&frame));
    }
}
