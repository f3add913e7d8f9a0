//! Messages as bytes.

use proptest::prelude::*;

use super::codec::*;
use super::*;

/// What a header with a sequence number says when it is read.
fn read(bytes: &[u8]) -> Body {
    decode(bytes).unwrap().body
}

#[test]
fn what_we_write_is_what_the_specification_draws() {
    let v6: IpAddr = "2001:db8::2".parse().unwrap();
    let mut error_v6 = vec![
        0x36, 26, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0x12, 0x34, 0, // header, UDP port
        16, 0xde, 0xad, 0xbe, 0xef, 133, 0, 16,
    ];
    error_v6.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    let cases: [(Vec<u8>, Vec<u8>); 7] = [
        (
            echo_request(0x1234),
            vec![0x32, 1, 0, 4, 0, 0, 0, 0, 0x12, 0x34, 0, 0],
        ),
        (
            echo_response(0x1234),
            vec![0x32, 2, 0, 6, 0, 0, 0, 0, 0x12, 0x34, 0, 0, 14, 0],
        ),
        (
            error_indication(9, local(), 49152),
            vec![
                0x36, 26, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0xc0, 0, 0, // header, UDP port
                16, 0, 0, 0, 9, 133, 0, 4, 10, 1, 0, 2,
            ],
        ),
        (error_indication(0xdead_beef, v6, 0x1234), error_v6),
        (
            supported_extension_headers(),
            vec![
                0x32, 31, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0, // header
                141, 8, 0x20, 0x40, 0x81, 0x82, 0x83, 0x84, 0x85, 0xc0,
            ],
        ),
        (end_marker(9).to_vec(), vec![0x30, 254, 0, 0, 0, 0, 0, 9]),
        (
            [&g_pdu_header(9, &[0x45, 0]).unwrap()[..], &[0x45, 0]].concat(),
            vec![0x30, 255, 0, 2, 0, 0, 0, 9, 0x45, 0],
        ),
    ];
    for (written, expected) in cases {
        assert_eq!(written, expected);
        decode(&written).unwrap();
    }
    assert_eq!(g_pdu_header(9, &[0; 65_536]), None);
}

#[test]
fn what_we_write_is_read_again() {
    assert_eq!(read(&echo_request(1)), Body::EchoRequest);
    let recovery = Some(0);
    assert_eq!(read(&echo_response(1)), Body::EchoResponse { recovery });
    for peer in [local(), "2001:db8::2".parse().unwrap()] {
        let body = Body::ErrorIndication { teid: 9, peer };
        assert_eq!(read(&error_indication(9, peer, 5)), body);
    }
    let types = SUPPORTED_EXTENSIONS.to_vec();
    let body = Body::SupportedExtensionHeaders(types);
    assert_eq!(read(&supported_extension_headers()), body);
    let marker = decode(&end_marker(9)).unwrap();
    assert_eq!((marker.teid, marker.body), (9, Body::EndMarker));
}

/// A header without optional part.
fn plain(kind: u8, elements: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x30, kind, 0, elements.len() as u8, 0, 0, 0, 0];
    bytes.extend(elements);
    bytes
}

