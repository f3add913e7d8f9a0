//! Messages between nodes (TS 29.244 clause 7.4), and what they have in common with answers about sessions.

use super::body::{
    AssociationSetupRequest, AssociationSetupResponse, AssociationUpdateRequest, Heartbeat,
    NodeResponse, OtherResponse, Verdict,
};
use super::element::{Elements, Tally, mandatory};
use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Writer;
use super::{addresses, values};
use crate::pfcp::ie::{Cause, CpFunctionFeatures, NodeId, UpFunctionFeatures, kind};

/// The IEs that messages of nodes are made of.
#[derive(Default)]
struct Parts {
    node_id: Option<NodeId>,
    cause: Option<Cause>,
    offending_ie: Option<u16>,
    recovery_time_stamp: Option<u32>,
    up_function_features: Option<UpFunctionFeatures>,
    cp_function_features: Option<CpFunctionFeatures>,
    release_request: Option<u8>,
    graceful_release_period: Option<u8>,
}

impl Parts {
    fn read(body: Elements<'_>, tally: &mut Tally) -> Result<Self, DecodeError> {
        let mut parts = Self::default();
        body.read_each(tally, |ie, tally| match ie.kind {
            kind::NODE_ID => tally.once(&mut parts.node_id, ie, addresses::read_node_id),
            kind::CAUSE => tally.once(&mut parts.cause, ie, values::read_cause),
            kind::OFFENDING_IE => tally.once(&mut parts.offending_ie, ie, Reader::u16),
            kind::RECOVERY_TIME_STAMP => {
                tally.once(&mut parts.recovery_time_stamp, ie, Reader::u32)
            }
            kind::UP_FUNCTION_FEATURES => {
                let read = values::read_up_function_features;
                tally.once(&mut parts.up_function_features, ie, read)
            }
            kind::CP_FUNCTION_FEATURES => {
                let read = values::read_cp_function_features;
                tally.once(&mut parts.cp_function_features, ie, read)
            }
            kind::PFCP_ASSOCIATION_RELEASE_REQUEST => {
                tally.once(&mut parts.release_request, ie, Reader::u8)
            }
            kind::GRACEFUL_RELEASE_PERIOD => {
                tally.once(&mut parts.graceful_release_period, ie, Reader::u8)
            }
            _ => tally.skip(),
        })?;
        Ok(parts)
    }

    fn node_id(&mut self) -> Result<NodeId, DecodeError> {
        mandatory(self.node_id.take(), kind::NODE_ID)
    }

    fn verdict(&self) -> Result<Verdict, DecodeError> {
        Ok(Verdict {
            cause: mandatory(self.cause, kind::CAUSE)?,
            offending_ie: self.offending_ie,
        })
    }

    fn recovery_time_stamp(&self) -> Result<u32, DecodeError> {
        mandatory(self.recovery_time_stamp, kind::RECOVERY_TIME_STAMP)
    }
}

