//! Thresholds and quotas of URRs: on random traffic over vectors, and in the kernel with both cores sending as fast as they can.

mod kernel;
mod random;
