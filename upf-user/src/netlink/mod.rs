//! The kernel's tables, watched: devices, routes, neighbours.
//!
//! The fast path asks the kernel for next hops (`bpf_fib_lookup`) and remembers the answers for about a
//! second. Whatever may change an answer is reported here within [`DEBOUNCE`] as
//! [`Event::NextHopsChanged`], so that the agent can void what is remembered.
//!
//! The kernel only learns a neighbour's MAC address when somebody asks for it, and the fast path cannot.
//! So the watch asks: for every neighbour that the fast path misses ([`Wish::Neighbour`]), and ahead of
//! traffic for GTP-U peers ([`Wish::Peers`]) and default gateways. Entries on our devices that go stale are
//! asked for again, or the fast path would go on with an address that nobody confirms any more.
//!
//! ```text
//! kernel ── messages ──▶ devices ────▶ Appeared, Changed, Gone ──▶ agent
//!                   └──▶ neighbours ─▶ NextHopsChanged ──────────▶
//! agent ─── wishes ────▶ solicit ────▶ RTM_NEWNEIGH, NTF_USE ────▶ kernel
//! ```

mod devices;
mod forwarding;
mod messages;
mod neighbours;
mod solicit;
#[cfg(test)]
mod tests;
mod watch;
mod xdp;

use std::net::IpAddr;
use std::time::Duration;

pub use devices::{Device, Vlan};
pub use forwarding::{Family, switch_on};
pub use watch::{NetlinkError, Started, Watch, start};
pub use xdp::{AttachedXdp, XdpPlace, attached_xdp};

/// How long changes are gathered before they are reported as one.
pub const DEBOUNCE: Duration = Duration::from_millis(5);

/// What the watch tells the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A device of ours is there: attach to it.
    Appeared(Device),
    /// Its MAC address, MTU, name or state is another.
    Changed(Device),
    /// It has gone, and what was attached with it.
    Gone(Device),
    /// Next hops that the fast path remembers may be wrong.
    NextHopsChanged,
    /// Messages of the kernel were lost; everything was read anew.
    Resynchronised,
}

/// What the agent tells the watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// The fast path has no MAC address for this next hop.
    Neighbour {
        /// Egress device.
        ifindex: u32,
        /// Gateway, or the destination itself.
        address: IpAddr,
    },
    /// All GTP-U peers there are now; the way to them is kept resolved.
    Peers(Vec<IpAddr>),
}
