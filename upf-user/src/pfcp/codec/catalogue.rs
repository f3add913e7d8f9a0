//! Every IE type that is known (TS 29.244 table 8.1.2-1): its name, and what it is made of.

use super::layout::{Layout, Part};
use super::tree::{Codec, LeafCodec};
use super::{addresses, ethernet, identities, measurement, names, pfd, treatment, values};

/// An IE type.
pub(super) struct Entry {
    kind: u16,
    /// Its name in the table.
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// Bits of its first octets that say nothing in this version.
    pub(super) spare: &'static [u8],
}

/// What an IE is made of.
pub(super) enum Shape {
    Group,
    Leaf(&'static dyn LeafCodec),
}

/// What is known of a type.
pub(super) fn entry(kind: u16) -> Option<&'static Entry> {
    let place = CATALOGUE.binary_search_by_key(&kind, |entry| entry.kind);
    place.ok().map(|place| &CATALOGUE[place])
}

const U8: Shape = Shape::Leaf(&Codec {
    read: |reader| reader.u8(),
    write: values::write_u8,
});
const U16: Shape = Shape::Leaf(&Codec {
    read: |reader| reader.u16(),
    write: values::write_u16,
});
const U32: Shape = Shape::Leaf(&Codec {
    read: |reader| reader.u32(),
    write: values::write_u32,
});
const U64: Shape = Shape::Leaf(&Codec {
    read: |reader| reader.u64(),
    write: values::write_u64,
});
const THREE_BITS: Shape = Shape::Leaf(&Codec {
    read: values::read_three_bits,
    write: values::write_u8,
});
const FOUR_BITS: Shape = Shape::Leaf(&Codec {
    read: values::read_four_bits,
    write: values::write_u8,
});
const SIX_BITS: Shape = Shape::Leaf(&Codec {
    read: values::read_six_bits,
    write: values::write_u8,
});
const OCTETS: Shape = Shape::Leaf(&Codec {
    read: values::read_octets,
    write: values::write_octets,
});
const TEXT: Shape = Shape::Leaf(&Codec::<String> {
    read: names::read_text,
    write: |out, text| names::write_text(out, text),
});
const SHORT_TEXT: Shape = Shape::Leaf(&Codec::<String> {
    read: names::read_short_text,
    write: |out, text| names::write_short_text(out, text),
});
const NAME: Shape = Shape::Leaf(&Codec::<String> {
    read: names::read_name,
    write: |out, name| names::write_name(out, name),
});

const fn group(kind: u16, name: &'static str) -> Entry {
    leaf(kind, name, Shape::Group, &[])
}

const fn leaf(kind: u16, name: &'static str, shape: Shape, spare: &'static [u8]) -> Entry {
    Entry {
        kind,
        name,
        shape,
        spare,
    }
}

