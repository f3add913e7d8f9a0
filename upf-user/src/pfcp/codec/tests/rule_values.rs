//! Single IEs of charging, treatment, identities and applications: bytes, and what they mean.

use super::values::{both, incorrect};
use crate::pfcp::codec::error::Flaw;
use crate::pfcp::codec::reader::Reader;
use crate::pfcp::codec::writer::Writer;
use crate::pfcp::codec::{addresses, ethernet, identities, measurement, pfd, treatment, values};
use crate::pfcp::ie::{
    CpFunctionFeatures, DownlinkDataServiceInformation, DroppedTrafficThreshold, FqCsid,
    FqCsidNode, HeaderEnrichment, Interface, MacAddresses, PacketRate, RedirectInformation,
    RemoteGtpuPeer, ReportingTriggers, SNssai, UpFunctionFeatures, VolumeMeasurement, Volumes,
};
use crate::pfcp::message::PfdContents;

/// Eight octets of a number below 256.
fn eight(number: u8) -> [u8; 8] {
    [0, 0, 0, 0, 0, 0, 0, number]
}

#[test]
fn volumes() {
    let (read, write) = (measurement::read_volumes, measurement::write_volumes);
    let bytes = [&[5][..], &eight(1), &eight(2)].concat();
    let value = Volumes {
        total: Some(1),
        uplink: None,
        downlink: Some(2),
    };
    both(read, write, &bytes, value);
    both(read, write, &[0], Volumes::default());
    let bytes = [&[0x21][..], &eight(1), &eight(9)].concat();
    let measured = VolumeMeasurement {
        octets: Volumes {
            total: Some(1),
            ..Volumes::default()
        },
        packets: Volumes {
            downlink: Some(9),
            ..Volumes::default()
        },
    };
    both(
        measurement::read_volume_measurement,
        measurement::write_volume_measurement,
        &bytes,
        measured,
    );
    let dropped = DroppedTrafficThreshold {
        packets: None,
        octets: Some(7),
    };
    both(
        measurement::read_dropped_traffic,
        measurement::write_dropped_traffic,
        &[&[2][..], &eight(7)].concat(),
        dropped,
    );
}

#[test]
fn triggers_have_two_octets_or_three() {
    let read = |octets: &[u8]| measurement::read_reporting_triggers(&mut Reader::new(octets));
    assert_eq!(read(&[0x02, 0x01]), Ok(ReportingTriggers(0x0102)));
    assert_eq!(read(&[2, 1, 2]), Ok(ReportingTriggers(0x02_0102)));
    assert_eq!(read(&[2]), Err(Flaw::Short));
    let mut out = Writer::default();
    measurement::write_reporting_triggers(&mut out, &ReportingTriggers(0x0102));
    assert_eq!(out.finish().unwrap(), [2, 1, 0]);
}

#[test]
fn features_have_as_many_octets_as_they_need() {
    let written = |features: u64| {
        let mut out = Writer::default();
        values::write_up_function_features(&mut out, &UpFunctionFeatures(features));
        out.finish().unwrap()
    };
    assert_eq!(written(0), [0, 0]);
    assert_eq!(written(1 << 4), [0x10, 0]);
    assert_eq!(written(1 << 45), [0, 0, 0, 0, 0, 0x20]);
    let cp = |octets: &[u8]| values::read_cp_function_features(&mut Reader::new(octets));
    assert_eq!(cp(&[1]), Ok(CpFunctionFeatures(1)));
    assert_eq!(cp(&[1, 1, 1]), Ok(CpFunctionFeatures(0x101)));
}

#[test]
fn redirect_information() {
    let read = treatment::read_redirect_information;
    let write = treatment::write_redirect_information;
    let value = |other: Option<&str>, port: Option<&str>| RedirectInformation {
        address_type: 4,
        address: "a".to_owned(),
        other_address: other.map(str::to_owned),
        port: port.map(str::to_owned),
    };
    let written = |value: &RedirectInformation| {
        let mut out = Writer::default();
        write(&mut out, value);
        out.finish().unwrap()
    };
    for (bytes, value) in [
        (&[4, 0, 1, b'a'][..], value(None, None)),
        (&[4, 0, 1, b'a', 0, 1, b'b'], value(Some("b"), None)),
        (&[4, 0, 1, b'a', 0, 0, 0, 1, b'8'], value(None, Some("8"))),
    ] {
        assert_eq!(read(&mut Reader::new(bytes)).as_ref(), Ok(&value));
        assert_eq!(written(&value), bytes);
    }
    assert_eq!(read(&mut Reader::new(&[4, 0, 2, b'a'])), Err(Flaw::Short));
    incorrect(read, &[4, 0, 2, 0xff, 0xfe]);
}

