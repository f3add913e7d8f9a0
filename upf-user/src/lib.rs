//! The agent of the user plane: PFCP requests become sessions, sessions become slots in BPF maps.
//!
//! Rules flow one way: PFCP bytes → messages ([`pfcp`]) → session model ([`session`]) → slots
//! ([`datapath`]). Nothing in `pfcp` knows BPF; nothing in `datapath` knows PFCP bytes.

pub mod agent;
pub mod bandwidth;
pub mod config;
pub mod datapath;
pub mod gtpu;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod netlink;
pub mod pfcp;
pub mod reports;
pub mod session;
pub mod store;
pub mod testing;
pub mod usage;
