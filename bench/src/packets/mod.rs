//! Packet cases: what is in the tables, a frame in, a verdict and a frame out.
//!
//! Each case runs twice, over vectors on this host and in the kernel by `BPF_PROG_TEST_RUN`, and both have to do what
//! the case says and the same in every counter.
//!
//! | module | subject |
//! |---|---|
//! | [`world`] | what is in the tables |
//! | [`frames`] | frames, put together by other means than the product's own |
//! | [`cases`] | the cases |
//! | [`host`] | the packet logic over vectors |
//! | [`kernel`] | the XDP program in the kernel |
//! | [`round`] | packets that go round, on both cores |
//! | [`sessions`] | the tables of a session room |
//! | [`soundness`] | what holds for every frame |
//! | [`stack`] | the stack that the program takes |

pub mod cases;
pub mod frames;
pub mod host;
pub mod kernel;
pub mod round;
pub mod sessions;
pub mod soundness;
pub mod stack;
pub mod world;

use upf_common::abi::{DirectionCounters, LevelCounters, PortCounters, Usage, UsageEvent};
use upf_common::drop_reason::{DropReason, PuntReason};
use upf_common::forward::tables::Way;

/// What the kernel is told to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `XDP_PASS`.
    Pass,
    /// `XDP_DROP`.
    Drop,
    /// `XDP_TX`.
    Transmit,
    /// `XDP_REDIRECT`.
    Redirect,
}

/// Everything that a run leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the kernel is told.
    pub action: Action,
    /// The frame afterwards.
    pub frame: Vec<u8>,
    /// Packets counted from the radio.
    pub uplink: DirectionCounters,
    /// Packets counted to the radio.
    pub downlink: DirectionCounters,
    /// Packets handed to the agent.
    pub punted: [u64; PuntReason::COUNT],
    /// Packets that should have been copied and were not.
    pub copies_lost: u64,
    /// Frames counted at the two devices of [`world`].
    pub ports: [PortCounters; 2],
    /// Forwarded packets and bytes, dropped packets and bytes, of each slot half that has counted any.
    pub slots: Vec<(u32, bool, [u64; 4])>,
    /// Limits that have counted anything, or have been charged.
    pub limits: Vec<LimitOutcome>,
    /// Places in `LEVELS` that have counted anything.
    pub levels: Vec<(u32, LevelCounters)>,
    /// The records of URRs, without the times of packets.
    pub usages: Vec<Usage>,
    /// What the agent is told of thresholds and quotas.
    pub usage_events: Vec<UsageEvent>,
}

/// What one direction of a limit has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitOutcome {
    /// Its number.
    pub index: u32,
    /// Its direction.
    pub is_uplink: bool,
    /// Whether its bucket is another one than before; how much is in it depends on the clock.
    pub is_touched: bool,
    /// Packets and bytes that it has marked.
    pub marked: [u64; 2],
    /// Packets and bytes that it has held back.
    pub dropped: [u64; 2],
}

impl Outcome {
    /// The reason that was counted, if it is one, and one packet.
    #[must_use]
    pub fn dropped(&self) -> Option<(Way, DropReason)> {
        let of = |way, counters: &DirectionCounters| {
            let counts = DropReason::ALL.iter().zip(counters.dropped);
            counts
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| (way, *reason, count))
                .collect::<Vec<_>>()
        };
        let all = [
            of(Way::Uplink, &self.uplink),
            of(Way::Downlink, &self.downlink),
        ]
        .concat();
        match all[..] {
            [(way, reason, 1)] => Some((way, reason)),
            _ => None,
        }
    }
}