/// In ascending order of their types.
static CATALOGUE: &[Entry] = &[
    group(1, "Create PDR"),
    group(2, "PDI"),
    group(3, "Create FAR"),
    group(4, "Forwarding Parameters"),
    group(5, "Duplicating Parameters"),
    group(6, "Create URR"),
    group(7, "Create QER"),
    group(8, "Created PDR"),
    group(9, "Update PDR"),
    group(10, "Update FAR"),
    group(11, "Update Forwarding Parameters"),
    group(12, "Update BAR (Session Report Response)"),
    group(13, "Update URR"),
    group(14, "Update QER"),
    group(15, "Remove PDR"),
    group(16, "Remove FAR"),
    group(17, "Remove URR"),
    group(18, "Remove QER"),
    leaf(
        19,
        "Cause",
        Shape::Leaf(&Codec {
            read: values::read_cause,
            write: values::write_cause,
        }),
        &[],
    ),
    leaf(
        20,
        "Source Interface",
        Shape::Leaf(&Codec {
            read: values::read_source_interface,
            write: values::write_source_interface,
        }),
        &[0xf0],
    ),
    leaf(
        21,
        "F-TEID",
        Shape::Leaf(&Codec {
            read: addresses::read_f_teid,
            write: addresses::write_f_teid,
        }),
        &[0xf0],
    ),
    leaf(22, "Network Instance", NAME, &[]),
    leaf(
        23,
        "SDF Filter",
        Shape::Leaf(&Codec {
            read: values::read_sdf_filter,
            write: values::write_sdf_filter,
        }),
        &[0xe0, 0xff],
    ),
    leaf(24, "Application ID", TEXT, &[]),
    leaf(
        25,
        "Gate Status",
        Shape::Leaf(&Codec {
            read: values::read_gate_status,
            write: values::write_gate_status,
        }),
        &[0xf0],
    ),
    leaf(
        26,
        "MBR",
        Shape::Leaf(&Codec {
            read: values::read_bit_rates,
            write: values::write_bit_rates,
        }),
        &[],
    ),
    leaf(
        27,
        "GBR",
        Shape::Leaf(&Codec {
            read: values::read_bit_rates,
            write: values::write_bit_rates,
        }),
        &[],
    ),
    leaf(28, "QER Correlation ID", U32, &[]),
    leaf(29, "Precedence", U32, &[]),
    leaf(
        30,
        "Transport Level Marking",
        Shape::Leaf(&Codec {
            read: values::read_marking,
            write: values::write_marking,
        }),
        &[],
    ),
    leaf(
        31,
        "Volume Threshold",
        Shape::Leaf(&Codec {
            read: measurement::read_volumes,
            write: measurement::write_volumes,
        }),
        &[0xf8],
    ),
    leaf(32, "Time Threshold", U32, &[]),
    leaf(33, "Monitoring Time", U32, &[]),
    leaf(
        34,
        "Subsequent Volume Threshold",
        Shape::Leaf(&Codec {
            read: measurement::read_volumes,
            write: measurement::write_volumes,
        }),
        &[0xf8],
    ),
    leaf(35, "Subsequent Time Threshold", U32, &[]),
    leaf(36, "Inactivity Detection Time", U32, &[]),
    leaf(
        37,
        "Reporting Triggers",
        Shape::Leaf(&Codec {
            read: measurement::read_reporting_triggers,
            write: measurement::write_reporting_triggers,
        }),
        &[],
    ),
    leaf(
        38,
        "Redirect Information",
        Shape::Leaf(&Codec {
            read: treatment::read_redirect_information,
            write: treatment::write_redirect_information,
        }),
        &[0xf0],
    ),
    leaf(39, "Report Type", U8, &[]),
    leaf(40, "Offending IE", U16, &[]),
    leaf(41, "Forwarding Policy", SHORT_TEXT, &[]),
    leaf(
        42,
        "Destination Interface",
        Shape::Leaf(&Codec {
            read: values::read_destination_interface,
            write: values::write_destination_interface,
        }),
        &[0xf0],
    ),
    leaf(
        43,
        "UP Function Features",
        Shape::Leaf(&Codec {
            read: values::read_up_function_features,
            write: values::write_up_function_features,
        }),
        &[],
    ),
    leaf(
        44,
        "Apply Action",
        Shape::Leaf(&Codec {
            read: values::read_apply_action,
            write: values::write_apply_action,
        }),
        &[],
    ),
    leaf(
        45,
        "Downlink Data Service Information",
        Shape::Leaf(&Codec {
            read: treatment::read_service_information,
            write: treatment::write_service_information,
        }),
        &[0xfc, 0xc0, 0xc0],
    ),
    leaf(46, "Downlink Data Notification Delay", U8, &[]),
    leaf(47, "DL Buffering Duration", U8, &[]),
    leaf(
        48,
        "DL Buffering Suggested Packet Count",
        Shape::Leaf(&Codec {
            read: values::read_packet_count,
            write: values::write_packet_count,
        }),
        &[],
    ),
    leaf(49, "PFCPSMReq-Flags", U8, &[]),
    leaf(50, "PFCPSRRsp-Flags", U8, &[]),
    group(51, "Load Control Information"),
    leaf(52, "Sequence Number", U32, &[]),
    leaf(53, "Metric", U8, &[]),
    group(54, "Overload Control Information"),
    leaf(55, "Timer", U8, &[]),
    leaf(56, "PDR ID", U16, &[]),
    leaf(
        57,
        "F-SEID",
        Shape::Leaf(&Codec {
            read: addresses::read_f_seid,
            write: addresses::write_f_seid,
        }),
        &[0xfc],
    ),
    group(58, "Application ID's PFDs"),
    group(59, "PFD Context"),
    leaf(
        60,
        "Node ID",
        Shape::Leaf(&Codec {
            read: addresses::read_node_id,
            write: addresses::write_node_id,
        }),
        &[0xf0],
    ),
    leaf(
        61,
        "PFD Contents",
        Shape::Leaf(&Codec {
            read: pfd::read_contents,
            write: pfd::write_contents,
        }),
        &[0, 0xff],
    ),
    leaf(
        62,
        "Measurement Method",
        Shape::Leaf(&Codec {
            read: measurement::read_measurement_method,
            write: measurement::write_measurement_method,
        }),
        &[],
    ),
    leaf(
        63,
        "Usage Report Trigger",
        Shape::Leaf(&Codec {
            read: measurement::read_usage_report_trigger,
            write: measurement::write_usage_report_trigger,
        }),
        &[],
    ),
    leaf(64, "Measurement Period", U32, &[]),
    leaf(
        65,
        "FQ-CSID",
        Shape::Leaf(&Codec {
            read: identities::read_fq_csid,
            write: identities::write_fq_csid,
        }),
        &[],
    ),
    leaf(
        66,
        "Volume Measurement",
        Shape::Leaf(&Codec {
            read: measurement::read_volume_measurement,
            write: measurement::write_volume_measurement,
        }),
        &[0xc0],
    ),
    leaf(67, "Duration Measurement", U32, &[]),
    group(68, "Application Detection Information"),
    leaf(69, "Time of First Packet", U32, &[]),
    leaf(70, "Time of Last Packet", U32, &[]),
    leaf(71, "Quota Holding Time", U32, &[]),
    leaf(
        72,
        "Dropped DL Traffic Threshold",
        Shape::Leaf(&Codec {
            read: measurement::read_dropped_traffic,
            write: measurement::write_dropped_traffic,
        }),
        &[0xfc],
    ),
    leaf(
        73,
        "Volume Quota",
        Shape::Leaf(&Codec {
            read: measurement::read_volumes,
            write: measurement::write_volumes,
        }),
        &[0xf8],
    ),
    leaf(74, "Time Quota", U32, &[]),
    leaf(75, "Start Time", U32, &[]),
    leaf(76, "End Time", U32, &[]),
    group(77, "Query URR"),
    group(78, "Usage Report (Session Modification Response)"),
    group(79, "Usage Report (Session Deletion Response)"),
    group(80, "Usage Report (Session Report Request)"),
    leaf(81, "URR ID", U32, &[]),
    leaf(82, "Linked URR ID", U32, &[]),
    group(83, "Downlink Data Report"),
    leaf(
        84,
        "Outer Header Creation",
        Shape::Leaf(&Codec {
            read: addresses::read_outer_header_creation,
            write: addresses::write_outer_header_creation,
        }),
        &[],
    ),
    group(85, "Create BAR"),
    group(86, "Update BAR (Session Modification Request)"),
    group(87, "Remove BAR"),
    leaf(88, "BAR ID", U8, &[]),
    leaf(
        89,
        "CP Function Features",
        Shape::Leaf(&Codec {
            read: values::read_cp_function_features,
            write: values::write_cp_function_features,
        }),
        &[],
    ),
    leaf(90, "Usage Information", U8, &[]),
    leaf(91, "Application Instance ID", TEXT, &[]),
    leaf(
        92,
        "Flow Information",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::U8), (0, Part::Text)],
        }),
        &[],
    ),
    leaf(
        93,
        "UE IP Address",
        Shape::Leaf(&Codec {
            read: addresses::read_ue_ip_address,
            write: addresses::write_ue_ip_address,
        }),
        &[0x80],
    ),
    leaf(
        94,
        "Packet Rate",
        Shape::Leaf(&Codec {
            read: treatment::read_packet_rate,
            write: treatment::write_packet_rate,
        }),
        &[0xf8],
    ),
    leaf(
        95,
        "Outer Header Removal",
        Shape::Leaf(&Codec {
            read: values::read_outer_header_removal,
            write: values::write_outer_header_removal,
        }),
        &[],
    ),
    leaf(96, "Recovery Time Stamp", U32, &[]),
    leaf(
        97,
        "DL Flow Level Marking",
        Shape::Leaf(&Codec {
            read: treatment::read_flow_level_marking,
            write: treatment::write_flow_level_marking,
        }),
        &[0xfc],
    ),
    leaf(
        98,
        "Header Enrichment",
        Shape::Leaf(&Codec {
            read: treatment::read_header_enrichment,
            write: treatment::write_header_enrichment,
        }),
        &[0xe0],
    ),
    group(99, "Error Indication Report"),
    leaf(100, "Measurement Information", U8, &[]),
    leaf(101, "Node Report Type", U8, &[]),
    group(102, "User Plane Path Failure Report"),
    leaf(
        103,
        "Remote GTP-U Peer",
        Shape::Leaf(&Codec {
            read: addresses::read_remote_gtpu_peer,
            write: addresses::write_remote_gtpu_peer,
        }),
        &[0xf0],
    ),
    leaf(104, "UR-SEQN", U32, &[]),
    group(105, "Update Duplicating Parameters"),
    leaf(106, "Activate Predefined Rules", TEXT, &[]),
    leaf(107, "Deactivate Predefined Rules", TEXT, &[]),
    leaf(108, "FAR ID", U32, &[]),
    leaf(109, "QER ID", U32, &[]),
    leaf(110, "OCI Flags", U8, &[]),
    leaf(111, "PFCP Association Release Request", U8, &[]),
    leaf(112, "Graceful Release Period", U8, &[]),
    leaf(113, "PDN Type", THREE_BITS, &[0xf8]),
    leaf(
        114,
        "Failed Rule ID",
        Shape::Leaf(&Codec {
            read: values::read_failed_rule,
            write: values::write_failed_rule,
        }),
        &[0xe0],
    ),
    leaf(
        115,
        "Time Quota Mechanism",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::U8), (0, Part::U32)],
        }),
        &[],
    ),
    leaf(117, "User Plane Inactivity Timer", U32, &[]),
    group(118, "Aggregated URRs"),
    leaf(
        119,
        "Multiplier",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::U64), (0, Part::U32)],
        }),
        &[],
    ),
    leaf(120, "Aggregated URR ID", U32, &[]),
    leaf(
        121,
        "Subsequent Volume Quota",
        Shape::Leaf(&Codec {
            read: measurement::read_volumes,
            write: measurement::write_volumes,
        }),
        &[0xf8],
    ),
    leaf(122, "Subsequent Time Quota", U32, &[]),
    leaf(
        123,
        "RQI",
        Shape::Leaf(&Codec {
            read: values::read_rqi,
            write: values::write_rqi,
        }),
        &[0xfe],
    ),
    leaf(124, "QFI", SIX_BITS, &[0xc0]),
    leaf(125, "Query URR Reference", U32, &[]),
    leaf(126, "Additional Usage Reports Information", U16, &[]),
    group(127, "Create Traffic Endpoint"),
    group(128, "Created Traffic Endpoint"),
    group(129, "Update Traffic Endpoint"),
    group(130, "Remove Traffic Endpoint"),
    leaf(131, "Traffic Endpoint ID", U8, &[]),
    group(132, "Ethernet Packet Filter"),
    leaf(
        133,
        "MAC Address",
        Shape::Leaf(&Codec {
            read: ethernet::read_mac_addresses,
            write: ethernet::write_mac_addresses,
        }),
        &[0xf0],
    ),
    leaf(
        134,
        "C-TAG",
        Shape::Leaf(&Codec {
            read: ethernet::read_vlan_tag,
            write: ethernet::write_vlan_tag,
        }),
        &[],
    ),
    leaf(
        135,
        "S-TAG",
        Shape::Leaf(&Codec {
            read: ethernet::read_vlan_tag,
            write: ethernet::write_vlan_tag,
        }),
        &[],
    ),
    leaf(136, "Ethertype", U16, &[]),
    leaf(137, "Proxying", U8, &[]),
    leaf(138, "Ethernet Filter ID", U32, &[]),
    leaf(
        139,
        "Ethernet Filter Properties",
        Shape::Leaf(&Codec {
            read: ethernet::read_properties,
            write: ethernet::write_properties,
        }),
        &[],
    ),
    leaf(140, "Suggested Buffering Packets Count", U8, &[]),
    leaf(
        141,
        "User ID",
        Shape::Leaf(&Codec {
            read: identities::read_user_id,
            write: identities::write_user_id,
        }),
        &[0x80],
    ),
    leaf(142, "Ethernet PDU Session Information", U8, &[]),
    group(143, "Ethernet Traffic Information"),
    leaf(
        144,
        "MAC Addresses Detected",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::Macs), (0, Part::Counted), (0, Part::Counted)],
        }),
        &[],
    ),
    leaf(
        145,
        "MAC Addresses Removed",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::Macs), (0, Part::Counted), (0, Part::Counted)],
        }),
        &[],
    ),
    leaf(146, "Ethernet Inactivity Timer", U32, &[]),
    group(147, "Additional Monitoring Time"),
    leaf(148, "Event Quota", U32, &[]),
    leaf(149, "Event Threshold", U32, &[]),
    leaf(150, "Subsequent Event Quota", U32, &[]),
    leaf(151, "Subsequent Event Threshold", U32, &[]),
    leaf(
        152,
        "Trace Information",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[
                (0, Part::Octets(3)),
                (0, Part::Octets(3)),
                (0, Part::Counted),
                (0, Part::U8),
                (0, Part::Counted),
                (0, Part::Counted),
            ],
        }),
        &[],
    ),
    leaf(153, "Framed-Route", TEXT, &[]),
    leaf(154, "Framed-Routing", U32, &[]),
    leaf(155, "Framed-IPv6-Route", TEXT, &[]),
    leaf(156, "Event Time Stamp", U32, &[]),
    leaf(157, "Averaging Window", U32, &[]),
    leaf(158, "Paging Policy Indicator", THREE_BITS, &[0xf8]),
    leaf(159, "APN/DNN", NAME, &[]),
    leaf(160, "3GPP Interface Type", SIX_BITS, &[0xc0]),
    leaf(161, "PFCPSRReq-Flags", U8, &[]),
    leaf(162, "PFCPAUReq-Flags", U8, &[]),
    leaf(163, "Activation Time", U32, &[]),
    leaf(164, "Deactivation Time", U32, &[]),
    group(165, "Create MAR"),
    group(166, "3GPP Access Forwarding Action Information"),
    group(167, "Non-3GPP Access Forwarding Action Information"),
    group(168, "Remove MAR"),
    group(169, "Update MAR"),
    leaf(170, "MAR ID", U16, &[]),
    leaf(171, "Steering Functionality", FOUR_BITS, &[0xf0]),
    leaf(172, "Steering Mode", FOUR_BITS, &[0xf0]),
    leaf(173, "Weight", U8, &[]),
    leaf(174, "Priority", FOUR_BITS, &[0xf0]),
    group(175, "Update 3GPP Access Forwarding Action Information"),
    group(176, "Update Non-3GPP Access Forwarding Action Information"),
    leaf(
        177,
        "UE IP Address Pool Identity",
        Shape::Leaf(&Layout {
            has_flags: false,
            parts: &[(0, Part::Text)],
        }),
        &[],
    ),
    leaf(
        178,
        "Alternative SMF IP Address",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x2, Part::Ipv4), (0x1, Part::Ipv6)],
        }),
        &[],
    ),
    leaf(
        179,
        "Packet Replication and Detection Carry-On Information",
        U8,
        &[],
    ),
    leaf(180, "SMF Set ID", NAME, &[]),
    leaf(181, "Quota Validity Time", U32, &[]),
    leaf(182, "Number of Reports", U16, &[]),
    group(183, "PFCP Session Retention Information"),
    leaf(184, "PFCPASRsp-Flags", U8, &[]),
    leaf(
        185,
        "CP PFCP Entity IP Address",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x2, Part::Ipv4), (0x1, Part::Ipv6)],
        }),
        &[],
    ),
    leaf(186, "PFCPSEReq-Flags", U8, &[]),
    group(187, "User Plane Path Recovery Report"),
    group(188, "IP Multicast Addressing Info"),
    group(189, "Join IP Multicast Information"),
    group(190, "Leave IP Multicast Information"),
    leaf(
        191,
        "IP Multicast Address",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[
                (0x2, Part::Ipv4),
                (0x1, Part::Ipv6),
                (0x6, Part::Ipv4),
                (0x5, Part::Ipv6),
            ],
        }),
        &[],
    ),
    leaf(
        192,
        "Source IP Address",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x2, Part::Ipv4), (0x1, Part::Ipv6), (0x4, Part::U8)],
        }),
        &[],
    ),
    leaf(
        193,
        "Packet Rate Status",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[
                (0x1, Part::U16),
                (0x5, Part::U16),
                (0x2, Part::U16),
                (0x6, Part::U16),
                (0, Part::U64),
            ],
        }),
        &[],
    ),
    leaf(194, "Create Bridge Info for TSC", U8, &[]),
    group(195, "Created Bridge Info for TSC"),
    leaf(196, "DS-TT Port Number", U32, &[]),
    leaf(197, "NW-TT Port Number", U32, &[]),
    leaf(
        198,
        "TSN Bridge ID",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x1, Part::Mac)],
        }),
        &[],
    ),
    group(
        199,
        "TSC Management Information (Session Modification Request)",
    ),
    group(
        200,
        "TSC Management Information (Session Modification Response)",
    ),
    group(201, "TSC Management Information (Session Report Request)"),
    leaf(202, "Port Management Information Container", TEXT, &[]),
    group(203, "Clock Drift Control Information"),
    leaf(204, "Requested Clock Drift Information", U8, &[]),
    group(205, "Clock Drift Report"),
    leaf(206, "TSN Time Domain Number", U8, &[]),
    leaf(207, "Time Offset Threshold", U64, &[]),
    leaf(208, "Cumulative rateRatio Threshold", U32, &[]),
    leaf(209, "Time Offset Measurement", U64, &[]),
    leaf(210, "Cumulative rateRatio Measurement", U32, &[]),
    group(211, "Remove SRR"),
    group(212, "Create SRR"),
    group(213, "Update SRR"),
    group(214, "Session Report"),
    leaf(215, "SRR ID", U8, &[]),
    group(216, "Access Availability Control Information"),
    leaf(217, "Requested Access Availability Information", U8, &[]),
    group(218, "Access Availability Report"),
    leaf(219, "Access Availability Information", U8, &[]),
    group(220, "Provide ATSSS Control Information"),
    group(221, "ATSSS Control Parameters"),
    leaf(222, "MPTCP Control Information", U8, &[]),
    leaf(223, "ATSSS-LL Control Information", U8, &[]),
    leaf(224, "PMF Control Information", U8, &[]),
    group(225, "MPTCP Parameters"),
    group(226, "ATSSS-LL Parameters"),
    group(227, "PMF Parameters"),
    leaf(
        228,
        "MPTCP Address Information",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[
                (0, Part::U8),
                (0, Part::U16),
                (0x1, Part::Ipv4),
                (0x2, Part::Ipv6),
            ],
        }),
        &[],
    ),
    leaf(
        229,
        "UE Link-Specific IP Address",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[
                (0x1, Part::Ipv4),
                (0x2, Part::Ipv6),
                (0x4, Part::Ipv4),
                (0x8, Part::Ipv6),
            ],
        }),
        &[],
    ),
    leaf(
        230,
        "PMF Address Information",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[
                (0x1, Part::Ipv4),
                (0x2, Part::Ipv6),
                (0, Part::U16),
                (0, Part::U16),
                (0x4, Part::Mac),
                (0x4, Part::Mac),
            ],
        }),
        &[],
    ),
    leaf(231, "ATSSS-LL Information", U8, &[]),
    leaf(232, "Data Network Access Identifier", TEXT, &[]),
    group(233, "UE IP Address Pool Information"),
    leaf(234, "Average Packet Delay", U32, &[]),
    leaf(235, "Minimum Packet Delay", U32, &[]),
    leaf(236, "Maximum Packet Delay", U32, &[]),
    leaf(237, "QoS Report Trigger", U8, &[]),
    group(238, "GTP-U Path QoS Control Information"),
    group(239, "GTP-U Path QoS Report"),
    group(240, "QoS Information in GTP-U Path QoS Report"),
    leaf(241, "GTP-U Path Interface Type", U8, &[]),
    group(242, "QoS Monitoring per QoS Flow Control Information"),
    leaf(243, "Requested QoS Monitoring", U8, &[]),
    leaf(244, "Reporting Frequency", U8, &[]),
    leaf(
        245,
        "Packet Delay Thresholds",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x1, Part::U32), (0x2, Part::U32), (0x4, Part::U32)],
        }),
        &[],
    ),
    leaf(246, "Minimum Wait Time", U32, &[]),
    group(247, "QoS Monitoring Report"),
    leaf(
        248,
        "QoS Monitoring Measurement",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x1, Part::U32), (0x2, Part::U32), (0x4, Part::U32)],
        }),
        &[],
    ),
    leaf(249, "MT-EDT Control Information", U8, &[]),
    leaf(250, "DL Data Packets Size", U16, &[]),
    leaf(251, "QER Control Indications", U8, &[]),
    group(252, "Packet Rate Status Report"),
    leaf(253, "NF Instance ID", OCTETS, &[]),
    group(254, "Ethernet Context Information"),
    group(255, "Redundant Transmission Detection Parameters"),
    group(256, "Updated PDR"),
    leaf(
        257,
        "S-NSSAI",
        Shape::Leaf(&Codec {
            read: identities::read_s_nssai,
            write: identities::write_s_nssai,
        }),
        &[],
    ),
    leaf(258, "IP Version", U8, &[]),
    leaf(259, "PFCPASReq-Flags", U8, &[]),
    leaf(260, "Data Status", U8, &[]),
    group(261, "Provide RDS Configuration Information"),
    leaf(262, "RDS Configuration Information", U8, &[]),
    group(
        263,
        "Query Packet Rate Status (Session Modification Request)",
    ),
    group(
        264,
        "Packet Rate Status Report (Session Modification Response)",
    ),
    leaf(265, "MPTCP Applicable Indication", U8, &[]),
    leaf(266, "Bridge Management Information Container", TEXT, &[]),
    group(267, "UE IP Address Usage Information"),
    leaf(
        268,
        "Number of UE IP Addresses",
        Shape::Leaf(&Layout {
            has_flags: true,
            parts: &[(0x1, Part::U32), (0x2, Part::U32)],
        }),
        &[],
    ),
    leaf(269, "Validity Timer", U16, &[]),
    group(270, "Redundant Transmission Forwarding Parameters"),
    group(271, "Transport Delay Reporting"),
    group(272, "Partial Failure Information"),
    leaf(275, "RAT Type", U8, &[]),
    leaf(291, "Group Id", OCTETS, &[]),
    group(315, "Peer UP Restart Report"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_ascend() {
        assert!(CATALOGUE.windows(2).all(|pair| pair[0].kind < pair[1].kind));
        assert_eq!(entry(56).map(|entry| entry.name), Some("PDR ID"));
        assert!(entry(0).is_none() && entry(0x8001).is_none());
    }
}
