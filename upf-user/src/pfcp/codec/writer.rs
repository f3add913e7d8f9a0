//! Writes messages; lengths are filled in once they are known.

use super::error::EncodeError;
use super::names::{self, NameForm};

/// Grows a message.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    too_long: bool,
    /// How names are written.
    pub(super) name_form: NameForm,
}

impl Writer {
    /// One that writes names in this form.
    pub(super) fn in_form(name_form: NameForm) -> Self {
        Self {
            name_form,
            ..Self::default()
        }
    }

    pub(super) fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn u16(&mut self, value: u16) {
        self.octets(&value.to_be_bytes());
    }

    /// The low 24 bits.
    pub(super) fn u24(&mut self, value: u32) {
        self.octets(&value.to_be_bytes()[1..]);
    }

    pub(super) fn u32(&mut self, value: u32) {
        self.octets(&value.to_be_bytes());
    }

    /// The low 40 bits.
    pub(super) fn u40(&mut self, value: u64) {
        self.octets(&value.to_be_bytes()[3..]);
    }

    pub(super) fn u64(&mut self, value: u64) {
        self.octets(&value.to_be_bytes());
    }

    pub(super) fn octets(&mut self, octets: &[u8]) {
        self.bytes.extend_from_slice(octets);
    }

    /// Two octets of length, and then what they measure.
    pub(super) fn measured(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u16(0);
        let content = self.bytes.len();
        fill(self);
        match u16::try_from(self.bytes.len() - content) {
            Ok(len) => self.bytes[start..content].copy_from_slice(&len.to_be_bytes()),
            Err(_) => self.too_long = true,
        }
    }

    /// One octet of length, and then what it measures.
    pub(super) fn measured_u8(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u8(0);
        fill(self);
        match u8::try_from(self.bytes.len() - start - 1) {
            Ok(len) => self.bytes[start] = len,
            Err(_) => self.too_long = true,
        }
    }

    /// An IE (clause 8.1.1).
    pub(super) fn element(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        self.u16(kind);
        self.measured(fill);
    }

    /// An IE for each of some values: one, an optional one, or a list.
    pub(super) fn each<'a, T: 'a>(
        &mut self,
        kind: u16,
        values: impl IntoIterator<Item = &'a T>,
        write: impl Fn(&mut Self, &T),
    ) {
        for value in values {
            self.element(kind, |out| write(out, value));
        }
    }

    /// An IE of plain text for each of some.
    pub(super) fn texts<'a>(&mut self, kind: u16, texts: impl IntoIterator<Item = &'a String>) {
        self.each(kind, texts, |out, text| names::write_text(out, text));
    }

    /// An IE that is a name, where there is one.
    pub(super) fn name(&mut self, kind: u16, name: Option<&String>) {
        self.each(kind, name, |out, name| names::write_name(out, name));
    }

    /// The group that an ID alone makes, for each of some: Remove and Query.
    pub(super) fn ids<'a, T: 'a>(
        &mut self,
        group: u16,
        kind: u16,
        ids: impl IntoIterator<Item = &'a T>,
        write: impl Fn(&mut Self, &T),
    ) {
        self.each(group, ids, |out, id| out.each(kind, [id], &write));
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, EncodeError> {
        if self.too_long {
            return Err(EncodeError);
        }
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_count_what_is_inside_only() {
        let mut out = Writer::default();
        out.element(1, |out| {
            out.each(2, &[7u8, 8], |out, value| out.u8(*value));
        });
        let expected = [0, 1, 0, 10, 0, 2, 0, 1, 7, 0, 2, 0, 1, 8];
        assert_eq!(out.finish().unwrap(), expected);
    }

    #[test]
    fn what_no_length_can_say_is_an_error() {
        let mut out = Writer::default();
        out.element(1, |out| out.octets(&[0; 65_535]));
        assert!(out.finish().is_ok());
        let mut out = Writer::default();
        out.element(1, |out| out.octets(&[0; 65_536]));
        assert_eq!(out.finish(), Err(EncodeError));
    }
}
