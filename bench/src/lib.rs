//! Packet cases shared by tests and benches, the lab, and the namespaces that both run in.

pub mod lab;
pub mod netns;
pub mod offload;
