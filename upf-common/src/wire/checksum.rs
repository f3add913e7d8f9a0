//! The Internet checksum (RFC 1071), changed in place (RFC 1624).

/// The checksum of a sum of 16-bit words.
#[inline(always)]
#[must_use]
pub const fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
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

    proptest! {
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
