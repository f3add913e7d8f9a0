//! Node reports and the deletion of session sets on the wire (TS 29.244 clauses 7.4.5.1 and 7.4.6.1).

use super::element::{Element, Elements, Tally, mandatory};
use super::error::DecodeError;
use super::limits::{MAX_FQ_CSIDS, MAX_PEERS};
use super::node_messages::write_node_id;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, identities, values};
use crate::pfcp::ie::{RemoteGtpuPeer, kind};
use crate::pfcp::message::{NodeReportRequest, SessionSetDeletionRequest};

/// Bits of Node Report Type (clause 8.2.69).
const UPFR: u8 = 1 << 0;
const UPRR: u8 = 1 << 1;

pub(super) fn read_report(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<NodeReportRequest, DecodeError> {
    let (mut node_id, mut report_type) = (None, None);
    let (mut failures, mut recoveries) = (None, None);
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::NODE_ID => tally.once(&mut node_id, ie, addresses::read_node_id),
        kind::NODE_REPORT_TYPE => tally.once(&mut report_type, ie, Reader::u8),
        kind::USER_PLANE_PATH_FAILURE_REPORT => tally.group(&mut failures, ie, read_peers),
        kind::USER_PLANE_PATH_RECOVERY_REPORT => tally.group(&mut recoveries, ie, read_peers),
        _ => tally.skip(),
    })?;
    let node_id = mandatory(node_id, kind::NODE_ID)?;
    let report_type = mandatory(report_type, kind::NODE_REPORT_TYPE)?;
    if report_type & UPFR != 0 && failures.is_none() {
        return Err(DecodeError::condition(kind::USER_PLANE_PATH_FAILURE_REPORT));
    }
    if report_type & UPRR != 0 && recoveries.is_none() {
        return Err(DecodeError::condition(
            kind::USER_PLANE_PATH_RECOVERY_REPORT,
        ));
    }
    Ok(NodeReportRequest {
        node_id,
        path_failures: failures.unwrap_or_default(),
        path_recoveries: recoveries.unwrap_or_default(),
    })
}

pub(super) fn write_report(out: &mut Writer, request: &NodeReportRequest) {
    let failures = &request.path_failures;
    let recoveries = &request.path_recoveries;
    let when = |list: &[RemoteGtpuPeer], bit| if list.is_empty() { 0 } else { bit };
    let report_type = when(failures, UPFR) | when(recoveries, UPRR);
    write_node_id(out, &request.node_id);
    out.each(kind::NODE_REPORT_TYPE, [&report_type], values::write_u8);
    write_peers(out, kind::USER_PLANE_PATH_FAILURE_REPORT, failures);
    write_peers(out, kind::USER_PLANE_PATH_RECOVERY_REPORT, recoveries);
}

fn read_peers(group: &Element<'_>, tally: &mut Tally) -> Result<Vec<RemoteGtpuPeer>, DecodeError> {
    let mut peers = Vec::new();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::REMOTE_GTP_U_PEER => {
                let read = addresses::read_remote_gtpu_peer;
                tally.several(&mut peers, MAX_PEERS, ie, read)
            }
            _ => tally.skip(),
        })?;
    if peers.is_empty() {
        return Err(DecodeError::missing(kind::REMOTE_GTP_U_PEER));
    }
    Ok(peers)
}

fn write_peers(out: &mut Writer, group: u16, peers: &[RemoteGtpuPeer]) {
    if peers.is_empty() {
        return;
    }
    out.element(group, |out| {
        let write = addresses::write_remote_gtpu_peer;
        out.each(kind::REMOTE_GTP_U_PEER, peers, write);
    });
}

pub(super) fn read_set_deletion(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<SessionSetDeletionRequest, DecodeError> {
    let (mut node_id, mut fq_csids) = (None, Vec::new());
    body.read_each(tally, |ie, tally| match ie.kind {
        kind::NODE_ID => tally.once(&mut node_id, ie, addresses::read_node_id),
        kind::FQ_CSID => {
            let read = identities::read_fq_csid;
            tally.several(&mut fq_csids, MAX_FQ_CSIDS, ie, read)
        }
        _ => tally.skip(),
    })?;
    Ok(SessionSetDeletionRequest {
        node_id: mandatory(node_id, kind::NODE_ID)?,
        fq_csids,
    })
}

pub(super) fn write_set_deletion(out: &mut Writer, request: &SessionSetDeletionRequest) {
    write_node_id(out, &request.node_id);
    let csids = &request.fq_csids;
    out.each(kind::FQ_CSID, csids, identities::write_fq_csid);
}
