//! Packet Detection Rules on the wire (TS 29.244 clauses 7.5.2.2, 7.5.3.2, 7.5.4.2 and 7.5.4.6).

use super::element::{Element, Tally, push};
use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Writer;
use super::{MAX_QERS, MAX_SDF_FILTERS, addresses, names, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreatePdr, CreatedPdr, Pdi, UpdatePdr};

/// QFI has six bits.
const MAX_QFIS: usize = 64;
const MAX_PREDEFINED_RULES: usize = 64;

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreatePdr, DecodeError> {
    let (mut id, mut precedence, mut pdi) = (None, None, None);
    let (mut outer_header_removal, mut far_id) = (None, None);
    let (mut qer_ids, mut activate_predefined_rules) = (Vec::new(), Vec::new());
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::PDR_ID => tally.once(&mut id, &ie, Reader::u16)?,
            kind::PRECEDENCE => tally.once(&mut precedence, &ie, Reader::u32)?,
            kind::PDI => tally.group_once(&mut pdi, &ie, read_pdi)?,
            kind::OUTER_HEADER_REMOVAL => {
                let read = values::read_outer_header_removal;
                tally.once(&mut outer_header_removal, &ie, read)?;
            }
            kind::FAR_ID => tally.once(&mut far_id, &ie, Reader::u32)?,
            kind::QER_ID => push(&mut qer_ids, MAX_QERS, &ie, |ie| ie.read(Reader::u32))?,
            kind::ACTIVATE_PREDEFINED_RULES => {
                let (rules, limit) = (&mut activate_predefined_rules, MAX_PREDEFINED_RULES);
                push(rules, limit, &ie, |ie| ie.read(names::read_text))?;
            }
            _ => tally.skip(),
        }
    }
    Ok(CreatePdr {
        id: id.ok_or(DecodeError::missing(kind::PDR_ID))?,
        precedence,
        pdi: pdi.ok_or(DecodeError::missing(kind::PDI))?,
        outer_header_removal,
        far_id,
        qer_ids,
        activate_predefined_rules,
        ..CreatePdr::default()
    })
}

pub(super) fn write_create(out: &mut Writer, pdr: &CreatePdr) {
    out.each(kind::PDR_ID, [&pdr.id], values::write_u16);
    out.each(kind::PRECEDENCE, &pdr.precedence, values::write_u32);
    out.each(kind::PDI, [&pdr.pdi], write_pdi);
    let removal = &pdr.outer_header_removal;
    let write_removal = values::write_outer_header_removal;
    out.each(kind::OUTER_HEADER_REMOVAL, removal, write_removal);
    out.each(kind::FAR_ID, &pdr.far_id, values::write_u32);
    out.each(kind::QER_ID, &pdr.qer_ids, values::write_u32);
    let rules = &pdr.activate_predefined_rules;
    out.each(kind::ACTIVATE_PREDEFINED_RULES, rules, |out, rule| {
        names::write_text(out, rule);
    });
}

fn read_pdi(group: &Element<'_>, tally: &mut Tally) -> Result<Pdi, DecodeError> {
    let (mut source_interface, mut f_teid, mut network_instance) = (None, None, None);
    let (mut ue_ip_address, mut application_id, mut traffic_endpoint_id) = (None, None, None);
    let (mut sdf_filters, mut qfis) = (Vec::new(), Vec::new());
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::SOURCE_INTERFACE => {
                tally.once(&mut source_interface, &ie, values::read_source_interface)?;
            }
            kind::F_TEID => tally.once(&mut f_teid, &ie, addresses::read_f_teid)?,
            kind::NETWORK_INSTANCE => tally.once(&mut network_instance, &ie, names::read_name)?,
            kind::UE_IP_ADDRESS => {
                tally.once(&mut ue_ip_address, &ie, addresses::read_ue_ip_address)?;
            }
            kind::SDF_FILTER => {
                if tally.sdf_filters >= MAX_SDF_FILTERS {
                    return Err(DecodeError::too_many(ie.kind));
                }
                tally.sdf_filters += 1;
                sdf_filters.push(ie.read(values::read_sdf_filter)?);
            }
            kind::QFI => push(&mut qfis, MAX_QFIS, &ie, |ie| ie.read(values::read_qfi))?,
            kind::APPLICATION_ID => tally.once(&mut application_id, &ie, names::read_text)?,
            kind::TRAFFIC_ENDPOINT_ID => tally.once(&mut traffic_endpoint_id, &ie, Reader::u8)?,
            _ => tally.skip(),
        }
    }
    Ok(Pdi {
        source_interface: source_interface.ok_or(DecodeError::missing(kind::SOURCE_INTERFACE))?,
        f_teid,
        network_instance,
        ue_ip_address,
        sdf_filters,
        qfis,
        application_id,
        traffic_endpoint_ids: traffic_endpoint_id.into_iter().collect(),
        ..Pdi::default()
    })
}

