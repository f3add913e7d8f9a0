//! PFCP messages from bytes: what is read is written and read again as the same.

use upf_user::pfcp::codec::{Message, decode, find_sender, frames};

/// Takes a datagram.
///
/// # Panics
/// When something does not hold.
pub fn run(datagram: &[u8]) {
    let mut count = 0;
    for frame in frames(datagram).map_while(Result::ok) {
        count += 1;
        let _ = find_sender(&frame);
        let Some(Ok(decoded)) = decode(&frame) else {
            continue;
        };
        let message = Message {
            seid: frame.header.seid.unwrap_or_default(),
            sequence: frame.header.sequence,
            priority: frame.header.priority,
            body: decoded.body,
        };
        let Ok(bytes) = message.encode() else {
            // An element of a message that we never send may have grown beyond its length field.
            continue;
        };
        let again = frames(&bytes).next().expect("a message");
        let again = again.unwrap_or_else(|error| panic!("{error}: {message:?}"));
        let read = decode(&again).expect("the same type");
        let read = read.unwrap_or_else(|error| panic!("{error}: {message:?}"));
        assert_eq!(read.body, message.body);
        assert_eq!(
            read.skipped, 0,
            "we write nothing that we do not read: {message:?}"
        );
    }
    assert!(
        count <= datagram.len() / 8,
        "a header has 8 octets at least"
    );
}
