//! UE IP addresses (clauses 5.21 and 8.2.62).

use crate::support::ie::Ie;
use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

const V4: u8 = 0x10;
const V6: u8 = 0x20;

/// A session whose UE address is left to us, in both PDRs.
fn choosing(flags: u8) -> Msg {
    with_address(ue_choose(flags))
}

fn with_address(ie: Ie) -> Msg {
    pgw()
        .pdi(1, |pdi| pdi.set(ie.clone()))
        .pdi(2, |pdi| pdi.set(ie))
}

/// A session with an address from a pool of the IMS, which has four.
fn in_ims(cp_seid: u64) -> Msg {
    numbered(choosing(V4), cp_seid)
        .pdi(1, |pdi| pdi.set(network("ims")))
        .pdi(2, |pdi| pdi.set(network("ims")))
}

/// No PDR leads to the UE.
fn uplink_alone(address: &str) -> Msg {
    establish([
        create_pdr(
            2,
            100,
            2,
            [source(ACCESS), choose(), network("internet"), ue(address)],
        ),
        far_out(2),
    ])
}

fn families(world: &World) -> (bool, bool) {
    let created = &world.sessions[0].pdrs[&1];
    (created.ue_v4.is_some(), created.ue_v6.is_some())
}

/// What packets to the address that was allocated meet.
fn behind_v4(world: &World) -> String {
    let address = world.sessions[0].pdrs[&1].ue_v4.expect("an address");
    world.by_address("internet", &address.to_string())
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        ask(
            "CHV4 is answered in Created PDR",
            "5.21.3.1",
            choosing(V4),
            ok().created(&[1, 2]),
        )
        .holds("families", families, (true, false))
        .holds(
            "packets",
            behind_v4,
            "to 10.1.0.11 0x77, 2000000 kbit/s".to_owned(),
        ),
        with("CHV6 is answered with a prefix", "5.21.3.1", choosing(V6)).holds(
            "families",
            families,
            (false, true),
        ),
        with("CHV4 and CHV6 together", "5.21.3.1", choosing(V4 | V6)).holds(
            "families",
            families,
            (true, true),
        ),
        with(
            "all PDRs of a session have one address",
            "5.21.3.1",
            choosing(V4),
        )
        .holds(
            "addresses",
            |world| {
                let pdrs = &world.sessions[0].pdrs;
                pdrs[&1].ue_v4 == pdrs[&2].ue_v4
            },
            true,
        ),
        with(
            "an address is never handed out twice",
            "5.21.3.1",
            choosing(V4),
        )
        .send(numbered(choosing(V4), 8), ok())
        .holds(
            "addresses differ",
            |world| world.sessions[0].pdrs[&1].ue_v4 != world.sessions[1].pdrs[&1].ue_v4,
            true,
        ),
        with(
            "an address that the control plane gave is not answered",
            "7.5.3.2",
            pgw(),
        )
        .holds(
            "UE IP Address in Created PDR 2",
            |world| world.sessions[0].pdrs[&2].ue_v4,
            None,
        ),
        with(
            "an address comes from the pool of its network instance",
            "5.21.3.1",
            in_ims(7),
        )
        .holds(
            "the address",
            |world| {
                world.sessions[0].pdrs[&1]
                    .ue_v4
                    .map(|address| address.octets()[..3].to_vec())
            },
            Some(vec![10, 46, 0]),
        ),
        associated("when all addresses are occupied", "5.21.3.1")
            .step("sessions until the pool is empty", |world| {
                fill(world);
                Ok(())
            })
            .send(in_ims(100), no(NO_ADDRESSES).ie(UE_IP_ADDRESS).rule(PDR, 1)),
        associated("an address rests before it is handed out again", "5.21.3.1")
            .step("sessions until the pool is empty", |world| {
                fill(world);
                Ok(())
            })
            .send(delete(), ok())
            .send(in_ims(100), no(NO_ADDRESSES).ie(UE_IP_ADDRESS).rule(PDR, 1))
            .step("heartbeats", |world| {
                // Long enough for the rest, and heard often enough to be kept.
                for _ in 0..30 {
                    world.wait(std::time::Duration::from_secs(5));
                    let (octets, _) = world.octets(&heartbeat(STAMP), false);
                    world.receive(smf(), octets);
                }
                Ok(())
            })
            .send(in_ims(101), ok()),
        with(
            "a control plane does not give what we have handed out",
            "5.21.3.1",
            choosing(V4),
        )
        .send_with(
            |world| {
                let address = world.sessions[0].pdrs[&1].ue_v4.expect("an address");
                numbered(pgw_of(&address.to_string()), 8)
            },
            no(RULE_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        with(
            "an uplink PDR does not name what another session was given by us",
            "5.21.3.1",
            choosing(V4),
        )
        .send_with(
            |world| {
                let address = world.sessions[0].pdrs[&1].ue_v4.expect("an address");
                numbered(uplink_alone(&address.to_string()), 8)
            },
            no(RULE_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 2),
        ),
        with(
            "an address that only an uplink PDR names is not handed out",
            "5.21.3.1",
            uplink_alone("10.45.0.2"),
        )
        .send(numbered(choosing(V4), 8), ok())
        .holds(
            "the address",
            |world| world.sessions[1].pdrs[&1].ue_v4,
            Some([10, 45, 0, 3].into()),
        ),
        with(
            "an uplink PDR may name an address that its control plane gave",
            "5.2.1A.2",
            pgw(),
        )
        .send(numbered(uplink_alone(UE), 8), ok()),
        with("an address of another session", "5.2.1A.2", pgw()).send(
            numbered(pgw(), 8),
            no(RULE_FAILURE).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "an address given and left to us",
            "8.2.62",
            with_address(leaf(UE_IP_ADDRESS, [0x16, 10, 45, 0, 2])),
            no(INCORRECT).ie(UE_IP_ADDRESS),
        ),
        ask(
            "a UE IP Address of nothing",
            "8.2.62",
            with_address(leaf(UE_IP_ADDRESS, [4])),
            no(INCORRECT).ie(UE_IP_ADDRESS),
        ),
        ask(
            "a UE IP Address that is too short",
            "7.6.7",
            with_address(leaf(UE_IP_ADDRESS, [6, 10, 45])),
            no(INVALID_LENGTH).ie(UE_IP_ADDRESS),
        ),
        ask(
            "a prefix other than /64 is not announced",
            "8.2.62",
            with_address(leaf(
                UE_IP_ADDRESS,
                [
                    0x45, 0x20, 1, 0xd, 0xb8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 56,
                ],
            )),
            no(NOT_SUPPORTED).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "prefix delegation is not announced",
            "8.2.62",
            with_address(leaf(
                UE_IP_ADDRESS,
                [
                    0x0d, 0x20, 1, 0xd, 0xb8, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8,
                ],
            )),
            no(NOT_SUPPORTED).ie(UE_IP_ADDRESS).rule(PDR, 1),
        ),
        ask(
            "two addresses of a family in one session",
            "5.2.1A.2",
            pgw().pdi(2, |pdi| pdi.set(ue("10.45.0.3"))),
            no(NOT_SUPPORTED).ie(UE_IP_ADDRESS).rule(PDR, 2),
        ),
        with("an IPv6 UE", "8.2.62", pgw_of("2001:db8:45:7::"))
            .down("2001:db8:45:7::1234", "to 10.1.0.11 0x77, 2000000 kbit/s")
            .down("2001:db8:45:8::1", "nothing"),
        with(
            "an IPv4v6 UE",
            "8.2.62",
            with_address(ue_both([10, 45, 0, 2], "2001:db8:45:7::")),
        )
        .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s")
        .down("2001:db8:45:7::9", "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "an address outside every pool",
            "8.2.62",
            pgw_of("203.0.113.9"),
        )
        .down("203.0.113.9", "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with("the same address in two network instances", "8.2.4", pgw())
            .send(
                numbered(pgw(), 8)
                    .pdi(1, |pdi| pdi.set(network("ims")))
                    .pdi(2, |pdi| pdi.set(network("ims")))
                    .forwarding(2, |parameters| parameters.set(network("ims"))),
                ok(),
            )
            .down_from("ims", UE, "to 10.1.0.11 0x77, 2000000 kbit/s")
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        with(
            "a refused choice hands nothing out",
            "6.3.2.3",
            choosing(V4),
        )
        .send(
            numbered(choosing(V4), 8).pdr(1, |pdr| pdr.set(far_id(9))),
            no(RULE_FAILURE).ie(FAR_ID).rule(PDR, 1),
        ),
        ask(
            "CHV4 beside an address of the same family in another PDR",
            "8.2.62",
            choosing(V4).pdi(2, |pdi| pdi.set(ue(UE))),
            no(NOT_SUPPORTED).ie(UE_IP_ADDRESS).rule(PDR, 2),
        ),
    ]
}

/// Sessions until the pool of the IMS has no address left.
fn fill(world: &mut World) {
    for cp_seid in 10..20 {
        let request = in_ims(cp_seid);
        let (octets, _) = world.octets(&request, false);
        let answers = world.receive(smf(), octets);
        let answer = answers.first().expect("an answer");
        if answer.cause() != Some(ACCEPTED) {
            return;
        }
        world.note(&request, answer);
    }
    panic!("a pool of four addresses has ten");
}
