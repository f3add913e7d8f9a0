//! PFD management (clauses 6.2.5, 7.4.3 and 8.2.39).

use crate::support::answer::Outcome;
use crate::support::ie::Ie;
use crate::support::message::Got;
use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

const WEB: &str = "permit out 6 from 192.0.2.0/24 443 to assigned";
const DNS: &str = "permit out 17 from 198.51.100.53 53 to assigned";

/// PFD Contents with one part: its flag, and its text.
fn contents(flag: u8, part: &str) -> Ie {
    let length = (part.len() as u16).to_be_bytes();
    let value = [&[flag, 0][..], &length, part.as_bytes()].concat();
    leaf(PFD_CONTENTS, value)
}

/// PFD Contents with FD and AFD.
fn several_flows(first: &str, second: &str) -> Ie {
    let measured = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let additional = measured(second);
    let length = (additional.len() as u16).to_be_bytes();
    let value = [&[0x21, 0][..], &measured(first), &length, &additional].concat();
    leaf(PFD_CONTENTS, value)
}

fn application<const N: usize>(id: &str, contents: [Ie; N]) -> Ie {
    group(
        APPLICATION_IDS_PFDS,
        [text(APPLICATION_ID, id), group(PFD_CONTEXT, contents)],
    )
}

/// A session with a PDR for an application, whose packets are dropped.
fn with_application() -> Msg {
    pgw()
        .with(create_pdr(
            3,
            10,
            3,
            [
                source(CORE),
                network("internet"),
                ue(UE),
                text(APPLICATION_ID, "web"),
            ],
        ))
        .with(create_far(3, DROP))
}

const WEB_ENTRY: &str = "proto 6 from 192.0.2.0/24 from port 443-443 to 10.45.0.2/32 -> drop";
const REST: &str = "-> to 10.1.0.11 0x77, 2000000 kbit/s";

/// An application with long lists of ports.
fn heavy(n: u32) -> Msg {
    let ports = ["1"; 64].join(",");
    let flow = format!("permit out 6 from any {ports} to assigned {ports}");
    pfd_management([pfds(&n.to_string(), &[flow.as_str(); 64])])
}

