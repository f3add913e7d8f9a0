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

/// Bit of [`Rules::marking`]: write the DSCP of its lower six bits into the UE's packet.
pub const INNER_DSCP: u8 = 1 << 7;
/// Bit of [`Rules::marking`]: where the flow's bucket runs low, packets of ECN-capable transports are marked.
pub const MARK_FLOW: u8 = 1 << 6;

/// The compiled PDR + FAR + QER of one direction: one cache line, replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// The octet with the QFI in the PDU Session Container of what we encapsulate (TS 38.415 clause 5.5.2): the QFI
    /// in the lower six bits, and for PDU type 0 the RQI in bit 6.
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
    /// [`INNER_DSCP`] with a DSCP in the lower six bits, or zero; and [`MARK_FLOW`].
    pub marking: u8,
    /// Plain IP out: the network instance's number, an index into `INSTANCES`.
    pub instance: u32,
    /// GTP-U out: index into `PEERS`.
    pub peer: u32,
    /// GTP-U out: the peer's TEID.
    pub peer_teid: [u8; 4],
    /// The slot whose state of this direction holds the rate and the bucket of the flow's meter, or [`NO_METER`].
    /// Rules that name the same QER name the same slot.
    pub meter_slot: u32,
    /// The first of the limits beside it ([`super::Limit`]), or [`super::NO_LIMIT`].
    pub limit: u32,
    /// Where the verdict is [`verdict::LIST`], the first page of the rules in `LISTS`; else the page whose first entry holds for
    /// packets beyond a quota that has an action ([`super::usage_flags::HAS_ACTION`]), or [`NO_LIST`]: those are dropped.
    pub list: u32,
    /// The slot that the UE's framed routes lead to, or [`super::NO_SLOT`]: packets from and to those networks are
    /// the UE's as well.
    pub framed_slot: u32,
    /// The network instance of the framed routes.
    pub framed_instance: u32,
    /// What copies of the packets are filed under ([`super::PacketCopy::duplicate`]); 0 for no copies.
    pub duplicate: u32,
    /// What packets are counted in beside the slot: an index of `USAGE_SETS`, or [`super::NO_USAGE`].
    pub usage: u32,
}

impl Default for Rules {
    /// An empty half of a slot.
    fn default() -> Self {
        Self {
            teid: [0; 4],
            ue_v4: [0; 4],
            ue_v6: [0; 8],
            verdict: verdict::NONE,
            flags: 0,
            qfi: 0,
            match_qfi: 0,
            dscp: 0,
            pdu_type: 0,
            is_downlink: 0,
            marking: 0,
            instance: 0,
            peer: 0,
            peer_teid: [0; 4],
            meter_slot: NO_METER,
            limit: super::NO_LIMIT,
            list: NO_LIST,
            framed_slot: super::NO_SLOT,
            framed_instance: 0,
            duplicate: 0,
            usage: super::NO_USAGE,
        }
    }
}

/// Entries of one [`RuleList`], the page of a chain.
pub const LIST_PAGE_ENTRIES: usize = 4;
/// Entries of a chain of [`RuleList`]s at most.
pub const MAX_LIST_ENTRIES: usize = 512;
/// [`RuleList::next`] of the last page.
pub const NO_LIST: u32 = u32::MAX;

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

/// Bits of [`Match::flags`].
pub mod match_flags {
    /// Every protocol matches.
    pub const ANY_PROTOCOL: u8 = 1 << 0;
    /// Only ESP and AH packets with [`super::Match::spi`] match.
    pub const SPI: u8 = 1 << 1;
    /// Only IPv6 packets with [`super::Match::flow_label`] match.
    pub const FLOW_LABEL: u8 = 1 << 2;
}

/// One SDF filter, seen from the network's side: *remote* is the data network's host, *local* the UE,
/// in both directions (TS 29.212 clause 5.4.2: flow descriptions are written for the downlink).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
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
    /// IP protocol number; not looked at with [`match_flags::ANY_PROTOCOL`].
    pub protocol: u8,
    /// Bits of [`match_flags`].
    pub flags: u8,
    /// ToS / traffic class after masking.
    pub tos: u8,
    /// Mask of `tos`; 0 matches all.
    pub tos_mask: u8,
    /// IPsec SPI, with [`match_flags::SPI`].
    pub spi: u32,
    /// IPv6 flow label, with [`match_flags::FLOW_LABEL`].
    pub flow_label: u32,
    /// Zero.
    pub reserved: u32,
}

/// One compiled PDR in a [`RuleList`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct RuleListEntry {
    /// What it applies to.
    pub filter: Match,
    /// QFIs that the packet may have come with, a bit each; 0 means any, or none.
    pub qfis: u64,
    /// What happens then; the verdict is never [`verdict::LIST`].
    pub rules: Rules,
}

/// A page of the PDRs of one slot and direction in precedence order; the first match wins. Written once, before a
/// slot names it, and reused only after no packet can still be walking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct RuleList {
    /// Used entries.
    pub len: u32,
    /// The page behind this one, or [`NO_LIST`].
    pub next: u32,
    /// The entries; those from `len` on are ignored.
    pub entries: [RuleListEntry; LIST_PAGE_ENTRIES],
}

impl Default for RuleList {
    /// An empty page, the last of its chain.
    fn default() -> Self {
        Self {
            len: 0,
            next: NO_LIST,
            entries: [RuleListEntry::default(); LIST_PAGE_ENTRIES],
        }
    }
}

plain! {
    Rules: 64, 8;
    MatchPorts: 4, 2;
    Match: 88, 8;
    RuleListEntry: 160, 8;
    RuleList: 648, 8;
}
