//! Waiting for runs of the XDP program, one on each CPU at most, that may have read what was there before a change.
//!
//! A run raises its CPU's [`begun`](Counters::begun) by an atomic operation before it reads anything that we change, and
//! [`ended`](Counters::ended) when it has counted its packet. So, after a change:
//!
//! - A run that has read what was there before has begun before we look: both sides write first and read then, with a full
//!   fence between, so at least one of them sees the other.
//! - It has ended when its CPU has ended as many runs as had begun when we looked, for they do not nest. What it has counted
//!   is there to be read then.
//!
//! That takes two system calls, which copy the counters of all CPUs, and as long as a run takes, where one is under way: some
//! microseconds, where a grace period of RCU ([`grace`]) takes 10 ms, too long for each change. A run is only long where the hypervisor
//! takes its CPU away; then the grace period is waited for.

use std::io;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use aya::maps::{MapData, PerCpuArray};
use upf_common::abi::Counters;

use super::{Record, grace};
use crate::datapath::DatapathError;

/// Looks before the processor is given to others meanwhile.
const LOOKS: u32 = 16;
/// How long is looked.
const PATIENCE: Duration = Duration::from_millis(10);

/// The counters of runs.
pub(super) struct Runs(PerCpuArray<MapData, Record<Counters>>);

impl Runs {
    pub(super) fn new(counters: PerCpuArray<MapData, Record<Counters>>) -> Self {
        Self(counters)
    }

    /// Returns when all runs have ended that may have read what was there before.
    ///
    /// # Errors
    /// When the kernel does not give the counters, and has no grace period either.
    pub(super) fn wait(&self) -> Result<(), DatapathError> {
        fence(Ordering::SeqCst);
        let begun = self.read(|counters| counters.begun)?;
        let since = Instant::now();
        let mut looks = 0;
        while !have_ended(&begun, &self.read(|counters| counters.ended)?) {
            if since.elapsed() > PATIENCE {
                return grace::wait_for_packets().map_err(failed);
            }
            looks += 1;
            if looks > LOOKS {
                std::thread::yield_now();
            }
        }
        fence(Ordering::SeqCst);
        Ok(())
    }

    /// One of them for each CPU.
    fn read(&self, of: impl Fn(&Counters) -> u64) -> Result<Vec<u64>, DatapathError> {
        let counters = self.0.get(&0, 0);
        let counters = counters.map_err(|error| failed(io::Error::other(error)))?;
        Ok(counters.iter().map(|Record(one)| of(one)).collect())
    }
}

fn failed(source: io::Error) -> DatapathError {
    DatapathError::Kernel {
        table: "COUNTERS",
        source,
    }
}

/// Whether each CPU has ended what it had begun. The counters wrap.
fn have_ended(begun: &[u64], ended: &[u64]) -> bool {
    let mut pairs = begun.iter().zip(ended);
    pairs.all(|(begun, ended)| ended.wrapping_sub(*begun).cast_signed() >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cpu_has_to_end_what_it_had_begun() {
        assert!(have_ended(&[5, 7], &[5, 9]));
        assert!(!have_ended(&[5, 7], &[9, 6]));
        assert!(have_ended(&[u64::MAX, 0], &[0, 0]));
        assert!(!have_ended(&[0], &[u64::MAX]));
    }
}
