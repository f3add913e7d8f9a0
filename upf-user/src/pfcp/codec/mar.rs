//! Multi-Access Rules on the wire (TS 29.244 clauses 7.5.2.8 and 7.5.4.16).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::MAX_URRS;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::kind;
use crate::pfcp::message::{
    AccessForwardingAction, CreateMar, UpdateAccessForwardingAction, UpdateMar,
};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateMar, DecodeError> {
    let mar = read_update(group, tally)?;
    let functionality = mar.steering_functionality;
    Ok(CreateMar {
        id: mar.id,
        steering_functionality: mandatory(functionality, kind::STEERING_FUNCTIONALITY)?,
        steering_mode: mandatory(mar.steering_mode, kind::STEERING_MODE)?,
        tgpp_access: mar.tgpp_access,
        non_tgpp_access: mar.non_tgpp_access,
    })
}

pub(super) fn write_create(out: &mut Writer, mar: &CreateMar) {
    out.each(kind::MAR_ID, [&mar.id], values::write_u16);
    let functionality = [&mar.steering_functionality];
    out.each(
        kind::STEERING_FUNCTIONALITY,
        functionality,
        values::write_u8,
    );
    out.each(kind::STEERING_MODE, [&mar.steering_mode], values::write_u8);
    let access = &mar.tgpp_access;
    out.each(kind::TGPP_ACCESS_FORWARDING_ACTION, access, write_access);
    let access = &mar.non_tgpp_access;
    out.each(
        kind::NON_TGPP_ACCESS_FORWARDING_ACTION,
        access,
        write_access,
    );
}

/// The IEs of a creation are among those of an update.
pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateMar, DecodeError> {
    let mut id = None;
    let mut mar = UpdateMar::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::MAR_ID => tally.once(&mut id, ie, Reader::u16),
            kind::STEERING_FUNCTIONALITY => {
                let read = values::read_four_bits;
                tally.once(&mut mar.steering_functionality, ie, read)
            }
            kind::STEERING_MODE => tally.once(&mut mar.steering_mode, ie, values::read_four_bits),
            kind::UPDATE_TGPP_ACCESS_FORWARDING_ACTION => {
                tally.group(&mut mar.update_tgpp_access, ie, read_access_update)
            }
            kind::UPDATE_NON_TGPP_ACCESS_FORWARDING_ACTION => {
                tally.group(&mut mar.update_non_tgpp_access, ie, read_access_update)
            }
            kind::TGPP_ACCESS_FORWARDING_ACTION => {
                tally.group(&mut mar.tgpp_access, ie, read_access)
            }
            kind::NON_TGPP_ACCESS_FORWARDING_ACTION => {
                tally.group(&mut mar.non_tgpp_access, ie, read_access)
            }
            _ => tally.skip(),
        })?;
    mar.id = mandatory(id, kind::MAR_ID)?;
    Ok(mar)
}

pub(super) fn write_update(out: &mut Writer, mar: &UpdateMar) {
    out.each(kind::MAR_ID, [&mar.id], values::write_u16);
    let functionality = &mar.steering_functionality;
    out.each(
        kind::STEERING_FUNCTIONALITY,
        functionality,
        values::write_u8,
    );
    out.each(kind::STEERING_MODE, &mar.steering_mode, values::write_u8);
    let updates = [
        (
            kind::UPDATE_TGPP_ACCESS_FORWARDING_ACTION,
            &mar.update_tgpp_access,
        ),
        (
            kind::UPDATE_NON_TGPP_ACCESS_FORWARDING_ACTION,
            &mar.update_non_tgpp_access,
        ),
    ];
    for (kind, update) in updates {
        out.each(kind, update, write_access_update);
    }
    let access = &mar.tgpp_access;
    out.each(kind::TGPP_ACCESS_FORWARDING_ACTION, access, write_access);
    let access = &mar.non_tgpp_access;
    out.each(
        kind::NON_TGPP_ACCESS_FORWARDING_ACTION,
        access,
        write_access,
    );
}

fn read_access(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<AccessForwardingAction, DecodeError> {
    let update = read_access_update(group, tally)?;
    Ok(AccessForwardingAction {
        far_id: mandatory(update.far_id, kind::FAR_ID)?,
        weight: update.weight,
        priority: update.priority,
        urr_ids: update.urr_ids.unwrap_or_default(),
    })
}

fn write_access(out: &mut Writer, access: &AccessForwardingAction) {
    out.each(kind::FAR_ID, [&access.far_id], values::write_u32);
    out.each(kind::WEIGHT, &access.weight, values::write_u8);
    out.each(kind::PRIORITY, &access.priority, values::write_u8);
    out.each(kind::URR_ID, &access.urr_ids, values::write_u32);
}

fn read_access_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateAccessForwardingAction, DecodeError> {
    let mut urr_ids = Vec::new();
    let mut access = UpdateAccessForwardingAction::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::FAR_ID => tally.once(&mut access.far_id, ie, Reader::u32),
            kind::WEIGHT => tally.once(&mut access.weight, ie, Reader::u8),
            kind::PRIORITY => tally.once(&mut access.priority, ie, values::read_four_bits),
            kind::URR_ID => tally.several(&mut urr_ids, MAX_URRS, ie, Reader::u32),
            _ => tally.skip(),
        })?;
    access.urr_ids = (!urr_ids.is_empty()).then_some(urr_ids);
    Ok(access)
}

fn write_access_update(out: &mut Writer, access: &UpdateAccessForwardingAction) {
    out.each(kind::FAR_ID, &access.far_id, values::write_u32);
    out.each(kind::WEIGHT, &access.weight, values::write_u8);
    out.each(kind::PRIORITY, &access.priority, values::write_u8);
    let urr_ids = access.urr_ids.iter().flatten();
    out.each(kind::URR_ID, urr_ids, values::write_u32);
}
