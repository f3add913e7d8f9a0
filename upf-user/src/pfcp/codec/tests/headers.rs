//! Headers and bundles.

use super::bytes::{node_id, node_message, session_message};
use crate::pfcp::codec::{Body, FrameError, Header, Message, MessageType, frames};
use crate::pfcp::message::SessionDeletionRequest;

#[test]
fn a_header_is_read_with_its_flags() {
    let mut datagram = session_message(54, 0x0102_0304_0506_0708, 0xabcdef, &[]);
    datagram[0] |= 0x02;
    datagram[15] = 0x7f;
    let frame = frames(&datagram).next().unwrap().unwrap();
    let expected = Header {
        message_type: 54,
        seid: Some(0x0102_0304_0506_0708),
        sequence: 0xab_cdef,
        priority: Some(7),
    };
    assert_eq!((frame.header, frame.bytes), (expected, &datagram[..]));
}

#[test]
fn a_header_is_written_as_it_is_read() {
    let message = Message {
        seid: 7,
        sequence: 0x0100_0002,
        priority: Some(15),
        body: Body::SessionDeletionRequest(SessionDeletionRequest::default()),
    };
    let expected = [0x23, 54, 0, 12, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 2, 0xf0];
    assert_eq!(message.encode().unwrap(), expected);
}

#[test]
fn bundled_messages_follow_each_other() {
    let mut first = node_message(9, 1, &[node_id()]);
    first[0] |= 0x04;
    let second = node_message(1, 2, &[]);
    let surplus = [0xde, 0xad, 0xbe];
    let bundle = [&first[..], &second, &surplus].concat();
    let read: Vec<_> = frames(&bundle).map(|frame| frame.unwrap().header).collect();
    let types: Vec<_> = read.iter().map(|h| (h.message_type, h.sequence)).collect();
    assert_eq!(types, [(9, 1), (1, 2)]);
    assert_eq!(frames(&first).count(), 1, "FO with nothing behind");
    let cut: Vec<_> = frames(&bundle[..first.len() + 3])
        .map(Result::err)
        .collect();
    assert_eq!(cut, [None, Some(FrameError::Short)]);
}

#[test]
fn lengths_that_lie_are_errors() {
    let error = |datagram: &[u8]| frames(datagram).next().unwrap().err();
    assert_eq!(error(&[]), Some(FrameError::Short));
    assert_eq!(error(&[0x20, 1, 0]), Some(FrameError::Short));
    assert_eq!(
        error(&[0x20, 1, 0, 5, 0, 0, 1, 0]),
        Some(FrameError::LengthBeyondDatagram)
    );
    assert_eq!(
        error(&[0x20, 1, 0, 3, 0, 0, 1, 0]),
        Some(FrameError::LengthInsideHeader)
    );
    assert_eq!(
        error(&[0x21, 54, 0, 4, 0, 0, 0, 0]),
        Some(FrameError::LengthInsideHeader)
    );
}

#[test]
fn other_versions_give_their_sequence_number() {
    let version = |datagram: &[u8]| frames(datagram).next().unwrap().err();
    let expected = |version, sequence| {
        Some(FrameError::Version {
            version,
            message_type: 1,
            sequence,
        })
    };
    assert_eq!(version(&[0x40, 1, 0xff, 0xff, 0, 0, 9, 0]), expected(2, 9));
    let long = [0x01, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0];
    assert_eq!(version(&long), expected(0, 0x102));
    assert_eq!(version(&[0x40, 1, 0, 4, 0, 0]), Some(FrameError::Short));
}

#[test]
fn each_request_has_its_response() {
    let types = (0..=255).filter_map(MessageType::from_code);
    for kind in types.filter(|kind| *kind != MessageType::VersionNotSupportedResponse) {
        if let Some(response) = kind.response() {
            assert_eq!(response as u8, kind as u8 + 1);
            assert!(response.is_response() && !kind.is_response());
        } else {
            assert!(kind.is_response(), "{kind:?}");
        }
    }
    assert!(MessageType::VersionNotSupportedResponse.is_response());
    assert!(!MessageType::SessionSetModificationResponse.is_of_session());
    assert!(MessageType::SessionEstablishmentRequest.is_of_session());
}
