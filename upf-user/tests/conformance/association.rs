//! Associations: set-up from either side, and updates (clauses 6.2.6, 6.2.7 and 7.4.4).

use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::{OUR_NODE, OUR_STAMP};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = set_ups();
    rows.extend(set_ups_of_ours());
    rows.extend(updates());
    rows
}

fn set_ups() -> Vec<Row> {
    let by_name = || setup().set(fqdn("smf.example.org"));
    vec![
        bare(
            "a set-up is answered with Node ID, stamp and features",
            "7.4.4.2",
        )
        .send(
            setup(),
            ok().value(NODE_ID, &OUR_NODE)
                .value(RECOVERY_TIME_STAMP, &OUR_STAMP.to_be_bytes())
                .has(UP_FUNCTION_FEATURES),
        ),
        bare("FTUP is announced", "8.2.25")
            .send(setup(), ok())
            .holds("bit 5 of octet 5", |world| feature(world, 0, 0x10), true),
        bare("a set-up without Node ID", "7.4.4.1")
            .send(setup().without(NODE_ID), no(MANDATORY_MISSING).ie(NODE_ID))
            .associations(0),
        bare("a set-up without Recovery Time Stamp", "7.4.4.1")
            .send(
                setup().without(RECOVERY_TIME_STAMP),
                no(MANDATORY_MISSING).ie(RECOVERY_TIME_STAMP),
            )
            .associations(0),
        bare("a set-up needs no CP Function Features", "7.4.4.1")
            .send(setup().without(CP_FUNCTION_FEATURES), ok())
            .associations(1),
        bare("a set-up with a Node ID that is a name", "8.2.38")
            .send(by_name(), ok())
            .holds("the node", node_names, vec!["smf.example.org".to_owned()]),
        bare("a set-up with a Node ID that is an IPv6 address", "8.2.38")
            .send(
                setup().set(leaf(
                    NODE_ID,
                    [1, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
                )),
                ok(),
            )
            .holds("the node", node_names, vec!["2001:db8::9".to_owned()]),
        bare("a Node ID of an unknown type", "8.2.38").send(
            setup().set(leaf(NODE_ID, [3, 1, 2, 3, 4])),
            no(INCORRECT).ie(NODE_ID),
        ),
        bare("a Node ID that is too short", "7.6.7").send(
            setup().set(leaf(NODE_ID, [0, 10, 100])),
            no(INVALID_LENGTH).ie(NODE_ID),
        ),
        bare("spare bits of Node ID are not looked at", "8.1.1")
            .send(setup().set(leaf(NODE_ID, [0xf0, 10, 100, 0, 1])), ok()),
        bare("names of nodes have no case", "8.2.38")
            .send(by_name(), ok())
            .send(setup().set(fqdn("SMF.Example.org")), ok())
            .associations(1),
        with(
            "a set-up of a known node ends its sessions",
            "6.2.6.2.2",
            pgw(),
        )
        .send(setup(), ok())
        .associations(1)
        .sessions(0)
        .down(UE, "nothing"),
        with(
            "Session Retention Information keeps no sessions",
            "6.2.6.2.2",
            pgw(),
        )
        .send(
            // PFCP Session Retention Information, without addresses: all sessions.
            setup().with(group(183, [])),
            // PFCPASRsp-Flags, which would hold PSREI.
            ok().lacks(184),
        )
        .sessions(0),
        with(
            "a set-up with the same stamp ends the sessions, too",
            "6.2.6.2.2",
            pgw(),
        )
        .send(setup_of(SMF, STAMP), ok())
        .sessions(0),
        with(
            "a set-up that comes again does not end sessions",
            "6.4",
            pgw(),
        )
        .send(setup().numbered(1), ok())
        .sessions(1),
        bare("a retransmitted set-up is answered from memory", "6.4")
            .send(setup(), ok())
            .again()
            .associations(1),
        bare("a set-up with later IEs is served", "7.6.9")
            .send(setup().with(leaf(65000, [1, 2, 3])).with(u8(999, 1)), ok()),
        bare("nodes at two addresses have two associations", "6.2.6.1")
            .send(setup(), ok())
            .send_from(other(), setup_of(OTHER, 5), ok())
            .associations(2),
        bare("before the set-up a session is refused", "6.2.6.1").send(pgw(), no(NO_ASSOCIATION)),
        bare("before the set-up a modification is refused", "7.5.5.1")
            .send(modify([]).of_seid(5), no(NO_ASSOCIATION).to(0)),
        bare("before the set-up a deletion is refused", "7.5.7.1")
            .send(delete().of_seid(5), no(NO_ASSOCIATION).to(0)),
    ]
}

fn set_ups_of_ours() -> Vec<Row> {
    let response = |cause_of: u8| {
        Msg::new(
            ASSOCIATION_SETUP + 1,
            Seid::Absent,
            [node_id(SMF), cause(cause_of), recovery(STAMP)],
        )
    };
    let connecting = |name, clause| {
        bare(name, clause).connecting().wait(0).sends(
            "a set-up with our Node ID, stamp and features",
            ASSOCIATION_SETUP,
            |got| {
                (
                    got.find(NODE_ID) == Some(&OUR_NODE),
                    got.number(RECOVERY_TIME_STAMP),
                    got.find(UP_FUNCTION_FEATURES).is_some(),
                )
            },
            (true, Some(OUR_STAMP.into()), true),
        )
    };
    vec![
        connecting("we set the association up", "6.2.6.3")
            .answer_it(response(ACCEPTED))
            .associations(1)
            .send(pgw(), ok()),
        connecting("a set-up of ours is sent again after T1", "6.4")
            .wait(4)
            .sends("the same", ASSOCIATION_SETUP, |got| got.sequence, 1),
        connecting("a set-up of ours that is refused is tried again", "6.2.6.3")
            .answer_it(response(REJECTED))
            .associations(0)
            .wait(11)
            .sends(
                "another one",
                ASSOCIATION_SETUP,
                |got| got.sequence != 1,
                true,
            ),
        connecting("a set-up of the peer's serves as well", "6.2.6.1")
            .send(setup(), ok())
            .wait(8)
            .sends_nothing()
            .associations(1),
        connecting("a set-up response without Cause is none", "7.4.4.2")
            .answer_it(response(ACCEPTED).without(CAUSE))
            .associations(0),
        connecting(
            "a set-up response without Recovery Time Stamp is none",
            "7.4.4.2",
        )
        .answer_it(response(ACCEPTED).without(RECOVERY_TIME_STAMP))
        .associations(0),
        connecting("a set-up of ours to a node of another version", "7.6.2")
            .answer_it(Msg::new(VERSION_NOT_SUPPORTED, Seid::Absent, []))
            .associations(0),
    ]
}

fn updates() -> Vec<Row> {
    vec![
        associated("an update with other features", "7.4.4.3")
            .send(update_association().with(u8(CP_FUNCTION_FEATURES, 1)), ok())
            .holds(
                "CP Function Features",
                |world| {
                    world
                        .node
                        .associations()
                        .map(|view| view.cp_features.0)
                        .collect()
                },
                vec![1_u16],
            ),
        associated("an update without features keeps them", "7.4.4.3")
            .send(update_association().with(u8(CP_FUNCTION_FEATURES, 3)), ok())
            .send(update_association(), ok())
            .holds(
                "CP Function Features",
                |world| {
                    world
                        .node
                        .associations()
                        .map(|view| view.cp_features.0)
                        .collect()
                },
                vec![3_u16],
            ),
        with("an update leaves sessions alone", "6.2.7.1", pgw())
            .send(update_association().with(u8(CP_FUNCTION_FEATURES, 1)), ok())
            .sessions(1),
        bare("an update of no association", "7.4.4.4")
            .send(update_association(), no(NO_ASSOCIATION)),
        associated("an update without Node ID", "7.4.4.3").send(
            update_association().without(NODE_ID),
            no(MANDATORY_MISSING).ie(NODE_ID),
        ),
        associated("a retransmitted update is answered from memory", "6.4")
            .send(update_association().with(u8(CP_FUNCTION_FEATURES, 1)), ok())
            .again(),
    ]
}

fn feature(world: &crate::support::world::World, octet: usize, bit: u8) -> bool {
    let answer = world.last_answer.as_ref().expect("an answer");
    let octets = answer.find(UP_FUNCTION_FEATURES).expect("features");
    octets.get(octet).is_some_and(|bits| bits & bit != 0)
}

fn node_names(world: &crate::support::world::World) -> Vec<String> {
    let nodes = world.node.associations();
    nodes.map(|view| view.node_id.to_string()).collect()
}
