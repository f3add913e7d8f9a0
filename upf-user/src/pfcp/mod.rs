//! PFCP (TS 29.244): bytes to messages, and the procedures between nodes. No sockets and no BPF in here.
//!
//! | module | subject |
//! |---|---|
//! | [`ie`] | values of information elements |
//! | [`message`] | typed messages |
//! | [`codec`] | messages from bytes and to bytes |
//! | [`node`] | associations, heartbeats, retransmission, duplicate requests |
//! | [`service`] | what the node asks of the session room |
//! | [`kept`] | what a node goes on with after another |

pub mod codec;
pub mod ie;
pub mod kept;
pub mod message;
pub mod node;
pub mod service;