fn write_pdi(out: &mut Writer, pdi: &Pdi) {
    let source = [&pdi.source_interface];
    out.each(
        kind::SOURCE_INTERFACE,
        source,
        values::write_source_interface,
    );
    out.each(kind::F_TEID, &pdi.f_teid, addresses::write_f_teid);
    out.each(
        kind::NETWORK_INSTANCE,
        &pdi.network_instance,
        |out, name| {
            names::write_name(out, name);
        },
    );
    let write_address = addresses::write_ue_ip_address;
    out.each(kind::UE_IP_ADDRESS, &pdi.ue_ip_address, write_address);
    let endpoint = &pdi.traffic_endpoint_ids;
    out.each(kind::TRAFFIC_ENDPOINT_ID, endpoint, values::write_u8);
    out.each(kind::SDF_FILTER, &pdi.sdf_filters, values::write_sdf_filter);
    out.each(kind::APPLICATION_ID, &pdi.application_id, |out, id| {
        names::write_text(out, id);
    });
    out.each(kind::QFI, &pdi.qfis, values::write_u8);
}

pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdatePdr, DecodeError> {
    let (mut id, mut precedence, mut pdi) = (None, None, None);
    let (mut outer_header_removal, mut far_id) = (None, None);
    let mut qer_ids = Vec::new();
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::PDR_ID => tally.once(&mut id, &ie, Reader::u16)?,
            kind::PRECEDENCE => tally.once(&mut precedence, &ie, Reader::u32)?,
            kind::PDI => tally.group_once(&mut pdi, &ie, read_pdi)?,
            kind::OUTER_HEADER_REMOVAL => {
                let read = values::read_outer_header_removal;
                tally.once(&mut outer_header_removal, &ie, read)?;
            }
            kind::FAR_ID => tally.once(&mut far_id, &ie, Reader::u32)?,
            kind::QER_ID => push(&mut qer_ids, MAX_QERS, &ie, |ie| ie.read(Reader::u32))?,
            _ => tally.skip(),
        }
    }
    Ok(UpdatePdr {
        id: id.ok_or(DecodeError::missing(kind::PDR_ID))?,
        precedence,
        pdi,
        outer_header_removal,
        far_id,
        qer_ids: (!qer_ids.is_empty()).then_some(qer_ids),
        ..UpdatePdr::default()
    })
}

pub(super) fn write_update(out: &mut Writer, pdr: &UpdatePdr) {
    out.each(kind::PDR_ID, [&pdr.id], values::write_u16);
    let removal = &pdr.outer_header_removal;
    let write_removal = values::write_outer_header_removal;
    out.each(kind::OUTER_HEADER_REMOVAL, removal, write_removal);
    out.each(kind::PRECEDENCE, &pdr.precedence, values::write_u32);
    out.each(kind::PDI, &pdr.pdi, write_pdi);
    out.each(kind::FAR_ID, &pdr.far_id, values::write_u32);
    let qer_ids = pdr.qer_ids.iter().flatten();
    out.each(kind::QER_ID, qer_ids, values::write_u32);
}

/// Remove PDR: its ID alone.
pub(super) fn read_remove(group: &Element<'_>, tally: &mut Tally) -> Result<u16, DecodeError> {
    let mut id = None;
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::PDR_ID => tally.once(&mut id, &ie, Reader::u16)?,
            _ => tally.skip(),
        }
    }
    id.ok_or(DecodeError::missing(kind::PDR_ID))
}

pub(super) fn write_remove(out: &mut Writer, id: &u16) {
    out.each(kind::PDR_ID, [id], values::write_u16);
}

pub(super) fn read_created(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreatedPdr, DecodeError> {
    let (mut id, mut f_teid, mut ue_ip_address) = (None, None, None);
    for ie in group.elements() {
        let ie = ie?;
        match ie.kind {
            kind::PDR_ID => tally.once(&mut id, &ie, Reader::u16)?,
            kind::F_TEID => tally.once(&mut f_teid, &ie, addresses::read_f_teid)?,
            kind::UE_IP_ADDRESS => {
                tally.once(&mut ue_ip_address, &ie, addresses::read_ue_ip_address)?;
            }
            _ => tally.skip(),
        }
    }
    Ok(CreatedPdr {
        id: id.ok_or(DecodeError::missing(kind::PDR_ID))?,
        f_teid,
        ue_ip_address,
    })
}

pub(super) fn write_created(out: &mut Writer, pdr: &CreatedPdr) {
    out.each(kind::PDR_ID, [&pdr.id], values::write_u16);
    out.each(kind::F_TEID, &pdr.f_teid, addresses::write_f_teid);
    let write_address = addresses::write_ue_ip_address;
    out.each(kind::UE_IP_ADDRESS, &pdr.ue_ip_address, write_address);
}
