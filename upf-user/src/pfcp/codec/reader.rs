//! A reader that never leaves its bounds.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::Flaw;

/// Reads network byte order off the front of a slice. What fails leaves the reader as it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Flaw::Short)?;
        self.rest = rest;
        Ok(*head)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Flaw> {
        self.array().map(|[octet]| octet)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Flaw> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Result<u32, Flaw> {
        self.array()
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Flaw> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u40(&mut self) -> Result<u64, Flaw> {
        self.array()
            .map(|[a, b, c, d, e]| u64::from_be_bytes([0, 0, 0, a, b, c, d, e]))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Flaw> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn ipv4(&mut self) -> Result<Ipv4Addr, Flaw> {
        self.array().map(|octets: [u8; 4]| octets.into())
    }

    pub(super) fn ipv6(&mut self) -> Result<Ipv6Addr, Flaw> {
        self.array().map(|octets: [u8; 16]| octets.into())
    }

    pub(super) fn mac(&mut self) -> Result<[u8; 6], Flaw> {
        self.array()
    }

    /// How many octets are left.
    pub(super) const fn len(&self) -> usize {
        self.rest.len()
    }

    /// A reader of the next `len` octets, which this one has then behind it.
    pub(super) fn sub(&mut self, len: usize) -> Result<Self, Flaw> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Flaw::Short)?;
        self.rest = rest;
        Ok(Self { rest: head })
    }

    /// All that is left.
    pub(super) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Reads a field where a flag says that it is there.
    pub(super) fn when<T>(
        &mut self,
        present: bool,
        read: impl FnOnce(&mut Self) -> Result<T, Flaw>,
    ) -> Result<Option<T>, Flaw> {
        present.then(|| read(self)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_big_endian_of_every_width() {
        let bytes: Vec<u8> = (1..=23).collect();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u16(), Ok(0x0203));
        assert_eq!(reader.u24(), Ok(0x0004_0506));
        assert_eq!(reader.u32(), Ok(0x0708_090a));
        assert_eq!(reader.u40(), Ok(0x0b_0c0d_0e0f));
        assert_eq!(reader.u64(), Ok(0x1011_1213_1415_1617));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_failed_read_takes_nothing() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u32(), Err(Flaw::Short));
        assert_eq!(reader.ipv6(), Err(Flaw::Short));
        assert!(reader.sub(4).is_err());
        assert_eq!(reader.u24(), Ok(0x0001_0203));
    }

    #[test]
    fn a_sub_reader_ends_where_it_was_told_to() {
        let mut reader = Reader::new(&[1, 2, 3]);
        let mut sub = reader.sub(2).unwrap();
        assert_eq!(sub.u24(), Err(Flaw::Short));
        assert_eq!((sub.u16(), sub.u8()), (Ok(0x0102), Err(Flaw::Short)));
        assert_eq!(reader.take_rest(), [3]);
    }
}
