//! The Internet checksum (RFC 1071), changed in place (RFC 1624).

use super::Packet;

/// Bytes of an Ethernet frame at most, jumbo frames included.
const MAX_LENGTH: usize = 0x4000;

/// The checksum of a sum of 16-bit words.
#[inline(always)]
#[must_use]
pub const fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

/// The same for UDP, where zero would mean that there is none (RFC 768, RFC 8200 clause 8.1).
#[inline(always)]
#[must_use]
pub const fn fold_udp(sum: u32) -> u16 {
    match fold(sum) {
        0 => u16::MAX,
        checksum => checksum,
    }
}

/// The folded sum of the 16-bit words of `length` bytes at `offset`, an odd last byte counting as the upper half of a
/// word; `None` if they do not all lie in the frame. A function of its own in BPF as well, for the sake of the stack.
#[inline(never)]
#[must_use]
pub fn sum(packet: &impl Packet, offset: usize, length: usize) -> Option<u16> {
    let mut range = Range {
        at: offset,
        left: length,
        sum: 0,
    };
    range.add_chunks::<512>(packet, MAX_LENGTH / 512)?;
    range.add_chunks::<32>(packet, 512 / 32)?;
    range.add_chunks::<4>(packet, 32 / 4)?;
    if range.left >= 2 {
        let word = u16::from_ne_bytes(*packet.view::<2>(range.at)?);
        range.sum += u64::from(word);
        range.at += 2;
        range.left -= 2;
    }
    if range.left == 1 {
        let [last] = *packet.view::<1>(range.at)?;
        range.sum += u64::from(u16::from_ne_bytes([last, 0]));
        range.left = 0;
    }
    (range.left == 0).then_some(u16::from_be(fold_wide(range.sum)))
}

/// What is still to be summed.
struct Range {
    at: usize,
    left: usize,
    /// Of words in memory order: ones' complement sums do not care, as long as all are in the same.
    sum: u64,
}

impl Range {
    #[inline(always)]
    fn add_chunks<const N: usize>(&mut self, packet: &impl Packet, max: usize) -> Option<()> {
        for _ in 0..max {
            if self.left < N {
                break;
            }
            self.sum += u64::from(packet.partial_sum::<N>(self.at)?);
            self.at += N;
            self.left -= N;
        }
        (self.at, self.left) = (packet.forget(self.at), packet.forget(self.left));
        Some(())
    }
}

#[inline(always)]
const fn fold_wide(total: u64) -> u16 {
    let total = (total & 0xffff_ffff) + (total >> 32);
    let total = (total & 0xffff) + (total >> 16);
    let total = (total & 0xffff) + (total >> 16);
    let total = (total & 0xffff) + (total >> 16);
    total as u16
}

/// The sum of the words of four bytes in memory order, for hosts that have nothing better.
#[must_use]
pub fn plain_partial_sum(bytes: &[u8]) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    let sum = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)));
    let sum: u64 = sum.sum();
    u32::from(fold_wide(sum))
}

/// A checksum after one of the words that it is of has changed (RFC 1624 equation 3).
#[inline(always)]
#[must_use]
pub const fn change(checksum: u16, old: u16, new: u16) -> u16 {
    fold(!checksum as u32 + !old as u32 + new as u32)
}

/// TTL and checksum of an IPv4 header after the TTL was decremented by one.
#[inline(always)]
#[must_use]
pub const fn decrement_ttl(ttl: u8, checksum: u16) -> (u8, u16) {
    // The TTL is the upper half of its word, so the word loses 0x0100 and the sum gains it.
    let sum = checksum as u32 + 0x0100;
    (ttl.wrapping_sub(1), (sum + (sum >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::Ipv4Header;
    use proptest::prelude::*;

    struct Bytes(Vec<u8>);

    impl Packet for Bytes {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn view<const N: usize>(&self, offset: usize) -> Option<&[u8; N]> {
            self.0.get(offset..)?.first_chunk()
        }
        fn view_mut<const N: usize>(&mut self, offset: usize) -> Option<&mut [u8; N]> {
            self.0.get_mut(offset..)?.first_chunk_mut()
        }
        fn move_head(&mut self, _: i32) -> bool {
            false
        }
        fn move_tail(&mut self, _: i32) -> bool {
            false
        }
    }

    proptest! {
        #[test]
        fn a_changed_header_has_a_right_checksum(
            old: u8, new: u8, id: u16, source: [u8; 4], destination: [u8; 4], length in 0u16..1400,
        ) {
            let mut header = Ipv4Header::new(length, 64, 17.into(), source, destination).unwrap();
            header.identification = id;
            let word = |tos: u8| u16::from_be_bytes([0x45, tos]);
            let set = |header: &mut Ipv4Header, tos: u8| {
                header.dscp = (tos >> 2).try_into().unwrap();
                header.ecn = (tos & 3).try_into().unwrap();
            };
            set(&mut header, old);
            let before = header.calc_header_checksum();
            set(&mut header, new);
            prop_assert_eq!(change(before, word(old), word(new)), header.calc_header_checksum());
        }

        #[test]
        fn a_sum_is_the_complement_of_the_checksum(
            bytes in proptest::collection::vec(any::<u8>(), 0..3000), offset in 0usize..20,
        ) {
            let length = bytes.len().saturating_sub(offset);
            let packet = Bytes(bytes.clone());
            let expected = etherparse::checksum::Sum16BitWords::new()
                .add_slice(bytes.get(offset..).unwrap_or_default())
                .ones_complement()
                .to_be();
            let sum = sum(&packet, offset.min(bytes.len()), length).unwrap();
            prop_assert!(!sum == expected || (sum == 0xffff && expected == 0xffff));
            prop_assert_eq!(super::sum(&packet, offset, bytes.len() + 1), None);
        }

        #[test]
        fn a_decremented_header_has_a_right_checksum(
            ttl in 1u8.., id: u16, source: [u8; 4], destination: [u8; 4], length in 0u16..1400,
        ) {
            let mut header = Ipv4Header::new(length, ttl, 17.into(), source, destination).unwrap();
            header.identification = id;
            let before = header.calc_header_checksum();
            let (ttl, after) = decrement_ttl(ttl, before);
            header.time_to_live = ttl;
            // The two zeros of ones' complement are the same checksum.
            let expected = header.calc_header_checksum();
            prop_assert!(after == expected || (after == 0xffff && expected == 0));
        }
    }
}
