//! What is wrong with a message, with cause and Offending IE.

use super::bytes::{
    cp_f_seid, create_far, create_pdr, establishment, group, node_id, node_message,
    session_message, tlv,
};
use super::decoded;
use crate::pfcp::codec::{
    Body, DecodeError, MAX_APPLICATIONS, MAX_FARS, MAX_FQ_CSIDS, MAX_OTHER_RULES, MAX_PDRS,
    MAX_PFD_CONTEXTS, MAX_QERS, MAX_SDF_FILTERS, MAX_URRS, MAX_VALUES,
};
use crate::pfcp::ie::{Cause, kind};

fn error(datagram: &[u8]) -> (Cause, Option<u16>) {
    let DecodeError {
        cause,
        offending_ie,
    } = decoded(datagram).unwrap_err();
    (cause, offending_ie)
}

fn missing(kind: u16) -> (Cause, Option<u16>) {
    (Cause::MandatoryIeMissing, Some(kind))
}

fn short(kind: u16) -> (Cause, Option<u16>) {
    (Cause::InvalidLength, Some(kind))
}

#[test]
fn mandatory_ies_of_messages() {
    let stamp = || tlv(96, &[0, 0, 0, 1]);
    let rules = || [create_pdr(&[]), create_far()];
    let [pdr, far] = rules();
    let cases = [
        (node_message(1, 1, &[]), kind::RECOVERY_TIME_STAMP),
        (node_message(5, 1, &[stamp()]), kind::NODE_ID),
        (node_message(5, 1, &[node_id()]), kind::RECOVERY_TIME_STAMP),
        (node_message(6, 1, &[node_id(), stamp()]), kind::CAUSE),
        (node_message(7, 1, &[]), kind::NODE_ID),
        (node_message(9, 1, &[]), kind::NODE_ID),
        (
            session_message(50, 0, 1, &[cp_f_seid(), pdr.clone()]),
            kind::NODE_ID,
        ),
        (
            session_message(50, 0, 1, &[node_id(), pdr.clone()]),
            kind::F_SEID,
        ),
        (establishment(&[far]), kind::CREATE_PDR),
        (establishment(&[pdr]), kind::CREATE_FAR),
        (session_message(53, 1, 1, &[]), kind::CAUSE),
        (session_message(55, 1, 1, &[]), kind::CAUSE),
        (session_message(56, 1, 1, &[]), kind::REPORT_TYPE),
        (session_message(57, 1, 1, &[]), kind::CAUSE),
        (node_message(12, 1, &[tlv(101, &[0])]), kind::NODE_ID),
        (node_message(12, 1, &[node_id()]), kind::NODE_REPORT_TYPE),
        (node_message(14, 1, &[]), kind::NODE_ID),
        (node_message(15, 1, &[node_id()]), kind::CAUSE),
        (node_message(3, 1, &[group(58, &[])]), kind::APPLICATION_ID),
        (
            node_message(3, 1, &[group(58, &[tlv(24, b"a"), group(59, &[])])]),
            kind::PFD_CONTENTS,
        ),
    ];
    for (datagram, offender) in cases {
        assert_eq!(error(&datagram), missing(offender), "{datagram:?}");
    }
}

