//! upf
fn main() {}
