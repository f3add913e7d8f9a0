//! Thresholds and quotas of URRs: on random traffic over vectors, over whole sessions, and in the kernel with both cores sending as
//! fast as they can.

mod conservation;
mod kernel;
mod random;
mod waiting;
