//! The agent and its data path against programs that we did not write: scapy as the SMF, tshark as
//! the judge of every packet that we send, ping and iperf3 as the UE's applications, promtool.
//!
//! Needs root, and the programs that `cargo xtask setup` installs; without them a test fails.

mod association;
mod bandwidth;
mod capture;
mod constant;
mod deaths;
mod end_markers;
mod families;
mod flows;
mod hairpin;
mod handover;
mod hostile;
mod iperf;
mod lab;
mod logs;
mod metrics;
mod modes;
mod mtu;
mod named;
mod next_hops;
mod packet;
mod peers;
mod profiles;
mod refills;
mod reports_at_once;
mod restart;
mod sessions;
mod signalling;
mod smf;
mod spread;
mod stream;
mod throughput;
mod two_upfs;
mod ue_addresses;
mod vlan;
mod world;
