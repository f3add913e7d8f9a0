//! Session reports on the wire (TS 29.244 clauses 7.5.8 and 7.5.9).

use super::element::{Element, Elements, Tally, mandatory};
use super::error::DecodeError;
use super::limits::{MAX_OTHER_RULES, MAX_PDRS, MAX_PEERS, MAX_URRS, MAX_VALUES};
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, bar, treatment, usage_report, values};
use crate::pfcp::ie::{FTeid, kind};
use crate::pfcp::message::{DownlinkDataReport, SessionReportRequest, SessionReportResponse};

/// Bits of Report Type (clause 8.2.21).
const DLDR: u8 = 1 << 0;
const USAR: u8 = 1 << 1;
const ERIR: u8 = 1 << 2;
const UPIR: u8 = 1 << 3;

pub(super) fn read_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionReportRequest, DecodeError> {
    let (mut report_type, mut error_indication) = (None, None);
    let mut request = SessionReportRequest::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::REPORT_TYPE => tally.once(&mut report_type, ie, Reader::u8),
        kind::DOWNLINK_DATA_REPORT => {
            tally.group(&mut request.downlink_data, ie, read_downlink_data)
        }
        kind::USAGE_REPORT_IN_REPORT_REQUEST => {
            tally.groups(&mut request.usage, MAX_URRS, ie, usage_report::read)
        }
        kind::ERROR_INDICATION_REPORT => {
            tally.group(&mut error_indication, ie, read_error_indication)
        }
        _ => tally.skip(),
    })?;
    let report_type = mandatory(report_type, kind::REPORT_TYPE)?;
    request.error_indication = error_indication.unwrap_or_default();
    request.is_user_plane_inactive = report_type & UPIR != 0;
    let conditions = [
        (
            DLDR,
            request.downlink_data.is_some(),
            kind::DOWNLINK_DATA_REPORT,
        ),
        (
            USAR,
            !request.usage.is_empty(),
            kind::USAGE_REPORT_IN_REPORT_REQUEST,
        ),
        (
            ERIR,
            !request.error_indication.is_empty(),
            kind::ERROR_INDICATION_REPORT,
        ),
    ];
    for (bit, is_there, kind) in conditions {
        if report_type & bit != 0 && !is_there {
            return Err(DecodeError::condition(kind));
        }
    }
    Ok(request)
}

pub(super) fn write_request(out: &mut Writer, request: &SessionReportRequest) {
    let types = [
        (request.downlink_data.is_some(), DLDR),
        (!request.usage.is_empty(), USAR),
        (!request.error_indication.is_empty(), ERIR),
        (request.is_user_plane_inactive, UPIR),
    ];
    let said = types.into_iter().filter(|(is_there, _)| *is_there);
    let report_type = said.fold(0, |all, (_, bit)| all | bit);
    out.each(kind::REPORT_TYPE, [&report_type], values::write_u8);
    let downlink = &request.downlink_data;
    out.each(kind::DOWNLINK_DATA_REPORT, downlink, write_downlink_data);
    let usage = &request.usage;
    let write_usage = usage_report::write;
    out.each(kind::USAGE_REPORT_IN_REPORT_REQUEST, usage, write_usage);
    if !request.error_indication.is_empty() {
        out.element(kind::ERROR_INDICATION_REPORT, |out| {
            let tunnels = &request.error_indication;
            out.each(kind::F_TEID, tunnels, addresses::write_f_teid);
        });
    }
}

fn read_downlink_data(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<DownlinkDataReport, DecodeError> {
    let mut report = DownlinkDataReport::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::PDR_ID => tally.several(&mut report.pdr_ids, MAX_PDRS, ie, Reader::u16),
            kind::DOWNLINK_DATA_SERVICE_INFORMATION => {
                let information = &mut report.service_information;
                let read = treatment::read_service_information;
                tally.several(information, MAX_VALUES, ie, read)
            }
            _ => tally.skip(),
        })?;
    if report.pdr_ids.is_empty() {
        return Err(DecodeError::missing(kind::PDR_ID));
    }
    Ok(report)
}

fn write_downlink_data(out: &mut Writer, report: &DownlinkDataReport) {
    out.each(kind::PDR_ID, &report.pdr_ids, values::write_u16);
    let information = &report.service_information;
    let write = treatment::write_service_information;
    out.each(kind::DOWNLINK_DATA_SERVICE_INFORMATION, information, write);
}

fn read_error_indication(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<Vec<FTeid>, DecodeError> {
    let mut tunnels = Vec::new();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::F_TEID => tally.several(&mut tunnels, MAX_PEERS, ie, addresses::read_f_teid),
            _ => tally.skip(),
        })?;
    if tunnels.is_empty() {
        return Err(DecodeError::missing(kind::F_TEID));
    }
    Ok(tunnels)
}

pub(super) fn read_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionReportResponse, DecodeError> {
    let (mut cause, mut offending_ie, mut flags, mut cp_f_seid) = (None, None, None, None);
    let mut update_bars = Vec::new();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::CAUSE => tally.once(&mut cause, ie, values::read_cause),
        kind::OFFENDING_IE => tally.once(&mut offending_ie, ie, Reader::u16),
        kind::UPDATE_BAR_IN_REPORT_RESPONSE => {
            let read = bar::read_in_report_response;
            tally.groups(&mut update_bars, MAX_OTHER_RULES, ie, read)
        }
        kind::PFCPSRRSP_FLAGS => tally.once(&mut flags, ie, Reader::u8),
        kind::F_SEID => tally.once(&mut cp_f_seid, ie, addresses::read_f_seid),
        _ => tally.skip(),
    })?;
    Ok(SessionReportResponse {
        cause: mandatory(cause, kind::CAUSE)?,
        offending_ie,
        update_bars,
        flags: flags.unwrap_or_default(),
        cp_f_seid,
    })
}

pub(super) fn write_response(out: &mut Writer, response: &SessionReportResponse) {
    out.each(kind::CAUSE, [&response.cause], values::write_cause);
    let offending = &response.offending_ie;
    out.each(kind::OFFENDING_IE, offending, values::write_u16);
    let bars = &response.update_bars;
    let write_bar = bar::write_in_report_response;
    out.each(kind::UPDATE_BAR_IN_REPORT_RESPONSE, bars, write_bar);
    let flags = (response.flags != 0).then_some(response.flags);
    out.each(kind::PFCPSRRSP_FLAGS, &flags, values::write_u8);
    out.each(kind::F_SEID, &response.cp_f_seid, addresses::write_f_seid);
}
