//! Flow descriptions: what can be read becomes rules of a session, what cannot is refused, and neither leaves
//! anything behind.

use std::time::Instant;

use upf_user::pfcp::ie::{ApplyAction, Cause, FSeid, Interface, NodeId, SdfFilter, UeIpAddress};
use upf_user::pfcp::message::{
    CreateFar, CreatePdr, ForwardingParameters, Pdi, SessionDeletionRequest,
    SessionEstablishmentRequest,
};
use upf_user::pfcp::service::SessionService as _;
use upf_user::session::is_flow_description;

/// Takes a text.
///
/// # Panics
/// When something does not hold.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let is_readable = is_flow_description(text);
    let (mut sessions, now) = (super::sessions(), Instant::now());
    let owner = NodeId::Address([10, 100, 0, 1].into());
    match sessions.establish(&owner, 0, &request(&owner, text), now) {
        Ok(established) => {
            assert!(is_readable, "{text:?}");
            let seid = established.up_f_seid.seid;
            let deletion = SessionDeletionRequest::default();
            let answer = sessions.delete(&owner, seid, &deletion, now);
            answer.outcome.expect("a session that was set up");
        }
        // A filter of many port ranges on both sides may have too many entries for our tables.
        Err(refusal) => assert!(
            !is_readable || refusal.cause == Cause::NoResourcesAvailable,
            "{refusal:?} {text:?}"
        ),
    }
    assert_eq!(sessions.slots_in_use(), 0);
    assert_eq!(sessions.tables().hash_entries(), (0, 0));
}

/// A session of one downlink PDR with this filter.
fn request(owner: &NodeId, text: &str) -> SessionEstablishmentRequest {
    let cp_f_seid = FSeid {
        seid: 1,
        ipv4: Some([10, 100, 0, 1].into()),
        ipv6: None,
    };
    let pdi = Pdi {
        source_interface: Interface::Core,
        ue_ip_address: Some(UeIpAddress {
            ipv4: Some([10, 45, 0, 2].into()),
            ipv6: Some([0x20, 1, 0xd, 0xb8, 0, 0x45, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0].into()),
            is_destination: true,
            ..UeIpAddress::default()
        }),
        sdf_filters: vec![SdfFilter {
            flow_description: Some(text.to_owned()),
            ..SdfFilter::default()
        }],
        ..Pdi::default()
    };
    SessionEstablishmentRequest {
        create_pdrs: vec![CreatePdr {
            id: 1,
            precedence: Some(1),
            pdi,
            far_id: Some(1),
            ..CreatePdr::default()
        }],
        create_fars: vec![CreateFar {
            id: 1,
            apply_action: ApplyAction(ApplyAction::FORW),
            forwarding: Some(ForwardingParameters {
                destination_interface: Interface::Core,
                ..ForwardingParameters::default()
            }),
            ..CreateFar::default()
        }],
        ..SessionEstablishmentRequest::new(owner.clone(), cp_f_seid)
    }
}
