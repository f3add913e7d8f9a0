//! Packet cases shared by tests and benches, the lab, and the namespaces that both run in.

pub mod control;
pub mod figures;
pub mod fuzz;
pub mod gtpu;
pub mod lab;
pub mod mmsg;
pub mod netns;
pub mod offload;
pub mod packets;
pub mod pfcp;
pub mod plot;
pub mod topology;
pub mod ue;
pub mod vectors;
