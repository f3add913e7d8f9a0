//! Which slot serves what: pools of UE addresses cut into blocks, the allocator of slots, peers and rule
//! lists, and the table that puts sessions into them.

mod addresses;
mod allocator;
mod lists;
mod peers;
mod pools;
mod seating;
mod table;
#[cfg(test)]
mod tests;
mod transaction;
mod write;

pub use addresses::{AddressFamily, UePool};
pub use peers::{PeerKey, Peers};
pub use pools::{MAX_BLOCKS, PoolError, PoolLayout, ue_key};
pub use seating::{
    Address, MeterKey, Program, Seat, Seating, Tunnel, TunnelKey, UeEndpoint, Wanted, WantedTunnel,
};
#[cfg(test)]
pub(crate) use table::Snapshot;
pub use table::{Exhausted, Prepared, SlotTable, index_bits};
pub use transaction::{ChangeError, Changed, ReleasedSlot};
