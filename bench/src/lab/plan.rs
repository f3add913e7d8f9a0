//! How much traffic the lab makes, and how long it has to look.

use std::time::Duration;

use anyhow::{Result, ensure};

use upf_common::meter::{DEFAULT_DEPTH_NS, MIN_DEPTH_BYTES};

use upf_user::bandwidth::Rate;

/// What the lab's hosts can generate and count next to the UPF on two busy cores, each way.
const PACKETS_PER_SECOND: f64 = 20_000.0;
/// What is offered, in proportion to the limit: enough to feel it, with room for a busy machine.
const OFFERED: f64 = 1.5;
/// What a full bucket lets pass before the limit is felt: so many bits, or so many seconds of the rate where that is
/// more.
const BUCKET_BITS: f64 = MIN_DEPTH_BYTES as f64 * 8.0;
const BUCKET_SECONDS: f64 = DEFAULT_DEPTH_NS as f64 / 1e9;
/// A SIM's rate is known to half a percent after so many packets.
const PACKETS_TO_JUDGE: f64 = 100.0;
const SHORTEST_LOOK: f64 = 2.0;

/// The load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// Sessions.
    pub(super) sims: u32,
    /// SIMs that send and receive: as many as the machine can carry.
    pub(super) active: u32,
    /// MBR of each SIM, each way.
    pub(super) rate: Rate,
    /// Bytes of an inner IP packet.
    pub(super) size: u16,
}

impl Plan {
    /// A load for so many SIMs. Without a rate, one that lets many SIMs be active.
    #[must_use]
    pub(super) fn new(sims: u32, rate: Option<Rate>, size: u16) -> Self {
        let rate = rate.unwrap_or_else(|| default_rate(sims));
        let mut plan = Self {
            sims,
            active: 1,
            rate,
            size,
        };
        let bearable = PACKETS_PER_SECOND / plan.offered_per_sim();
        plan.active = (bearable.max(1.0) as u32).min(sims);
        plan
    }

    /// Packets a second each way of one SIM.
    fn offered_per_sim(&self) -> f64 {
        OFFERED * self.rate.bits() as f64 / (f64::from(self.size) * 8.0)
    }

    /// Packets a second each way of all SIMs; never more than the machine bears.
    #[must_use]
    pub(super) fn offered(&self) -> f64 {
        (self.offered_per_sim() * f64::from(self.active)).min(PACKETS_PER_SECOND)
    }

    /// Whether one SIM alone is offered more than its limit.
    ///
    /// # Errors
    /// When the machine cannot make that many packets.
    pub(super) fn check(&self) -> Result<()> {
        let most = PACKETS_PER_SECOND * f64::from(self.size) * 8.0 / OFFERED;
        ensure!(
            self.rate.bits() as f64 <= most,
            "{} is more than the lab's generator makes; at most {}",
            self.rate,
            super::rate::bits(most)
        );
        Ok(())
    }

    /// Until the buckets are empty and only the limit lets packets pass.
    #[must_use]
    pub(super) fn warm_up(&self) -> Duration {
        let rate = self.rate.bits() as f64;
        let bucket = BUCKET_BITS.max(rate * BUCKET_SECONDS);
        Duration::from_secs_f64(1.0 + bucket / (rate * (OFFERED - 1.0)))
    }

    /// The shortest run that can judge the rate.
    #[must_use]
    pub(super) fn shortest(&self) -> Duration {
        let packets_per_second = self.rate.bits() as f64 / (f64::from(self.size) * 8.0);
        let look = (PACKETS_TO_JUDGE / packets_per_second).max(SHORTEST_LOOK);
        self.warm_up() + Duration::from_secs_f64(look)
    }
}

/// 1 Mbit/s, less where there are many SIMs, but not so little that a SIM hardly sends.
fn default_rate(sims: u32) -> Rate {
    let kilobits = (100_000 / u64::from(sims.max(1))).clamp(100, 1000);
    Rate::from_bits(kilobits * 1000).expect("a rate between 100 kbit/s and 1 Mbit/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_sims_are_all_active() {
        let plan = Plan::new(1000, None, 1000);
        assert_eq!(
            (plan.active, plan.rate),
            (1000, "100 kbit/s".parse().unwrap())
        );
        assert!(plan.offered() <= PACKETS_PER_SECOND);
        assert!(
            plan.shortest() < Duration::from_secs(20),
            "{:?}",
            plan.shortest()
        );
    }

    #[test]
    fn load_is_bounded() {
        for sims in [1, 100, 10_000, 1_000_000] {
            for rate in ["8 kbit/s", "1 Mbit/s", "100 Mbit/s"] {
                let plan = Plan::new(sims, Some(rate.parse().unwrap()), 1000);
                plan.check().unwrap();
                assert!(plan.active >= 1 && plan.active <= sims);
                let limit = f64::from(plan.active) * plan.rate.bits() as f64 / 8000.0;
                assert!(plan.offered() <= PACKETS_PER_SECOND && plan.offered() > 1.4 * limit);
            }
        }
        assert!(
            Plan::new(1, Some("1 Gbit/s".parse().unwrap()), 1000)
                .check()
                .is_err()
        );
    }
}
