//! Whether the SIMs were held at their rate.

use std::time::Duration;

use upf_user::bandwidth::Rate;

/// The largest deviation that counts as held.
pub(super) const TOLERANCE: f64 = 0.02;

/// How far the delivered rates of one direction lie from the limit, as fractions of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deviation {
    /// Of the SIM that lies farthest off.
    pub(super) worst: f64,
    /// That SIM's place.
    pub(super) worst_sim: usize,
    /// Of the SIM in the middle, by absolute value.
    pub(super) median: f64,
}

impl Deviation {
    /// Compares packet counts of SIMs with one limit at the start and the end of some time; `None` without SIMs. A packet
    /// has `size` bytes.
    #[must_use]
    pub(super) fn new(
        limit: Rate,
        size: u16,
        before: &[u64],
        after: &[u64],
        time: Duration,
    ) -> Option<Self> {
        let bits_per_packet = f64::from(size) * 8.0;
        let deviation = |(before, after): (&u64, &u64)| {
            let packets = after.saturating_sub(*before) as f64;
            packets * bits_per_packet / time.as_secs_f64() / limit.bits() as f64 - 1.0
        };
        let mut sims = before
            .iter()
            .zip(after)
            .map(deviation)
            .enumerate()
            .collect::<Vec<_>>();
        sims.sort_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()));
        let (worst_sim, worst) = *sims.last()?;
        let (_, median) = *sims.get(sims.len() / 2)?;
        Some(Self {
            worst,
            worst_sim,
            median,
        })
    }

    /// Whether every SIM was held.
    #[must_use]
    pub(super) fn is_held(&self) -> bool {
        self.worst.abs() <= TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_farthest_sim_decides() {
        // 100 packets a second each.
        let limit = "800 kbit/s".parse().unwrap();
        let seconds = Duration::from_secs(10);
        let deviation =
            |after: [u64; 3]| Deviation::new(limit, 1000, &[5, 5, 5], &after, seconds).unwrap();
        let held = deviation([1005, 1015, 1003]);
        assert!(held.is_held());
        assert_eq!(held.worst_sim, 1);
        assert!((held.worst - 0.01).abs() < 1e-9 && (held.median + 0.002).abs() < 1e-9);
        assert!(!deviation([1005, 1005, 975]).is_held());
        assert!(!deviation([1005, 1035, 1005]).is_held());
        assert!(!deviation([5, 1005, 1005]).is_held());
        assert_eq!(Deviation::new(limit, 1000, &[], &[], seconds), None);
    }
}
