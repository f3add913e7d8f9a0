//! Why a packet was not forwarded.
//!
//! One enum names the drop counters, the metric labels and the program's verdict. Every value has a case
//! in the packet tables of the `bench` package.

/// Defines a reason enum with a stable number, a metric label and a sentence each.
macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $label:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The metric's label value.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }
    };
}

reasons! {
    /// The packet was ours and was discarded.
    DropReason {
        /// An outer fragment: GTP-U peers must not fragment towards us.
        OuterFragment = "outer_fragment",
        /// The GTP-U header is cut short, overstates its length, or has an extension header of length zero
        /// (TS 29.281 clause 5).
        GtpuMalformed = "gtpu_malformed",
        /// An extension header that has to be understood and is not (TS 29.281 clause 5.2.1).
        UnsupportedExtension = "unsupported_extension",
        /// Not GTP version 1 with PT = 1.
        GtpuVersion = "gtpu_version",
        /// No session has this TEID.
        UnknownTeid = "unknown_teid",
        /// The address lies in a pool, but no session has it.
        UnknownUeAddress = "unknown_ue_address",
        /// The session has no PDR that matches.
        NoMatchingPdr = "no_matching_pdr",
        /// The inner packet is neither IPv4 nor IPv6, or is cut short.
        InnerMalformed = "inner_malformed",
        /// The uplink inner source address is not the UE's.
        SpoofedSource = "spoofed_source",
        /// The FAR says DROP.
        FarDrop = "far_drop",
        /// The FAR says BUFF, and there is no buffer.
        FarBuffer = "far_buffer",
        /// The QER's gate is closed.
        GateClosed = "gate_closed",
        /// Over the MBR of the flow, or its packet rate.
        RateLimited = "rate_limited",
        /// Over the limit that sessions of the UE share (AMBR).
        SessionRateLimited = "session_rate_limited",
        /// Over the limit of the SIM.
        SimRateLimited = "sim_rate_limited",
        /// Over the limit of the customer.
        CustomerRateLimited = "customer_rate_limited",
        /// The quota of a URR is used up.
        QuotaExhausted = "quota_exhausted",
        /// TTL or hop limit ran out.
        TtlExpired = "ttl_expired",
        /// Larger than the MTU of the way out.
        OverMtu = "over_mtu",
        /// No route to the destination, or one that is not unicast forwarding.
        NoRoute = "no_route",
        /// The route leads to a device outside the network instance.
        RouteOffInstance = "route_off_instance",
        /// The next hop's MAC address is not known yet; it is being asked for.
        NeighbourUnresolved = "neighbour_unresolved",
        /// The rules changed more often than they could be read.
        SlotBusy = "slot_busy",
        /// The driver left no room to change the packet's size.
        NoHeadroom = "no_headroom",
        /// Handing packets to the kernel is rate-limited, and this was over it.
        PuntLimited = "punt_limited",
    }
}

reasons! {
    /// The packet was ours and was handed to the kernel for the agent.
    PuntReason {
        /// A GTP-U message other than G-PDU and Echo Request.
        GtpuSignalling = "gtpu_signalling",
        /// Dropped, and the sender is told by an Error Indication.
        UnknownTeid = "unknown_teid",
        /// Dropped, and the sender is told by a Supported Extension Headers Notification.
        UnsupportedExtension = "unsupported_extension",
    }
}

impl DropReason {
    /// The reason with this number.
    #[inline(always)]
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}
