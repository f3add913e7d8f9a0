//! A message as a real control plane sends it.

use super::bytes::open5gs_establishment;
use super::decoded;
use crate::pfcp::codec::Body;
use crate::pfcp::ie::{ApplyAction, BitRates, FTeid, Interface, OuterHeaderRemoval, SNssai};

#[test]
fn an_establishment_of_open5gs_is_read_whole() {
    let decoded = decoded(&open5gs_establishment(1)).unwrap();
    let Body::SessionEstablishmentRequest(request) = decoded.body else {
        panic!("{:?}", decoded.body);
    };
    assert_eq!(decoded.skipped, 0);
    let [urr] = &request.create_urrs[..] else {
        panic!("{:?}", request.create_urrs);
    };
    assert_eq!((urr.id, urr.measurement_method.0), (1, 2));
    assert_eq!(urr.reporting_triggers.0, 2);
    assert_eq!(request.create_bars.len(), 1);
    assert_eq!(request.pdn_type, Some(1));
    let slice = SNssai {
        sst: 1,
        sd: 0xff_ffff,
    };
    assert_eq!(request.s_nssai, Some(slice));
    let types = request.create_pdrs.iter();
    let types: Vec<_> = types.map(|pdr| pdr.pdi.source_interface_type).collect();
    assert_eq!(types, [Some(17), Some(11), None, None]);
    assert_eq!(request.create_pdrs[0].urr_ids, [1]);
    assert_eq!(request.create_fars[0].bar_id, Some(1));
    assert_eq!(request.cp_f_seid.seid, 0x55);
    assert_eq!(request.dnn.as_deref(), Some("internet"));
    assert_eq!(request.imsi(), Some("001010123456789"));
    assert!(!request.is_restoration);
    let [downlink, uplink, advertisement, solicitation] = &request.create_pdrs[..] else {
        panic!("{:?}", request.create_pdrs);
    };

    assert_eq!(downlink.pdi.source_interface, Interface::Core);
    let address = downlink.pdi.ue_ip_address.unwrap();
    assert_eq!(address.ipv4, Some([10, 45, 0, 2].into()));
    assert!(address.is_destination && !address.choose_ipv4);
    assert_eq!(
        (downlink.precedence, downlink.far_id),
        (Some(65535), Some(1))
    );
    assert_eq!(downlink.qer_ids, [1]);
    assert_eq!(downlink.outer_header_removal, None);

    let choose = |id| {
        Some(FTeid::Choose {
            ipv4: true,
            ipv6: true,
            id,
        })
    };
    assert_eq!(uplink.pdi.f_teid, choose(Some(5)));
    assert_eq!(uplink.pdi.qfis, [1]);
    assert_eq!(uplink.pdi.network_instance.as_deref(), Some("internet"));
    assert_eq!(
        uplink.outer_header_removal,
        Some(OuterHeaderRemoval::GtpuUdpIp)
    );
    assert_eq!(advertisement.pdi.f_teid, choose(None));
    assert_eq!(advertisement.pdi.source_interface, Interface::CpFunction);
    assert_eq!(
        solicitation.pdi.sdf_filters[0].flow_description.as_deref(),
        Some("permit out 58 from ff02::2/128 to assigned")
    );

    let [buffer, to_core, to_smf] = &request.create_fars[..] else {
        panic!("{:?}", request.create_fars);
    };
    assert_eq!(buffer.apply_action.0, ApplyAction::BUFF | ApplyAction::NOCP);
    assert_eq!(to_core.apply_action.0, ApplyAction::FORW);
    let creation = to_smf
        .forwarding
        .as_ref()
        .unwrap()
        .outer_header_creation
        .unwrap();
    assert_eq!((creation.teid, creation.port), (Some(1), None));
    assert_eq!(creation.ipv4, Some([192, 0, 2, 1].into()));
    let gbit = BitRates {
        uplink_kbps: 1_000_000,
        downlink_kbps: 1_000_000,
    };
    assert_eq!(request.create_qers[0].mbr, Some(gbit));
    assert_eq!(request.create_qers[0].qfi, Some(1));
}