pub(super) fn read_heartbeat(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<Heartbeat, DecodeError> {
    let parts = Parts::read(body, tally)?;
    Ok(Heartbeat {
        recovery_time_stamp: parts.recovery_time_stamp()?,
    })
}

pub(super) fn write_heartbeat(out: &mut Writer, heartbeat: &Heartbeat) {
    write_stamp(out, heartbeat.recovery_time_stamp);
}

pub(super) fn read_setup_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<AssociationSetupRequest, DecodeError> {
    let mut parts = Parts::read(body, tally)?;
    Ok(AssociationSetupRequest {
        node_id: parts.node_id()?,
        recovery_time_stamp: parts.recovery_time_stamp()?,
        up_function_features: parts.up_function_features,
        cp_function_features: parts.cp_function_features,
    })
}

pub(super) fn write_setup_request(out: &mut Writer, request: &AssociationSetupRequest) {
    write_node_id(out, &request.node_id);
    write_stamp(out, request.recovery_time_stamp);
    write_features(
        out,
        request.up_function_features,
        request.cp_function_features,
    );
}

/// A refusal may do without a Recovery Time Stamp: nobody looks at it there.
pub(super) fn read_setup_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<AssociationSetupResponse, DecodeError> {
    let mut parts = Parts::read(body, tally)?;
    let verdict = parts.verdict()?;
    let recovery_time_stamp = match parts.recovery_time_stamp() {
        Err(_) if verdict.cause != Cause::RequestAccepted => 0,
        stamp => stamp?,
    };
    Ok(AssociationSetupResponse {
        node_id: parts.node_id()?,
        verdict,
        recovery_time_stamp,
        up_function_features: parts.up_function_features,
        cp_function_features: parts.cp_function_features,
    })
}

pub(super) fn write_setup_response(out: &mut Writer, response: &AssociationSetupResponse) {
    write_node_id(out, &response.node_id);
    write_verdict(out, &response.verdict);
    write_stamp(out, response.recovery_time_stamp);
    write_features(
        out,
        response.up_function_features,
        response.cp_function_features,
    );
}

pub(super) fn read_update_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<AssociationUpdateRequest, DecodeError> {
    let mut parts = Parts::read(body, tally)?;
    Ok(AssociationUpdateRequest {
        node_id: parts.node_id()?,
        up_function_features: parts.up_function_features,
        cp_function_features: parts.cp_function_features,
        release_request: parts.release_request,
        graceful_release_period: parts.graceful_release_period,
    })
}

pub(super) fn write_update_request(out: &mut Writer, request: &AssociationUpdateRequest) {
    write_node_id(out, &request.node_id);
    write_features(
        out,
        request.up_function_features,
        request.cp_function_features,
    );
    let release = &request.release_request;
    let write = values::write_u8;
    out.each(kind::PFCP_ASSOCIATION_RELEASE_REQUEST, release, write);
    let period = &request.graceful_release_period;
    out.each(kind::GRACEFUL_RELEASE_PERIOD, period, values::write_u8);
}

/// A release, of which only the Node ID is needed.
pub(super) fn read_node_request(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<NodeId, DecodeError> {
    Parts::read(body, tally)?.node_id()
}

pub(super) fn read_node_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<NodeResponse, DecodeError> {
    let mut parts = Parts::read(body, tally)?;
    Ok(NodeResponse {
        node_id: parts.node_id()?,
        verdict: parts.verdict()?,
    })
}

pub(super) fn write_node_response(out: &mut Writer, response: &NodeResponse) {
    write_node_id(out, &response.node_id);
    write_verdict(out, &response.verdict);
}

pub(super) fn read_other_response(
    body: Elements<'_>,
    tally: &mut Tally,
) -> Result<OtherResponse, DecodeError> {
    let parts = Parts::read(body, tally)?;
    Ok(OtherResponse {
        verdict: parts.verdict()?,
        node_id: parts.node_id,
    })
}

pub(super) fn write_other_response(out: &mut Writer, response: &OtherResponse) {
    out.each(kind::NODE_ID, &response.node_id, addresses::write_node_id);
    write_verdict(out, &response.verdict);
}

pub(super) fn write_node_id(out: &mut Writer, id: &NodeId) {
    out.each(kind::NODE_ID, [id], addresses::write_node_id);
}

pub(super) fn write_verdict(out: &mut Writer, verdict: &Verdict) {
    out.each(kind::CAUSE, [&verdict.cause], values::write_cause);
    out.each(kind::OFFENDING_IE, &verdict.offending_ie, values::write_u16);
}

fn write_stamp(out: &mut Writer, stamp: u32) {
    out.each(kind::RECOVERY_TIME_STAMP, [&stamp], values::write_u32);
}

fn write_features(
    out: &mut Writer,
    up: Option<UpFunctionFeatures>,
    cp: Option<CpFunctionFeatures>,
) {
    let write = values::write_up_function_features;
    out.each(kind::UP_FUNCTION_FEATURES, &up, write);
    let write = values::write_cp_function_features;
    out.each(kind::CP_FUNCTION_FEATURES, &cp, write);
}
