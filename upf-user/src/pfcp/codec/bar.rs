//! Buffering Action Rules on the wire (TS 29.244 clauses 7.5.2.6, 7.5.4.11 and 7.5.9.2).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::kind;
use crate::pfcp::message::{CreateBar, UpdateBarInReportResponse};

/// Create BAR, and Update BAR in a modification.
pub(super) fn read(group: &Element<'_>, tally: &mut Tally) -> Result<CreateBar, DecodeError> {
    let mut id = None;
    let mut bar = CreateBar::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::BAR_ID => tally.once(&mut id, ie, Reader::u8),
            kind::DOWNLINK_DATA_NOTIFICATION_DELAY => {
                let delay = &mut bar.downlink_data_notification_delay;
                tally.once(delay, ie, Reader::u8)
            }
            kind::SUGGESTED_BUFFERING_PACKETS_COUNT => {
                let count = &mut bar.suggested_buffering_packets_count;
                tally.once(count, ie, Reader::u8)
            }
            kind::MT_EDT_CONTROL_INFORMATION => tally.once(&mut bar.mt_edt_control, ie, Reader::u8),
            _ => tally.skip(),
        })?;
    bar.id = mandatory(id, kind::BAR_ID)?;
    Ok(bar)
}

pub(super) fn write(out: &mut Writer, bar: &CreateBar) {
    out.each(kind::BAR_ID, [&bar.id], values::write_u8);
    let delay = &bar.downlink_data_notification_delay;
    let write = values::write_u8;
    out.each(kind::DOWNLINK_DATA_NOTIFICATION_DELAY, delay, write);
    let count = &bar.suggested_buffering_packets_count;
    out.each(kind::SUGGESTED_BUFFERING_PACKETS_COUNT, count, write);
    out.each(kind::MT_EDT_CONTROL_INFORMATION, &bar.mt_edt_control, write);
}

pub(super) fn read_in_report_response(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateBarInReportResponse, DecodeError> {
    let mut id = None;
    let mut bar = UpdateBarInReportResponse::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::BAR_ID => tally.once(&mut id, ie, Reader::u8),
            kind::DOWNLINK_DATA_NOTIFICATION_DELAY => {
                let delay = &mut bar.downlink_data_notification_delay;
                tally.once(delay, ie, Reader::u8)
            }
            kind::DL_BUFFERING_DURATION => tally.once(&mut bar.buffering_duration, ie, Reader::u8),
            kind::DL_BUFFERING_SUGGESTED_PACKET_COUNT => {
                let read = values::read_packet_count;
                tally.once(&mut bar.buffering_packet_count, ie, read)
            }
            kind::SUGGESTED_BUFFERING_PACKETS_COUNT => {
                let count = &mut bar.suggested_buffering_packets_count;
                tally.once(count, ie, Reader::u8)
            }
            _ => tally.skip(),
        })?;
    bar.id = mandatory(id, kind::BAR_ID)?;
    Ok(bar)
}

pub(super) fn write_in_report_response(out: &mut Writer, bar: &UpdateBarInReportResponse) {
    out.each(kind::BAR_ID, [&bar.id], values::write_u8);
    let delay = &bar.downlink_data_notification_delay;
    out.each(
        kind::DOWNLINK_DATA_NOTIFICATION_DELAY,
        delay,
        values::write_u8,
    );
    let duration = &bar.buffering_duration;
    out.each(kind::DL_BUFFERING_DURATION, duration, values::write_u8);
    let packets = &bar.buffering_packet_count;
    let write_packets = values::write_packet_count;
    out.each(
        kind::DL_BUFFERING_SUGGESTED_PACKET_COUNT,
        packets,
        write_packets,
    );
    let count = &bar.suggested_buffering_packets_count;
    out.each(
        kind::SUGGESTED_BUFFERING_PACKETS_COUNT,
        count,
        values::write_u8,
    );
}
