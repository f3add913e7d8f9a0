//! Usage Reporting Rules on the wire (TS 29.244 clauses 7.5.2.4 and 7.5.4.4).

use super::element::{Element, Tally, mandatory};
use super::error::DecodeError;
use super::limits::{MAX_URRS, MAX_VALUES};
use super::reader::Reader;
use super::writer::Writer;
use super::{measurement, values};
use crate::pfcp::ie::kind;
use crate::pfcp::message::{AdditionalMonitoringTime, CreateUrr, UpdateUrr};

pub(super) fn read_create(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<CreateUrr, DecodeError> {
    let mut settings = read_update(group, tally)?;
    let method = settings.measurement_method.take();
    let triggers = settings.reporting_triggers.take();
    Ok(CreateUrr {
        id: std::mem::take(&mut settings.id),
        measurement_method: mandatory(method, kind::MEASUREMENT_METHOD)?,
        reporting_triggers: mandatory(triggers, kind::REPORTING_TRIGGERS)?,
        settings,
    })
}

pub(super) fn write_create(out: &mut Writer, urr: &CreateUrr) {
    out.each(kind::URR_ID, [&urr.id], values::write_u32);
    let method = [&urr.measurement_method];
    let write_method = measurement::write_measurement_method;
    out.each(kind::MEASUREMENT_METHOD, method, write_method);
    let triggers = [&urr.reporting_triggers];
    let write_triggers = measurement::write_reporting_triggers;
    out.each(kind::REPORTING_TRIGGERS, triggers, write_triggers);
    write_settings(out, &urr.settings);
}

/// The two groups have the same IEs; only what is mandatory differs.
pub(super) fn read_update(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<UpdateUrr, DecodeError> {
    let mut id = None;
    let mut urr = UpdateUrr::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::URR_ID => tally.once(&mut id, ie, Reader::u32),
            kind::MEASUREMENT_METHOD => {
                let read = measurement::read_measurement_method;
                tally.once(&mut urr.measurement_method, ie, read)
            }
            kind::REPORTING_TRIGGERS => {
                let read = measurement::read_reporting_triggers;
                tally.once(&mut urr.reporting_triggers, ie, read)
            }
            kind::MEASUREMENT_PERIOD => tally.once(&mut urr.measurement_period, ie, Reader::u32),
            kind::QUOTA_HOLDING_TIME => tally.once(&mut urr.quota_holding_time, ie, Reader::u32),
            kind::DROPPED_DL_TRAFFIC_THRESHOLD => {
                let threshold = &mut urr.dropped_downlink_traffic_threshold;
                tally.once(threshold, ie, measurement::read_dropped_traffic)
            }
            kind::QUOTA_VALIDITY_TIME => tally.once(&mut urr.quota_validity_time, ie, Reader::u32),
            kind::INACTIVITY_DETECTION_TIME => {
                tally.once(&mut urr.inactivity_detection_time, ie, Reader::u32)
            }
            kind::LINKED_URR_ID => {
                tally.several(&mut urr.linked_urr_ids, MAX_URRS, ie, Reader::u32)
            }
            kind::MEASUREMENT_INFORMATION => {
                tally.once(&mut urr.measurement_information, ie, Reader::u8)
            }
            kind::FAR_ID => tally.once(&mut urr.quota_action_far_id, ie, Reader::u32),
            kind::ETHERNET_INACTIVITY_TIMER => {
                tally.once(&mut urr.ethernet_inactivity_timer, ie, Reader::u32)
            }
            kind::ADDITIONAL_MONITORING_TIME => {
                let times = &mut urr.additional_monitoring_times;
                tally.groups(times, MAX_VALUES, ie, read_additional_monitoring_time)
            }
            kind::NUMBER_OF_REPORTS => tally.once(&mut urr.number_of_reports, ie, Reader::u16),
            _ => read_limit(&mut urr, ie, tally),
        })?;
    urr.id = mandatory(id, kind::URR_ID)?;
    Ok(urr)
}

/// Thresholds and quotas, and the subsequent ones.
fn read_limit(urr: &mut UpdateUrr, ie: &Element<'_>, tally: &mut Tally) -> Result<(), DecodeError> {
    let read_volumes = measurement::read_volumes;
    match ie.kind {
        kind::VOLUME_THRESHOLD => tally.once(&mut urr.volume_threshold, ie, read_volumes),
        kind::VOLUME_QUOTA => tally.once(&mut urr.volume_quota, ie, read_volumes),
        kind::TIME_THRESHOLD => tally.once(&mut urr.time_threshold, ie, Reader::u32),
        kind::TIME_QUOTA => tally.once(&mut urr.time_quota, ie, Reader::u32),
        kind::EVENT_THRESHOLD => tally.once(&mut urr.event_threshold, ie, Reader::u32),
        kind::EVENT_QUOTA => tally.once(&mut urr.event_quota, ie, Reader::u32),
        kind::MONITORING_TIME => tally.once(&mut urr.monitoring_time, ie, Reader::u32),
        kind::SUBSEQUENT_VOLUME_THRESHOLD => {
            tally.once(&mut urr.subsequent_volume_threshold, ie, read_volumes)
        }
        kind::SUBSEQUENT_VOLUME_QUOTA => {
            tally.once(&mut urr.subsequent_volume_quota, ie, read_volumes)
        }
        kind::SUBSEQUENT_TIME_THRESHOLD => {
            tally.once(&mut urr.subsequent_time_threshold, ie, Reader::u32)
        }
        kind::SUBSEQUENT_TIME_QUOTA => tally.once(&mut urr.subsequent_time_quota, ie, Reader::u32),
        kind::SUBSEQUENT_EVENT_THRESHOLD => {
            tally.once(&mut urr.subsequent_event_threshold, ie, Reader::u32)
        }
        kind::SUBSEQUENT_EVENT_QUOTA => {
            tally.once(&mut urr.subsequent_event_quota, ie, Reader::u32)
        }
        _ => tally.skip(),
    }
}

