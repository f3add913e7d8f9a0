//! Messages about sessions (TS 29.244 clause 7.5).

use super::body::{
    SessionDeletionResponse, SessionEstablishmentResponse, SessionModificationResponse, Verdict,
};
use super::element::{Element, Elements, Tally, push};
use super::error::DecodeError;
use super::node_messages::{write_node_id, write_verdict};
use super::reader::Reader;
use super::writer::Writer;
use super::{MAX_FARS, MAX_PDRS, MAX_QERS, addresses, far, names, pdr, qer, values};
use crate::pfcp::ie::{Cause, FailedRule, UserId, kind};
use crate::pfcp::message::{
    CreatedPdr, SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};

/// PFCPSEReq-Flags (IE type 186): the session is restored.
const RESTI: u8 = 1 << 0;

pub(super) fn read_establishment_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionEstablishmentRequest, DecodeError> {
    let (mut node_id, mut cp_f_seid, mut flags) = (None, None, None);
    let (mut dnn, mut user_id) = (None, None);
    let (mut create_pdrs, mut create_fars, mut create_qers) = (vec![], vec![], vec![]);
    for ie in body {
        let ie = ie?;
        match ie.kind {
            kind::NODE_ID => tally.once(&mut node_id, &ie, addresses::read_node_id)?,
            kind::F_SEID => tally.once(&mut cp_f_seid, &ie, addresses::read_f_seid)?,
            kind::CREATE_PDR => push(&mut create_pdrs, MAX_PDRS, &ie, |ie| {
                pdr::read_create(ie, tally)
            })?,
            kind::CREATE_FAR => push(&mut create_fars, MAX_FARS, &ie, |ie| {
                far::read_create(ie, tally)
            })?,
            kind::CREATE_QER => push(&mut create_qers, MAX_QERS, &ie, |ie| {
                qer::read_create(ie, tally)
            })?,
            kind::USER_ID => tally.once(&mut user_id, &ie, names::read_user_id)?,
            kind::APN_DNN => tally.once(&mut dnn, &ie, names::read_name)?,
            kind::PFCPSEREQ_FLAGS => tally.once(&mut flags, &ie, Reader::u8)?,
            _ => tally.skip(),
        }
    }
    let required = |list_is_empty: bool, kind| match list_is_empty {
        true => Err(DecodeError::missing(kind)),
        false => Ok(()),
    };
    let node_id = node_id.ok_or(DecodeError::missing(kind::NODE_ID))?;
    let cp_f_seid = cp_f_seid.ok_or(DecodeError::missing(kind::F_SEID))?;
    required(create_pdrs.is_empty(), kind::CREATE_PDR)?;
    required(create_fars.is_empty(), kind::CREATE_FAR)?;
    Ok(SessionEstablishmentRequest {
        create_pdrs,
        create_fars,
        create_qers,
        dnn,
        user_id: user_id.flatten().map(|imsi: String| UserId::of_imsi(&imsi)),
        is_restoration: flags.unwrap_or_default() & RESTI != 0,
        ..SessionEstablishmentRequest::new(node_id, cp_f_seid)
    })
}

pub(super) fn write_establishment_request(out: &mut Writer, request: &SessionEstablishmentRequest) {
    write_node_id(out, &request.node_id);
    out.each(kind::F_SEID, [&request.cp_f_seid], addresses::write_f_seid);
    out.each(kind::CREATE_PDR, &request.create_pdrs, pdr::write_create);
    out.each(kind::CREATE_FAR, &request.create_fars, far::write_create);
    out.each(kind::CREATE_QER, &request.create_qers, qer::write_create);
    if let Some(imsi) = request.imsi() {
        out.element(kind::USER_ID, |out| names::write_user_id(out, imsi));
    }
    out.each(kind::APN_DNN, &request.dnn, |out, dnn| {
        names::write_name(out, dnn);
    });
    let flags = request.is_restoration.then_some(RESTI);
    out.each(kind::PFCPSEREQ_FLAGS, &flags, values::write_u8);
}

