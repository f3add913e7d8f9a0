//! Requests about sessions on the wire (TS 29.244 clauses 7.5.2, 7.5.4 and 7.5.6).

use super::element::{Element, Elements, Tally, mandatory, read_id};
use super::error::DecodeError;
use super::limits::{MAX_FARS, MAX_FQ_CSIDS, MAX_OTHER_RULES, MAX_PDRS, MAX_QERS, MAX_URRS};
use super::node_messages::write_node_id;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, bar, far, identities, mar, names, pdr, qer, traffic_endpoint, urr, values};
use crate::pfcp::ie::{SNssai, UserId, kind};
use crate::pfcp::message::{
    SessionDeletionRequest, SessionEstablishmentRequest, SessionModificationRequest,
};

/// PFCPSEReq-Flags (IE type 186): the session is restored.
const RESTI: u8 = 1 << 0;

pub(super) fn read_establishment(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionEstablishmentRequest, DecodeError> {
    let (mut node_id, mut cp_f_seid) = (None, None);
    let mut rules = SessionModificationRequest::default();
    let mut rest = Descriptions::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::NODE_ID => tally.once(&mut node_id, ie, addresses::read_node_id),
        kind::F_SEID => tally.once(&mut cp_f_seid, ie, addresses::read_f_seid),
        kind::FQ_CSID => {
            let read = identities::read_fq_csid;
            tally.several(&mut rules.fq_csids, MAX_FQ_CSIDS, ie, read)
        }
        kind::USER_PLANE_INACTIVITY_TIMER => {
            tally.once(&mut rules.user_plane_inactivity_timer, ie, Reader::u32)
        }
        kind::PDN_TYPE
        | kind::USER_ID
        | kind::APN_DNN
        | kind::S_NSSAI
        | kind::RAT_TYPE
        | kind::GROUP_ID
        | kind::PFCPSEREQ_FLAGS => rest.read(ie, tally),
        _ => read_creation(&mut rules, ie, tally),
    })?;
    let node_id = mandatory(node_id, kind::NODE_ID)?;
    let cp_f_seid = mandatory(cp_f_seid, kind::F_SEID)?;
    if rules.create_pdrs.is_empty() {
        return Err(DecodeError::missing(kind::CREATE_PDR));
    }
    if rules.create_fars.is_empty() {
        return Err(DecodeError::missing(kind::CREATE_FAR));
    }
    Ok(SessionEstablishmentRequest {
        node_id,
        cp_f_seid,
        create_pdrs: rules.create_pdrs,
        create_fars: rules.create_fars,
        create_urrs: rules.create_urrs,
        create_qers: rules.create_qers,
        create_bars: rules.create_bars,
        create_traffic_endpoints: rules.create_traffic_endpoints,
        create_mars: rules.create_mars,
        pdn_type: rest.pdn_type,
        fq_csids: rules.fq_csids,
        user_plane_inactivity_timer: rules.user_plane_inactivity_timer,
        user_id: rest.user_id,
        dnn: rest.dnn,
        s_nssai: rest.s_nssai,
        rat_type: rest.rat_type,
        group_id: rest.group_id,
        is_restoration: rest.flags.unwrap_or_default() & RESTI != 0,
    })
}

/// What an establishment says about a session besides its rules.
#[derive(Default)]
struct Descriptions {
    pdn_type: Option<u8>,
    user_id: Option<UserId>,
    dnn: Option<String>,
    s_nssai: Option<SNssai>,
    rat_type: Option<u8>,
    group_id: Option<Vec<u8>>,
    flags: Option<u8>,
}

impl Descriptions {
    fn read(&mut self, ie: &Element<'_>, tally: &mut Tally) -> Result<(), DecodeError> {
        match ie.kind {
            kind::PDN_TYPE => tally.once(&mut self.pdn_type, ie, values::read_three_bits),
            kind::USER_ID => tally.once(&mut self.user_id, ie, identities::read_user_id),
            kind::APN_DNN => tally.once(&mut self.dnn, ie, names::read_name),
            kind::S_NSSAI => tally.once(&mut self.s_nssai, ie, identities::read_s_nssai),
            kind::RAT_TYPE => tally.once(&mut self.rat_type, ie, Reader::u8),
            kind::GROUP_ID => tally.once(&mut self.group_id, ie, values::read_octets),
            kind::PFCPSEREQ_FLAGS => tally.once(&mut self.flags, ie, Reader::u8),
            _ => tally.skip(),
        }
    }
}

