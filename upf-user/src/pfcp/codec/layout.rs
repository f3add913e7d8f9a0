//! Values that nobody acts on, described as a row of parts: enough to read them into fields and to write those again.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::Flaw;
use super::names;
use super::reader::Reader;
use super::tree::{LeafCodec, Value};
use super::writer::Writer;

/// What a value is made of.
pub(super) struct Layout {
    /// Whether an octet of flags comes first, which says what else is there.
    pub(super) has_flags: bool,
    /// The parts in order, each with the flags that have to stand, all of them, for it to be there.
    pub(super) parts: &'static [(u8, Part)],
}

/// A part of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    U8,
    U16,
    U32,
    U64,
    Ipv4,
    Ipv6,
    Mac,
    /// MAC addresses behind an octet of their count.
    Macs,
    /// Octets behind an octet of their length.
    Counted,
    /// Text behind two octets of its length.
    Text,
    /// As many octets.
    Octets(usize),
    /// An octet of two numbers, the second one of as many bits.
    Split(u32),
    /// Two octets: a flag, and a number of 15 bits.
    FlagAndNumber,
}

/// A part that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
    Macs(Vec<[u8; 6]>),
    Mac([u8; 6]),
    Counted(Vec<u8>),
    Text(String),
    Octets(Vec<u8>),
    Split { high: u8, low: u8, bits: u32 },
    FlagAndNumber(bool, u16),
}

/// A value in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fields {
    flags: Option<u8>,
    fields: Vec<Field>,
}

impl LeafCodec for Layout {
    fn read(&self, reader: &mut Reader<'_>) -> Result<Box<dyn Value>, Flaw> {
        let flags = reader.when(self.has_flags, Reader::u8)?;
        let stands = |bits: u8| flags.unwrap_or_default() & bits == bits;
        let parts = self.parts.iter().filter(|(bits, _)| stands(*bits));
        let fields = parts.map(|(_, part)| part.read(reader));
        Ok(Box::new(Fields {
            flags,
            fields: fields.collect::<Result<_, _>>()?,
        }))
    }
}

impl Part {
    fn read(self, reader: &mut Reader<'_>) -> Result<Field, Flaw> {
        Ok(match self {
            Self::U8 => Field::U8(reader.u8()?),
            Self::U16 => Field::U16(reader.u16()?),
            Self::U32 => Field::U32(reader.u32()?),
            Self::U64 => Field::U64(reader.u64()?),
            Self::Ipv4 => Field::Ipv4(reader.ipv4()?),
            Self::Ipv6 => Field::Ipv6(reader.ipv6()?),
            Self::Mac => Field::Mac(reader.mac()?),
            Self::Macs => {
                let count = reader.u8()?;
                let macs = (0..count).map(|_| reader.mac());
                Field::Macs(macs.collect::<Result<_, _>>()?)
            }
            Self::Counted => {
                let len = reader.u8()?;
                Field::Counted(reader.sub(len.into())?.take_rest().to_vec())
            }
            Self::Text => Field::Text(names::read_measured_text(reader)?),
            Self::Octets(len) => Field::Octets(reader.sub(len)?.take_rest().to_vec()),
            Self::Split(bits) => {
                let octet = reader.u8()?;
                let low = octet & ((1 << bits) - 1);
                let high = octet >> bits;
                Field::Split { high, low, bits }
            }
            Self::FlagAndNumber => {
                let number = reader.u16()?;
                Field::FlagAndNumber(number >> 15 != 0, number & 0x7fff)
            }
        })
    }
}

impl Value for Fields {
    fn write(&self, out: &mut Writer) {
        if let Some(flags) = self.flags {
            out.u8(flags);
        }
        for field in &self.fields {
            field.write(out);
        }
    }
}

impl Field {
    fn write(&self, out: &mut Writer) {
        match self {
            Self::U8(value) => out.u8(*value),
            Self::U16(value) => out.u16(*value),
            Self::U32(value) => out.u32(*value),
            Self::U64(value) => out.u64(*value),
            Self::Ipv4(address) => out.octets(&address.octets()),
            Self::Ipv6(address) => out.octets(&address.octets()),
            Self::Mac(address) => out.octets(address),
            Self::Macs(addresses) => {
                out.u8(addresses.len() as u8);
                for address in addresses {
                    out.octets(address);
                }
            }
            Self::Counted(octets) => out.measured_u8(|out| out.octets(octets)),
            Self::Text(text) => names::write_measured_text(out, text),
            Self::Octets(octets) => out.octets(octets),
            Self::Split { high, low, bits } => out.u8(high << bits | low),
            Self::FlagAndNumber(flag, number) => out.u16(u16::from(*flag) << 15 | number),
        }
    }
}