/// Provisions them until there is no room.
fn fill(world: &mut World) -> Outcome {
    for n in 0..200 {
        let (octets, _) = world.octets(&heavy(n), false);
        let answers = world.receive(smf(), octets);
        match answers.first().and_then(Got::cause) {
            Some(ACCEPTED) => {}
            Some(NO_RESOURCES) if n > 50 => return Ok(()),
            cause => return Err(format!("{cause:?} after {n} applications")),
        }
    }
    Err("there is always room".to_owned())
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        ask(
            "PFDs are accepted",
            "7.4.3.2",
            pfd_management([pfds("web", &[WEB])]),
            ok(),
        ),
        ask(
            "PFDs without Node ID are the sender's",
            "7.4.3.1",
            pfd_management([pfds("web", &[WEB])]).without(NODE_ID),
            ok(),
        ),
        bare("PFDs of no association", "6.2.5.2")
            .send(pfd_management([pfds("web", &[WEB])]), no(NO_ASSOCIATION)),
        ask(
            "PFDs without Application ID",
            "7.4.3.1",
            pfd_management([group(
                APPLICATION_IDS_PFDS,
                [group(PFD_CONTEXT, [contents(1, WEB)])],
            )]),
            no(MANDATORY_MISSING).ie(APPLICATION_ID),
        ),
        ask(
            "a PFD context without PFD Contents",
            "7.4.3.1",
            pfd_management([application("web", [])]),
            no(MANDATORY_MISSING).ie(PFD_CONTENTS),
        ),
        ask(
            "PFD Contents that are too short",
            "7.6.7",
            pfd_management([application("web", [leaf(PFD_CONTENTS, [1, 0, 0, 9, b'p'])])]),
            no(INVALID_LENGTH).ie(PFD_CONTENTS),
        ),
        ask(
            "a flow description that cannot be read",
            "8.2.39",
            pfd_management([pfds("web", &["permit everything"])]),
            no(INCORRECT).ie(PFD_CONTENTS),
        ),
        ask(
            "a URL cannot be matched",
            "8.2.39",
            pfd_management([application("web", [contents(2, "http://example.org/")])]),
            no(NOT_SUPPORTED).ie(PFD_CONTENTS),
        ),
        ask(
            "a domain name cannot be matched",
            "8.2.39",
            pfd_management([application("web", [contents(4, "example.org")])]),
            no(NOT_SUPPORTED).ie(PFD_CONTENTS),
        ),
        ask(
            "custom contents cannot be matched",
            "8.2.39",
            pfd_management([application("web", [contents(8, "x")])]),
            no(NOT_SUPPORTED).ie(PFD_CONTENTS),
        ),
        associated("PFDs are provisioned whole or not at all", "6.2.5.3")
            .send(
                pfd_management([pfds("web", &[WEB]), pfds("dns", &["permit everything"])]),
                no(INCORRECT).ie(PFD_CONTENTS),
            )
            .send(
                with_application(),
                no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 3),
            ),
        ask(
            "an application that was not provisioned",
            "7.5.3.1",
            with_application(),
            no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 3),
        ),
        associated(
            "a PDR with Application ID finds the PFDs' packets",
            "5.2.1A.2",
        )
        .send(pfd_management([pfds("web", &[WEB])]), ok())
        .send(with_application(), ok())
        .down_list(UE, &[WEB_ENTRY, REST]),
        associated("PFDs that are replaced count moments later", "6.2.5.3")
            .send(pfd_management([pfds("web", &[WEB])]), ok())
            .send(with_application(), ok())
            .send(pfd_management([pfds("web", &[DNS])]), ok())
            .down_list(
                UE,
                &[
                    "proto 17 from 198.51.100.53/32 from port 53-53 to 10.45.0.2/32 -> drop",
                    REST,
                ],
            ),
        associated("PFDs of another application stay", "7.4.3.1")
            .send(pfd_management([pfds("web", &[WEB])]), ok())
            .send(with_application(), ok())
            .send(pfd_management([pfds("dns", &[DNS])]), ok())
            .down_list(UE, &[WEB_ENTRY, REST]),
        associated("an application without PFDs is taken away", "7.4.3.1")
            .send(pfd_management([pfds("web", &[WEB])]), ok())
            .send(with_application(), ok())
            .send(pfd_management([pfds("web", &[])]), ok())
            .down(UE, "to 10.1.0.11 0x77, 2000000 kbit/s"),
        associated("a request without applications takes all away", "7.4.3.1")
            .send(pfd_management([pfds("web", &[WEB])]), ok())
            .send(pfd_management([]), ok())
            .send(
                with_application(),
                no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 3),
            ),
        associated("PFD Contents with several flow descriptions", "8.2.39")
            .send(
                pfd_management([application("web", [several_flows(WEB, DNS)])]),
                ok(),
            )
            .send(with_application(), ok())
            .down_list(
                UE,
                &[
                    WEB_ENTRY,
                    "proto 17 from 198.51.100.53/32 from port 53-53 to 10.45.0.2/32 -> drop",
                    REST,
                ],
            ),
        associated("several PFDs of an application match each", "5.2.1A.2")
            .send(pfd_management([pfds("web", &[WEB, DNS])]), ok())
            .send(with_application(), ok())
            .down_list(
                UE,
                &[
                    WEB_ENTRY,
                    "proto 17 from 198.51.100.53/32 from port 53-53 to 10.45.0.2/32 -> drop",
                    REST,
                ],
            ),
        associated("PFDs that take too much memory", "7.4.3.2")
            .step("applications until there is no room", fill)
            .send(heavy(200), no(NO_RESOURCES))
            .send(pfd_management([pfds("0", &[WEB])]), ok())
            .send(heavy(200), ok()),
        associated("a retransmitted PFD request is answered from memory", "6.4")
            .send(pfd_management([pfds("web", &[WEB])]), ok())
            .again(),
        associated("PFDs are those of their control plane", "6.2.5.1")
            .send_from(other(), setup_of(OTHER, 1), ok())
            .send_from(
                other(),
                pfd_management([pfds("web", &[WEB])]).set(node_id(OTHER)),
                ok(),
            )
            .send(
                with_application(),
                no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 3),
            ),
    ]
}