pub(super) fn write_establishment(out: &mut Writer, request: &SessionEstablishmentRequest) {
    write_node_id(out, &request.node_id);
    out.each(kind::F_SEID, [&request.cp_f_seid], addresses::write_f_seid);
    out.each(kind::CREATE_PDR, &request.create_pdrs, pdr::write_create);
    out.each(kind::CREATE_FAR, &request.create_fars, far::write_create);
    out.each(kind::CREATE_URR, &request.create_urrs, urr::write_create);
    out.each(kind::CREATE_QER, &request.create_qers, qer::write_create);
    out.each(kind::CREATE_BAR, &request.create_bars, bar::write);
    let endpoints = &request.create_traffic_endpoints;
    let write_endpoint = traffic_endpoint::write;
    out.each(kind::CREATE_TRAFFIC_ENDPOINT, endpoints, write_endpoint);
    out.each(kind::CREATE_MAR, &request.create_mars, mar::write_create);
    out.each(kind::PDN_TYPE, &request.pdn_type, values::write_u8);
    let csids = &request.fq_csids;
    out.each(kind::FQ_CSID, csids, identities::write_fq_csid);
    let timer = &request.user_plane_inactivity_timer;
    out.each(kind::USER_PLANE_INACTIVITY_TIMER, timer, values::write_u32);
    out.each(kind::USER_ID, &request.user_id, identities::write_user_id);
    out.name(kind::APN_DNN, request.dnn.as_ref());
    let flags = request.is_restoration.then_some(RESTI);
    out.each(kind::PFCPSEREQ_FLAGS, &flags, values::write_u8);
    out.each(kind::S_NSSAI, &request.s_nssai, identities::write_s_nssai);
    out.each(kind::RAT_TYPE, &request.rat_type, values::write_u8);
    out.each(kind::GROUP_ID, &request.group_id, values::write_octets);
}

pub(super) fn read_modification(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionModificationRequest, DecodeError> {
    let mut flags = None;
    let mut request = SessionModificationRequest::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::F_SEID => tally.once(&mut request.cp_f_seid, ie, addresses::read_f_seid),
        kind::PFCPSMREQ_FLAGS => tally.once(&mut flags, ie, Reader::u8),
        kind::QUERY_URR => {
            let read = read_id(kind::URR_ID, Reader::u32);
            tally.groups(&mut request.query_urrs, MAX_URRS, ie, read)
        }
        kind::QUERY_URR_REFERENCE => tally.once(&mut request.query_urr_reference, ie, Reader::u32),
        kind::FQ_CSID => {
            let read = identities::read_fq_csid;
            tally.several(&mut request.fq_csids, MAX_FQ_CSIDS, ie, read)
        }
        kind::USER_PLANE_INACTIVITY_TIMER => {
            tally.once(&mut request.user_plane_inactivity_timer, ie, Reader::u32)
        }
        kind::NODE_ID => tally.once(&mut request.node_id, ie, addresses::read_node_id),
        kind::UPDATE_PDR
        | kind::UPDATE_FAR
        | kind::UPDATE_URR
        | kind::UPDATE_QER
        | kind::UPDATE_BAR
        | kind::UPDATE_TRAFFIC_ENDPOINT
        | kind::UPDATE_MAR => read_update(&mut request, ie, tally),
        kind::REMOVE_PDR
        | kind::REMOVE_FAR
        | kind::REMOVE_URR
        | kind::REMOVE_QER
        | kind::REMOVE_BAR
        | kind::REMOVE_TRAFFIC_ENDPOINT
        | kind::REMOVE_MAR => read_removal(&mut request, ie, tally),
        _ => read_creation(&mut request, ie, tally),
    })?;
    request.flags = flags.unwrap_or_default();
    Ok(request)
}

