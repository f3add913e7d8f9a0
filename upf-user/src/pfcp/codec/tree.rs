//! Messages as trees of IEs in the order in which they came, for those who look at everything: what is read so can be
//! written to the same octets. Nothing on the path of requests uses it.

use std::fmt;

use super::catalogue;
use super::element::{Element, Elements};
use super::error::{DecodeError, EncodeError, Flaw};
use super::header::{self, Frame, Header};
use super::names::NameForm;
use super::reader::Reader;
use super::shapes::{Shape, Spare};
use super::writer::Writer;

/// How deep groups may stand in each other; the deepest of TS 29.244 is four.
const MAX_DEPTH: usize = 8;
/// Types from here on are vendors', and have an Enterprise ID (clause 8.1.1).
const VENDOR: u16 = 0x8000;

/// An IE.
#[derive(Debug)]
pub struct Ie {
    /// Its type.
    pub kind: u16,
    /// Its name, where the type is known.
    pub name: Option<&'static str>,
    /// What is in it.
    pub content: Content,
}

/// What is in an IE.
#[derive(Debug)]
pub enum Content {
    /// IEs.
    Group(Vec<Ie>),
    /// A value.
    Leaf(Leaf),
    /// A vendor's IE.
    Vendor {
        /// Enterprise ID.
        enterprise: u16,
        /// The rest of it.
        octets: Vec<u8>,
    },
    /// The octets of an IE whose type is not known.
    Unknown(Vec<u8>),
}

/// A value, and what its IE had besides.
#[derive(Debug)]
pub struct Leaf {
    value: Box<dyn Value>,
    name_form: NameForm,
    /// What has to be flipped in the octets of the value: spare bits that stood. Its length is the value's, which may
    /// be shorter than the one we write.
    spare: Vec<u8>,
    surplus: Vec<u8>,
    is_faithful: bool,
}

impl Leaf {
    /// Whether all that the value does not say is declared as spare, or behind it.
    #[must_use]
    pub const fn is_faithful(&self) -> bool {
        self.is_faithful
    }

    /// The octets behind the value, which belong to later versions of the protocol.
    #[must_use]
    pub fn surplus(&self) -> &[u8] {
        &self.surplus
    }

    /// Spare bits that stood.
    #[must_use]
    pub fn spare(&self) -> &[u8] {
        &self.spare
    }

    /// The value, as text for people.
    #[must_use]
    pub fn value(&self) -> &dyn fmt::Debug {
        &self.value
    }

    /// The IE's octets.
    ///
    /// # Errors
    /// [`EncodeError`] where a length field cannot hold a length.
    pub fn octets(&self) -> Result<Vec<u8>, EncodeError> {
        let mut octets = written(&*self.value, self.name_form)?;
        octets.resize(self.spare.len(), 0);
        for (octet, spare) in octets.iter_mut().zip(&self.spare) {
            *octet ^= spare;
        }
        octets.extend_from_slice(&self.surplus);
        Ok(octets)
    }
}

/// A value of any type.
pub(super) trait Value: fmt::Debug {
    fn write(&self, out: &mut Writer);
}

/// Reads values of one type.
pub(super) trait LeafCodec: Sync {
    fn read(&self, reader: &mut Reader<'_>) -> Result<Box<dyn Value>, Flaw>;
}

/// The functions that read and write values of a type, those of typed messages.
pub(super) struct Codec<T> {
    pub(super) read: for<'a> fn(&mut Reader<'a>) -> Result<T, Flaw>,
    pub(super) write: fn(&mut Writer, &T),
}

impl<T: fmt::Debug + 'static> LeafCodec for Codec<T> {
    fn read(&self, reader: &mut Reader<'_>) -> Result<Box<dyn Value>, Flaw> {
        Ok(Box::new(Held {
            value: (self.read)(reader)?,
            write: self.write,
        }))
    }
}

