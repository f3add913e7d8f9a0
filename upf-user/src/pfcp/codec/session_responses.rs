//! Answers about sessions on the wire (TS 29.244 clauses 7.5.3, 7.5.5 and 7.5.7).

use super::body::{
    SessionDeletionResponse, SessionEstablishmentResponse, SessionModificationResponse, Verdict,
};
use super::element::{Element, Elements, Tally, mandatory};
use super::error::DecodeError;
use super::limits::{MAX_OTHER_RULES, MAX_PDRS, MAX_URRS};
use super::node_messages::{write_node_id, write_verdict};
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, load, pdr, traffic_endpoint, usage_report, values};
use crate::pfcp::ie::{Cause, FailedRule, kind};
use crate::pfcp::message::{
    CreatedPdr, CreatedTrafficEndpoint, LoadControl, OverloadControl, UpdatedPdr, UsageReport,
};

/// The IEs that answers about sessions have in common.
#[derive(Default)]
struct Answer {
    cause: Option<Cause>,
    offending_ie: Option<u16>,
    created_pdrs: Vec<CreatedPdr>,
    updated_pdrs: Vec<UpdatedPdr>,
    created_traffic_endpoints: Vec<CreatedTrafficEndpoint>,
    usage_reports: Vec<UsageReport>,
    failed_rule: Option<FailedRule>,
    load_control: Option<LoadControl>,
    overload_control: Option<OverloadControl>,
}

impl Answer {
    fn read(&mut self, ie: &Element<'_>, tally: &mut Tally) -> Result<(), DecodeError> {
        match ie.kind {
            kind::CAUSE => tally.once(&mut self.cause, ie, values::read_cause),
            kind::OFFENDING_IE => tally.once(&mut self.offending_ie, ie, Reader::u16),
            kind::CREATED_PDR => {
                tally.groups(&mut self.created_pdrs, MAX_PDRS, ie, pdr::read_created)
            }
            kind::UPDATED_PDR => {
                tally.groups(&mut self.updated_pdrs, MAX_PDRS, ie, pdr::read_created)
            }
            kind::CREATED_TRAFFIC_ENDPOINT => {
                let endpoints = &mut self.created_traffic_endpoints;
                tally.groups(
                    endpoints,
                    MAX_OTHER_RULES,
                    ie,
                    traffic_endpoint::read_created,
                )
            }
            kind::USAGE_REPORT_IN_MODIFICATION_RESPONSE
            | kind::USAGE_REPORT_IN_DELETION_RESPONSE => {
                tally.groups(&mut self.usage_reports, MAX_URRS, ie, usage_report::read)
            }
            kind::FAILED_RULE_ID => tally.once(&mut self.failed_rule, ie, values::read_failed_rule),
            kind::LOAD_CONTROL_INFORMATION => {
                tally.group(&mut self.load_control, ie, load::read_load)
            }
            kind::OVERLOAD_CONTROL_INFORMATION => {
                tally.group(&mut self.overload_control, ie, load::read_overload)
            }
            _ => tally.skip(),
        }
    }

    fn verdict(&self) -> Result<Verdict, DecodeError> {
        Ok(Verdict {
            cause: mandatory(self.cause, kind::CAUSE)?,
            offending_ie: self.offending_ie,
        })
    }
}

fn write_created(
    out: &mut Writer,
    pdrs: &[CreatedPdr],
    endpoints: &[CreatedTrafficEndpoint],
    failed_rule: &Option<FailedRule>,
) {
    out.each(kind::CREATED_PDR, pdrs, pdr::write_created);
    let write_endpoint = traffic_endpoint::write_created;
    out.each(kind::CREATED_TRAFFIC_ENDPOINT, endpoints, write_endpoint);
    out.each(kind::FAILED_RULE_ID, failed_rule, values::write_failed_rule);
}

fn write_control(out: &mut Writer, load: &Option<LoadControl>, overload: &Option<OverloadControl>) {
    out.each(kind::LOAD_CONTROL_INFORMATION, load, load::write_load);
    let write_overload = load::write_overload;
    out.each(kind::OVERLOAD_CONTROL_INFORMATION, overload, write_overload);
}

pub(super) fn read_establishment(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionEstablishmentResponse, DecodeError> {
    let (mut node_id, mut up_f_seid) = (None, None);
    let mut answer = Answer::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::NODE_ID => tally.once(&mut node_id, ie, addresses::read_node_id),
        kind::F_SEID => tally.once(&mut up_f_seid, ie, addresses::read_f_seid),
        _ => answer.read(ie, tally),
    })?;
    let verdict = answer.verdict()?;
    if verdict.cause == Cause::RequestAccepted && up_f_seid.is_none() {
        return Err(DecodeError::condition(kind::F_SEID));
    }
    Ok(SessionEstablishmentResponse {
        node_id: mandatory(node_id, kind::NODE_ID)?,
        verdict,
        up_f_seid,
        created_pdrs: answer.created_pdrs,
        created_traffic_endpoints: answer.created_traffic_endpoints,
        failed_rule: answer.failed_rule,
        load_control: answer.load_control,
        overload_control: answer.overload_control,
    })
}

pub(super) fn write_establishment(out: &mut Writer, response: &SessionEstablishmentResponse) {
    write_node_id(out, &response.node_id);
    write_verdict(out, &response.verdict);
    out.each(kind::F_SEID, &response.up_f_seid, addresses::write_f_seid);
    write_created(
        out,
        &response.created_pdrs,
        &response.created_traffic_endpoints,
        &response.failed_rule,
    );
    write_control(out, &response.load_control, &response.overload_control);
}

pub(super) fn read_modification(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionModificationResponse, DecodeError> {
    let mut answer = Answer::default();
    body.read_each(tally, |ie, tally| answer.read(ie, tally))?;
    Ok(SessionModificationResponse {
        verdict: answer.verdict()?,
        created_pdrs: answer.created_pdrs,
        updated_pdrs: answer.updated_pdrs,
        usage_reports: answer.usage_reports,
        created_traffic_endpoints: answer.created_traffic_endpoints,
        failed_rule: answer.failed_rule,
        load_control: answer.load_control,
        overload_control: answer.overload_control,
    })
}

pub(super) fn write_modification(out: &mut Writer, response: &SessionModificationResponse) {
    write_verdict(out, &response.verdict);
    write_created(
        out,
        &response.created_pdrs,
        &response.created_traffic_endpoints,
        &response.failed_rule,
    );
    write_control(out, &response.load_control, &response.overload_control);
    let reports = &response.usage_reports;
    let write_report = usage_report::write;
    out.each(
        kind::USAGE_REPORT_IN_MODIFICATION_RESPONSE,
        reports,
        write_report,
    );
    out.each(
        kind::UPDATED_PDR,
        &response.updated_pdrs,
        pdr::write_created,
    );
}

pub(super) fn read_deletion(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionDeletionResponse, DecodeError> {
    let mut answer = Answer::default();
    body.read_each(tally, |ie, tally| answer.read(ie, tally))?;
    Ok(SessionDeletionResponse {
        verdict: answer.verdict()?,
        usage_reports: answer.usage_reports,
        load_control: answer.load_control,
        overload_control: answer.overload_control,
    })
}

pub(super) fn write_deletion(out: &mut Writer, response: &SessionDeletionResponse) {
    write_verdict(out, &response.verdict);
    write_control(out, &response.load_control, &response.overload_control);
    let reports = &response.usage_reports;
    let write_report = usage_report::write;
    out.each(
        kind::USAGE_REPORT_IN_DELETION_RESPONSE,
        reports,
        write_report,
    );
}