#[test]
fn mandatory_ies_of_rules() {
    let id = |kind| tlv(kind, &[0, 0, 0, 1]);
    let pdi = || group(2, &[tlv(20, &[0])]);
    let cases = [
        (group(1, &[pdi()]), kind::PDR_ID),
        (group(1, &[tlv(56, &[0, 1])]), kind::PDI),
        (
            group(1, &[tlv(56, &[0, 1]), group(2, &[])]),
            kind::SOURCE_INTERFACE,
        ),
        (group(3, &[tlv(44, &[1])]), kind::FAR_ID),
        (group(3, &[id(108)]), kind::APPLY_ACTION),
        (
            group(3, &[id(108), tlv(44, &[2]), group(4, &[])]),
            kind::DESTINATION_INTERFACE,
        ),
        (group(7, &[tlv(25, &[0])]), kind::QER_ID),
        (group(7, &[id(109)]), kind::GATE_STATUS),
        (group(9, &[pdi()]), kind::PDR_ID),
        (
            group(9, &[tlv(56, &[0, 1]), group(2, &[])]),
            kind::SOURCE_INTERFACE,
        ),
        (group(10, &[]), kind::FAR_ID),
        (group(14, &[]), kind::QER_ID),
        (group(15, &[]), kind::PDR_ID),
        (group(16, &[]), kind::FAR_ID),
        (group(18, &[]), kind::QER_ID),
        (group(6, &[tlv(62, &[2]), tlv(37, &[2, 0])]), kind::URR_ID),
        (
            group(6, &[id(81), tlv(37, &[2, 0])]),
            kind::MEASUREMENT_METHOD,
        ),
        (group(6, &[id(81), tlv(62, &[2])]), kind::REPORTING_TRIGGERS),
        (group(13, &[]), kind::URR_ID),
        (group(13, &[id(81), group(147, &[])]), kind::MONITORING_TIME),
        (group(17, &[]), kind::URR_ID),
        (group(77, &[]), kind::URR_ID),
        (group(85, &[]), kind::BAR_ID),
        (group(86, &[]), kind::BAR_ID),
        (group(87, &[]), kind::BAR_ID),
        (group(127, &[]), kind::TRAFFIC_ENDPOINT_ID),
        (group(129, &[]), kind::TRAFFIC_ENDPOINT_ID),
        (group(130, &[]), kind::TRAFFIC_ENDPOINT_ID),
        (group(165, &[tlv(171, &[0]), tlv(172, &[0])]), kind::MAR_ID),
        (
            group(165, &[tlv(170, &[0, 1]), tlv(172, &[0])]),
            kind::STEERING_FUNCTIONALITY,
        ),
        (
            group(165, &[tlv(170, &[0, 1]), tlv(171, &[0])]),
            kind::STEERING_MODE,
        ),
        (
            group(169, &[tlv(170, &[0, 1]), group(166, &[])]),
            kind::FAR_ID,
        ),
        (group(168, &[]), kind::MAR_ID),
        (
            group(3, &[id(108), tlv(44, &[1]), group(5, &[])]),
            kind::DESTINATION_INTERFACE,
        ),
    ];
    for (rule, offender) in cases {
        let datagram = session_message(52, 1, 1, std::slice::from_ref(&rule));
        assert_eq!(error(&datagram), missing(offender), "{rule:?}");
    }
}

#[test]
fn forwarding_needs_its_parameters() {
    let far = group(3, &[tlv(108, &[0, 0, 0, 1]), tlv(44, &[2])]);
    let expected = (
        Cause::ConditionalIeMissing,
        Some(kind::FORWARDING_PARAMETERS),
    );
    assert_eq!(error(&session_message(52, 1, 1, &[far])), expected);
}

#[test]
fn reports_need_what_their_type_says() {
    let report = |kind: u8| session_message(56, 1, 1, &[tlv(39, &[kind])]);
    let path = |kind: u8| node_message(12, 1, &[node_id(), tlv(101, &[kind])]);
    let cases = [
        (report(1), kind::DOWNLINK_DATA_REPORT),
        (report(2), kind::USAGE_REPORT_IN_REPORT_REQUEST),
        (report(4), kind::ERROR_INDICATION_REPORT),
        (path(1), kind::USER_PLANE_PATH_FAILURE_REPORT),
        (path(2), kind::USER_PLANE_PATH_RECOVERY_REPORT),
    ];
    for (datagram, offender) in cases {
        let expected = (Cause::ConditionalIeMissing, Some(offender));
        assert_eq!(error(&datagram), expected, "{datagram:?}");
    }
    // Inactivity, and types of later versions, need nothing.
    assert!(decoded(&report(8)).is_ok() && decoded(&path(4)).is_ok());
    let copy = group(3, &[tlv(108, &[0, 0, 0, 1]), tlv(44, &[0x10])]);
    let expected = (
        Cause::ConditionalIeMissing,
        Some(kind::DUPLICATING_PARAMETERS),
    );
    assert_eq!(error(&session_message(52, 1, 1, &[copy])), expected);
}