pub(super) fn write_update(out: &mut Writer, urr: &UpdateUrr) {
    out.each(kind::URR_ID, [&urr.id], values::write_u32);
    let method = &urr.measurement_method;
    let write_method = measurement::write_measurement_method;
    out.each(kind::MEASUREMENT_METHOD, method, write_method);
    let triggers = &urr.reporting_triggers;
    let write_triggers = measurement::write_reporting_triggers;
    out.each(kind::REPORTING_TRIGGERS, triggers, write_triggers);
    write_settings(out, urr);
}

/// What is not mandatory in a creation.
fn write_settings(out: &mut Writer, urr: &UpdateUrr) {
    let seconds = [
        (kind::MEASUREMENT_PERIOD, urr.measurement_period),
        (kind::TIME_THRESHOLD, urr.time_threshold),
        (kind::TIME_QUOTA, urr.time_quota),
        (kind::EVENT_THRESHOLD, urr.event_threshold),
        (kind::EVENT_QUOTA, urr.event_quota),
        (kind::QUOTA_HOLDING_TIME, urr.quota_holding_time),
        (kind::QUOTA_VALIDITY_TIME, urr.quota_validity_time),
        (kind::MONITORING_TIME, urr.monitoring_time),
        (
            kind::SUBSEQUENT_TIME_THRESHOLD,
            urr.subsequent_time_threshold,
        ),
        (kind::SUBSEQUENT_TIME_QUOTA, urr.subsequent_time_quota),
        (
            kind::SUBSEQUENT_EVENT_THRESHOLD,
            urr.subsequent_event_threshold,
        ),
        (kind::SUBSEQUENT_EVENT_QUOTA, urr.subsequent_event_quota),
        (
            kind::INACTIVITY_DETECTION_TIME,
            urr.inactivity_detection_time,
        ),
        (kind::FAR_ID, urr.quota_action_far_id),
        (
            kind::ETHERNET_INACTIVITY_TIMER,
            urr.ethernet_inactivity_timer,
        ),
    ];
    let volumes = [
        (kind::VOLUME_THRESHOLD, urr.volume_threshold),
        (kind::VOLUME_QUOTA, urr.volume_quota),
        (
            kind::SUBSEQUENT_VOLUME_THRESHOLD,
            urr.subsequent_volume_threshold,
        ),
        (kind::SUBSEQUENT_VOLUME_QUOTA, urr.subsequent_volume_quota),
    ];
    for (kind, number) in &seconds {
        out.each(*kind, number, values::write_u32);
    }
    for (kind, volumes) in &volumes {
        out.each(*kind, volumes, measurement::write_volumes);
    }
    let dropped = &urr.dropped_downlink_traffic_threshold;
    let write_dropped = measurement::write_dropped_traffic;
    out.each(kind::DROPPED_DL_TRAFFIC_THRESHOLD, dropped, write_dropped);
    out.each(kind::LINKED_URR_ID, &urr.linked_urr_ids, values::write_u32);
    let information = &urr.measurement_information;
    out.each(kind::MEASUREMENT_INFORMATION, information, values::write_u8);
    let times = &urr.additional_monitoring_times;
    let write_time = write_additional_monitoring_time;
    out.each(kind::ADDITIONAL_MONITORING_TIME, times, write_time);
    let reports = &urr.number_of_reports;
    out.each(kind::NUMBER_OF_REPORTS, reports, values::write_u16);
}

fn read_additional_monitoring_time(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<AdditionalMonitoringTime, DecodeError> {
    // The group's IEs are among those of an update.
    let mut urr = UpdateUrr::default();
    group
        .elements()
        .read_each(tally, |ie, tally| read_limit(&mut urr, ie, tally))?;
    Ok(AdditionalMonitoringTime {
        monitoring_time: mandatory(urr.monitoring_time, kind::MONITORING_TIME)?,
        subsequent_volume_threshold: urr.subsequent_volume_threshold,
        subsequent_time_threshold: urr.subsequent_time_threshold,
        subsequent_volume_quota: urr.subsequent_volume_quota,
        subsequent_time_quota: urr.subsequent_time_quota,
        // Here these two types stand for the subsequent ones (table 7.5.2.4-3).
        subsequent_event_threshold: urr.event_threshold.or(urr.subsequent_event_threshold),
        subsequent_event_quota: urr.event_quota.or(urr.subsequent_event_quota),
    })
}

fn write_additional_monitoring_time(out: &mut Writer, time: &AdditionalMonitoringTime) {
    let write_volumes = measurement::write_volumes;
    out.each(
        kind::MONITORING_TIME,
        [&time.monitoring_time],
        values::write_u32,
    );
    let threshold = &time.subsequent_volume_threshold;
    out.each(kind::SUBSEQUENT_VOLUME_THRESHOLD, threshold, write_volumes);
    let threshold = &time.subsequent_time_threshold;
    out.each(
        kind::SUBSEQUENT_TIME_THRESHOLD,
        threshold,
        values::write_u32,
    );
    let quota = &time.subsequent_volume_quota;
    out.each(kind::SUBSEQUENT_VOLUME_QUOTA, quota, write_volumes);
    let quota = &time.subsequent_time_quota;
    out.each(kind::SUBSEQUENT_TIME_QUOTA, quota, values::write_u32);
    let threshold = &time.subsequent_event_threshold;
    out.each(kind::EVENT_THRESHOLD, threshold, values::write_u32);
    let quota = &time.subsequent_event_quota;
    out.each(kind::EVENT_QUOTA, quota, values::write_u32);
}
