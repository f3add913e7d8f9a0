//! Any message that can be written.

mod node;
mod rules;
mod session;
mod values;

use proptest::option::of;
use proptest::prelude::*;

use crate::pfcp::codec::{Body, Message, MessageType};

/// A message of any type.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let header = (any::<u64>(), 0u32..1 << 24, of(0u8..16));
    (header, body()).prop_map(|((seid, sequence, priority), body)| Message {
        seid: if body.message_type().is_of_session() {
            seid
        } else {
            0
        },
        sequence,
        priority,
        body,
    })
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![of_nodes(), of_sessions()]
}

fn of_nodes() -> impl Strategy<Value = Body> {
    let set_modification = MessageType::SessionSetModificationResponse;
    prop_oneof![
        node::heartbeat()
            .boxed()
            .prop_map(Body::HeartbeatRequest)
            .boxed(),
        node::heartbeat()
            .boxed()
            .prop_map(Body::HeartbeatResponse)
            .boxed(),
        node::pfd_management()
            .boxed()
            .prop_map(Body::PfdManagementRequest)
            .boxed(),
        node::other_response()
            .boxed()
            .prop_map(Body::PfdManagementResponse)
            .boxed(),
        node::setup_request()
            .boxed()
            .prop_map(Body::AssociationSetupRequest)
            .boxed(),
        node::setup_response()
            .boxed()
            .prop_map(Body::AssociationSetupResponse)
            .boxed(),
        node::update_request()
            .boxed()
            .prop_map(Body::AssociationUpdateRequest)
            .boxed(),
        node::node_response()
            .boxed()
            .prop_map(Body::AssociationUpdateResponse)
            .boxed(),
        values::node_id()
            .boxed()
            .prop_map(Body::AssociationReleaseRequest)
            .boxed(),
        node::node_response()
            .boxed()
            .prop_map(Body::AssociationReleaseResponse)
            .boxed(),
        Just(Body::VersionNotSupportedResponse),
        node::node_report()
            .boxed()
            .prop_map(Body::NodeReportRequest)
            .boxed(),
        node::node_response()
            .boxed()
            .prop_map(Body::NodeReportResponse)
            .boxed(),
        node::set_deletion()
            .boxed()
            .prop_map(Body::SessionSetDeletionRequest)
            .boxed(),
        node::node_response()
            .boxed()
            .prop_map(Body::SessionSetDeletionResponse)
            .boxed(),
        Just(Body::OtherRequest(
            MessageType::SessionSetModificationRequest
        )),
        node::other_response()
            .boxed()
            .prop_map(move |response| Body::OtherResponse(set_modification, response)),
    ]
}

fn of_sessions() -> impl Strategy<Value = Body> {
    prop_oneof![
        session::establishment_request()
            .boxed()
            .prop_map(Body::SessionEstablishmentRequest)
            .boxed(),
        session::establishment_response()
            .boxed()
            .prop_map(Body::SessionEstablishmentResponse)
            .boxed(),
        session::modification_request()
            .boxed()
            .prop_map(Body::SessionModificationRequest)
            .boxed(),
        session::modification_response()
            .boxed()
            .prop_map(Body::SessionModificationResponse)
            .boxed(),
        session::deletion_request()
            .boxed()
            .prop_map(Body::SessionDeletionRequest)
            .boxed(),
        session::deletion_response()
            .boxed()
            .prop_map(Body::SessionDeletionResponse)
            .boxed(),
        session::report_request()
            .boxed()
            .prop_map(Body::SessionReportRequest)
            .boxed(),
        session::report_response()
            .boxed()
            .prop_map(Body::SessionReportResponse)
            .boxed(),
    ]
}
