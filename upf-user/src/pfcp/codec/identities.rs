//! Who a session is of, and what it belongs to: User ID, FQ-CSID, S-NSSAI.

use std::net::IpAddr;

use super::error::Flaw;
use super::names;
use super::reader::Reader;
use super::writer::Writer;
use crate::pfcp::ie::{FqCsid, FqCsidNode, SNssai, UserId};

/// TS 23.003 clauses 2.2 and 3.3.
const MAX_IMSI_DIGITS: usize = 15;
/// TS 23.003 clause 6.2: an IMEISV.
const MAX_IMEI_DIGITS: usize = 16;
/// Four bits count them.
const MAX_CSIDS: usize = 15;

/// User ID (clause 8.2.101).
pub(super) fn read_user_id(reader: &mut Reader<'_>) -> Result<UserId, Flaw> {
    let flags = reader.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let imsi = |reader: &mut Reader<'_>| read_digits(reader, MAX_IMSI_DIGITS);
    let imei = |reader: &mut Reader<'_>| read_digits(reader, MAX_IMEI_DIGITS);
    Ok(UserId {
        imsi: reader.when(has(0), imsi)?,
        imei: reader.when(has(1), imei)?,
        msisdn: reader.when(has(2), imsi)?,
        nai: reader.when(has(3), names::read_short_text)?,
        supi: reader.when(has(4), names::read_short_text)?,
        gpsi: reader.when(has(5), names::read_short_text)?,
        pei: reader.when(has(6), names::read_short_text)?,
    })
}

pub(super) fn write_user_id(out: &mut Writer, user: &UserId) {
    let digits = [&user.imsi, &user.imei, &user.msisdn];
    let texts = [&user.nai, &user.supi, &user.gpsi, &user.pei];
    let all = digits.iter().chain(&texts);
    out.u8((0..).zip(all).fold(0, |flags, (bit, identity)| {
        flags | u8::from(identity.is_some()) << bit
    }));
    for digits in digits.into_iter().flatten() {
        write_digits(out, digits);
    }
    for text in texts.into_iter().flatten() {
        names::write_short_text(out, text);
    }
}

/// Digits two to an octet, the low half first, the last half filled up with ones (TS 29.274 clause 8.3), behind
/// their length in octets.
fn read_digits(reader: &mut Reader<'_>, most: usize) -> Result<String, Flaw> {
    let len = reader.u8()?;
    let octets = reader.sub(usize::from(len))?.take_rest();
    let halves = octets.iter().flat_map(|octet| [octet & 0xf, octet >> 4]);
    let filler = octets.last().is_some_and(|last| last >> 4 == 0xf);
    let count = octets.len() * 2 - usize::from(filler);
    if !(1..=most).contains(&count) {
        return Err(Flaw::Incorrect);
    }
    let digit = |half: u8| char::from_digit(half.into(), 10).ok_or(Flaw::Incorrect);
    halves.take(count).map(digit).collect()
}

/// Only as many digits as the longest identity has are written.
fn write_digits(out: &mut Writer, digits: &str) {
    let digits = digits.as_bytes();
    let digits = &digits[..digits.len().min(MAX_IMEI_DIGITS)];
    out.u8(digits.len().div_ceil(2) as u8);
    for pair in digits.chunks(2) {
        let high = pair.get(1).map_or(0xf, |digit| digit & 0xf);
        out.u8(high << 4 | pair[0] & 0xf);
    }
}

/// FQ-CSID (clause 8.2.46).
pub(super) fn read_fq_csid(reader: &mut Reader<'_>) -> Result<FqCsid, Flaw> {
    let first = reader.u8()?;
    let node = match first >> 4 {
        0 => FqCsidNode::Address(reader.ipv4()?.into()),
        1 => FqCsidNode::Address(reader.ipv6()?.into()),
        2 => FqCsidNode::Id(reader.u32()?),
        _ => return Err(Flaw::Incorrect),
    };
    let csids = (0..first & 0xf).map(|_| reader.u16());
    Ok(FqCsid {
        node,
        csids: csids.collect::<Result<_, _>>()?,
        node_type: reader.when(!reader.is_empty(), |reader| Ok(reader.u8()? & 0xf))?,
    })
}

/// Only as many sets as the count can say are written.
pub(super) fn write_fq_csid(out: &mut Writer, id: &FqCsid) {
    let csids = &id.csids[..id.csids.len().min(MAX_CSIDS)];
    let count = csids.len() as u8;
    match id.node {
        FqCsidNode::Address(IpAddr::V4(address)) => {
            out.u8(count);
            out.octets(&address.octets());
        }
        FqCsidNode::Address(IpAddr::V6(address)) => {
            out.u8(1 << 4 | count);
            out.octets(&address.octets());
        }
        FqCsidNode::Id(id) => {
            out.u8(2 << 4 | count);
            out.u32(id);
        }
    }
    for csid in csids {
        out.u16(*csid);
    }
    if let Some(kind) = id.node_type {
        out.u8(kind);
    }
}

/// S-NSSAI (clause 8.2.176).
pub(super) fn read_s_nssai(reader: &mut Reader<'_>) -> Result<SNssai, Flaw> {
    Ok(SNssai {
        sst: reader.u8()?,
        sd: reader.u24()?,
    })
}

pub(super) fn write_s_nssai(out: &mut Writer, slice: &SNssai) {
    out.u8(slice.sst);
    out.u24(slice.sd);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_imsi_is_read_out_of_a_user_id() {
        let user = |octets: &[u8]| read_user_id(&mut Reader::new(octets)).map(|user| user.imsi);
        let imsi = Ok(Some("001010123456789".to_owned()));
        let odd = [1, 8, 0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xf9];
        assert_eq!(user(&odd), imsi);
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