pub(super) fn read_modification_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionModificationRequest, DecodeError> {
    let mut request = SessionModificationRequest::default();
    for ie in body {
        let ie = ie?;
        if ie.kind == kind::F_SEID {
            tally.once(&mut request.cp_f_seid, &ie, addresses::read_f_seid)?;
        } else {
            read_rule_change(&mut request, &ie, tally)?;
        }
    }
    Ok(request)
}

fn read_rule_change(
    request: &mut SessionModificationRequest,
    ie: &Element<'_>,
    tally: &mut Tally,
) -> Result<(), DecodeError> {
    match ie.kind {
        kind::REMOVE_PDR => push(&mut request.remove_pdrs, MAX_PDRS, ie, |ie| {
            pdr::read_remove(ie, tally)
        }),
        kind::REMOVE_FAR => push(&mut request.remove_fars, MAX_FARS, ie, |ie| {
            far::read_remove(ie, tally)
        }),
        kind::REMOVE_QER => push(&mut request.remove_qers, MAX_QERS, ie, |ie| {
            qer::read_remove(ie, tally)
        }),
        kind::CREATE_PDR => push(&mut request.create_pdrs, MAX_PDRS, ie, |ie| {
            pdr::read_create(ie, tally)
        }),
        kind::CREATE_FAR => push(&mut request.create_fars, MAX_FARS, ie, |ie| {
            far::read_create(ie, tally)
        }),
        kind::CREATE_QER => push(&mut request.create_qers, MAX_QERS, ie, |ie| {
            qer::read_create(ie, tally)
        }),
        kind::UPDATE_PDR => push(&mut request.update_pdrs, MAX_PDRS, ie, |ie| {
            pdr::read_update(ie, tally)
        }),
        kind::UPDATE_FAR => push(&mut request.update_fars, MAX_FARS, ie, |ie| {
            far::read_update(ie, tally)
        }),
        kind::UPDATE_QER => push(&mut request.update_qers, MAX_QERS, ie, |ie| {
            qer::read_update(ie, tally)
        }),
        _ => {
            tally.skip();
            Ok(())
        }
    }
}

pub(super) fn write_modification_request(out: &mut Writer, request: &SessionModificationRequest) {
    out.each(kind::F_SEID, &request.cp_f_seid, addresses::write_f_seid);
    out.each(kind::REMOVE_PDR, &request.remove_pdrs, pdr::write_remove);
    out.each(kind::REMOVE_FAR, &request.remove_fars, far::write_remove);
    out.each(kind::REMOVE_QER, &request.remove_qers, qer::write_remove);
    out.each(kind::CREATE_PDR, &request.create_pdrs, pdr::write_create);
    out.each(kind::CREATE_FAR, &request.create_fars, far::write_create);
    out.each(kind::CREATE_QER, &request.create_qers, qer::write_create);
    out.each(kind::UPDATE_PDR, &request.update_pdrs, pdr::write_update);
    out.each(kind::UPDATE_FAR, &request.update_fars, far::write_update);
    out.each(kind::UPDATE_QER, &request.update_qers, qer::write_update);
}

pub(super) fn read_deletion_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionDeletionRequest, DecodeError> {
    let mut request = SessionDeletionRequest::default();
    for ie in body {
        let ie = ie?;
        match ie.kind {
            kind::F_SEID => tally.once(&mut request.cp_f_seid, &ie, addresses::read_f_seid)?,
            _ => tally.skip(),
        }
    }
    Ok(request)
}

pub(super) fn write_deletion_request(out: &mut Writer, request: &SessionDeletionRequest) {
    out.each(kind::F_SEID, &request.cp_f_seid, addresses::write_f_seid);
}

