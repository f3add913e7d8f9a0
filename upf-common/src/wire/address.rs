//! IP addresses as the fast path compares them.

use crate::abi::Address;

/// What stands before the IPv4 address in the lower word of an IPv4-mapped one, little-endian.
const MAPPED: u64 = 0xffff_0000;

/// An IP address in two words of memory order; IPv4 is IPv4-mapped, as in [`Address`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpAddress {
    words: [u64; 2],
}

impl IpAddress {
    /// From wire bytes.
    #[inline(always)]
    #[must_use]
    pub const fn new(bytes: &Address) -> Self {
        // Whole words at once: in single bytes the compiler would carry them about one by one.
        let (Some(high), Some(low)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return Self { words: [0; 2] };
        };
        Self {
            words: [u64::from_ne_bytes(*high), u64::from_ne_bytes(*low)],
        }
    }

    /// From an IPv4 address in wire bytes.
    #[inline(always)]
    #[must_use]
    pub const fn from_v4(bytes: [u8; 4]) -> Self {
        Self {
            words: [0, MAPPED | (u32::from_ne_bytes(bytes) as u64) << 32],
        }
    }

    /// From words, as they lie in memory.
    #[inline(always)]
    #[must_use]
    pub const fn from_words(words: [u64; 2]) -> Self {
        Self { words }
    }

    /// The words, as they lie in memory.
    #[inline(always)]
    #[must_use]
    pub const fn words(self) -> [u64; 2] {
        self.words
    }

    /// Wire bytes.
    #[inline(always)]
    #[must_use]
    pub const fn bytes(self) -> Address {
        let [a, b, c, d, e, f, g, h] = self.words[0].to_ne_bytes();
        let [i, j, k, l, m, n, o, p] = self.words[1].to_ne_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }

    /// The IPv4 address of an IPv4-mapped one, in wire bytes.
    #[inline(always)]
    #[must_use]
    pub const fn v4(self) -> [u8; 4] {
        let [_, _, _, _, a, b, c, d] = self.words[1].to_ne_bytes();
        [a, b, c, d]
    }

    /// The /64 that an IPv6 address lies in.
    #[inline(always)]
    #[must_use]
    pub const fn prefix(self) -> Self {
        Self {
            words: [self.words[0], 0],
        }
    }

    /// The upper half as a number.
    #[inline(always)]
    #[must_use]
    pub const fn upper_half(self) -> u64 {
        u64::from_be(self.words[0])
    }

    /// Whether the address, masked, is `wanted`.
    #[inline(always)]
    #[must_use]
    pub const fn is_within(self, wanted: Self, mask: Self) -> bool {
        self.words[0] & mask.words[0] == wanted.words[0]
            && self.words[1] & mask.words[1] == wanted.words[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mapped;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes: [u8; 16], v4: [u8; 4]) {
            let address = IpAddress::new(&bytes);
            prop_assert_eq!(address.bytes(), bytes);
            prop_assert_eq!(&address.prefix().bytes()[..8], &bytes[..8]);
            prop_assert_eq!(&address.prefix().bytes()[8..], [0; 8]);
            prop_assert_eq!(&address.upper_half().to_be_bytes(), &bytes[..8]);
            prop_assert_eq!(IpAddress::from_v4(v4).v4(), v4);
            prop_assert_eq!(IpAddress::from_v4(v4).bytes(), mapped(v4));
        }
    }
}
