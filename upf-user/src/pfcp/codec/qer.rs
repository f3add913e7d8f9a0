//! QoS Enforcement Rules on the wire (TS 29.244 clauses 7.5.2.5, 7.5.4.5 and 7.5.4.9).

use super::element::{Element, Tally};
use super::error::DecodeError;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreateQer, UpdateQer};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateQer, DecodeError> {
    let qer = read_update(group, tally)?;
    Ok(CreateQer {
        id: qer.id,
        gate: qer.gate.ok_or(DecodeError::missing(kind::GATE_STATUS))?,
        mbr: qer.mbr,
        gbr: qer.gbr,
        qfi: qer.qfi,
        ..CreateQer::default()
    })
}

pub(super) fn write_create(out: &mut Writer, qer: &CreateQer) {
    let update = UpdateQer {
        id: qer.id,
        gate: Some(qer.gate),
        mbr: qer.mbr,
        gbr: qer.gbr,
        qfi: qer.qfi,
        ..UpdateQer::default()
    };
    write_update(out, &update);
}

/// The two groups have the same IEs as far as they are read here; only what is mandatory differs.
pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateQer, DecodeError> {
    let (mut id, mut gate, mut mbr, mut gbr, mut qfi) = (None, None, None, None, None);
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::QER_ID => tally.once(&mut id, &ie, Reader::u32)?,
            kind::GATE_STATUS => tally.once(&mut gate, &ie, values::read_gate_status)?,
            kind::MBR => tally.once(&mut mbr, &ie, values::read_bit_rates)?,
            kind::GBR => tally.once(&mut gbr, &ie, values::read_bit_rates)?,
            kind::QFI => tally.once(&mut qfi, &ie, values::read_qfi)?,
            _ => tally.skip(),
        }
    }
    Ok(UpdateQer {
        id: id.ok_or(DecodeError::missing(kind::QER_ID))?,
        gate,
        mbr,
        gbr,
        qfi,
        ..UpdateQer::default()
    })
}

pub(super) fn write_update(out: &mut Writer, qer: &UpdateQer) {
    out.each(kind::QER_ID, [&qer.id], values::write_u32);
    out.each(kind::GATE_STATUS, &qer.gate, values::write_gate_status);
    out.each(kind::MBR, &qer.mbr, values::write_bit_rates);
    out.each(kind::GBR, &qer.gbr, values::write_bit_rates);
    out.each(kind::QFI, &qer.qfi, values::write_u8);
}

/// Remove QER: its ID alone.
pub(super) fn read_remove(group: &Element<'_>, tally: &mut Tally) -> Result<u32, DecodeError> {
    let mut id = None;
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::QER_ID => tally.once(&mut id, &ie, Reader::u32)?,
            _ => tally.skip(),
        }
    }
    id.ok_or(DecodeError::missing(kind::QER_ID))
}

pub(super) fn write_remove(out: &mut Writer, id: &u32) {
    out.each(kind::QER_ID, [id], values::write_u32);
}