fn read_creation(
    request: &mut SessionModificationRequest,
    ie: &Element<'_>,
    tally: &mut Tally,
) -> Result<(), DecodeError> {
    const OTHERS: usize = MAX_OTHER_RULES;
    match ie.kind {
        kind::CREATE_PDR => tally.groups(&mut request.create_pdrs, MAX_PDRS, ie, pdr::read_create),
        kind::CREATE_FAR => tally.groups(&mut request.create_fars, MAX_FARS, ie, far::read_create),
        kind::CREATE_URR => tally.groups(&mut request.create_urrs, MAX_URRS, ie, urr::read_create),
        kind::CREATE_QER => tally.groups(&mut request.create_qers, MAX_QERS, ie, qer::read_create),
        kind::CREATE_BAR => tally.groups(&mut request.create_bars, OTHERS, ie, bar::read),
        kind::CREATE_TRAFFIC_ENDPOINT => {
            let endpoints = &mut request.create_traffic_endpoints;
            tally.groups(endpoints, OTHERS, ie, traffic_endpoint::read)
        }
        kind::CREATE_MAR => tally.groups(&mut request.create_mars, OTHERS, ie, mar::read_create),
        _ => tally.skip(),
    }
}

fn read_update(
    request: &mut SessionModificationRequest,
    ie: &Element<'_>,
    tally: &mut Tally,
) -> Result<(), DecodeError> {
    const OTHERS: usize = MAX_OTHER_RULES;
    match ie.kind {
        kind::UPDATE_PDR => tally.groups(&mut request.update_pdrs, MAX_PDRS, ie, pdr::read_update),
        kind::UPDATE_FAR => tally.groups(&mut request.update_fars, MAX_FARS, ie, far::read_update),
        kind::UPDATE_URR => tally.groups(&mut request.update_urrs, MAX_URRS, ie, urr::read_update),
        kind::UPDATE_QER => tally.groups(&mut request.update_qers, MAX_QERS, ie, qer::read_update),
        kind::UPDATE_BAR => tally.groups(&mut request.update_bars, OTHERS, ie, bar::read),
        kind::UPDATE_TRAFFIC_ENDPOINT => {
            let endpoints = &mut request.update_traffic_endpoints;
            tally.groups(endpoints, OTHERS, ie, traffic_endpoint::read)
        }
        kind::UPDATE_MAR => tally.groups(&mut request.update_mars, OTHERS, ie, mar::read_update),
        _ => tally.skip(),
    }
}

fn read_removal(
    request: &mut SessionModificationRequest,
    ie: &Element<'_>,
    tally: &mut Tally,
) -> Result<(), DecodeError> {
    const OTHERS: usize = MAX_OTHER_RULES;
    match ie.kind {
        kind::REMOVE_PDR => {
            let read = read_id(kind::PDR_ID, Reader::u16);
            tally.groups(&mut request.remove_pdrs, MAX_PDRS, ie, read)
        }
        kind::REMOVE_FAR => {
            let read = read_id(kind::FAR_ID, Reader::u32);
            tally.groups(&mut request.remove_fars, MAX_FARS, ie, read)
        }
        kind::REMOVE_URR => {
            let read = read_id(kind::URR_ID, Reader::u32);
            tally.groups(&mut request.remove_urrs, MAX_URRS, ie, read)
        }
        kind::REMOVE_QER => {
            let read = read_id(kind::QER_ID, Reader::u32);
            tally.groups(&mut request.remove_qers, MAX_QERS, ie, read)
        }
        kind::REMOVE_BAR => {
            let read = read_id(kind::BAR_ID, Reader::u8);
            tally.groups(&mut request.remove_bars, OTHERS, ie, read)
        }
        kind::REMOVE_TRAFFIC_ENDPOINT => {
            let read = read_id(kind::TRAFFIC_ENDPOINT_ID, Reader::u8);
            tally.groups(&mut request.remove_traffic_endpoints, OTHERS, ie, read)
        }
        kind::REMOVE_MAR => {
            let read = read_id(kind::MAR_ID, Reader::u16);
            tally.groups(&mut request.remove_mars, OTHERS, ie, read)
        }
        _ => tally.skip(),
    }
}

