//! The compiled XDP program.

/// The eBPF object as ELF, inside this binary; empty where the binary was built without it.
pub static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/upf.bpf.o"));
