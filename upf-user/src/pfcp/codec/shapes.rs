//! What the values of IEs are made of: the functions that typed messages are read and written with, and rows of parts
//! for values that nobody acts on.

use super::layout::{Layout, Part};
use super::tree::{Codec, LeafCodec};
use super::{addresses, ethernet, identities, measurement, names, pfd, treatment, values};

/// A value's form.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) codec: &'static dyn LeafCodec,
    pub(super) spare: Spare,
}

/// Which bits of a value say nothing in this version.
#[derive(Clone, Copy)]
pub(super) enum Spare {
    /// These of its first octets.
    Front(&'static [u8]),
    /// Those that its octets tell.
    Of(fn(&[u8]) -> Vec<u8>),
}

const fn whole(codec: &'static dyn LeafCodec) -> Shape {
    with_spare(codec, &[])
}

const fn with_spare(codec: &'static dyn LeafCodec, spare: &'static [u8]) -> Shape {
    Shape {
        codec,
        spare: Spare::Front(spare),
    }
}

pub(super) const CAUSE: Shape = whole(&Codec {
    read: values::read_cause,
    write: values::write_cause,
});
pub(super) const SOURCE_INTERFACE: Shape = with_spare(
    &Codec {
        read: values::read_source_interface,
        write: values::write_source_interface,
    },
    &[0xf0],
);
pub(super) const F_TEID: Shape = with_spare(
    &Codec {
        read: addresses::read_f_teid,
        write: addresses::write_f_teid,
    },
    &[0xf0],
);
pub(super) const NAME: Shape = whole(&Codec::<String> {
    read: names::read_name,
    write: |out, name| names::write_name(out, name),
});
pub(super) const SDF_FILTER: Shape = Shape {
    codec: &Codec {
        read: values::read_sdf_filter,
        write: values::write_sdf_filter,
    },
    spare: Spare::Of(values::spare_of_sdf_filter),
};
pub(super) const TEXT: Shape = whole(&Codec::<String> {
    read: names::read_text,
    write: |out, text| names::write_text(out, text),
});
pub(super) const GATE_STATUS: Shape = with_spare(
    &Codec {
        read: values::read_gate_status,
        write: values::write_gate_status,
    },
    &[0xf0],
);
pub(super) const BIT_RATES: Shape = whole(&Codec {
    read: values::read_bit_rates,
    write: values::write_bit_rates,
});
pub(super) const U32: Shape = whole(&Codec {
    read: |reader| reader.u32(),
    write: values::write_u32,
});
pub(super) const MARKING: Shape = whole(&Codec {
    read: values::read_marking,
    write: values::write_marking,
});
pub(super) const VOLUMES: Shape = with_spare(
    &Codec {
        read: measurement::read_volumes,
        write: measurement::write_volumes,
    },
    &[0xf8],
);
pub(super) const REPORTING_TRIGGERS: Shape = whole(&Codec {
    read: measurement::read_reporting_triggers,
    write: measurement::write_reporting_triggers,
});
pub(super) const REDIRECT_INFORMATION: Shape = with_spare(
    &Codec {
        read: treatment::read_redirect_information,
        write: treatment::write_redirect_information,
    },
    &[0xf0],
);
pub(super) const U8: Shape = whole(&Codec {
    read: |reader| reader.u8(),
    write: values::write_u8,
});
pub(super) const U16: Shape = whole(&Codec {
    read: |reader| reader.u16(),
    write: values::write_u16,
});
pub(super) const SHORT_TEXT: Shape = whole(&Codec::<String> {
    read: names::read_short_text,
    write: |out, text| names::write_short_text(out, text),
});
pub(super) const DESTINATION_INTERFACE: Shape = with_spare(
    &Codec {
        read: values::read_destination_interface,
        write: values::write_destination_interface,
    },
    &[0xf0],
);
pub(super) const UP_FUNCTION_FEATURES: Shape = whole(&Codec {
    read: values::read_up_function_features,
    write: values::write_up_function_features,
});
pub(super) const APPLY_ACTION: Shape = whole(&Codec {
    read: values::read_apply_action,
    write: values::write_apply_action,
});
pub(super) const SERVICE_INFORMATION: Shape = with_spare(
    &Codec {
        read: treatment::read_service_information,
        write: treatment::write_service_information,
    },
    &[0xfc, 0xc0, 0xc0],
);
pub(super) const PACKET_COUNT: Shape = whole(&Codec {
    read: values::read_packet_count,
    write: values::write_packet_count,
});
pub(super) const F_SEID: Shape = with_spare(
    &Codec {
        read: addresses::read_f_seid,
        write: addresses::write_f_seid,
    },
    &[0xfc],
);
pub(super) const NODE_ID: Shape = with_spare(
    &Codec {
        read: addresses::read_node_id,
        write: addresses::write_node_id,
    },
    &[0xf0],
);
pub(super) const PFD_CONTENTS: Shape = with_spare(
    &Codec {
        read: pfd::read_contents,
        write: pfd::write_contents,
    },
    &[0, 0xff],
);
pub(super) const MEASUREMENT_METHOD: Shape = whole(&Codec {
    read: measurement::read_measurement_method,
    write: measurement::write_measurement_method,
});
pub(super) const USAGE_REPORT_TRIGGER: Shape = whole(&Codec {
    read: measurement::read_usage_report_trigger,
    write: measurement::write_usage_report_trigger,
});
pub(super) const FQ_CSID: Shape = whole(&Codec {
    read: identities::read_fq_csid,
    write: identities::write_fq_csid,
});
pub(super) const VOLUME_MEASUREMENT: Shape = with_spare(
    &Codec {
        read: measurement::read_volume_measurement,
        write: measurement::write_volume_measurement,
    },
    &[0xc0],
);
pub(super) const DROPPED_TRAFFIC: Shape = with_spare(
    &Codec {
        read: measurement::read_dropped_traffic,
        write: measurement::write_dropped_traffic,
    },
    &[0xfc],
);
pub(super) const OUTER_HEADER_CREATION: Shape = whole(&Codec {
    read: addresses::read_outer_header_creation,
    write: addresses::write_outer_header_creation,
});
pub(super) const CP_FUNCTION_FEATURES: Shape = whole(&Codec {
    read: values::read_cp_function_features,
    write: values::write_cp_function_features,
});
pub(super) const FLOW_INFORMATION: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::U8), (0, Part::Text)],
});
pub(super) const UE_IP_ADDRESS: Shape = with_spare(
    &Codec {
        read: addresses::read_ue_ip_address,
        write: addresses::write_ue_ip_address,
    },
    &[0x80],
);
pub(super) const PACKET_RATE: Shape = with_spare(
    &Codec {
        read: treatment::read_packet_rate,
        write: treatment::write_packet_rate,
    },
    &[0xf8],
);
pub(super) const OUTER_HEADER_REMOVAL: Shape = whole(&Codec {
    read: values::read_outer_header_removal,
    write: values::write_outer_header_removal,
});
pub(super) const FLOW_LEVEL_MARKING: Shape = with_spare(
    &Codec {
        read: treatment::read_flow_level_marking,
        write: treatment::write_flow_level_marking,
    },
    &[0xfc],
);
pub(super) const HEADER_ENRICHMENT: Shape = with_spare(
    &Codec {
        read: treatment::read_header_enrichment,
        write: treatment::write_header_enrichment,
    },
    &[0xe0],
);
pub(super) const REMOTE_GTPU_PEER: Shape = with_spare(
    &Codec {
        read: addresses::read_remote_gtpu_peer,
        write: addresses::write_remote_gtpu_peer,
    },
    &[0xf0],
);
pub(super) const THREE_BITS: Shape = with_spare(
    &Codec {
        read: values::read_three_bits,
        write: values::write_u8,
    },
    &[0xf8],
);
pub(super) const FAILED_RULE: Shape = with_spare(
    &Codec {
        read: values::read_failed_rule,
        write: values::write_failed_rule,
    },
    &[0xe0],
);
pub(super) const TIME_QUOTA_MECHANISM: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::U8), (0, Part::U32)],
});
pub(super) const MULTIPLIER: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::U64), (0, Part::U32)],
});
pub(super) const RQI: Shape = with_spare(
    &Codec {
        read: values::read_rqi,
        write: values::write_rqi,
    },
    &[0xfe],
);
pub(super) const SIX_BITS: Shape = with_spare(
    &Codec {
        read: values::read_six_bits,
        write: values::write_u8,
    },
    &[0xc0],
);
pub(super) const MAC_ADDRESSES: Shape = with_spare(
    &Codec {
        read: ethernet::read_mac_addresses,
        write: ethernet::write_mac_addresses,
    },
    &[0xf0],
);
pub(super) const VLAN_TAG: Shape = whole(&Codec {
    read: ethernet::read_vlan_tag,
    write: ethernet::write_vlan_tag,
});
pub(super) const ETHERNET_FILTER_PROPERTIES: Shape = whole(&Codec {
    read: ethernet::read_properties,
    write: ethernet::write_properties,
});
pub(super) const USER_ID: Shape = with_spare(
    &Codec {
        read: identities::read_user_id,
        write: identities::write_user_id,
    },
    &[0x80],
);
pub(super) const MAC_ADDRESSES_DETECTED: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::Macs), (0, Part::Counted), (0, Part::Counted)],
});
pub(super) const TRACE_INFORMATION: Shape = whole(&Layout {
    has_flags: false,
    parts: &[
        (0, Part::Octets(3)),
        (0, Part::Octets(3)),
        (0, Part::Counted),
        (0, Part::U8),
        (0, Part::Counted),
        (0, Part::Counted),
    ],
});
pub(super) const FOUR_BITS: Shape = with_spare(
    &Codec {
        read: values::read_four_bits,
        write: values::write_u8,
    },
    &[0xf0],
);
pub(super) const UE_IP_ADDRESS_POOL_IDENTITY: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::Text)],
});
pub(super) const ALTERNATIVE_SMF_IP_ADDRESS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[(0x2, Part::Ipv4), (0x1, Part::Ipv6)],
});
pub(super) const IP_MULTICAST_ADDRESS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[
        (0x2, Part::Ipv4),
        (0x1, Part::Ipv6),
        (0x6, Part::Ipv4),
        (0x5, Part::Ipv6),
    ],
});
pub(super) const SOURCE_IP_ADDRESS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[(0x2, Part::Ipv4), (0x1, Part::Ipv6), (0x4, Part::U8)],
});
pub(super) const PACKET_RATE_STATUS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[
        (0x1, Part::U16),
        (0x5, Part::U16),
        (0x2, Part::U16),
        (0x6, Part::U16),
        (0, Part::U64),
    ],
});
pub(super) const TSN_BRIDGE_ID: Shape = whole(&Layout {
    has_flags: true,
    parts: &[(0x1, Part::Mac)],
});
pub(super) const U64: Shape = whole(&Codec {
    read: |reader| reader.u64(),
    write: values::write_u64,
});
pub(super) const MPTCP_ADDRESS_INFORMATION: Shape = whole(&Layout {
    has_flags: true,
    parts: &[
        (0, Part::U8),
        (0, Part::U16),
        (0x1, Part::Ipv4),
        (0x2, Part::Ipv6),
    ],
});
pub(super) const UE_LINK_SPECIFIC_IP_ADDRESS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[
        (0x1, Part::Ipv4),
        (0x2, Part::Ipv6),
        (0x4, Part::Ipv4),
        (0x8, Part::Ipv6),
    ],
});
pub(super) const PMF_ADDRESS_INFORMATION: Shape = whole(&Layout {
    has_flags: true,
    parts: &[
        (0x1, Part::Ipv4),
        (0x2, Part::Ipv6),
        (0, Part::U16),
        (0, Part::U16),
        (0x4, Part::Mac),
        (0x4, Part::Mac),
    ],
});
pub(super) const PACKET_DELAY_THRESHOLDS: Shape = whole(&Layout {
    has_flags: true,
    parts: &[(0x1, Part::U32), (0x2, Part::U32), (0x4, Part::U32)],
});
pub(super) const OCTETS: Shape = whole(&Codec {
    read: values::read_octets,
    write: values::write_octets,
});
pub(super) const S_NSSAI: Shape = whole(&Codec {
    read: identities::read_s_nssai,
    write: identities::write_s_nssai,
});
pub(super) const NUMBER_OF_UE_IP_ADDRESSES: Shape = whole(&Layout {
    has_flags: true,
    parts: &[(0x1, Part::U32), (0x2, Part::U32)],
});
/// Status and type, two bits each.
pub(super) const ACCESS_AVAILABILITY: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::Split(2))],
});
pub(super) const ADDITIONAL_USAGE_REPORTS: Shape = whole(&Layout {
    has_flags: false,
    parts: &[(0, Part::FlagAndNumber)],
});
