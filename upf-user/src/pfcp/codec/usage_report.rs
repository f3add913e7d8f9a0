//! Usage Reports on the wire (TS 29.244 clauses 7.5.5.2, 7.5.7.2 and 7.5.8.3): one group under three types.

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::MAX_VALUES;
use super::reader::Reader;
use super::writer::Writer;
use super::{measurement, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::UsageReport;

pub(super) fn read(group: &Element<'_>, tally: &mut Tally) -> Result<UsageReport, DecodeError> {
    let (mut urr_id, mut sequence, mut trigger) = (None, None, None);
    let mut report = UsageReport::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::URR_ID => tally.once(&mut urr_id, ie, Reader::u32),
            kind::UR_SEQN => tally.once(&mut sequence, ie, Reader::u32),
            kind::USAGE_REPORT_TRIGGER => {
                tally.once(&mut trigger, ie, measurement::read_usage_report_trigger)
            }
            kind::START_TIME => tally.once(&mut report.start_time, ie, Reader::u32),
            kind::END_TIME => tally.once(&mut report.end_time, ie, Reader::u32),
            kind::VOLUME_MEASUREMENT => {
                tally.once(&mut report.volume, ie, measurement::read_volume_measurement)
            }
            kind::DURATION_MEASUREMENT => tally.once(&mut report.duration, ie, Reader::u32),
            kind::TIME_OF_FIRST_PACKET => tally.once(&mut report.first_packet, ie, Reader::u32),
            kind::TIME_OF_LAST_PACKET => tally.once(&mut report.last_packet, ie, Reader::u32),
            kind::USAGE_INFORMATION => tally.once(&mut report.usage_information, ie, Reader::u8),
            kind::QUERY_URR_REFERENCE => {
                tally.once(&mut report.query_urr_reference, ie, Reader::u32)
            }
            kind::EVENT_TIME_STAMP => {
                let stamps = &mut report.event_time_stamps;
                tally.several(stamps, MAX_VALUES, ie, Reader::u32)
            }
            _ => tally.skip(),
        })?;
    report.urr_id = mandatory(urr_id, kind::URR_ID)?;
    report.sequence = mandatory(sequence, kind::UR_SEQN)?;
    report.trigger = mandatory(trigger, kind::USAGE_REPORT_TRIGGER)?;
    Ok(report)
}

pub(super) fn write(out: &mut Writer, report: &UsageReport) {
    out.each(kind::URR_ID, [&report.urr_id], values::write_u32);
    out.each(kind::UR_SEQN, [&report.sequence], values::write_u32);
    let trigger = [&report.trigger];
    let write_trigger = measurement::write_usage_report_trigger;
    out.each(kind::USAGE_REPORT_TRIGGER, trigger, write_trigger);
    out.each(kind::START_TIME, &report.start_time, values::write_u32);
    out.each(kind::END_TIME, &report.end_time, values::write_u32);
    let write_volume = measurement::write_volume_measurement;
    out.each(kind::VOLUME_MEASUREMENT, &report.volume, write_volume);
    out.each(
        kind::DURATION_MEASUREMENT,
        &report.duration,
        values::write_u32,
    );
    let first = &report.first_packet;
    out.each(kind::TIME_OF_FIRST_PACKET, first, values::write_u32);
    let last = &report.last_packet;
    out.each(kind::TIME_OF_LAST_PACKET, last, values::write_u32);
    let information = &report.usage_information;
    out.each(kind::USAGE_INFORMATION, information, values::write_u8);
    let reference = &report.query_urr_reference;
    out.each(kind::QUERY_URR_REFERENCE, reference, values::write_u32);
    let stamps = &report.event_time_stamps;
    out.each(kind::EVENT_TIME_STAMP, stamps, values::write_u32);
}
