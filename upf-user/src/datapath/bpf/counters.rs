//! Figures that are not one SIM's, summed over the CPUs.

use std::io;

use aya::maps::{MapData, PerCpuArray};
use upf_common::abi::{Counters, DirectionCounters, LEVEL_ENTRIES, LevelCounters, PortCounters};

use super::Record;
use crate::datapath::DatapathError;

/// The `COUNTERS` and `LEVELS` maps.
pub struct CounterTable {
    map: PerCpuArray<MapData, Record<Counters>>,
    levels: PerCpuArray<MapData, Record<LevelCounters>>,
}

impl CounterTable {
    pub(super) fn new(
        map: PerCpuArray<MapData, Record<Counters>>,
        levels: PerCpuArray<MapData, Record<LevelCounters>>,
    ) -> Self {
        Self { map, levels }
    }

    /// The entries of `LEVELS`, each the sum of all CPUs' ([`upf_common::abi::set_index`]). A system call for each of the first
    /// `entries`, which is [`LEVEL_ENTRIES`] at most.
    ///
    /// # Errors
    /// When the kernel does not give them.
    pub fn levels(&self, entries: u32) -> Result<Vec<LevelCounters>, DatapathError> {
        let sum = |index| {
            let of_cpus = self.levels.get(&index, 0).map_err(|error| {
                let source = io::Error::other(error);
                DatapathError::Kernel {
                    table: "LEVELS",
                    source,
                }
            })?;
            let mut sum = LevelCounters::default();
            for Record(one) in of_cpus.iter() {
                sum.uplink.add(&one.uplink);
                sum.downlink.add(&one.downlink);
            }
            Ok(sum)
        };
        (0..entries.min(LEVEL_ENTRIES)).map(sum).collect()
    }

    /// The sum of all CPUs' counters.
    ///
    /// # Errors
    /// When the kernel does not give them.
    pub fn sum(&self) -> Result<Counters, DatapathError> {
        let of_cpus = self.map.get(&0, 0).map_err(|error| DatapathError::Kernel {
            table: "COUNTERS",
            source: io::Error::other(error),
        })?;
        let mut sum = Counters::default();
        for Record(counters) in of_cpus.iter() {
            add(&mut sum, counters);
        }
        Ok(sum)
    }
}

fn add(sum: &mut Counters, one: &Counters) {
    let Counters {
        uplink,
        downlink,
        punted,
        copies_lost,
        ports,
        begun,
        ended,
    } = one;
    add_direction(&mut sum.uplink, uplink);
    add_direction(&mut sum.downlink, downlink);
    add_each(&mut sum.punted, punted);
    sum.copies_lost = sum.copies_lost.wrapping_add(*copies_lost);
    sum.begun = sum.begun.wrapping_add(*begun);
    sum.ended = sum.ended.wrapping_add(*ended);
    for (sum, port) in sum.ports.iter_mut().zip(ports) {
        add_port(sum, port);
    }
}

fn add_direction(sum: &mut DirectionCounters, one: &DirectionCounters) {
    sum.packets = sum.packets.wrapping_add(one.packets);
    sum.bytes = sum.bytes.wrapping_add(one.bytes);
    sum.metered.add(&one.metered);
    add_each(&mut sum.dropped, &one.dropped);
}

fn add_port(sum: &mut PortCounters, one: &PortCounters) {
    sum.rx_packets = sum.rx_packets.wrapping_add(one.rx_packets);
    sum.rx_bytes = sum.rx_bytes.wrapping_add(one.rx_bytes);
    sum.tx_packets = sum.tx_packets.wrapping_add(one.tx_packets);
    sum.tx_bytes = sum.tx_bytes.wrapping_add(one.tx_bytes);
}

fn add_each(sums: &mut [u64], ones: &[u64]) {
    for (sum, one) in sums.iter_mut().zip(ones) {
        *sum = sum.wrapping_add(*one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters whose every word is another number.
    fn numbered(first: u64) -> Counters {
        const WORDS: usize = size_of::<Counters>() / 8;
        let words: [u64; WORDS] = std::array::from_fn(|n| first + n as u64);
        super::super::mmap::from_words(&words)
    }

    #[test]
    fn every_counter_is_summed() {
        let mut sum = numbered(0);
        add(&mut sum, &numbered(0));
        const WORDS: usize = size_of::<Counters>() / 8;
        let words: [u64; WORDS] = super::super::mmap::to_words(&sum);
        for (n, word) in words.iter().enumerate() {
            assert_eq!(*word, 2 * n as u64);
        }
    }
}