struct Held<T> {
    value: T,
    write: fn(&mut Writer, &T),
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Debug> Value for Held<T> {
    fn write(&self, out: &mut Writer) {
        (self.write)(out, &self.value);
    }
}

/// The IEs of a message.
///
/// # Errors
/// [`DecodeError`] as for a typed message; nothing is missed, though.
pub fn read_message(frame: &Frame<'_>) -> Result<Vec<Ie>, DecodeError> {
    read_elements(Elements::of_message(frame.body), 0)
}

/// IEs in a row.
///
/// # Errors
/// [`DecodeError`] as for a typed message; nothing is missed, though.
pub fn read_ies(octets: &[u8]) -> Result<Vec<Ie>, DecodeError> {
    read_elements(Elements::of_message(octets), 0)
}

/// A message's octets; a SEID is written where the header has one.
///
/// # Errors
/// [`EncodeError`] where a length field cannot hold a length.
pub fn write_message(header: &Header, ies: &[Ie]) -> Result<Vec<u8>, EncodeError> {
    let (flags, last) = header::flags_and_last(header.seid.is_some(), header.priority);
    let body = write_ies(ies)?;
    let mut out = Writer::default();
    out.u8(flags);
    out.u8(header.message_type);
    out.measured(|out| {
        if let Some(seid) = header.seid {
            out.u64(seid);
        }
        out.u24(header.sequence);
        out.u8(last);
        out.octets(&body);
    });
    out.finish()
}

/// The octets of IEs in a row.
///
/// # Errors
/// [`EncodeError`] where a length field cannot hold a length.
pub fn write_ies(ies: &[Ie]) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::default();
    for ie in ies {
        let octets = match &ie.content {
            Content::Group(children) => write_ies(children)?,
            Content::Leaf(leaf) => leaf.octets()?,
            Content::Vendor { enterprise, octets } => {
                [&enterprise.to_be_bytes(), &octets[..]].concat()
            }
            Content::Unknown(octets) => octets.clone(),
        };
        out.element(ie.kind, |out| out.octets(&octets));
    }
    out.finish()
}

fn read_elements(elements: Elements<'_>, depth: usize) -> Result<Vec<Ie>, DecodeError> {
    elements
        .map(|element| read_element(&element?, depth))
        .collect()
}

fn read_element(element: &Element<'_>, depth: usize) -> Result<Ie, DecodeError> {
    let kind = element.kind;
    let entry = catalogue::entry(kind);
    let content = match entry.map(|entry| entry.shape) {
        Some(None) if depth >= MAX_DEPTH => return Err(DecodeError::too_many(kind)),
        Some(None) => Content::Group(read_elements(element.elements(), depth + 1)?),
        Some(Some(shape)) => Content::Leaf(element.read(|reader| read_leaf(reader, shape))?),
        None if kind >= VENDOR => element.read(|reader| {
            // One too short for an Enterprise ID is kept as it is.
            Ok(match reader.u16() {
                Ok(enterprise) => Content::Vendor {
                    enterprise,
                    octets: reader.take_rest().to_vec(),
                },
                Err(_) => Content::Unknown(reader.take_rest().to_vec()),
            })
        })?,
        None => element.read(|reader| Ok(Content::Unknown(reader.take_rest().to_vec())))?,
    };
    Ok(Ie {
        kind,
        name: entry.map(|entry| entry.name),
        content,
    })
}

fn read_leaf(reader: &mut Reader<'_>, shape: Shape) -> Result<Leaf, Flaw> {
    let whole = *reader;
    let value = shape.codec.read(reader)?;
    let len = whole.len() - reader.len();
    let surplus = reader.take_rest().to_vec();
    let octets = whole.clone().sub(len)?.take_rest();
    let forms = [NameForm::Labels, NameForm::RootedLabels, NameForm::Text];
    let in_form = |form: &NameForm| written(&*value, *form).is_ok_and(|ours| ours == octets);
    let name_form = forms.into_iter().find(in_form).unwrap_or_default();
    let ours = written(&*value, name_form).map_err(|_| Flaw::TooMany)?;
    let spare = octets
        .iter()
        .enumerate()
        .map(|(place, octet)| octet ^ ours.get(place).copied().unwrap_or_default());
    let spare: Vec<u8> = spare.collect();
    let declared = match shape.spare {
        Spare::Front(bits) => bits.to_vec(),
        Spare::Of(bits) => bits(octets),
    };
    let declared = |place: usize| declared.get(place).copied().unwrap_or_default();
    let is_declared = |(place, bits): (usize, &u8)| bits & !declared(place) == 0;
    // A shorter form leaves out octets of zeros only; a longer one has them.
    let left_out = ours.get(len..).unwrap_or_default();
    let is_faithful =
        spare.iter().enumerate().all(is_declared) && left_out.iter().all(|octet| *octet == 0);
    Ok(Leaf {
        value,
        name_form,
        spare,
        surplus,
        is_faithful,
    })
}

fn written(value: &dyn Value, name_form: NameForm) -> Result<Vec<u8>, EncodeError> {
    let mut out = Writer::in_form(name_form);
    value.write(&mut out);
    out.finish()
}
