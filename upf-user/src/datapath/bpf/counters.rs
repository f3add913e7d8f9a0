//! Figures that are not one SIM's, summed over the CPUs.

use std::io;

use aya::maps::{MapData, PerCpuArray};
use upf_common::abi::{Counters, DirectionCounters, PortCounters};

use super::Record;
use crate::datapath::DatapathError;

/// The `COUNTERS` map.
pub struct CounterTable {
    map: PerCpuArray<MapData, Record<Counters>>,
}

impl CounterTable {
    pub(super) fn new(map: PerCpuArray<MapData, Record<Counters>>) -> Self {
        Self { map }
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
    } = one;
    add_direction(&mut sum.uplink, uplink);
    add_direction(&mut sum.downlink, downlink);
    add_each(&mut sum.punted, punted);
    sum.copies_lost = sum.copies_lost.wrapping_add(*copies_lost);
    for (sum, port) in sum.ports.iter_mut().zip(ports) {
        add_port(sum, port);
    }
}

fn add_direction(sum: &mut DirectionCounters, one: &DirectionCounters) {
    sum.packets = sum.packets.wrapping_add(one.packets);
    sum.bytes = sum.bytes.wrapping_add(one.bytes);
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
