//! PFCP between this codec and programs that we did not write: what it writes is read by tshark, what scapy writes is
//! read by it.
//!
//! Both have to be installed (`cargo xtask setup`); a test says so where they are not.

mod rules;
mod samples;
mod scapy;
mod scapy_bodies;
mod tshark;
