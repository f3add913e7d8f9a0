//! Forwarding Action Rules on the wire (TS 29.244 clauses 7.5.2.3, 7.5.4.3 and 7.5.4.7).

use super::element::{Element, Tally};
use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, names, values};
use crate::pfcp::ie::{ApplyAction, kind};
use crate::pfcp::message::{
    CreateFar, ForwardingParameters, UpdateFar, UpdateForwardingParameters,
};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateFar, DecodeError> {
    let (mut id, mut apply_action, mut forwarding) = (None, None, None);
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::FAR_ID => tally.once(&mut id, &ie, Reader::u32)?,
            kind::APPLY_ACTION => tally.once(&mut apply_action, &ie, values::read_apply_action)?,
            kind::FORWARDING_PARAMETERS => {
                tally.group_once(&mut forwarding, &ie, read_forwarding)?;
            }
            _ => tally.skip(),
        }
    }
    let apply_action = apply_action.ok_or(DecodeError::missing(kind::APPLY_ACTION))?;
    if apply_action.has(ApplyAction::FORW) && forwarding.is_none() {
        return Err(DecodeError::condition(kind::FORWARDING_PARAMETERS));
    }
    Ok(CreateFar {
        id: id.ok_or(DecodeError::missing(kind::FAR_ID))?,
        apply_action,
        forwarding,
        ..CreateFar::default()
    })
}

pub(super) fn write_create(out: &mut Writer, far: &CreateFar) {
    out.each(kind::FAR_ID, [&far.id], values::write_u32);
    let action = [&far.apply_action];
    out.each(kind::APPLY_ACTION, action, values::write_apply_action);
    let forwarding = far.forwarding.iter();
    out.each(kind::FORWARDING_PARAMETERS, forwarding, write_forwarding);
}

fn read_forwarding(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<ForwardingParameters, DecodeError> {
    let parameters = read_update_forwarding(group, tally)?;
    let destination_interface = parameters.destination_interface;
    Ok(ForwardingParameters {
        destination_interface: destination_interface
            .ok_or(DecodeError::missing(kind::DESTINATION_INTERFACE))?,
        network_instance: parameters.network_instance,
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        ..ForwardingParameters::default()
    })
}

fn write_forwarding(out: &mut Writer, parameters: &ForwardingParameters) {
    let parameters = parameters.clone();
    let update = UpdateForwardingParameters {
        destination_interface: Some(parameters.destination_interface),
        network_instance: parameters.network_instance,
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        ..UpdateForwardingParameters::default()
    };
    write_update_forwarding(out, &update);
}

pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateFar, DecodeError> {
    let (mut id, mut apply_action, mut forwarding) = (None, None, None);
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::FAR_ID => tally.once(&mut id, &ie, Reader::u32)?,
            kind::APPLY_ACTION => tally.once(&mut apply_action, &ie, values::read_apply_action)?,
            kind::UPDATE_FORWARDING_PARAMETERS => {
                tally.group_once(&mut forwarding, &ie, read_update_forwarding)?;
            }
            _ => tally.skip(),
        }
    }
    Ok(UpdateFar {
        id: id.ok_or(DecodeError::missing(kind::FAR_ID))?,
        apply_action,
        forwarding,
        ..UpdateFar::default()
    })
}

pub(super) fn write_update(out: &mut Writer, far: &UpdateFar) {
    out.each(kind::FAR_ID, [&far.id], values::write_u32);
    let action = &far.apply_action;
    out.each(kind::APPLY_ACTION, action, values::write_apply_action);
    let forwarding = far.forwarding.iter();
    out.each(
        kind::UPDATE_FORWARDING_PARAMETERS,
        forwarding,
        write_update_forwarding,
    );
}

/// The two groups have the same IEs as far as they are read here; only what is mandatory differs.
fn read_update_forwarding(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateForwardingParameters, DecodeError> {
    let mut parameters = UpdateForwardingParameters::default();
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::DESTINATION_INTERFACE => {
                let read = values::read_destination_interface;
                tally.once(&mut parameters.destination_interface, &ie, read)?;
            }
            kind::NETWORK_INSTANCE => {
                tally.once(&mut parameters.network_instance, &ie, names::read_name)?;
            }
            kind::OUTER_HEADER_CREATION => {
                let read = addresses::read_outer_header_creation;
                tally.once(&mut parameters.outer_header_creation, &ie, read)?;
            }
            kind::TRANSPORT_LEVEL_MARKING => {
                let read = values::read_marking;
                tally.once(&mut parameters.transport_level_marking, &ie, read)?;
            }
            _ => tally.skip(),
        }
    }
    Ok(parameters)
}

fn write_update_forwarding(out: &mut Writer, parameters: &UpdateForwardingParameters) {
    let destination = &parameters.destination_interface;
    let write_interface = values::write_destination_interface;
    out.each(kind::DESTINATION_INTERFACE, destination, write_interface);
    let instance = &parameters.network_instance;
    out.each(kind::NETWORK_INSTANCE, instance, |out, name| {
        names::write_name(out, name);
    });
    let creation = &parameters.outer_header_creation;
    let write_creation = addresses::write_outer_header_creation;
    out.each(kind::OUTER_HEADER_CREATION, creation, write_creation);
    let marking = &parameters.transport_level_marking;
    out.each(
        kind::TRANSPORT_LEVEL_MARKING,
        marking,
        values::write_marking,
    );
}

/// Remove FAR: its ID alone.
pub(super) fn read_remove(group: &Element<'_>, tally: &mut Tally) -> Result<u32, DecodeError> {
    let mut id = None;
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::FAR_ID => tally.once(&mut id, &ie, Reader::u32)?,
            _ => tally.skip(),
        }
    }
    id.ok_or(DecodeError::missing(kind::FAR_ID))
}

pub(super) fn write_remove(out: &mut Writer, id: &u32) {
    out.each(kind::FAR_ID, [id], values::write_u32);
}