#[test]
fn treatments() {
    let enrichment = HeaderEnrichment {
        header_type: 0,
        name: "a".to_owned(),
        value: "bc".to_owned(),
    };
    both(
        treatment::read_header_enrichment,
        treatment::write_header_enrichment,
        &[0, 1, b'a', 2, b'b', b'c'],
        enrichment,
    );
    let rate = PacketRate {
        uplink: Some((1, 2)),
        downlink: None,
        additional: Some([Some((2, 3)), None]),
    };
    both(
        treatment::read_packet_rate,
        treatment::write_packet_rate,
        &[5, 1, 0, 2, 2, 0, 3],
        rate,
    );
    let service = DownlinkDataServiceInformation {
        paging_policy_indication: None,
        qfi: Some(9),
    };
    both(
        treatment::read_service_information,
        treatment::write_service_information,
        &[2, 9],
        service,
    );
}

#[test]
fn identities_and_peers() {
    let slice = SNssai { sst: 1, sd: 0x0203 };
    both(
        identities::read_s_nssai,
        identities::write_s_nssai,
        &[1, 0, 2, 3],
        slice,
    );
    let read = |octets: &[u8]| identities::read_fq_csid(&mut Reader::new(octets));
    let sets = FqCsid {
        node: FqCsidNode::Id(0x1234_5601),
        csids: vec![1, 2],
        node_type: Some(2),
    };
    let bytes = [0x22, 0x12, 0x34, 0x56, 1, 0, 1, 0, 2, 2];
    assert_eq!(read(&bytes).as_ref(), Ok(&sets));
    let mut out = Writer::default();
    identities::write_fq_csid(&mut out, &sets);
    assert_eq!(out.finish().unwrap(), bytes);
    assert_eq!(read(&bytes[..8]), Err(Flaw::Short));
    assert_eq!(read(&[0x30, 1, 2, 3, 4]), Err(Flaw::Incorrect));
    let peer = RemoteGtpuPeer {
        ipv4: Some([10, 0, 0, 1].into()),
        ipv6: None,
        destination_interface: Some(Interface::Core),
        network_instance: Some("n3".to_owned()),
    };
    both(
        addresses::read_remote_gtpu_peer,
        addresses::write_remote_gtpu_peer,
        &[0x0e, 10, 0, 0, 1, 0, 1, 1, 0, 3, 2, b'n', b'3'],
        peer,
    );
    incorrect(addresses::read_remote_gtpu_peer, &[0x0c]);
    let macs = MacAddresses {
        destination: Some([1, 2, 3, 4, 5, 6]),
        ..MacAddresses::default()
    };
    both(
        ethernet::read_mac_addresses,
        ethernet::write_mac_addresses,
        &[2, 1, 2, 3, 4, 5, 6],
        macs,
    );
}

#[test]
fn pfd_contents() {
    let (read, write) = (pfd::read_contents, pfd::write_contents);
    let value = PfdContents {
        flow_descriptions: vec!["f".to_owned(), "g".to_owned()],
        urls: vec!["u".to_owned()],
        domain_names: vec![
            ("d".to_owned(), Some("p".to_owned())),
            ("e".to_owned(), None),
        ],
        custom: Some(vec![9]),
    };
    let bytes = [
        &[
            0xbf, 0, 0, 1, b'f', 0, 1, b'u', 0, 1, b'd', 0, 1, 9, 0, 1, b'p',
        ][..],
        &[0, 3, 0, 1, b'g', 0, 5, 0, 1, b'e', 0, 0],
    ]
    .concat();
    both(read, write, &bytes, value);
    // A protocol without a domain name.
    incorrect(read, &[0x10, 0, 0, 1, b'p']);
    // An additional list that ends inside a text.
    let cut = [0x20, 0, 0, 3, 0, 2, b'g'];
    assert_eq!(read(&mut Reader::new(&cut)), Err(Flaw::Short));
    let many = [0, 1, b'x'].repeat(65);
    let len = (many.len() as u16).to_be_bytes();
    let many = [&[0x20, 0], &len[..], &many].concat();
    assert_eq!(read(&mut Reader::new(&many)), Err(Flaw::TooMany));
}
