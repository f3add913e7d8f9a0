//! Forwarding Parameters on the wire (TS 29.244 clauses 7.5.2.3 and 7.5.4.3).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, names, treatment, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{ForwardingParameters, UpdateForwardingParameters};

pub(super) fn read(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<ForwardingParameters, DecodeError> {
    let mut proxying = None;
    let parameters = read_all(group, tally, |ie, tally| match ie.kind {
        kind::PROXYING => tally.once(&mut proxying, ie, Reader::u8),
        _ => tally.skip(),
    })?;
    let destination = parameters.destination_interface;
    Ok(ForwardingParameters {
        destination_interface: mandatory(destination, kind::DESTINATION_INTERFACE)?,
        network_instance: parameters.network_instance,
        redirect_information: parameters.redirect_information,
        outer_header_creation: parameters.outer_header_creation,
        transport_level_marking: parameters.transport_level_marking,
        forwarding_policy: parameters.forwarding_policy,
        header_enrichment: parameters.header_enrichment,
        linked_traffic_endpoint_id: parameters.linked_traffic_endpoint_id,
        proxying,
        destination_interface_type: parameters.destination_interface_type,
        data_network_access_identifier: parameters.data_network_access_identifier,
    })
}

pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateForwardingParameters, DecodeError> {
    let mut flags = None;
    let mut parameters = read_all(group, tally, |ie, tally| match ie.kind {
        kind::PFCPSMREQ_FLAGS => tally.once(&mut flags, ie, Reader::u8),
        _ => tally.skip(),
    })?;
    parameters.flags = flags.unwrap_or_default();
    Ok(parameters)
}

/// What both groups have; the rest is handed over.
fn read_all<'a>(
    group: &Element<'a>,
    tally: &mut Tally,
    mut read_rest: impl FnMut(&Element<'a>, &mut Tally) -> Result<(), DecodeError>,
) -> Result<UpdateForwardingParameters, DecodeError> {
    let mut parameters = UpdateForwardingParameters::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::DESTINATION_INTERFACE => {
                let read = values::read_destination_interface;
                tally.once(&mut parameters.destination_interface, ie, read)
            }
            kind::NETWORK_INSTANCE => {
                tally.once(&mut parameters.network_instance, ie, names::read_name)
            }
            kind::REDIRECT_INFORMATION => {
                let read = treatment::read_redirect_information;
                tally.once(&mut parameters.redirect_information, ie, read)
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
            kind::HEADER_ENRICHMENT => {
                let read = treatment::read_header_enrichment;
                tally.once(&mut parameters.header_enrichment, ie, read)
            }
            kind::TRAFFIC_ENDPOINT_ID => {
                let endpoint = &mut parameters.linked_traffic_endpoint_id;
                tally.once(endpoint, ie, Reader::u8)
            }
            kind::TGPP_INTERFACE_TYPE => {
                let interface_type = &mut parameters.destination_interface_type;
                tally.once(interface_type, ie, values::read_six_bits)
            }
            kind::DATA_NETWORK_ACCESS_IDENTIFIER => {
                let identifier = &mut parameters.data_network_access_identifier;
                tally.once(identifier, ie, names::read_label)
            }
            _ => read_rest(ie, tally),
        })?;
    Ok(parameters)
}

pub(super) fn write(out: &mut Writer, parameters: &ForwardingParameters) {
    let destination = [&parameters.destination_interface];
    let write_destination = values::write_destination_interface;
    out.each(kind::DESTINATION_INTERFACE, destination, write_destination);
    out.name(kind::NETWORK_INSTANCE, parameters.network_instance.as_ref());
    let redirect = &parameters.redirect_information;
    let write_redirect = treatment::write_redirect_information;
    out.each(kind::REDIRECT_INFORMATION, redirect, write_redirect);
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
    let enrichment = &parameters.header_enrichment;
    let write_enrichment = treatment::write_header_enrichment;
    out.each(kind::HEADER_ENRICHMENT, enrichment, write_enrichment);
    let endpoint = &parameters.linked_traffic_endpoint_id;
    out.each(kind::TRAFFIC_ENDPOINT_ID, endpoint, values::write_u8);
    out.each(kind::PROXYING, &parameters.proxying, values::write_u8);
    let interface_type = &parameters.destination_interface_type;
    out.each(kind::TGPP_INTERFACE_TYPE, interface_type, values::write_u8);
    let identifier = &parameters.data_network_access_identifier;
    out.texts(kind::DATA_NETWORK_ACCESS_IDENTIFIER, identifier);
}

pub(super) fn write_update(out: &mut Writer, parameters: &UpdateForwardingParameters) {
    let destination = &parameters.destination_interface;
    let write_destination = values::write_destination_interface;
    out.each(kind::DESTINATION_INTERFACE, destination, write_destination);
    out.name(kind::NETWORK_INSTANCE, parameters.network_instance.as_ref());
    let redirect = &parameters.redirect_information;
    let write_redirect = treatment::write_redirect_information;
    out.each(kind::REDIRECT_INFORMATION, redirect, write_redirect);
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
    let enrichment = &parameters.header_enrichment;
    let write_enrichment = treatment::write_header_enrichment;
    out.each(kind::HEADER_ENRICHMENT, enrichment, write_enrichment);
    let flags = (parameters.flags != 0).then_some(parameters.flags);
    out.each(kind::PFCPSMREQ_FLAGS, &flags, values::write_u8);
    let endpoint = &parameters.linked_traffic_endpoint_id;
    out.each(kind::TRAFFIC_ENDPOINT_ID, endpoint, values::write_u8);
    let interface_type = &parameters.destination_interface_type;
    out.each(kind::TGPP_INTERFACE_TYPE, interface_type, values::write_u8);
    let identifier = &parameters.data_network_access_identifier;
    out.texts(kind::DATA_NETWORK_ACCESS_IDENTIFIER, identifier);
}
