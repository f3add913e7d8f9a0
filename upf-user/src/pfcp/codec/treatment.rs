//! How packets are treated: redirection, enrichment, policies, packet rates and markings.

use super::error::Flaw;
use super::names;
use super::reader::Reader;
use super::values::{read_marking, write_marking};
use super::writer::Writer;
use crate::pfcp::ie::{
    DownlinkDataServiceInformation, FlowLevelMarking, HeaderEnrichment, PacketRate,
    RedirectInformation,
};

/// Redirect Information (clause 8.2.20).
pub(super) fn read_redirect_information(
    reader: &mut Reader<'_>,
) -> Result<RedirectInformation, Flaw> {
    let address_type = reader.u8()? & 0xf;
    let address = names::read_measured_text(reader)?;
    let mut other_address = reader.when(!reader.is_empty(), names::read_measured_text)?;
    let port = reader.when(!reader.is_empty(), names::read_measured_text)?;
    if port.is_some() {
        // Its place is kept, whether it is there or not.
        other_address = other_address.filter(|address| !address.is_empty());
    }
    Ok(RedirectInformation {
        address_type,
        address,
        other_address,
        port,
    })
}

pub(super) fn write_redirect_information(out: &mut Writer, redirect: &RedirectInformation) {
    out.u8(redirect.address_type);
    names::write_measured_text(out, &redirect.address);
    let other = redirect.other_address.as_deref();
    let port = redirect.port.as_deref();
    if let Some(other) = other.or(port.and(Some(""))) {
        names::write_measured_text(out, other);
    }
    if let Some(port) = port {
        names::write_measured_text(out, port);
    }
}

/// Header Enrichment (clause 8.2.67).
pub(super) fn read_header_enrichment(reader: &mut Reader<'_>) -> Result<HeaderEnrichment, Flaw> {
    Ok(HeaderEnrichment {
        header_type: reader.u8()? & 0x1f,
        name: names::read_short_text(reader)?,
        value: names::read_short_text(reader)?,
    })
}

pub(super) fn write_header_enrichment(out: &mut Writer, enrichment: &HeaderEnrichment) {
    out.u8(enrichment.header_type);
    names::write_short_text(out, &enrichment.name);
    names::write_short_text(out, &enrichment.value);
}

/// Packet Rate (clause 8.2.63).
pub(super) fn read_packet_rate(reader: &mut Reader<'_>) -> Result<PacketRate, Flaw> {
    let flags = reader.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let mut direction =
        |stands| reader.when(stands, |reader| Ok((reader.u8()? & 7, reader.u16()?)));
    let (uplink, downlink) = (direction(has(0))?, direction(has(1))?);
    let additional = match has(2) {
        true => Some([direction(has(0))?, direction(has(1))?]),
        false => None,
    };
    Ok(PacketRate {
        uplink,
        downlink,
        additional,
    })
}

/// The additional rates are of the directions that the rate has.
pub(super) fn write_packet_rate(out: &mut Writer, rate: &PacketRate) {
    out.u8(u8::from(rate.uplink.is_some())
        | u8::from(rate.downlink.is_some()) << 1
        | u8::from(rate.additional.is_some()) << 2);
    let additional = rate.additional.unwrap_or_default();
    let all = [rate.uplink, rate.downlink].into_iter().chain(additional);
    for (unit, packets) in all.flatten() {
        out.u8(unit);
        out.u16(packets);
    }
}

/// DL Flow Level Marking (clause 8.2.66).
pub(super) fn read_flow_level_marking(reader: &mut Reader<'_>) -> Result<FlowLevelMarking, Flaw> {
    let flags = reader.u8()?;
    Ok(FlowLevelMarking {
        tos: reader.when(flags & 1 != 0, read_marking)?,
        service_class_indicator: reader.when(flags & 2 != 0, read_marking)?,
    })
}

pub(super) fn write_flow_level_marking(out: &mut Writer, marking: &FlowLevelMarking) {
    let service_class = &marking.service_class_indicator;
    out.u8(u8::from(marking.tos.is_some()) | u8::from(service_class.is_some()) << 1);
    for marking in [&marking.tos, service_class].into_iter().flatten() {
        write_marking(out, marking);
    }
}

/// Downlink Data Service Information (clause 8.2.27).
pub(super) fn read_service_information(
    reader: &mut Reader<'_>,
) -> Result<DownlinkDataServiceInformation, Flaw> {
    let flags = reader.u8()?;
    let six_bits = |reader: &mut Reader<'_>| Ok(reader.u8()? & 0x3f);
    Ok(DownlinkDataServiceInformation {
        paging_policy_indication: reader.when(flags & 1 != 0, six_bits)?,
        qfi: reader.when(flags & 2 != 0, six_bits)?,
    })
}

pub(super) fn write_service_information(
    out: &mut Writer,
    information: &DownlinkDataServiceInformation,
) {
    let (paging, qfi) = (information.paging_policy_indication, information.qfi);
    out.u8(u8::from(paging.is_some()) | u8::from(qfi.is_some()) << 1);
    for value in [paging, qfi].into_iter().flatten() {
        out.u8(value);
    }
}
