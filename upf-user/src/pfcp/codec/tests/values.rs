//! Single IEs: bytes, and what they mean.

use std::fmt::Debug;

use crate::pfcp::codec::error::Flaw;
use crate::pfcp::codec::reader::Reader;
use crate::pfcp::codec::writer::Writer;
use crate::pfcp::codec::{addresses, values};
use crate::pfcp::ie::{
    ApplyAction, BitRates, Cause, FSeid, FTeid, FailedRule, GateStatus, Interface, NodeId,
    OuterHeaderCreation, OuterHeaderRemoval, SdfFilter, UeIpAddress,
};

pub(super) type Read<T> = fn(&mut Reader<'_>) -> Result<T, Flaw>;
pub(super) type Write<T> = fn(&mut Writer, &T);

/// A value is read from its bytes, with and without octets behind it, and written to the same bytes; none of
/// its beginnings is one.
pub(super) fn both<T: Debug + PartialEq>(read: Read<T>, write: Write<T>, bytes: &[u8], value: T) {
    let longer = [bytes, &[0xff, 0xff]].concat();
    assert_eq!(read(&mut Reader::new(bytes)).as_ref(), Ok(&value));
    assert_eq!(read(&mut Reader::new(&longer)).as_ref(), Ok(&value));
    for len in 0..bytes.len() {
        let cut = read(&mut Reader::new(&bytes[..len]));
        assert_eq!(cut, Err(Flaw::Short), "{value:?} cut to {len}");
    }
    let mut out = Writer::default();
    write(&mut out, &value);
    assert_eq!(out.finish().unwrap(), bytes, "{value:?}");
}

pub(super) fn incorrect<T: Debug + PartialEq>(read: Read<T>, bytes: &[u8]) {
    assert_eq!(
        read(&mut Reader::new(bytes)),
        Err(Flaw::Incorrect),
        "{bytes:?}"
    );
}

const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

#[test]
fn node_id() {
    let (read, write) = (addresses::read_node_id, addresses::write_node_id);
    let v4 = NodeId::Address([192, 0, 2, 1].into());
    both(read, write, &[0, 192, 0, 2, 1], v4);
    both(
        read,
        write,
        &[&[1][..], &V6].concat(),
        NodeId::Address(V6.into()),
    );
    let name = |octets: &[u8]| read(&mut Reader::new(&[&[2], octets].concat()));
    let smf = NodeId::Fqdn("smf.example".to_owned());
    assert_eq!(name(b"\x03SMF\x07example").as_ref(), Ok(&smf));
    assert_eq!(name(b"smf.Example").as_ref(), Ok(&smf));
    let mut out = Writer::default();
    write(&mut out, &smf);
    assert_eq!(out.finish().unwrap(), b"\x02\x03smf\x07example");
    incorrect(read, &[15, 192, 0, 2, 1]);
    incorrect(read, &[&[2][..], &[b'A'; 300]].concat());
}

#[test]
fn f_seid() {
    let (read, write) = (addresses::read_f_seid, addresses::write_f_seid);
    let value = |ipv4: bool, ipv6: bool| FSeid {
        seid: 0x0102,
        ipv4: ipv4.then_some([10, 0, 0, 1].into()),
        ipv6: ipv6.then_some(V6.into()),
    };
    let seid = [0, 0, 0, 0, 0, 0, 1, 2];
    let bytes = |flags: u8, rest: &[u8]| [&[flags], &seid[..], rest].concat();
    both(read, write, &bytes(2, &[10, 0, 0, 1]), value(true, false));
    both(read, write, &bytes(1, &V6), value(false, true));
    let dual = [&[10, 0, 0, 1][..], &V6].concat();
    both(read, write, &bytes(3, &dual), value(true, true));
    incorrect(read, &bytes(0, &[]));
}

#[test]
fn f_teid() {
    let (read, write) = (addresses::read_f_teid, addresses::write_f_teid);
    let given = |ipv4: bool, ipv6: bool| FTeid::Given {
        teid: 0xdead_beef,
        ipv4: ipv4.then_some([10, 0, 0, 1].into()),
        ipv6: ipv6.then_some(V6.into()),
    };
    let bytes = |flags: u8, rest: &[u8]| [&[flags, 0xde, 0xad, 0xbe, 0xef], rest].concat();
    both(read, write, &bytes(1, &[10, 0, 0, 1]), given(true, false));
    both(read, write, &bytes(2, &V6), given(false, true));
    let dual = [&[10, 0, 0, 1][..], &V6].concat();
    both(read, write, &bytes(3, &dual), given(true, true));
    incorrect(read, &bytes(0, &[]));
    let choose = |ipv4, ipv6, id| FTeid::Choose { ipv4, ipv6, id };
    both(read, write, &[0x04], choose(false, false, None));
    both(read, write, &[0x05], choose(true, false, None));
    both(read, write, &[0x0e, 9], choose(false, true, Some(9)));
}

#[test]
fn ue_ip_address() {
    let (read, write) = (
        addresses::read_ue_ip_address,
        addresses::write_ue_ip_address,
    );
    let v4 = UeIpAddress {
        ipv4: Some([10, 45, 0, 2].into()),
        is_destination: true,
        ..UeIpAddress::default()
    };
    both(read, write, &[0x06, 10, 45, 0, 2], v4);
    let v6 = UeIpAddress {
        ipv6: Some(V6.into()),
        ipv6_prefix_delegation_bits: Some(4),
        ipv6_prefix_length: Some(60),
        ..UeIpAddress::default()
    };
    both(read, write, &[&[0x49][..], &V6, &[4, 60]].concat(), v6);
    let chosen = UeIpAddress {
        choose_ipv4: true,
        choose_ipv6: true,
        ..UeIpAddress::default()
    };
    both(read, write, &[0x30], chosen);
    incorrect(read, &[0x04]);
    incorrect(read, &[0x12, 10, 45, 0, 2]);
    incorrect(read, &[0x60, 129]);
}

#[test]
fn outer_header_creation() {
    let read = addresses::read_outer_header_creation;
    let write = addresses::write_outer_header_creation;
    let dual = OuterHeaderCreation {
        description: 0x0300,
        teid: Some(0x0102_0304),
        ipv4: Some([10, 1, 0, 2].into()),
        ipv6: Some(V6.into()),
        port: None,
    };
    let bytes = [&[3, 0, 1, 2, 3, 4, 10, 1, 0, 2][..], &V6].concat();
    both(read, write, &bytes, dual);
    let udp = OuterHeaderCreation {
        description: 0x0400,
        ipv4: Some([10, 1, 0, 2].into()),
        port: Some(0x1234),
        ..OuterHeaderCreation::default()
    };
    both(read, write, &[4, 0, 10, 1, 0, 2, 0x12, 0x34], udp);
    let ip = OuterHeaderCreation {
        description: 0x2000,
        ipv6: Some(V6.into()),
        ..OuterHeaderCreation::default()
    };
    both(read, write, &[&[0x20, 0][..], &V6].concat(), ip);
    // A VLAN tag behind an IPv4 address.
    let tagged = read(&mut Reader::new(&[0x50, 0, 10, 1, 0, 2, 7, 1, 1])).unwrap();
    assert_eq!(
        (tagged.ipv4, tagged.teid),
        (Some([10, 1, 0, 2].into()), None)
    );
}

#[test]
fn interfaces_have_two_tables() {
    let (read, write) = (
        values::read_source_interface,
        values::write_source_interface,
    );
    let sources = [
        Interface::Access,
        Interface::Core,
        Interface::SgiLan,
        Interface::CpFunction,
        Interface::VnInternal,
    ];
    for (code, interface) in (0..).zip(sources) {
        both(read, write, &[code], interface);
    }
    assert_eq!(
        read(&mut Reader::new(&[0xf1])),
        Ok(Interface::Core),
        "spare bits"
    );
    incorrect(read, &[5]);
    let mut out = Writer::default();
    write(&mut out, &Interface::LiFunction);
    incorrect(read, &out.finish().unwrap());
    let read = values::read_destination_interface;
    let write = values::write_destination_interface;
    both(read, write, &[4], Interface::LiFunction);
    both(read, write, &[5], Interface::VnInternal);
    incorrect(read, &[6]);
}

#[test]
fn apply_action_has_one_octet_or_two() {
    let read = |octets: &[u8]| values::read_apply_action(&mut Reader::new(octets));
    assert_eq!(read(&[0x0c]), Ok(ApplyAction(0x0c)));
    assert_eq!(read(&[0x0c, 0x01]), Ok(ApplyAction(0x010c)));
    assert_eq!(read(&[0x0c, 0x01, 0xff]), Ok(ApplyAction(0x010c)));
    assert_eq!(read(&[]), Err(Flaw::Short));
}

#[test]
fn gates_and_rates() {
    let (read, write) = (values::read_gate_status, values::write_gate_status);
    let gates = |uplink_open, downlink_open| GateStatus {
        uplink_open,
        downlink_open,
    };
    both(read, write, &[0], gates(true, true));
    both(read, write, &[4], gates(false, true));
    both(read, write, &[1], gates(true, false));
    // Values for future use count as closed.
    assert_eq!(read(&mut Reader::new(&[0x0e])), Ok(gates(false, false)));
    let rates = BitRates {
        uplink_kbps: 0x11_2233_4455,
        downlink_kbps: 100_000_000,
    };
    let bytes = [0x11, 0x22, 0x33, 0x44, 0x55, 0, 0x05, 0xf5, 0xe1, 0];
    both(
        values::read_bit_rates,
        values::write_bit_rates,
        &bytes,
        rates,
    );
}

#[test]
fn outer_header_removal() {
    let read = values::read_outer_header_removal;
    let write = values::write_outer_header_removal;
    both(read, write, &[0], OuterHeaderRemoval::GtpuUdpIpv4);
    both(read, write, &[1], OuterHeaderRemoval::GtpuUdpIpv6);
    both(read, write, &[6], OuterHeaderRemoval::GtpuUdpIp);
    both(read, write, &[2], OuterHeaderRemoval::Other(2));
}

#[test]
fn failed_rule() {
    let (read, write) = (values::read_failed_rule, values::write_failed_rule);
    both(read, write, &[0, 1, 2], FailedRule::Pdr(0x0102));
    both(read, write, &[1, 0, 0, 0, 3], FailedRule::Far(3));
    both(read, write, &[2, 0, 0, 0, 4], FailedRule::Qer(4));
    both(read, write, &[3, 0, 0, 0, 5], FailedRule::Urr(5));
    both(read, write, &[4, 6], FailedRule::Bar(6));
    incorrect(read, &[7, 0, 0]);
}

#[test]
fn sdf_filter() {
    let (read, write) = (values::read_sdf_filter, values::write_sdf_filter);
    let all = SdfFilter {
        flow_description: Some("permit out ip".to_owned()),
        tos: Some((0x28, 0xfc)),
        spi: Some(0x0a0b_0c0d),
        flow_label: Some(0x0f_1234),
        id: Some(9),
    };
    let tail = [0x28, 0xfc, 0xa, 0xb, 0xc, 0xd, 0x0f, 0x12, 0x34, 0, 0, 0, 9];
    let bytes = [&[0x1f, 0, 0, 13][..], b"permit out ip", &tail].concat();
    both(read, write, &bytes, all);
    let reference = SdfFilter {
        id: Some(7),
        ..SdfFilter::default()
    };
    both(read, write, &[0x10, 0, 0, 0, 0, 7], reference);
    incorrect(read, &[1, 0, 0, 2, 0xff, 0xfe]);
}

#[test]
fn causes_that_are_not_known_count_by_their_range() {
    for code in 0..=255 {
        let cause = Cause::from_code(code);
        match code {
            2 | 3 | 65..=81 | 86 => assert_eq!(cause as u8, code),
            1..=63 => assert_eq!(cause, Cause::RequestAccepted, "{code}"),
            _ => assert_eq!(cause, Cause::RequestRejected, "{code}"),
        }
    }
}
