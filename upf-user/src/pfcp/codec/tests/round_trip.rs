//! What is written is read again, and nothing that is read makes trouble.

use proptest::prelude::*;

use super::strategies::message;
use crate::pfcp::codec::tree::{self, Content, Ie};
use crate::pfcp::codec::{Decoded, Message, decode, frames};

/// Whether every value says all that its octets do.
fn is_faithful(ies: &[Ie]) -> bool {
    ies.iter().all(|ie| match &ie.content {
        Content::Group(children) => is_faithful(children),
        Content::Leaf(leaf) => leaf.is_faithful() && leaf.surplus().is_empty(),
        Content::Vendor { .. } => true,
        Content::Unknown(_) => false,
    })
}

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

    /// The catalogue knows everything that we write, and says it as the typed messages do.
    #[test]
    fn trees_are_written_as_they_were_read(message in message()) {
        let bytes = message.encode().unwrap();
        let frame = frames(&bytes).next().unwrap().unwrap();
        let ies = tree::read_message(&frame).unwrap();
        prop_assert!(is_faithful(&ies), "{ies:?}");
        prop_assert_eq!(tree::write_message(&frame.header, &ies).unwrap(), bytes);
    }

    /// A tree keeps what it does not understand.
    #[test]
    fn damaged_trees_are_written_as_they_were_read(
        message in message(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = message.encode().unwrap();
        let frame = frames(&bytes).next().unwrap().unwrap();
        let mut octets = frame.body.to_vec();
        for (place, value) in damage {
            if !octets.is_empty() {
                let place = place.index(octets.len());
                octets[place] = value;
            }
        }
        if let Ok(ies) = tree::read_ies(&octets) {
            prop_assert_eq!(tree::write_ies(&ies).unwrap(), octets);
        }
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
