//! Node reports: user-plane paths that fail and recover (clauses 6.2.9 and 7.4.5).

use std::net::IpAddr;

use upf_user::pfcp::ie::RemoteGtpuPeer;

use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::{OUR_NODE, World};

fn peer(address: [u8; 4]) -> RemoteGtpuPeer {
    let mut peer = RemoteGtpuPeer::default();
    match IpAddr::from(address) {
        IpAddr::V4(v4) => peer.ipv4 = Some(v4),
        IpAddr::V6(v6) => peer.ipv6 = Some(v6),
    }
    peer
}

fn fail(world: &mut World, address: [u8; 4]) {
    let now = world.now;
    let actions = world
        .node
        .path_failed(&[peer(address)], now, &mut world.stack);
    world.keep(actions);
}

fn recover(world: &mut World, address: [u8; 4]) {
    let now = world.now;
    let actions = world
        .node
        .path_recovered(&[peer(address)], now, &mut world.stack);
    world.keep(actions);
}

pub(crate) fn rows() -> Vec<Row> {
    let response = |cause_of| {
        let ies = [node_id(SMF), cause(cause_of)];
        Msg::new(NODE_REPORT + 1, Seid::Absent, ies)
    };
    // Remote GTP-U Peer with V4.
    let named = |address: [u8; 4]| {
        let value = [&[2][..], &address].concat();
        [
            &REMOTE_GTPU_PEER.to_be_bytes()[..],
            &(value.len() as u16).to_be_bytes(),
            &value,
        ]
        .concat()
    };
    vec![
        with("a path that fails is reported", "7.4.5.1.2", pgw())
            .act(|world| fail(world, SGW))
            .sends(
                "Node ID, UPFR, the peer",
                NODE_REPORT,
                |got| {
                    (
                        got.find(NODE_ID) == Some(&OUR_NODE),
                        got.number(NODE_REPORT_TYPE),
                        got.find(PATH_FAILURE_REPORT).map(<[u8]>::to_vec),
                    )
                },
                (true, Some(1), Some(named(SGW))),
            )
            .answer_it(response(ACCEPTED))
            .wait(5)
            .sends_nothing(),
        with("a path that recovers is reported", "7.4.5.1.3", pgw())
            .act(|world| recover(world, SGW))
            .sends(
                "UPRR, the peer",
                NODE_REPORT,
                |got| {
                    (
                        got.number(NODE_REPORT_TYPE),
                        got.find(PATH_RECOVERY_REPORT).map(<[u8]>::to_vec),
                    )
                },
                (Some(2), Some(named(SGW))),
            ),
        with(
            "a path that no session uses is not reported",
            "6.2.9.1",
            pgw(),
        )
        .act(|world| fail(world, GNB))
        .sends_nothing(),
        with(
            "a path that a session has left is not reported",
            "6.2.9.1",
            pgw(),
        )
        .send(modify([to_gnb(1, 5)]), ok())
        .act(|world| fail(world, SGW))
        .sends_nothing()
        .act(|world| fail(world, GNB))
        .sends(
            "UPFR",
            NODE_REPORT,
            |got| got.number(NODE_REPORT_TYPE),
            Some(1),
        ),
        with(
            "a path is reported to the control planes that use it only",
            "6.2.9.1",
            pgw(),
        )
        .send_from(other(), setup_of(OTHER, 1), ok())
        .act(|world| fail(world, SGW))
        .sends("one to the SMF", NODE_REPORT, |_| (), ())
        .holds(
            "to whom",
            |world| world.last_own.as_ref().map(|own| own.0),
            Some(smf()),
        )
        .sends_nothing(),
        with("a node report is sent again after T1", "6.4", pgw())
            .act(|world| fail(world, SGW))
            .wait(4)
            .sends("the first", NODE_REPORT, |got| got.sequence, 1)
            .sends(
                "the second, with the same number",
                NODE_REPORT,
                |got| got.sequence,
                1,
            ),
        with(
            "a node report that is refused is not sent again",
            "6.2.9.1",
            pgw(),
        )
        .act(|world| fail(world, SGW))
        .sends("one", NODE_REPORT, |_| (), ())
        .answer_it(response(REJECTED))
        .wait(5)
        .sends_nothing(),
        with("a path that fails leaves sessions alone", "6.2.9.1", pgw())
            .act(|world| fail(world, SGW))
            .sessions(1)
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
    ]
}
