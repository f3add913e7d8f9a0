//! Traffic Endpoints on the wire (TS 29.244 clauses 7.5.2.7, 7.5.3.5 and 7.5.4.13).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::MAX_VALUES;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, names, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreateTrafficEndpoint, CreatedTrafficEndpoint};

/// Create and Update Traffic Endpoint: their IEs are the same.
pub(super) fn read(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateTrafficEndpoint, DecodeError> {
    let mut id = None;
    let mut endpoint = CreateTrafficEndpoint::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::TRAFFIC_ENDPOINT_ID => tally.once(&mut id, ie, Reader::u8),
            kind::F_TEID => tally.once(&mut endpoint.f_teid, ie, addresses::read_f_teid),
            kind::NETWORK_INSTANCE => {
                tally.once(&mut endpoint.network_instance, ie, names::read_name)
            }
            kind::UE_IP_ADDRESS => {
                let read = addresses::read_ue_ip_address;
                tally.once(&mut endpoint.ue_ip_address, ie, read)
            }
            kind::FRAMED_ROUTE => {
                let routes = &mut endpoint.framed_routes;
                tally.several(routes, MAX_VALUES, ie, names::read_text)
            }
            kind::FRAMED_ROUTING => tally.once(&mut endpoint.framed_routing, ie, Reader::u32),
            kind::FRAMED_IPV6_ROUTE => {
                let routes = &mut endpoint.framed_ipv6_routes;
                tally.several(routes, MAX_VALUES, ie, names::read_text)
            }
            kind::QFI => tally.several(&mut endpoint.qfis, MAX_VALUES, ie, values::read_six_bits),
            kind::TGPP_INTERFACE_TYPE => {
                let interface_type = &mut endpoint.source_interface_type;
                tally.once(interface_type, ie, values::read_six_bits)
            }
            _ => tally.skip(),
        })?;
    endpoint.id = mandatory(id, kind::TRAFFIC_ENDPOINT_ID)?;
    Ok(endpoint)
}

pub(super) fn write(out: &mut Writer, endpoint: &CreateTrafficEndpoint) {
    out.each(kind::TRAFFIC_ENDPOINT_ID, [&endpoint.id], values::write_u8);
    out.each(kind::F_TEID, &endpoint.f_teid, addresses::write_f_teid);
    out.name(kind::NETWORK_INSTANCE, endpoint.network_instance.as_ref());
    let address = &endpoint.ue_ip_address;
    out.each(kind::UE_IP_ADDRESS, address, addresses::write_ue_ip_address);
    out.texts(kind::FRAMED_ROUTE, &endpoint.framed_routes);
    let routing = &endpoint.framed_routing;
    out.each(kind::FRAMED_ROUTING, routing, values::write_u32);
    out.texts(kind::FRAMED_IPV6_ROUTE, &endpoint.framed_ipv6_routes);
    out.each(kind::QFI, &endpoint.qfis, values::write_u8);
    let interface_type = &endpoint.source_interface_type;
    out.each(kind::TGPP_INTERFACE_TYPE, interface_type, values::write_u8);
}

pub(super) fn read_created(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreatedTrafficEndpoint, DecodeError> {
    let (mut id, mut f_teid, mut ue_ip_address) = (None, None, None);
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::TRAFFIC_ENDPOINT_ID => tally.once(&mut id, ie, Reader::u8),
            kind::F_TEID => tally.once(&mut f_teid, ie, addresses::read_f_teid),
            kind::UE_IP_ADDRESS => {
                tally.once(&mut ue_ip_address, ie, addresses::read_ue_ip_address)
            }
            _ => tally.skip(),
        })?;
    Ok(CreatedTrafficEndpoint {
        id: mandatory(id, kind::TRAFFIC_ENDPOINT_ID)?,
        f_teid,
        ue_ip_address,
    })
}

pub(super) fn write_created(out: &mut Writer, endpoint: &CreatedTrafficEndpoint) {
    out.each(kind::TRAFFIC_ENDPOINT_ID, [&endpoint.id], values::write_u8);
    out.each(kind::F_TEID, &endpoint.f_teid, addresses::write_f_teid);
    let address = &endpoint.ue_ip_address;
    out.each(kind::UE_IP_ADDRESS, address, addresses::write_ue_ip_address);
}
