//! Texts: names as DNS labels or as they are, and plain ones.

use super::error::Flaw;
use super::reader::Reader;
use super::writer::Writer;

const MAX_LABEL: usize = 63;
/// RFC 1035 clause 2.3.4.
const MAX_NAME: usize = 255;

/// How a writer writes names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NameForm {
    /// As DNS labels, where the name has such.
    #[default]
    Labels,
    /// As DNS labels, the root's empty one at the end.
    RootedLabels,
    /// As it is.
    Text,
}

/// A Network Instance or APN/DNN (clauses 8.2.4 and 8.2.117): some peers send DNS labels, some the plain text.
pub(super) fn read_name(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    let octets = reader.take_rest();
    if octets.is_empty() {
        return Err(Flaw::Short);
    }
    if octets.len() > MAX_NAME {
        return Err(Flaw::Incorrect);
    }
    labels(octets)
        .or_else(|| plain(octets))
        .ok_or(Flaw::Incorrect)
}

/// In the writer's form; a name that has no labels as it is.
pub(super) fn write_name(out: &mut Writer, name: &str) {
    // One octet before each label takes the dots' places, and the first one's.
    let has_labels = name.len() < MAX_NAME
        && name
            .split('.')
            .all(|label| (1..=MAX_LABEL).contains(&label.len()));
    if !has_labels || out.name_form == NameForm::Text {
        return out.octets(name.as_bytes());
    }
    for label in name.split('.') {
        out.u8(label.len() as u8);
        out.octets(label.as_bytes());
    }
    if out.name_form == NameForm::RootedLabels {
        out.u8(0);
    }
}

/// Labels that fill the octets exactly; an empty one, the root, may stand at the end.
fn labels(octets: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(octets.len());
    let mut rest = octets.strip_suffix(&[0]).unwrap_or(octets);
    while let Some((&len, tail)) = rest.split_first() {
        let (label, tail) = tail.split_at_checked(usize::from(len))?;
        if label.is_empty() || label.len() > MAX_LABEL || label.contains(&b'.') {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&plain(label)?);
        rest = tail;
    }
    (!name.is_empty()).then_some(name)
}

fn plain(octets: &[u8]) -> Option<String> {
    let is_name = octets.iter().all(u8::is_ascii_graphic);
    is_name.then(|| octets.iter().map(|octet| char::from(*octet)).collect())
}

/// An octet string that is text: Application ID, the name of a predefined rule, a flow description.
pub(super) fn read_text(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    let octets = reader.take_rest();
    if octets.is_empty() {
        return Err(Flaw::Short);
    }
    let text = std::str::from_utf8(octets).map_err(|_| Flaw::Incorrect)?;
    Ok(text.to_owned())
}

/// A text that names something, without a length of its own: no name is longer than [`MAX_NAME`].
pub(super) fn read_label(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    read_text(reader).and_then(|text| {
        let is_name = text.len() <= MAX_NAME;
        is_name.then_some(text).ok_or(Flaw::Incorrect)
    })
}

pub(super) fn write_text(out: &mut Writer, text: &str) {
    out.octets(text.as_bytes());
}

/// A text behind two octets of its length; it may be empty.
pub(super) fn read_measured_text(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    let len = reader.u16()?;
    text_or_nothing(&mut reader.sub(usize::from(len))?)
}

/// A text behind one octet of its length; it may be empty.
pub(super) fn read_short_text(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    let len = reader.u8()?;
    text_or_nothing(&mut reader.sub(usize::from(len))?)
}

fn text_or_nothing(reader: &mut Reader<'_>) -> Result<String, Flaw> {
    if reader.is_empty() {
        return Ok(String::new());
    }
    read_text(reader)
}

pub(super) fn write_measured_text(out: &mut Writer, text: &str) {
    out.measured(|out| write_text(out, text));
}

pub(super) fn write_short_text(out: &mut Writer, text: &str) {
    out.measured_u8(|out| write_text(out, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(octets: &[u8]) -> Result<String, Flaw> {
        read_name(&mut Reader::new(octets))
    }

    #[test]
    fn names_come_as_labels_and_as_text() {
        for octets in [
            &b"\x08internet\x03ims"[..],
            b"\x08internet\x03ims\0",
            b"internet.ims",
        ] {
            assert_eq!(name(octets).as_deref(), Ok("internet.ims"), "{octets:?}");
        }
        // The first octet is a length that does not fit, so it is a digit.
        assert_eq!(name(b"5g.internet").as_deref(), Ok("5g.internet"));
        assert_eq!(name(b""), Err(Flaw::Short));
        assert_eq!(name(b"\0"), Err(Flaw::Incorrect));
        assert_eq!(name(b"two words"), Err(Flaw::Incorrect));
        assert_eq!(name(&[b'a'; 256]), Err(Flaw::Incorrect));
        assert_eq!(name(&[b'a'; 255]).map(|name| name.len()), Ok(255));
    }

    #[test]
    fn names_without_labels_are_written_as_they_are() {
        let written = |name: &str| {
            let mut out = Writer::default();
            write_name(&mut out, name);
            out.finish().unwrap()
        };
        assert_eq!(written("ims.mnc"), b"\x03ims\x03mnc");
        assert_eq!(written("a..b"), b"a..b");
        let long = "x".repeat(64);
        assert_eq!(written(&long), long.as_bytes());
    }
}