#[test]
fn short_values_and_lengths_that_lie() {
    let rules = |pdi: &[Vec<u8>]| establishment(&[create_pdr(pdi), create_far()]);
    assert_eq!(error(&rules(&[tlv(21, &[1, 0, 0])])), short(kind::F_TEID));
    assert_eq!(
        error(&rules(&[tlv(22, &[])])),
        short(kind::NETWORK_INSTANCE)
    );
    assert_eq!(
        error(&rules(&[tlv(93, &[2, 10])])),
        short(kind::UE_IP_ADDRESS)
    );
    assert_eq!(
        error(&rules(&[tlv(23, &[1, 0, 0, 9, 1])])),
        short(kind::SDF_FILTER)
    );
    // An IE that ends behind its group, though inside the message.
    assert_eq!(error(&rules(&[vec![0, 124, 0, 9, 1]])), short(kind::QFI));
    // Too few octets for an IE, in a group and in a message.
    assert_eq!(error(&rules(&[vec![0, 0, 0]])), short(kind::PDI));
    let stray = [rules(&[]), vec![0; 3]].concat();
    let len = (stray.len() as u16 - 4).to_be_bytes();
    let stray = [&stray[..2], &len, &stray[4..]].concat();
    assert_eq!(error(&stray), (Cause::InvalidLength, None));
    assert_eq!(
        error(&node_message(5, 1, &[tlv(60, &[])])),
        short(kind::NODE_ID)
    );
    assert_eq!(
        error(&node_message(1, 1, &[vec![0, 96, 0xff, 0xff]])),
        short(kind::RECOVERY_TIME_STAMP)
    );
}

#[test]
fn values_that_must_not_be() {
    let incorrect = |kind| (Cause::MandatoryIeIncorrect, Some(kind));
    let source = group(1, &[tlv(56, &[0, 1]), group(2, &[tlv(20, &[9])])]);
    assert_eq!(
        error(&establishment(&[source])),
        incorrect(kind::SOURCE_INTERFACE)
    );
    let node = node_message(5, 1, &[tlv(60, &[15, 1, 2, 3, 4])]);
    assert_eq!(error(&node), incorrect(kind::NODE_ID));
    let f_seid = session_message(52, 1, 1, &[tlv(57, &[0; 9])]);
    assert_eq!(error(&f_seid), incorrect(kind::F_SEID));
}

