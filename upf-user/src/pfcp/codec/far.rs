//! Forwarding Action Rules on the wire (TS 29.244 clauses 7.5.2.3 and 7.5.4.3).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::MAX_VALUES;
use super::reader::Reader;
use super::writer::Writer;
use super::{duplicating, forwarding, values};
use crate::pfcp::ie::{ApplyAction, kind};
use crate::pfcp::message::{CreateFar, UpdateFar};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateFar, DecodeError> {
    let (mut id, mut apply_action) = (None, None);
    let mut far = CreateFar::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::FAR_ID => tally.once(&mut id, ie, Reader::u32),
            kind::APPLY_ACTION => tally.once(&mut apply_action, ie, values::read_apply_action),
            kind::FORWARDING_PARAMETERS => tally.group(&mut far.forwarding, ie, forwarding::read),
            kind::DUPLICATING_PARAMETERS => {
                tally.groups(&mut far.duplicating, MAX_VALUES, ie, duplicating::read)
            }
            kind::BAR_ID => tally.once(&mut far.bar_id, ie, Reader::u8),
            _ => tally.skip(),
        })?;
    far.apply_action = mandatory(apply_action, kind::APPLY_ACTION)?;
    if far.apply_action.has(ApplyAction::FORW) && far.forwarding.is_none() {
        return Err(DecodeError::condition(kind::FORWARDING_PARAMETERS));
    }
    if far.apply_action.has(ApplyAction::DUPL) && far.duplicating.is_empty() {
        return Err(DecodeError::condition(kind::DUPLICATING_PARAMETERS));
    }
    far.id = mandatory(id, kind::FAR_ID)?;
    Ok(far)
}

pub(super) fn write_create(out: &mut Writer, far: &CreateFar) {
    out.each(kind::FAR_ID, [&far.id], values::write_u32);
    let action = [&far.apply_action];
    out.each(kind::APPLY_ACTION, action, values::write_apply_action);
    out.each(
        kind::FORWARDING_PARAMETERS,
        &far.forwarding,
        forwarding::write,
    );
    let duplicating = &far.duplicating;
    out.each(
        kind::DUPLICATING_PARAMETERS,
        duplicating,
        duplicating::write,
    );
    out.each(kind::BAR_ID, &far.bar_id, values::write_u8);
}

pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateFar, DecodeError> {
    let mut id = None;
    let mut far = UpdateFar::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::FAR_ID => tally.once(&mut id, ie, Reader::u32),
            kind::APPLY_ACTION => tally.once(&mut far.apply_action, ie, values::read_apply_action),
            kind::UPDATE_FORWARDING_PARAMETERS => {
                tally.group(&mut far.forwarding, ie, forwarding::read_update)
            }
            kind::UPDATE_DUPLICATING_PARAMETERS => {
                let read = duplicating::read_update;
                tally.groups(&mut far.duplicating, MAX_VALUES, ie, read)
            }
            kind::BAR_ID => tally.once(&mut far.bar_id, ie, Reader::u8),
            _ => tally.skip(),
        })?;
    far.id = mandatory(id, kind::FAR_ID)?;
    Ok(far)
}

pub(super) fn write_update(out: &mut Writer, far: &UpdateFar) {
    out.each(kind::FAR_ID, [&far.id], values::write_u32);
    let action = &far.apply_action;
    out.each(kind::APPLY_ACTION, action, values::write_apply_action);
    let forwarding = &far.forwarding;
    let write_forwarding = forwarding::write_update;
    out.each(
        kind::UPDATE_FORWARDING_PARAMETERS,
        forwarding,
        write_forwarding,
    );
    let duplicating = &far.duplicating;
    let write_duplicating = duplicating::write_update;
    out.each(
        kind::UPDATE_DUPLICATING_PARAMETERS,
        duplicating,
        write_duplicating,
    );
    out.each(kind::BAR_ID, &far.bar_id, values::write_u8);
}
