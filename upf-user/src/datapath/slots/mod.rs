//! Which slot serves what: pools of UE addresses cut into blocks, the allocators of slots and of UE addresses, peers,
//! rule lists and limits, and the table that puts sessions into them.

mod addresses;
mod allocator;
mod duplicates;
mod framed;
mod give_back;
mod limits;
mod lists;
mod moving;
mod named;
mod peers;
mod pools;
mod prepare;
mod restore;
mod seating;
mod sims;
mod table;
#[cfg(test)]
mod tests;
mod transaction;
mod usages;
mod write;

pub use addresses::{AddressFamily, UePool};
pub use duplicates::{Duplicate, DuplicateSet, MAX_DUPLICATES};
pub use framed::{FramedRoute, outermost};
pub use limits::{Both, LimitKey, LimitKind, LimitOwner, LimitScope};
pub use peers::{PeerKey, Peers};
pub use pools::{MAX_BLOCKS, PoolError, PoolLayout, ue_key};
pub use prepare::Prepared;
pub use seating::{
    Address, Image, Limit, Meter, MeterKey, Program, Seat, Seating, Tunnel, TunnelKey, UeEndpoint,
    Wanted, WantedTunnel,
};
pub use sims::{Customer, CustomerTerms, Sim, SimTerms, WantedSim};
#[cfg(test)]
pub(crate) use table::Snapshot;
pub use table::{Exhausted, SlotTable, index_bits};
pub use transaction::{ChangeError, Changed, EndMarker, ReleasedSlot};
pub use usages::{HalfKey, LeftUsage, UsageSeat, WantedUsage};
