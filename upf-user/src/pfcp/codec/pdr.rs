//! Packet Detection Rules on the wire (TS 29.244 clauses 7.5.2.2, 7.5.3.2, 7.5.4.2 and 7.5.5.5).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::{MAX_QERS, MAX_URRS, MAX_VALUES};
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, names, pdi, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreatePdr, CreatedPdr, UpdatePdr};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreatePdr, DecodeError> {
    let (mut id, mut pdi) = (None, None);
    let mut pdr = CreatePdr::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::PDR_ID => tally.once(&mut id, ie, Reader::u16),
            kind::PRECEDENCE => tally.once(&mut pdr.precedence, ie, Reader::u32),
            kind::PDI => tally.group(&mut pdi, ie, pdi::read),
            kind::OUTER_HEADER_REMOVAL => {
                let read = values::read_outer_header_removal;
                tally.once(&mut pdr.outer_header_removal, ie, read)
            }
            kind::FAR_ID => tally.once(&mut pdr.far_id, ie, Reader::u32),
            kind::URR_ID => tally.several(&mut pdr.urr_ids, MAX_URRS, ie, Reader::u32),
            kind::QER_ID => tally.several(&mut pdr.qer_ids, MAX_QERS, ie, Reader::u32),
            kind::MAR_ID => tally.once(&mut pdr.mar_id, ie, Reader::u16),
            kind::ACTIVATE_PREDEFINED_RULES => {
                let rules = &mut pdr.activate_predefined_rules;
                tally.several(rules, MAX_VALUES, ie, names::read_label)
            }
            kind::ACTIVATION_TIME => tally.once(&mut pdr.activation_time, ie, Reader::u32),
            kind::DEACTIVATION_TIME => tally.once(&mut pdr.deactivation_time, ie, Reader::u32),
            _ => tally.skip(),
        })?;
    pdr.id = mandatory(id, kind::PDR_ID)?;
    pdr.pdi = mandatory(pdi, kind::PDI)?;
    Ok(pdr)
}

pub(super) fn write_create(out: &mut Writer, pdr: &CreatePdr) {
    out.each(kind::PDR_ID, [&pdr.id], values::write_u16);
    out.each(kind::PRECEDENCE, &pdr.precedence, values::write_u32);
    out.each(kind::PDI, [&pdr.pdi], pdi::write);
    let removal = &pdr.outer_header_removal;
    let write_removal = values::write_outer_header_removal;
    out.each(kind::OUTER_HEADER_REMOVAL, removal, write_removal);
    out.each(kind::FAR_ID, &pdr.far_id, values::write_u32);
    out.each(kind::URR_ID, &pdr.urr_ids, values::write_u32);
    out.each(kind::QER_ID, &pdr.qer_ids, values::write_u32);
    let activated = &pdr.activate_predefined_rules;
    out.texts(kind::ACTIVATE_PREDEFINED_RULES, activated);
    out.each(
        kind::ACTIVATION_TIME,
        &pdr.activation_time,
        values::write_u32,
    );
    let end = &pdr.deactivation_time;
    out.each(kind::DEACTIVATION_TIME, end, values::write_u32);
    out.each(kind::MAR_ID, &pdr.mar_id, values::write_u16);
}

pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdatePdr, DecodeError> {
    let (mut id, mut urr_ids, mut qer_ids) = (None, Vec::new(), Vec::new());
    let mut pdr = UpdatePdr::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::PDR_ID => tally.once(&mut id, ie, Reader::u16),
            kind::OUTER_HEADER_REMOVAL => {
                let read = values::read_outer_header_removal;
                tally.once(&mut pdr.outer_header_removal, ie, read)
            }
            kind::PRECEDENCE => tally.once(&mut pdr.precedence, ie, Reader::u32),
            kind::PDI => tally.group(&mut pdr.pdi, ie, pdi::read),
            kind::FAR_ID => tally.once(&mut pdr.far_id, ie, Reader::u32),
            kind::URR_ID => tally.several(&mut urr_ids, MAX_URRS, ie, Reader::u32),
            kind::QER_ID => tally.several(&mut qer_ids, MAX_QERS, ie, Reader::u32),
            kind::ACTIVATE_PREDEFINED_RULES => {
                let rules = &mut pdr.activate_predefined_rules;
                tally.several(rules, MAX_VALUES, ie, names::read_label)
            }
            kind::DEACTIVATE_PREDEFINED_RULES => {
                let rules = &mut pdr.deactivate_predefined_rules;
                tally.several(rules, MAX_VALUES, ie, names::read_label)
            }
            kind::ACTIVATION_TIME => tally.once(&mut pdr.activation_time, ie, Reader::u32),
            kind::DEACTIVATION_TIME => tally.once(&mut pdr.deactivation_time, ie, Reader::u32),
            _ => tally.skip(),
        })?;
    pdr.id = mandatory(id, kind::PDR_ID)?;
    pdr.urr_ids = (!urr_ids.is_empty()).then_some(urr_ids);
    pdr.qer_ids = (!qer_ids.is_empty()).then_some(qer_ids);
    Ok(pdr)
}

pub(super) fn write_update(out: &mut Writer, pdr: &UpdatePdr) {
    out.each(kind::PDR_ID, [&pdr.id], values::write_u16);
    let removal = &pdr.outer_header_removal;
    let write_removal = values::write_outer_header_removal;
    out.each(kind::OUTER_HEADER_REMOVAL, removal, write_removal);
    out.each(kind::PRECEDENCE, &pdr.precedence, values::write_u32);
    out.each(kind::PDI, &pdr.pdi, pdi::write);
    out.each(kind::FAR_ID, &pdr.far_id, values::write_u32);
    let urr_ids = pdr.urr_ids.iter().flatten();
    out.each(kind::URR_ID, urr_ids, values::write_u32);
    let qer_ids = pdr.qer_ids.iter().flatten();
    out.each(kind::QER_ID, qer_ids, values::write_u32);
    let activated = &pdr.activate_predefined_rules;
    out.texts(kind::ACTIVATE_PREDEFINED_RULES, activated);
    let deactivated = &pdr.deactivate_predefined_rules;
    out.texts(kind::DEACTIVATE_PREDEFINED_RULES, deactivated);
    out.each(
        kind::ACTIVATION_TIME,
        &pdr.activation_time,
        values::write_u32,
    );
    let end = &pdr.deactivation_time;
    out.each(kind::DEACTIVATION_TIME, end, values::write_u32);
}

/// Created PDR and Updated PDR.
pub(super) fn read_created(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreatedPdr, DecodeError> {
    let (mut id, mut f_teid, mut ue_ip_address) = (None, None, None);
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::PDR_ID => tally.once(&mut id, ie, Reader::u16),
            kind::F_TEID => tally.once(&mut f_teid, ie, addresses::read_f_teid),
            kind::UE_IP_ADDRESS => {
                tally.once(&mut ue_ip_address, ie, addresses::read_ue_ip_address)
            }
            _ => tally.skip(),
        })?;
    Ok(CreatedPdr {
        id: mandatory(id, kind::PDR_ID)?,
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
