//! Any value of an IE that can be written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::pfcp::ie::{
    BitRates, DownlinkDataServiceInformation, DroppedTrafficThreshold, EthernetFilterProperties,
    FSeid, FTeid, FailedRule, FlowLevelMarking, FqCsid, FqCsidNode, GateStatus, HeaderEnrichment,
    Interface, MacAddresses, NodeId, OuterHeaderCreation, OuterHeaderRemoval, PacketRate,
    RedirectInformation, RemoteGtpuPeer, SNssai, SdfFilter, UeIpAddress, UserId, VlanTag,
    VolumeMeasurement, Volumes,
};

pub(super) fn name() -> impl Strategy<Value = String> {
    "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,3}"
}

pub(super) fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        any::<IpAddr>().prop_map(NodeId::Address),
        name().prop_map(NodeId::Fqdn),
    ]
}

/// One address at least.
pub(super) fn addresses() -> impl Strategy<Value = (Option<Ipv4Addr>, Option<Ipv6Addr>)> + Clone {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(|v4| (Some(v4), None)),
        any::<Ipv6Addr>().prop_map(|v6| (None, Some(v6))),
        any::<(Ipv4Addr, Ipv6Addr)>().prop_map(|(v4, v6)| (Some(v4), Some(v6))),
    ]
}

pub(super) fn f_seid() -> impl Strategy<Value = FSeid> {
    (any::<u64>(), addresses()).prop_map(|(seid, (ipv4, ipv6))| FSeid { seid, ipv4, ipv6 })
}

pub(super) fn f_teid() -> impl Strategy<Value = FTeid> {
    prop_oneof![
        any::<(bool, bool, Option<u8>)>().prop_map(|(ipv4, ipv6, id)| FTeid::Choose {
            ipv4,
            ipv6,
            id
        }),
        (any::<u32>(), addresses()).prop_map(|(teid, (ipv4, ipv6))| FTeid::Given {
            teid,
            ipv4,
            ipv6
        }),
    ]
}

pub(super) fn ue_ip_address() -> impl Strategy<Value = UeIpAddress> {
    let rest = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        of(any::<u8>()),
        of(0u8..=128),
    );
    (addresses(), rest)
        .prop_map(
            |((v4, v6), (dst, choose4, choose6, bits, length))| UeIpAddress {
                ipv4: v4.filter(|_| !choose4),
                ipv6: v6.filter(|_| !choose6),
                is_destination: dst,
                ipv6_prefix_delegation_bits: bits,
                ipv6_prefix_length: length,
                choose_ipv4: choose4,
                choose_ipv6: choose6,
            },
        )
        .prop_filter("one address at least", |a| {
            a.ipv4.is_some() || a.ipv6.is_some() || a.choose_ipv4 || a.choose_ipv6
        })
}

pub(super) fn source_interface() -> impl Strategy<Value = Interface> {
    prop_oneof![
        Just(Interface::Access),
        Just(Interface::Core),
        Just(Interface::SgiLan),
        Just(Interface::CpFunction),
        Just(Interface::VnInternal),
    ]
}

pub(super) fn destination_interface() -> impl Strategy<Value = Interface> {
    prop_oneof![source_interface(), Just(Interface::LiFunction)]
}

pub(super) fn outer_header_removal() -> impl Strategy<Value = OuterHeaderRemoval> {
    prop_oneof![
        Just(OuterHeaderRemoval::GtpuUdpIpv4),
        Just(OuterHeaderRemoval::GtpuUdpIpv6),
        Just(OuterHeaderRemoval::GtpuUdpIp),
        (2u8..6).prop_map(OuterHeaderRemoval::Other),
    ]
}

pub(super) fn outer_header_creation() -> impl Strategy<Value = OuterHeaderCreation> {
    let fields = (
        any::<u32>(),
        any::<Ipv4Addr>(),
        any::<Ipv6Addr>(),
        any::<u16>(),
    );
    (any::<u16>(), fields).prop_map(|(description, (teid, v4, v6, port))| {
        let when = |bits: u16| description & bits != 0;
        OuterHeaderCreation {
            description,
            teid: when(0x0300).then_some(teid),
            ipv4: when(0x1500).then_some(v4),
            ipv6: when(0x2a00).then_some(v6),
            port: when(0x0c00).then_some(port),
        }
    })
}

pub(super) fn bit_rates() -> impl Strategy<Value = BitRates> {
    (0u64..1 << 40, 0u64..1 << 40).prop_map(|(uplink_kbps, downlink_kbps)| BitRates {
        uplink_kbps,
        downlink_kbps,
    })
}

pub(super) fn sdf_filter() -> impl Strategy<Value = SdfFilter> {
    let flow = of("permit out (ip|17) from [0-9.]{1,15} to assigned");
    (
        flow,
        of(any::<(u8, u8)>()),
        of(any::<u32>()),
        of(0u32..1 << 20),
        of(any::<u32>()),
    )
        .prop_map(|(flow_description, tos, spi, flow_label, id)| SdfFilter {
            flow_description,
            tos,
            spi,
            flow_label,
            id,
        })
}

pub(super) fn failed_rule() -> impl Strategy<Value = FailedRule> {
    prop_oneof![
        any::<u16>().prop_map(FailedRule::Pdr),
        any::<u32>().prop_map(FailedRule::Far),
        any::<u32>().prop_map(FailedRule::Qer),
        any::<u32>().prop_map(FailedRule::Urr),
        any::<u8>().prop_map(FailedRule::Bar),
    ]
}

