//! Load and Overload Control Information on the wire (TS 29.244 clauses 7.5.3.3 and 7.5.3.4).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::kind;
use crate::pfcp::message::{LoadControl, OverloadControl};

pub(super) fn read_load(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<LoadControl, DecodeError> {
    let (mut sequence, mut metric) = (None, None);
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::SEQUENCE_NUMBER => tally.once(&mut sequence, ie, Reader::u32),
            kind::METRIC => tally.once(&mut metric, ie, Reader::u8),
            _ => tally.skip(),
        })?;
    Ok(LoadControl {
        sequence: mandatory(sequence, kind::SEQUENCE_NUMBER)?,
        metric: mandatory(metric, kind::METRIC)?,
    })
}

pub(super) fn write_load(out: &mut Writer, load: &LoadControl) {
    out.each(kind::SEQUENCE_NUMBER, [&load.sequence], values::write_u32);
    out.each(kind::METRIC, [&load.metric], values::write_u8);
}

pub(super) fn read_overload(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<OverloadControl, DecodeError> {
    let (mut sequence, mut metric, mut validity, mut flags) = (None, None, None, None);
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::SEQUENCE_NUMBER => tally.once(&mut sequence, ie, Reader::u32),
            kind::METRIC => tally.once(&mut metric, ie, Reader::u8),
            kind::TIMER => tally.once(&mut validity, ie, Reader::u8),
            kind::OCI_FLAGS => tally.once(&mut flags, ie, Reader::u8),
            _ => tally.skip(),
        })?;
    Ok(OverloadControl {
        sequence: mandatory(sequence, kind::SEQUENCE_NUMBER)?,
        metric: mandatory(metric, kind::METRIC)?,
        validity: mandatory(validity, kind::TIMER)?,
        flags: flags.unwrap_or_default(),
    })
}

pub(super) fn write_overload(out: &mut Writer, overload: &OverloadControl) {
    let sequence = [&overload.sequence];
    out.each(kind::SEQUENCE_NUMBER, sequence, values::write_u32);
    out.each(kind::METRIC, [&overload.metric], values::write_u8);
    out.each(kind::TIMER, [&overload.validity], values::write_u8);
    let flags = (overload.flags != 0).then_some(overload.flags);
    out.each(kind::OCI_FLAGS, &flags, values::write_u8);
}
