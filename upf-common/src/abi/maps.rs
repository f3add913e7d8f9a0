//! Names and sizes of the maps that both sides must agree on.

/// Entries of `INSTANCES`: the ifindex of each network instance's device, 0 while it has none.
pub const MAX_INSTANCES: u32 = 64;
/// Entries of `ROUTES`, for each CPU; a power of two.
pub const ROUTE_ENTRIES: u32 = 4096;
/// Entries of `KNOWN_FLOWS`, for each CPU; a power of two.
pub const KNOWN_FLOWS: u32 = 2048;
/// Bytes of the `EVENTS` ring buffer; a power of two and a multiple of the page size.
pub const EVENT_BYTES: u32 = 64 * 1024;
/// Bytes of the `USAGE_EVENTS` ring buffer, for a quarter of a million events; a power of two and a multiple of the page size.
pub const USAGE_EVENT_BYTES: u32 = 4 << 20;
/// Bytes of the `COPIES` ring buffer; a power of two and a multiple of the page size.
pub const COPY_BYTES: u32 = 1 << 20;
/// `BPF_F_MMAPABLE`: the agent maps the array into its memory.
pub const MMAPABLE: u32 = 1 << 10;
/// `BPF_F_NO_PREALLOC`.
pub const NO_PREALLOC: u32 = 1;
