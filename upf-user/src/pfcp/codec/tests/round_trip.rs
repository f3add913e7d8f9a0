//! What is written is read again, and nothing that is read makes trouble.

use proptest::prelude::*;

use super::strategies::message;
use crate::pfcp::codec::{Decoded, Message, decode, frames};

proptest! {
    #[test]
    fn decoding_undoes_encoding(message in message()) {
        let bytes = message.encode().unwrap();
        let mut all = frames(&bytes);
        let frame = all.next().unwrap().unwrap();
        let Decoded { body, skipped } = decode(&frame).unwrap().unwrap();
        let header = frame.header;
        let read = Message {
            seid: header.seid.unwrap_or_default(),
            sequence: header.sequence,
            priority: header.priority,
            body,
        };
        prop_assert_eq!(read, message);
        prop_assert_eq!((skipped, all.count()), (0, 0));
    }

    /// What can be read can be written, and then means the same.
    #[test]
    fn damaged_messages_mean_the_same_when_written_anew(
        message in message(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = message.encode().unwrap();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let Some(Ok(frame)) = frames(&bytes).next() else {
            return Ok(());
        };
        let Some(Ok(Decoded { body, .. })) = decode(&frame) else {
            return Ok(());
        };
        let again = Message {
            seid: frame.header.seid.unwrap_or_default(),
            sequence: frame.header.sequence,
            priority: frame.header.priority,
            body,
        };
        let bytes = again.encode().unwrap();
        let frame = frames(&bytes).next().unwrap().unwrap();
        prop_assert_eq!(decode(&frame).unwrap().unwrap().body, again.body);
    }
}
