//! Information elements in a row (TS 29.244 clause 8.1.1), and the rules about how often they may come.

use super::error::{DecodeError, Flaw};
use super::limits::MAX_SDF_FILTERS;
use super::reader::Reader;
use super::values;
use crate::pfcp::ie::SdfFilter;

/// One IE, its value not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) kind: u16,
    value: Reader<'a>,
}

impl<'a> Element<'a> {
    /// Reads the value. What is left behind it belongs to later versions of the protocol.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Flaw>,
    ) -> Result<T, DecodeError> {
        let mut value = self.value;
        read(&mut value).map_err(|flaw| DecodeError::flaw(flaw, self.kind))
    }

    /// The IEs of a group.
    pub(super) const fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.value,
            group: Some(self.kind),
        }
    }
}

/// The IEs of a message or of a group. Ends behind the first error.
#[derive(Clone, Debug)]
pub(super) struct Elements<'a> {
    rest: Reader<'a>,
    group: Option<u16>,
}

impl<'a> Elements<'a> {
    /// The IEs of a message's body.
    pub(super) const fn of_message(body: &'a [u8]) -> Self {
        Self {
            rest: Reader::new(body),
            group: None,
        }
    }

    fn read(&mut self) -> Result<Element<'a>, DecodeError> {
        let stray = |_| DecodeError::stray_octets(self.group);
        let kind = self.rest.u16().map_err(stray)?;
        let len = self.rest.u16().map_err(stray)?;
        let value = self.rest.sub(usize::from(len));
        let value = value.map_err(|_| DecodeError::length(kind))?;
        Ok(Element { kind, value })
    }

    /// Hands each IE over, up to the first that is refused.
    pub(super) fn read_each(
        self,
        tally: &mut Tally,
        mut read: impl FnMut(&Element<'a>, &mut Tally) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        for ie in self {
            read(&ie?, tally)?;
        }
        Ok(())
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.read();
        if element.is_err() {
            self.rest = Reader::new(&[]);
        }
        Some(element)
    }
}

/// What is counted over one message.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// IEs that were not read: unknown ones, vendors', and repetitions.
    pub(super) skipped: u32,
    /// SDF filters of all PDIs.
    pub(super) sdf_filters: usize,
}

impl Tally {
    /// Counts an IE that is not read.
    pub(super) fn skip(&mut self) -> Result<(), DecodeError> {
        self.skipped = self.skipped.saturating_add(1);
        Ok(())
    }

    /// Reads an IE that may come once; what repeats it is skipped (TS 29.244 clause 7.6).
    pub(super) fn once<'a, T>(
        &mut self,
        place: &mut Option<T>,
        element: &Element<'a>,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Flaw>,
    ) -> Result<(), DecodeError> {
        self.group(place, element, |element, _| element.read(read))
    }

    /// Reads a group that may come once; what repeats it is skipped.
    pub(super) fn group<'a, T>(
        &mut self,
        place: &mut Option<T>,
        element: &Element<'a>,
        read: impl FnOnce(&Element<'a>, &mut Self) -> Result<T, DecodeError>,
    ) -> Result<(), DecodeError> {
        if place.is_some() {
            return self.skip();
        }
        *place = Some(read(element, self)?);
        Ok(())
    }

    /// Reads one IE of several, of which there must not be more than `limit`.
    pub(super) fn several<'a, T>(
        &mut self,
        list: &mut Vec<T>,
        limit: usize,
        element: &Element<'a>,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Flaw>,
    ) -> Result<(), DecodeError> {
        self.groups(list, limit, element, |element, _| element.read(read))
    }

    /// The same for groups.
    pub(super) fn groups<'a, T>(
        &mut self,
        list: &mut Vec<T>,
        limit: usize,
        element: &Element<'a>,
        read: impl FnOnce(&Element<'a>, &mut Self) -> Result<T, DecodeError>,
    ) -> Result<(), DecodeError> {
        if list.len() >= limit {
            return Err(DecodeError::too_many(element.kind));
        }
        list.push(read(element, self)?);
        Ok(())
    }

    /// Reads one of a message's SDF filters, which are counted together wherever they stand.
    pub(super) fn sdf_filter(
        &mut self,
        list: &mut Vec<SdfFilter>,
        element: &Element<'_>,
    ) -> Result<(), DecodeError> {
        if self.sdf_filters >= MAX_SDF_FILTERS {
            return Err(DecodeError::too_many(element.kind));
        }
        self.sdf_filters += 1;
        list.push(element.read(values::read_sdf_filter)?);
        Ok(())
    }
}

/// What a mandatory IE said.
pub(super) fn mandatory<T>(value: Option<T>, kind: u16) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::missing(kind))
}

/// The group that an ID alone makes: Remove and Query.
pub(super) fn read_id<'a, T>(
    kind: u16,
    read: impl Fn(&mut Reader<'a>) -> Result<T, Flaw>,
) -> impl FnOnce(&Element<'a>, &mut Tally) -> Result<T, DecodeError> {
    move |group, tally| {
        let mut id = None;
        group
            .elements()
            .read_each(tally, |ie, tally| match ie.kind {
                found if found == kind => tally.once(&mut id, ie, &read),
                _ => tally.skip(),
            })?;
        mandatory(id, kind)
    }
}
