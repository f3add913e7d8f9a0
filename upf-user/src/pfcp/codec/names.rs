//! Texts: names as DNS labels or as they are, identities in digits.

use super::error::Flaw;
use super::reader::Reader;
use super::writer::Writer;

const MAX_LABEL: usize = 63;
/// RFC 1035 clause 2.3.4.
const MAX_NAME: usize = 255;
/// TS 23.003 clause 2.2.
const MAX_IMSI_DIGITS: usize = 15;

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

/// As DNS labels, where the name has such.
pub(super) fn write_name(out: &mut Writer, name: &str) {
    // One octet before each label takes the dots' places, and the first one's.
    let has_labels = name.len() < MAX_NAME
        && name
            .split('.')
            .all(|label| (1..=MAX_LABEL).contains(&label.len()));
    if !has_labels {
        return out.octets(name.as_bytes());
    }
    for label in name.split('.') {
        out.u8(label.len() as u8);
        out.octets(label.as_bytes());
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

pub(super) fn write_text(out: &mut Writer, text: &str) {
    out.octets(text.as_bytes());
}

const IMSIF: u8 = 1 << 0;

/// User ID (clause 8.2.101): the IMSI, where there is one.
pub(super) fn read_user_id(reader: &mut Reader<'_>) -> Result<Option<String>, Flaw> {
    let flags = reader.u8()?;
    reader.when(flags & IMSIF != 0, |reader| {
        let len = reader.u8()?;
        digits(reader.sub(usize::from(len))?.take_rest())
    })
}

/// An IMSI alone. Only as many digits as one may have are written.
pub(super) fn write_user_id(out: &mut Writer, imsi: &str) {
    let digits = imsi.as_bytes();
    let digits = &digits[..digits.len().min(MAX_IMSI_DIGITS)];
    out.u8(IMSIF);
    out.u8(digits.len().div_ceil(2) as u8);
    for pair in digits.chunks(2) {
        let high = pair.get(1).map_or(0xf, |digit| digit & 0xf);
        out.u8(high << 4 | pair[0] & 0xf);
    }
}

/// Digits two to an octet, the low half first, the last half filled up with ones (TS 29.274 clause 8.3).
fn digits(octets: &[u8]) -> Result<String, Flaw> {
    let halves = octets
        .iter()
        .flat_map(|octet| [octet & 0xf, octet >> 4])
        .collect::<Vec<_>>();
    let halves = halves.strip_suffix(&[0xf]).unwrap_or(&halves);
    let is_imsi = (1..=MAX_IMSI_DIGITS).contains(&halves.len()) && halves.iter().all(|h| *h < 10);
    if !is_imsi {
        return Err(Flaw::Incorrect);
    }
    Ok(halves.iter().map(|half| char::from(b'0' + half)).collect())
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

    #[test]
    fn the_imsi_is_read_out_of_a_user_id() {
        let user = |octets: &[u8]| read_user_id(&mut Reader::new(octets));
        let imsi = Ok(Some("001010123456789".to_owned()));
        let odd = [1, 8, 0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xf9];
        assert_eq!(user(&odd), imsi);
        // IMEI and NAI behind it are not looked at.
        assert_eq!(user(&[&[0x0b][..], &odd[1..], &[9; 20]].concat()), imsi);
        assert_eq!(user(&[1, 2, 0x21, 0x43]), Ok(Some("1234".to_owned())));
        assert_eq!(user(&[0x08, 3, b'a', b'@', b'b']), Ok(None));
        assert_eq!(user(&[]), Err(Flaw::Short));
        assert_eq!(user(&[1, 3, 0x21, 0x43]), Err(Flaw::Short));
        assert_eq!(user(&[1, 0]), Err(Flaw::Incorrect));
        assert_eq!(user(&[1, 2, 0xf1, 0x43]), Err(Flaw::Incorrect));
        assert_eq!(
            user(&[1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
            Err(Flaw::Incorrect)
        );
    }
}
