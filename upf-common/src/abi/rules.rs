//! What happens to the packets of one slot and direction.

use super::{Address, plain};

/// Values of [`Rules::verdict`]. Zero is an empty slot, so zeroed map memory forwards nothing.
pub mod verdict {
    /// No PDR: the TEID or UE address is not in use in this direction.
    pub const NONE: u8 = 0;
    /// FORW: forward as the other fields say.
    pub const FORWARD: u8 = 1;
    /// DROP: discard.
    pub const DROP: u8 = 2;
    /// BUFF: hold until the control plane says FORW; counted and dropped by the fast path.
    pub const BUFFER: u8 = 3;
    /// Several PDRs: walk the [`super::RuleList`] with index [`super::Rules::list`], whose entries say the rest.
    pub const LIST: u8 = 4;
}

/// Bits of [`Rules::flags`].
pub mod flags {
    /// The QER's gate for this direction is open.
    pub const GATE_OPEN: u8 = 1 << 0;
    /// Forward inside GTP-U to [`super::Rules::peer`]; without it the plain IP packet leaves.
    pub const ENCAPSULATE: u8 = 1 << 1;
    /// The GTP-U header of what leaves carries a PDU Session Container with [`super::Rules::qfi`].
    pub const PDU_SESSION: u8 = 1 << 2;
    /// Only packets with the QFI [`super::Rules::match_qfi`] match (uplink PDI with a QFI).
    pub const MATCH_QFI: u8 = 1 << 3;
    /// The UE's address, [`super::Rules::ue_v4`], may be the inner source (uplink) or has to be the destination
    /// (downlink).
    pub const UE_V4: u8 = 1 << 4;
    /// The same for the /64 of [`super::Rules::ue_v6`].
    pub const UE_V6: u8 = 1 << 5;
    /// Write [`super::Rules::dscp`] into the outer header (transport level marking).
    pub const MARK_DSCP: u8 = 1 << 6;
    /// The packet's source is not checked: a tunnel that carries other than one UE's packets (N9, S5,
    /// control plane to UE). Without this bit and without a UE address nothing passes the check.
    pub const ANY_SOURCE: u8 = 1 << 7;
}

/// [`Rules::meter_slot`] of rules without an MBR.
pub const NO_METER: u32 = u32::MAX;

/// The compiled PDR + FAR + QER of one direction: one cache line, replaced as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Rules {
    /// Uplink: our F-TEID, compared with the whole TEID of the packet. Downlink: zero.
    pub teid: [u8; 4],
    /// UE address, IPv4, where [`flags::UE_V4`] is set.
    pub ue_v4: [u8; 4],
    /// Upper 64 bits of the UE's IPv6 prefix, where [`flags::UE_V6`] is set.
    pub ue_v6: [u8; 8],
    /// One of [`verdict`].
    pub verdict: u8,
    /// Bits of [`flags`].
    pub flags: u8,
    /// QFI for the PDU Session Container of what we encapsulate, 0 to 63.
    pub qfi: u8,
    /// QFI that the packet must carry where [`flags::MATCH_QFI`] is set.
    pub match_qfi: u8,
    /// DSCP, 0 to 63, where [`flags::MARK_DSCP`] is set.
    pub dscp: u8,
    /// PDU type in the PDU Session Container (TS 38.415 clause 5.5.2): 0 towards the UE, 1 from it.
    pub pdu_type: u8,
    /// Uplink half: 1 if what comes by this tunnel is on its way to the UE (from an SGW's or another UPF's core side,
    /// from the control plane), and counted so.
    pub is_downlink: u8,
    /// Zero.
    pub reserved: u8,
    /// Plain IP out: the network instance's number, an index into `INSTANCES`.
    pub instance: u32,
    /// GTP-U out: index into `PEERS`.
    pub peer: u32,
    /// GTP-U out: the peer's TEID.
    pub peer_teid: [u8; 4],
    /// The slot whose state of this direction holds the meter's bucket, or [`NO_METER`]. Rules that name the same
    /// QER name the same slot.
    pub meter_slot: u32,
    /// The MBR: meter ticks a byte, see [`crate::meter::Rate`].
    pub meter_ticks_per_byte: u64,
    /// The bucket's depth in meter ticks.
    pub meter_depth: u64,
    /// Index into `LISTS` where the verdict is [`verdict::LIST`].
    pub list: u32,
    /// Zero.
    pub reserved2: u32,
}

/// Entries of one [`RuleList`].
pub const MAX_LIST_ENTRIES: usize = 8;

/// A closed range of ports; `0..=65535` matches packets without ports too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct MatchPorts {
    /// Lowest port.
    pub first: u16,
    /// Highest port.
    pub last: u16,
}

impl MatchPorts {
    /// Every packet, with or without ports.
    pub const ANY: Self = Self {
        first: 0,
        last: u16::MAX,
    };
}

impl Default for MatchPorts {
    fn default() -> Self {
        Self::ANY
    }
}

/// One SDF filter, seen from the network's side: *remote* is the data network's host, *local* the UE,
/// in both directions (TS 29.212 clause 5.4.2: flow descriptions are written for the downlink).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Match {
    /// The remote address, masked. IPv4 is IPv4-mapped.
    pub remote: Address,
    /// Mask of `remote`; all zero matches every address of every family.
    pub remote_mask: Address,
    /// The UE-side address, masked.
    pub local: Address,
    /// Mask of `local`.
    pub local_mask: Address,
    /// Ports of the remote side.
    pub remote_ports: MatchPorts,
    /// Ports of the UE side.
    pub local_ports: MatchPorts,
    /// IP protocol number; only looked at where `any_protocol` is 0.
    pub protocol: u8,
    /// 1 if every protocol matches.
    pub any_protocol: u8,
    /// ToS / traffic class after masking.
    pub tos: u8,
    /// Mask of `tos`; 0 matches all.
    pub tos_mask: u8,
    /// Zero.
    pub reserved: [u8; 4],
}

/// One compiled PDR in a [`RuleList`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct RuleListEntry {
    /// What it applies to.
    pub filter: Match,
    /// What happens then; the verdict is never [`verdict::LIST`].
    pub rules: Rules,
}

/// The PDRs of one slot and direction in precedence order; the first match wins. Written once, before a
/// slot names it, and reused only after no packet can still be walking it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct RuleList {
    /// Used entries.
    pub len: u32,
    /// Zero.
    pub reserved: u32,
    /// The entries; those from `len` on are ignored.
    pub entries: [RuleListEntry; MAX_LIST_ENTRIES],
}

plain! {
    Rules: 64, 8;
    MatchPorts: 4, 2;
    Match: 80, 2;
    RuleListEntry: 144, 8;
    RuleList: 1160, 8;
}
