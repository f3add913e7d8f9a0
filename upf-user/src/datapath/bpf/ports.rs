//! Devices, address pools and network instances, as the fast path sees them.

use aya::maps::{Array, MapData};
use upf_common::abi::{PORT_BUCKETS, PORT_PROBES, Pool, Port, maps::MAX_INSTANCES};

use super::Record;
use super::tables::kernel;
use crate::datapath::DatapathError;
use crate::datapath::slots::PoolLayout;

/// The `PORTS`, `POOLS` and `INSTANCES` maps.
pub struct PortTable {
    pub(super) ports: Array<MapData, Record<Port>>,
    pub(super) pools: Array<MapData, Record<Pool>>,
    pub(super) instances: Array<MapData, u32>,
    pub(super) placement: Placement,
}

impl PortTable {
    /// Writes all address pools.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn write_pools(&mut self, layout: &PoolLayout) -> Result<(), DatapathError> {
        for (index, (_, pool)) in (0..).zip(layout.entries()) {
            let outcome = self.pools.set(index, Record(*pool), 0);
            outcome.map_err(|error| kernel("POOLS", error))?;
        }
        Ok(())
    }

    /// Writes a device, new or changed.
    ///
    /// # Errors
    /// When all its buckets are taken, or the kernel refuses.
    pub fn put(&mut self, port: &Port) -> Result<(), DatapathError> {
        let bucket = self
            .placement
            .place(port.ifindex)
            .ok_or(DatapathError::Full { table: "PORTS" })?;
        let outcome = self.ports.set(bucket, Record(*port), 0);
        outcome.map_err(|error| kernel("PORTS", error))?;
        self.placement.take(bucket, port.ifindex);
        Ok(())
    }

    /// Removes a device; an absent one is no error.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn remove(&mut self, ifindex: u32) -> Result<(), DatapathError> {
        let Some(bucket) = self.placement.find(ifindex) else {
            return Ok(());
        };
        let outcome = self.ports.set(bucket, Record(Port::default()), 0);
        outcome.map_err(|error| kernel("PORTS", error))?;
        self.placement.take(bucket, 0);
        Ok(())
    }

    /// Says which device a network instance's routes are looked up from; 0 for none.
    ///
    /// # Errors
    /// When there is no such instance, or the kernel refuses.
    pub fn set_instance(&mut self, instance: u32, ifindex: u32) -> Result<(), DatapathError> {
        if instance >= MAX_INSTANCES {
            return Err(DatapathError::OutOfRange {
                table: "INSTANCES",
                index: u64::from(instance),
            });
        }
        let outcome = self.instances.set(instance, ifindex, 0);
        outcome.map_err(|error| kernel("INSTANCES", error))
    }
}

/// Which device is in which bucket, see [`PORT_BUCKETS`].
pub(super) struct Placement {
    /// 0 is empty.
    buckets: [u32; PORT_BUCKETS as usize],
}

impl Placement {
    pub(super) const fn new() -> Self {
        Self {
            buckets: [0; PORT_BUCKETS as usize],
        }
    }

    /// The bucket that a device is in, or may go to; `None` where all are taken.
    fn place(&self, ifindex: u32) -> Option<u32> {
        self.find(ifindex)
            .or_else(|| Self::probes(ifindex).find(|bucket| self.holds(*bucket, 0)))
    }

    fn find(&self, ifindex: u32) -> Option<u32> {
        Self::probes(ifindex).find(|bucket| self.holds(*bucket, ifindex))
    }

    fn take(&mut self, bucket: u32, ifindex: u32) {
        self.buckets[bucket as usize] = ifindex;
    }

    fn holds(&self, bucket: u32, ifindex: u32) -> bool {
        self.buckets[bucket as usize] == ifindex
    }

    fn probes(ifindex: u32) -> impl Iterator<Item = u32> {
        (0..PORT_PROBES).map(move |step| (ifindex % PORT_BUCKETS + step) % PORT_BUCKETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(placement: &mut Placement, ifindex: u32) -> Option<u32> {
        let bucket = placement.place(ifindex)?;
        placement.take(bucket, ifindex);
        Some(bucket)
    }

    #[test]
    fn a_device_goes_home_or_next_to_it() {
        let mut placement = Placement::new();
        assert_eq!(put(&mut placement, 7), Some(7));
        assert_eq!(put(&mut placement, 7), Some(7), "the same device again");
        assert_eq!(put(&mut placement, 7 + PORT_BUCKETS), Some(8));
        assert_eq!(put(&mut placement, 8), Some(9));
        assert_eq!(put(&mut placement, 7 + 2 * PORT_BUCKETS), Some(10));
        assert_eq!(put(&mut placement, 7 + 3 * PORT_BUCKETS), None);
        assert_eq!(put(&mut placement, 255), Some(255));
        assert_eq!(put(&mut placement, 255 + PORT_BUCKETS), Some(0), "wraps");
    }

    #[test]
    fn a_bucket_that_is_left_is_used_again() {
        let mut placement = Placement::new();
        for n in 0..PORT_PROBES {
            put(&mut placement, 7 + n * PORT_BUCKETS).unwrap();
        }
        placement.take(placement.find(7 + PORT_BUCKETS).unwrap(), 0);
        assert_eq!(
            placement.find(7 + 2 * PORT_BUCKETS),
            Some(9),
            "beyond a gap"
        );
        assert_eq!(put(&mut placement, 7 + 9 * PORT_BUCKETS), Some(8));
    }
}