pub(super) fn read_establishment_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionEstablishmentResponse, DecodeError> {
    let (mut node_id, mut up_f_seid) = (None, None);
    let mut answer = Answer::default();
    for ie in body {
        let ie = ie?;
        match ie.kind {
            kind::NODE_ID => tally.once(&mut node_id, &ie, addresses::read_node_id)?,
            kind::F_SEID => tally.once(&mut up_f_seid, &ie, addresses::read_f_seid)?,
            _ => answer.read(&ie, tally)?,
        }
    }
    let response = answer.finish()?;
    if response.verdict.cause == Cause::RequestAccepted && up_f_seid.is_none() {
        return Err(DecodeError::condition(kind::F_SEID));
    }
    Ok(SessionEstablishmentResponse {
        node_id: node_id.ok_or(DecodeError::missing(kind::NODE_ID))?,
        verdict: response.verdict,
        up_f_seid,
        created_pdrs: response.created_pdrs,
        created_traffic_endpoints: response.created_traffic_endpoints,
        failed_rule: response.failed_rule,
        load_control: response.load_control,
        overload_control: response.overload_control,
    })
}

pub(super) fn write_establishment_response(
    out: &mut Writer,
    response: &SessionEstablishmentResponse,
) {
    write_node_id(out, &response.node_id);
    write_verdict(out, &response.verdict);
    out.each(kind::F_SEID, &response.up_f_seid, addresses::write_f_seid);
    out.each(
        kind::CREATED_PDR,
        &response.created_pdrs,
        pdr::write_created,
    );
    let failed = &response.failed_rule;
    out.each(kind::FAILED_RULE_ID, failed, values::write_failed_rule);
}

pub(super) fn read_modification_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionModificationResponse, DecodeError> {
    let mut answer = Answer::default();
    for ie in body {
        answer.read(&ie?, tally)?;
    }
    answer.finish()
}

pub(super) fn write_modification_response(
    out: &mut Writer,
    response: &SessionModificationResponse,
) {
    write_verdict(out, &response.verdict);
    out.each(
        kind::CREATED_PDR,
        &response.created_pdrs,
        pdr::write_created,
    );
    let failed = &response.failed_rule;
    out.each(kind::FAILED_RULE_ID, failed, values::write_failed_rule);
}

pub(super) fn read_deletion_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionDeletionResponse, DecodeError> {
    let response = read_modification_response(body, tally)?;
    Ok(SessionDeletionResponse {
        verdict: response.verdict,
        usage_reports: response.usage_reports,
        load_control: response.load_control,
        overload_control: response.overload_control,
    })
}

/// The IEs that answers about sessions have in common.
#[derive(Default)]
struct Answer {
    cause: Option<Cause>,
    offending_ie: Option<u16>,
    created_pdrs: Vec<CreatedPdr>,
    failed_rule: Option<FailedRule>,
}

impl Answer {
    fn read(&mut self, ie: &Element<'_>, tally: &mut Tally) -> Result<(), DecodeError> {
        match ie.kind {
            kind::CAUSE => tally.once(&mut self.cause, ie, values::read_cause),
            kind::OFFENDING_IE => tally.once(&mut self.offending_ie, ie, Reader::u16),
            kind::CREATED_PDR => push(&mut self.created_pdrs, MAX_PDRS, ie, |ie| {
                pdr::read_created(ie, tally)
            }),
            kind::FAILED_RULE_ID => tally.once(&mut self.failed_rule, ie, values::read_failed_rule),
            _ => {
                tally.skip();
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<SessionModificationResponse, DecodeError> {
        Ok(SessionModificationResponse {
            verdict: Verdict {
                cause: self.cause.ok_or(DecodeError::missing(kind::CAUSE))?,
                offending_ie: self.offending_ie,
            },
            created_pdrs: self.created_pdrs,
            failed_rule: self.failed_rule,
            updated_pdrs: Vec::new(),
            usage_reports: Vec::new(),
            created_traffic_endpoints: Vec::new(),
            load_control: None,
            overload_control: None,
        })
    }
}
