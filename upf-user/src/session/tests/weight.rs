//! How much memory control planes may make us keep.

use super::requests::*;
use super::world::World;

#[test]
fn measure() {
    let mut world = World::new();
    for request in [pgw_u(7, ue(Some("10.45.0.2"), None)), pdu_session(8, ue(Some("10.45.0.3"), None)), sgw_u(9)] {
        let seid = world.established(&request);
        let session = &world.sessions.sessions[&seid];
        let (pdr,far,qer,urr)= (session.model.pdrs.weight(),session.model.fars.weight(),session.model.qers.weight(), size_of::<crate::session::model::Urr>());
        println!("{} {} {pdr} {far} {qer} {urr} session {}", session.model.weight(), session.about.weight(), size_of::<crate::session::Session>());
    }
    println!("{} {} {}", size_of::<crate::session::model::Pdr>(), size_of::<crate::session::model::Far>(), size_of::<crate::session::model::Qer>());
    println!("filter {}", size_of::<crate::session::model::SdfFilter>());
}