#[test]
fn elements_in_any_order_and_unknown_ones_between() {
    let peer = peer(1);
    let expected = Body::ErrorIndication { teid: 9, peer };
    let teid = [16, 0, 0, 0, 9];
    let address = [133, 0, 4, 10, 1, 1, 1];
    let recovery_time_stamp = [231, 0, 4, 1, 2, 3, 4];
    let private = [255, 0, 3, 1, 2, 3];
    let second = [16, 0, 0, 0, 10];
    for elements in [
        [&teid[..], &address, &recovery_time_stamp].concat(),
        [&address[..], &teid].concat(),
        [&private[..], &teid, &recovery_time_stamp, &address].concat(),
        [&[14, 3][..], &teid, &address].concat(),
        [&[141, 1, 0x85][..], &teid, &address].concat(),
        [&teid[..], &second, &address].concat(),
        [&teid[..], &address, &[255, 0, 9]].concat(),
    ] {
        assert_eq!(read(&plain(26, &elements)), expected, "{elements:02x?}");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let cases: [(&[u8], DecodeError); 18] = [
        (&[], DecodeError::Header),
        (&[0x30, 254, 0, 0, 0, 0, 0], DecodeError::Header),
        (&[0x30, 254, 0, 1, 0, 0, 0, 9], DecodeError::Header),
        (&[0x30, 254, 0xff, 0xff, 0, 0, 0, 9], DecodeError::Header),
        (&[0x32, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0], DecodeError::Header),
        (&[0x50, 1, 0, 0, 0, 0, 0, 0], DecodeError::Version),
        (&[0x20, 1, 0, 0, 0, 0, 0, 0], DecodeError::Version),
        (
            &[0x34, 255, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0x85],
            DecodeError::Extensions,
        ),
        (
            &[0x34, 255, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0x85, 0, 0, 0, 0],
            DecodeError::Extensions,
        ),
        (
            &[0x34, 255, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0x85, 2, 0, 0, 0],
            DecodeError::Extensions,
        ),
        (&plain(26, &[]), DecodeError::Ie(16)),
        (&plain(26, &[16, 0, 0, 0]), DecodeError::Ie(16)),
        (&plain(26, &[16, 0, 0, 0, 9]), DecodeError::Ie(133)),
        (
            &plain(26, &[16, 0, 0, 0, 9, 133, 0, 3, 1, 2, 3]),
            DecodeError::Ie(133),
        ),
        (
            &plain(26, &[16, 0, 0, 0, 9, 133, 0, 4, 1, 2, 3]),
            DecodeError::Ie(133),
        ),
        // Nobody knows how long an element with this type is.
        (&plain(26, &[99, 16, 0, 0, 0, 9]), DecodeError::Ie(16)),
        (&plain(31, &[141, 2, 0x85]), DecodeError::Ie(141)),
        (&plain(31, &[141]), DecodeError::Ie(141)),
    ];
    for (bytes, error) in cases {
        assert_eq!(decode(bytes), Err(error), "{bytes:02x?}");
    }
}

/// A G-PDU with these extension headers, each of four octets.
fn extended(types: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x34, 255, 0, 4 + 4 * types.len() as u8, 0, 0, 0, 9, 0, 0, 0];
    bytes.push(types.first().copied().unwrap_or_default());
    for next in types.iter().skip(1).chain([&0]).take(types.len()) {
        bytes.extend([1, 0, 0, *next]);
    }
    bytes
}

#[test]
fn only_extension_headers_that_ask_for_it_have_to_be_understood() {
    let cases: [(&[u8], Option<u8>); 8] = [
        (&[], None),
        (&SUPPORTED_EXTENSIONS, None),
        // Comprehension of these is not required (clause 5.2.1).
        (&[0x01, 0x3f, 0x41, 0x7f], None),
        (&[0x80], Some(0x80)),
        (&[0xbf], Some(0xbf)),
        (&[0xc1], Some(0xc1)),
        (&[0xff], Some(0xff)),
        (&[0x85, 0x86, 0xff], Some(0x86)),
    ];
    for (types, unsupported) in cases {
        let message = decode(&extended(types)).unwrap();
        assert_eq!(message.unsupported_extension, unsupported, "{types:02x?}");
        assert_eq!(message.body, Body::GPdu);
    }
    assert_eq!(decode(&extended(&[1; 9])), Err(DecodeError::Extensions));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn no_message_with_a_header_panics(
        flags in 0x30_u8..0x38,
        kind in prop::sample::select(vec![1_u8, 2, 26, 31, 253, 254, 255, 7]),
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mut bytes = vec![flags, kind, 0, body.len() as u8, 0, 0, 0, 9];
        bytes.extend(body);
        let mut room = Gtpu::new(&config::Gtpu::default(), Instant::now());
        let actions = hear(&mut room, (peer(1), 2152), &bytes, Instant::now());
        prop_assert!(actions.len() <= 3);
    }
}
