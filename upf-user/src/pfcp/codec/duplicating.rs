//! Duplicating Parameters on the wire (TS 29.244 clauses 7.5.2.3 and 7.5.4.3).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::writer::Writer;
use super::{addresses, names, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{DuplicatingParameters, UpdateDuplicatingParameters};

pub(super) fn read(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<DuplicatingParameters, DecodeError> {
    let parameters = read_update(group, tally)?;
    let destination = parameters.destination_interface;
    Ok(DuplicatingParameters {
        destination_interface: mandatory(destination, kind::DESTINATION_INTERFACE)?,
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        forwarding_policy: parameters.forwarding_policy,
    })
}

pub(super) fn write(out: &mut Writer, parameters: &DuplicatingParameters) {
    let parameters = parameters.clone();
    let update = UpdateDuplicatingParameters {
        destination_interface: Some(parameters.destination_interface),
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        forwarding_policy: parameters.forwarding_policy,
    };
    write_update(out, &update);
}

/// The two groups have the same IEs; only what is mandatory differs.
pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateDuplicatingParameters, DecodeError> {
    let mut parameters = UpdateDuplicatingParameters::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::DESTINATION_INTERFACE => {
                let read = values::read_destination_interface;
                tally.once(&mut parameters.destination_interface, ie, read)
            }
            kind::OUTER_HEADER_CREATION => {
                let read = addresses::read_outer_header_creation;
                tally.once(&mut parameters.outer_header_creation, ie, read)
            }
            kind::TRANSPORT_LEVEL_MARKING => {
                let marking = &mut parameters.transport_level_marking;
                tally.once(marking, ie, values::read_marking)
            }
            kind::FORWARDING_POLICY => {
                let policy = &mut parameters.forwarding_policy;
                tally.once(policy, ie, names::read_short_text)
            }
            _ => tally.skip(),
        })?;
    Ok(parameters)
}

pub(super) fn write_update(out: &mut Writer, parameters: &UpdateDuplicatingParameters) {
    let destination = &parameters.destination_interface;
    let write_destination = values::write_destination_interface;
    out.each(kind::DESTINATION_INTERFACE, destination, write_destination);
    let creation = &parameters.outer_header_creation;
    let write_creation = addresses::write_outer_header_creation;
    out.each(kind::OUTER_HEADER_CREATION, creation, write_creation);
    let marking = &parameters.transport_level_marking;
    let write_marking = values::write_marking;
    out.each(kind::TRANSPORT_LEVEL_MARKING, marking, write_marking);
    let policy = &parameters.forwarding_policy;
    out.each(kind::FORWARDING_POLICY, policy, |out, policy| {
        names::write_short_text(out, policy);
    });
}
