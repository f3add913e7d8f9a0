//! QoS Enforcement Rules on the wire (TS 29.244 clauses 7.5.2.5 and 7.5.4.5).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Writer;
use super::{treatment, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreateQer, UpdateQer};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateQer, DecodeError> {
    let qer = read_update(group, tally)?;
    Ok(CreateQer {
        id: qer.id,
        correlation_id: qer.correlation_id,
        gate: mandatory(qer.gate, kind::GATE_STATUS)?,
        mbr: qer.mbr,
        gbr: qer.gbr,
        packet_rate: qer.packet_rate,
        downlink_flow_level_marking: qer.downlink_flow_level_marking,
        qfi: qer.qfi,
        reflective_qos: qer.reflective_qos,
        paging_policy_indicator: qer.paging_policy_indicator,
        averaging_window_ms: qer.averaging_window_ms,
        control_indications: qer.control_indications,
    })
}

pub(super) fn write_create(out: &mut Writer, qer: &CreateQer) {
    let update = UpdateQer {
        id: qer.id,
        correlation_id: qer.correlation_id,
        gate: Some(qer.gate),
        mbr: qer.mbr,
        gbr: qer.gbr,
        packet_rate: qer.packet_rate,
        downlink_flow_level_marking: qer.downlink_flow_level_marking,
        qfi: qer.qfi,
        reflective_qos: qer.reflective_qos,
        paging_policy_indicator: qer.paging_policy_indicator,
        averaging_window_ms: qer.averaging_window_ms,
        control_indications: qer.control_indications,
    };
    write_update(out, &update);
}

/// The two groups have the same IEs; only what is mandatory differs.
pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateQer, DecodeError> {
    let mut id = None;
    let mut qer = UpdateQer::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::QER_ID => tally.once(&mut id, ie, Reader::u32),
            kind::QER_CORRELATION_ID => tally.once(&mut qer.correlation_id, ie, Reader::u32),
            kind::GATE_STATUS => tally.once(&mut qer.gate, ie, values::read_gate_status),
            kind::MBR => tally.once(&mut qer.mbr, ie, values::read_bit_rates),
            kind::GBR => tally.once(&mut qer.gbr, ie, values::read_bit_rates),
            kind::PACKET_RATE => tally.once(&mut qer.packet_rate, ie, treatment::read_packet_rate),
            kind::DL_FLOW_LEVEL_MARKING => {
                let marking = &mut qer.downlink_flow_level_marking;
                tally.once(marking, ie, treatment::read_flow_level_marking)
            }
            kind::QFI => tally.once(&mut qer.qfi, ie, values::read_six_bits),
            kind::RQI => tally.once(&mut qer.reflective_qos, ie, values::read_rqi),
            kind::PAGING_POLICY_INDICATOR => {
                let read = values::read_three_bits;
                tally.once(&mut qer.paging_policy_indicator, ie, read)
            }
            kind::AVERAGING_WINDOW => tally.once(&mut qer.averaging_window_ms, ie, Reader::u32),
            kind::QER_CONTROL_INDICATIONS => {
                tally.once(&mut qer.control_indications, ie, Reader::u8)
            }
            _ => tally.skip(),
        })?;
    qer.id = mandatory(id, kind::QER_ID)?;
    Ok(qer)
}

pub(super) fn write_update(out: &mut Writer, qer: &UpdateQer) {
    out.each(kind::QER_ID, [&qer.id], values::write_u32);
    let correlation = &qer.correlation_id;
    out.each(kind::QER_CORRELATION_ID, correlation, values::write_u32);
    out.each(kind::GATE_STATUS, &qer.gate, values::write_gate_status);
    out.each(kind::MBR, &qer.mbr, values::write_bit_rates);
    out.each(kind::GBR, &qer.gbr, values::write_bit_rates);
    let write_rate = treatment::write_packet_rate;
    out.each(kind::PACKET_RATE, &qer.packet_rate, write_rate);
    let marking = &qer.downlink_flow_level_marking;
    let write_marking = treatment::write_flow_level_marking;
    out.each(kind::DL_FLOW_LEVEL_MARKING, marking, write_marking);
    out.each(kind::QFI, &qer.qfi, values::write_u8);
    out.each(kind::RQI, &qer.reflective_qos, values::write_rqi);
    let paging = &qer.paging_policy_indicator;
    out.each(kind::PAGING_POLICY_INDICATOR, paging, values::write_u8);
    let window = &qer.averaging_window_ms;
    out.each(kind::AVERAGING_WINDOW, window, values::write_u32);
    let indications = &qer.control_indications;
    out.each(kind::QER_CONTROL_INDICATIONS, indications, values::write_u8);
}