#[test]
fn rules_are_bounded() {
    let modification = |rule: Vec<u8>, count| session_message(52, 1, 1, &vec![rule; count]);
    let id = |kind| tlv(kind, &[0, 0, 0, 1]);
    let qer = group(7, &[id(109), tlv(25, &[0])]);
    let cases = [
        (create_pdr(&[]), MAX_PDRS, kind::CREATE_PDR),
        (group(9, &[tlv(56, &[0, 1])]), MAX_PDRS, kind::UPDATE_PDR),
        (create_far(), MAX_FARS, kind::CREATE_FAR),
        (group(10, &[id(108)]), MAX_FARS, kind::UPDATE_FAR),
        (group(16, &[id(108)]), MAX_FARS, kind::REMOVE_FAR),
        (qer, MAX_QERS, kind::CREATE_QER),
        (
            group(6, &[id(81), tlv(62, &[2]), tlv(37, &[2, 0])]),
            MAX_URRS,
            kind::CREATE_URR,
        ),
        (group(77, &[id(81)]), MAX_URRS, kind::QUERY_URR),
        (
            group(85, &[tlv(88, &[1])]),
            MAX_OTHER_RULES,
            kind::CREATE_BAR,
        ),
        (
            group(127, &[tlv(131, &[1])]),
            MAX_OTHER_RULES,
            kind::CREATE_TRAFFIC_ENDPOINT,
        ),
        (
            group(168, &[tlv(170, &[0, 1])]),
            MAX_OTHER_RULES,
            kind::REMOVE_MAR,
        ),
        (
            tlv(65, &[1, 10, 0, 0, 1, 0, 1]),
            MAX_FQ_CSIDS,
            kind::FQ_CSID,
        ),
    ];
    for (rule, limit, offender) in cases {
        assert!(decoded(&modification(rule.clone(), limit)).is_ok());
        let expected = (Cause::NoResourcesAvailable, Some(offender));
        assert_eq!(error(&modification(rule, limit + 1)), expected);
    }
    let refused = |offender| (Cause::NoResourcesAvailable, Some(offender));
    let lists = |pdi: Vec<u8>, count| establishment(&[create_pdr(&vec![pdi; count]), create_far()]);
    for (ie, offender) in [
        (tlv(124, &[1]), kind::QFI),
        (tlv(131, &[1]), kind::TRAFFIC_ENDPOINT_ID),
        (tlv(153, b"r"), kind::FRAMED_ROUTE),
        (group(132, &[]), kind::ETHERNET_PACKET_FILTER),
    ] {
        assert!(decoded(&lists(ie.clone(), MAX_VALUES)).is_ok());
        assert_eq!(error(&lists(ie, MAX_VALUES + 1)), refused(offender));
    }
    let pfds = |count| node_message(3, 1, &vec![group(58, &[tlv(24, b"a")]); count]);
    assert!(decoded(&pfds(MAX_APPLICATIONS)).is_ok());
    assert_eq!(
        error(&pfds(MAX_APPLICATIONS + 1)),
        refused(kind::APPLICATION_IDS_PFDS)
    );
    let context = group(59, &[tlv(61, &[0, 0])]);
    let contexts = |count| {
        let contexts = vec![context.clone(); count].concat();
        node_message(3, 1, &[group(58, &[tlv(24, b"a"), contexts])])
    };
    assert!(decoded(&contexts(MAX_PFD_CONTEXTS)).is_ok());
    assert_eq!(
        error(&contexts(MAX_PFD_CONTEXTS + 1)),
        refused(kind::PFD_CONTEXT)
    );
    // SDF filters count over all PDRs.
    let filter = tlv(23, &[0x10, 0, 0, 0, 0, 1]);
    let pdr = |filters| create_pdr(&vec![filter.clone(); filters]);
    let pdrs = |last| session_message(52, 1, 1, &[pdr(MAX_SDF_FILTERS - 1), pdr(last)]);
    assert!(decoded(&pdrs(1)).is_ok());
    let expected = (Cause::NoResourcesAvailable, Some(kind::SDF_FILTER));
    assert_eq!(error(&pdrs(2)), expected);
}

#[test]
fn what_is_not_known_is_skipped_and_counted() {
    let vendor = || tlv(0x8001, &[0x12, 0x34, 5]);
    let pdi = [tlv(65000, &[]), tlv(24, b"first"), tlv(24, b"second")];
    let datagram = establishment(&[
        create_pdr(&pdi),
        create_far(),
        vendor(),
        tlv(0xffff, &[]),
        node_id(),
    ]);
    let decoded = decoded(&datagram).unwrap();
    assert_eq!(decoded.skipped, 5);
    let Body::SessionEstablishmentRequest(request) = decoded.body else {
        panic!("{:?}", decoded.body);
    };
    let application = request.create_pdrs[0].pdi.application_id.as_deref();
    assert_eq!(
        application,
        Some("first"),
        "the first of repeated IEs counts"
    );
}

#[test]
fn errors_say_what_they_are_about() {
    let text = |datagram: &[u8]| decoded(datagram).unwrap_err().to_string();
    assert_eq!(
        text(&node_message(9, 1, &[])),
        "MandatoryIeMissing (IE type 60)"
    );
    assert_eq!(
        text(&node_message(9, 1, &[vec![0]])),
        "InvalidLength (message)"
    );
}
