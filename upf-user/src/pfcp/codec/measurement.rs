//! What is measured, when it is reported, and how much it was.

use super::error::Flaw;
use super::reader::Reader;
use super::writer::Writer;
use crate::pfcp::ie::{
    DroppedTrafficThreshold, MeasurementMethod, ReportingTriggers, UsageReportTrigger,
    VolumeMeasurement, Volumes,
};

/// Measurement Method (clause 8.2.40).
pub(super) fn read_measurement_method(reader: &mut Reader<'_>) -> Result<MeasurementMethod, Flaw> {
    reader.u8().map(MeasurementMethod)
}

pub(super) fn write_measurement_method(out: &mut Writer, method: &MeasurementMethod) {
    out.u8(method.0);
}

/// Two or three octets of flags, the first one in the lowest byte: the third came with Release 16.
fn read_triggers(reader: &mut Reader<'_>) -> Result<u32, Flaw> {
    let (low, middle) = (reader.u8()?, reader.u8()?);
    let high = reader.when(!reader.is_empty(), Reader::u8)?;
    Ok(u32::from_le_bytes([
        low,
        middle,
        high.unwrap_or_default(),
        0,
    ]))
}

fn write_triggers(out: &mut Writer, triggers: u32) {
    out.octets(&triggers.to_le_bytes()[..3]);
}

/// Reporting Triggers (clause 8.2.19).
pub(super) fn read_reporting_triggers(reader: &mut Reader<'_>) -> Result<ReportingTriggers, Flaw> {
    read_triggers(reader).map(ReportingTriggers)
}

pub(super) fn write_reporting_triggers(out: &mut Writer, triggers: &ReportingTriggers) {
    write_triggers(out, triggers.0);
}

/// Usage Report Trigger (clause 8.2.41).
pub(super) fn read_usage_report_trigger(
    reader: &mut Reader<'_>,
) -> Result<UsageReportTrigger, Flaw> {
    read_triggers(reader).map(UsageReportTrigger)
}

pub(super) fn write_usage_report_trigger(out: &mut Writer, trigger: &UsageReportTrigger) {
    write_triggers(out, trigger.0);
}

/// Volume Threshold, Volume Quota and the subsequent ones (clauses 8.2.13 and 8.2.50).
pub(super) fn read_volumes(reader: &mut Reader<'_>) -> Result<Volumes, Flaw> {
    let flags = reader.u8()?;
    read_three(reader, flags)
}

pub(super) fn write_volumes(out: &mut Writer, volumes: &Volumes) {
    out.u8(three_flags(volumes));
    write_three(out, volumes);
}

fn read_three(reader: &mut Reader<'_>, flags: u8) -> Result<Volumes, Flaw> {
    Ok(Volumes {
        total: reader.when(flags & 1 != 0, Reader::u64)?,
        uplink: reader.when(flags & 2 != 0, Reader::u64)?,
        downlink: reader.when(flags & 4 != 0, Reader::u64)?,
    })
}

fn three_flags(volumes: &Volumes) -> u8 {
    u8::from(volumes.total.is_some())
        | u8::from(volumes.uplink.is_some()) << 1
        | u8::from(volumes.downlink.is_some()) << 2
}

fn write_three(out: &mut Writer, volumes: &Volumes) {
    let all = [volumes.total, volumes.uplink, volumes.downlink];
    for volume in all.into_iter().flatten() {
        out.u64(volume);
    }
}

/// Volume Measurement (clause 8.2.44).
pub(super) fn read_volume_measurement(reader: &mut Reader<'_>) -> Result<VolumeMeasurement, Flaw> {
    let flags = reader.u8()?;
    Ok(VolumeMeasurement {
        octets: read_three(reader, flags)?,
        packets: read_three(reader, flags >> 3)?,
    })
}

pub(super) fn write_volume_measurement(out: &mut Writer, measurement: &VolumeMeasurement) {
    let (octets, packets) = (&measurement.octets, &measurement.packets);
    out.u8(three_flags(octets) | three_flags(packets) << 3);
    write_three(out, octets);
    write_three(out, packets);
}

/// Dropped DL Traffic Threshold (clause 8.2.49).
pub(super) fn read_dropped_traffic(
    reader: &mut Reader<'_>,
) -> Result<DroppedTrafficThreshold, Flaw> {
    let flags = reader.u8()?;
    Ok(DroppedTrafficThreshold {
        packets: reader.when(flags & 1 != 0, Reader::u64)?,
        octets: reader.when(flags & 2 != 0, Reader::u64)?,
    })
}

pub(super) fn write_dropped_traffic(out: &mut Writer, threshold: &DroppedTrafficThreshold) {
    out.u8(u8::from(threshold.packets.is_some()) | u8::from(threshold.octets.is_some()) << 1);
    for count in [threshold.packets, threshold.octets].into_iter().flatten() {
        out.u64(count);
    }
}
