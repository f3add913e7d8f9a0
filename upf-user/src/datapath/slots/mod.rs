//! Which slot serves what: pools of UE addresses cut into blocks, and the allocator of slots.

mod allocator;
mod pools;

pub use allocator::SlotAllocator;
pub use pools::{MAX_BLOCKS, PoolError, PoolLayout, ue_key};