pub(super) fn write_modification(out: &mut Writer, request: &SessionModificationRequest) {
    out.each(kind::F_SEID, &request.cp_f_seid, addresses::write_f_seid);
    write_removals(out, request);
    out.each(kind::CREATE_PDR, &request.create_pdrs, pdr::write_create);
    out.each(kind::CREATE_FAR, &request.create_fars, far::write_create);
    out.each(kind::CREATE_URR, &request.create_urrs, urr::write_create);
    out.each(kind::CREATE_QER, &request.create_qers, qer::write_create);
    out.each(kind::CREATE_BAR, &request.create_bars, bar::write);
    let write_endpoint = traffic_endpoint::write;
    let endpoints = &request.create_traffic_endpoints;
    out.each(kind::CREATE_TRAFFIC_ENDPOINT, endpoints, write_endpoint);
    out.each(kind::CREATE_MAR, &request.create_mars, mar::write_create);
    out.each(kind::UPDATE_PDR, &request.update_pdrs, pdr::write_update);
    out.each(kind::UPDATE_FAR, &request.update_fars, far::write_update);
    out.each(kind::UPDATE_URR, &request.update_urrs, urr::write_update);
    out.each(kind::UPDATE_QER, &request.update_qers, qer::write_update);
    out.each(kind::UPDATE_BAR, &request.update_bars, bar::write);
    let endpoints = &request.update_traffic_endpoints;
    out.each(kind::UPDATE_TRAFFIC_ENDPOINT, endpoints, write_endpoint);
    out.each(kind::UPDATE_MAR, &request.update_mars, mar::write_update);
    let flags = (request.flags != 0).then_some(request.flags);
    out.each(kind::PFCPSMREQ_FLAGS, &flags, values::write_u8);
    let queried = &request.query_urrs;
    out.ids(kind::QUERY_URR, kind::URR_ID, queried, values::write_u32);
    let csids = &request.fq_csids;
    out.each(kind::FQ_CSID, csids, identities::write_fq_csid);
    let timer = &request.user_plane_inactivity_timer;
    out.each(kind::USER_PLANE_INACTIVITY_TIMER, timer, values::write_u32);
    let reference = &request.query_urr_reference;
    out.each(kind::QUERY_URR_REFERENCE, reference, values::write_u32);
    out.each(kind::NODE_ID, &request.node_id, addresses::write_node_id);
}

fn write_removals(out: &mut Writer, request: &SessionModificationRequest) {
    let numbered = [
        (kind::REMOVE_FAR, kind::FAR_ID, &request.remove_fars),
        (kind::REMOVE_URR, kind::URR_ID, &request.remove_urrs),
        (kind::REMOVE_QER, kind::QER_ID, &request.remove_qers),
    ];
    let pdrs = &request.remove_pdrs;
    out.ids(kind::REMOVE_PDR, kind::PDR_ID, pdrs, values::write_u16);
    for (group, kind, ids) in numbered {
        out.ids(group, kind, ids, values::write_u32);
    }
    let bars = &request.remove_bars;
    out.ids(kind::REMOVE_BAR, kind::BAR_ID, bars, values::write_u8);
    out.ids(
        kind::REMOVE_TRAFFIC_ENDPOINT,
        kind::TRAFFIC_ENDPOINT_ID,
        &request.remove_traffic_endpoints,
        values::write_u8,
    );
    let mars = &request.remove_mars;
    out.ids(kind::REMOVE_MAR, kind::MAR_ID, mars, values::write_u16);
}

pub(super) fn read_deletion(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionDeletionRequest, DecodeError> {
    let mut request = SessionDeletionRequest::default();
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::F_SEID => tally.once(&mut request.cp_f_seid, ie, addresses::read_f_seid),
        _ => tally.skip(),
    })?;
    Ok(request)
}

pub(super) fn write_deletion(out: &mut Writer, request: &SessionDeletionRequest) {
    out.each(kind::F_SEID, &request.cp_f_seid, addresses::write_f_seid);
}