/// Plain text, at least one character.
pub(super) fn text() -> impl Strategy<Value = String> {
    "[ -~]{1,30}"
}

pub(super) fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

pub(super) fn ids() -> impl Strategy<Value = Vec<u32>> {
    vec(any::<u32>(), 0..3)
}

pub(super) fn gate() -> impl Strategy<Value = GateStatus> {
    any::<(bool, bool)>().prop_map(|(uplink_open, downlink_open)| GateStatus {
        uplink_open,
        downlink_open,
    })
}

pub(super) fn marking() -> impl Strategy<Value = Option<(u8, u8)>> {
    any::<Option<(u8, u8)>>()
}

pub(super) fn volumes() -> impl Strategy<Value = Volumes> {
    any::<[Option<u64>; 3]>().prop_map(|[total, uplink, downlink]| Volumes {
        total,
        uplink,
        downlink,
    })
}

pub(super) fn volume_measurement() -> impl Strategy<Value = VolumeMeasurement> {
    (volumes(), volumes()).prop_map(|(octets, packets)| VolumeMeasurement { octets, packets })
}

pub(super) fn dropped_traffic() -> impl Strategy<Value = DroppedTrafficThreshold> {
    any::<[Option<u64>; 2]>()
        .prop_map(|[packets, octets]| DroppedTrafficThreshold { packets, octets })
}

pub(super) fn redirect_information() -> impl Strategy<Value = RedirectInformation> {
    let other = of(text());
    (0u8..9, text(), other, of("[0-9]{1,5}")).prop_map(
        |(address_type, address, other_address, port)| RedirectInformation {
            address_type,
            address,
            other_address,
            port,
        },
    )
}

pub(super) fn header_enrichment() -> impl Strategy<Value = HeaderEnrichment> {
    (0u8..32, text(), text()).prop_map(|(header_type, name, value)| HeaderEnrichment {
        header_type,
        name,
        value,
    })
}

/// The additional rates are of the directions that the rate has.
pub(super) fn packet_rate() -> impl Strategy<Value = PacketRate> {
    let rate = || (0u8..8, any::<u16>());
    (of((rate(), rate())), of((rate(), rate())), any::<bool>()).prop_map(
        |(uplink, downlink, has_additional)| PacketRate {
            uplink: uplink.map(|(rate, _)| rate),
            downlink: downlink.map(|(rate, _)| rate),
            additional: has_additional
                .then_some([uplink.map(|(_, rate)| rate), downlink.map(|(_, rate)| rate)]),
        },
    )
}

pub(super) fn flow_level_marking() -> impl Strategy<Value = FlowLevelMarking> {
    (marking(), marking()).prop_map(|(tos, service_class_indicator)| FlowLevelMarking {
        tos,
        service_class_indicator,
    })
}

pub(super) fn service_information() -> impl Strategy<Value = DownlinkDataServiceInformation> {
    (of(0u8..64), of(0u8..64)).prop_map(|(paging_policy_indication, qfi)| {
        DownlinkDataServiceInformation {
            paging_policy_indication,
            qfi,
        }
    })
}

pub(super) fn remote_gtpu_peer() -> impl Strategy<Value = RemoteGtpuPeer> {
    (addresses(), of(destination_interface()), of(name())).prop_map(
        |((ipv4, ipv6), destination_interface, network_instance)| RemoteGtpuPeer {
            ipv4,
            ipv6,
            destination_interface,
            network_instance,
        },
    )
}

pub(super) fn fq_csid() -> impl Strategy<Value = FqCsid> {
    let node = prop_oneof![
        any::<IpAddr>().prop_map(FqCsidNode::Address),
        any::<u32>().prop_map(FqCsidNode::Id),
    ];
    (node, vec(any::<u16>(), 0..=15), of(0u8..16)).prop_map(|(node, csids, node_type)| FqCsid {
        node,
        csids,
        node_type,
    })
}

pub(super) fn user_id() -> impl Strategy<Value = UserId> {
    let digits = (of("[0-9]{1,15}"), of("[0-9]{1,16}"), of("[0-9]{1,15}"));
    (digits, [of(text()), of(text()), of(text()), of(text())]).prop_map(
        |((imsi, imei, msisdn), [nai, supi, gpsi, pei])| UserId {
            imsi,
            imei,
            msisdn,
            nai,
            supi,
            gpsi,
            pei,
        },
    )
}

pub(super) fn s_nssai() -> impl Strategy<Value = SNssai> {
    (any::<u8>(), 0u32..1 << 24).prop_map(|(sst, sd)| SNssai { sst, sd })
}

pub(super) fn mac_addresses() -> impl Strategy<Value = MacAddresses> {
    any::<[Option<[u8; 6]>; 4]>().prop_map(|[source, destination, upper_source, upper]| {
        MacAddresses {
            source,
            destination,
            upper_source,
            upper_destination: upper,
        }
    })
}

pub(super) fn ethernet_properties() -> impl Strategy<Value = EthernetFilterProperties> {
    any::<u8>().prop_map(EthernetFilterProperties)
}

pub(super) fn vlan_tag() -> impl Strategy<Value = VlanTag> {
    any::<[u8; 3]>().prop_map(VlanTag)
}
