//! Packet Detection Information on the wire (TS 29.244 clause 7.5.2.2).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::MAX_VALUES;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, ethernet, names, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::Pdi;

pub(super) fn read(group: &Element<'_>, tally: &mut Tally) -> Result<Pdi, DecodeError> {
    let mut source_interface = None;
    let mut pdi = Pdi::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::SOURCE_INTERFACE => {
                tally.once(&mut source_interface, ie, values::read_source_interface)
            }
            kind::F_TEID => tally.once(&mut pdi.f_teid, ie, addresses::read_f_teid),
            kind::NETWORK_INSTANCE => tally.once(&mut pdi.network_instance, ie, names::read_name),
            kind::UE_IP_ADDRESS => {
                let read = addresses::read_ue_ip_address;
                tally.once(&mut pdi.ue_ip_address, ie, read)
            }
            kind::TRAFFIC_ENDPOINT_ID => {
                tally.several(&mut pdi.traffic_endpoint_ids, MAX_VALUES, ie, Reader::u8)
            }
            kind::SDF_FILTER => tally.sdf_filter(&mut pdi.sdf_filters, ie),
            kind::APPLICATION_ID => tally.once(&mut pdi.application_id, ie, names::read_label),
            kind::ETHERNET_PACKET_FILTER => {
                let filters = &mut pdi.ethernet_packet_filters;
                tally.groups(filters, MAX_VALUES, ie, ethernet::read_filter)
            }
            kind::QFI => tally.several(&mut pdi.qfis, MAX_VALUES, ie, values::read_six_bits),
            kind::FRAMED_ROUTE => {
                tally.several(&mut pdi.framed_routes, MAX_VALUES, ie, names::read_text)
            }
            kind::FRAMED_ROUTING => tally.once(&mut pdi.framed_routing, ie, Reader::u32),
            kind::FRAMED_IPV6_ROUTE => {
                let routes = &mut pdi.framed_ipv6_routes;
                tally.several(routes, MAX_VALUES, ie, names::read_text)
            }
            kind::TGPP_INTERFACE_TYPE => {
                tally.once(&mut pdi.source_interface_type, ie, values::read_six_bits)
            }
            _ => tally.skip(),
        })?;
    pdi.source_interface = mandatory(source_interface, kind::SOURCE_INTERFACE)?;
    Ok(pdi)
}

pub(super) fn write(out: &mut Writer, pdi: &Pdi) {
    let source = [&pdi.source_interface];
    let write_source = values::write_source_interface;
    out.each(kind::SOURCE_INTERFACE, source, write_source);
    out.each(kind::F_TEID, &pdi.f_teid, addresses::write_f_teid);
    out.name(kind::NETWORK_INSTANCE, pdi.network_instance.as_ref());
    let write_address = addresses::write_ue_ip_address;
    out.each(kind::UE_IP_ADDRESS, &pdi.ue_ip_address, write_address);
    let endpoints = &pdi.traffic_endpoint_ids;
    out.each(kind::TRAFFIC_ENDPOINT_ID, endpoints, values::write_u8);
    out.each(kind::SDF_FILTER, &pdi.sdf_filters, values::write_sdf_filter);
    out.texts(kind::APPLICATION_ID, &pdi.application_id);
    let filters = &pdi.ethernet_packet_filters;
    out.each(
        kind::ETHERNET_PACKET_FILTER,
        filters,
        ethernet::write_filter,
    );
    out.each(kind::QFI, &pdi.qfis, values::write_u8);
    out.texts(kind::FRAMED_ROUTE, &pdi.framed_routes);
    out.each(kind::FRAMED_ROUTING, &pdi.framed_routing, values::write_u32);
    out.texts(kind::FRAMED_IPV6_ROUTE, &pdi.framed_ipv6_routes);
    let interface_type = &pdi.source_interface_type;
    out.each(kind::TGPP_INTERFACE_TYPE, interface_type, values::write_u8);
}
