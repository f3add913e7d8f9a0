//! PDRs with Application ID (clause 5.2.1A.2); what applications look like is in the table of PFD management.

use crate::support::prelude::*;
use crate::support::row::Row;

const WEB: &str = "permit out 6 from 192.0.2.0/24 443 to assigned";
const FORWARDS: &str = "to 10.1.0.11 0x77, 2000000 kbit/s";

/// An ordinary session once the application "web" is known.
fn known(name: &'static str, clause: &'static str) -> Row {
    associated(name, clause).send(pfd_management([pfds("web", &[WEB])]), ok())
}

/// Drops what an application sends.
fn of_web() -> Msg {
    modify([
        create_pdr(
            3,
            10,
            3,
            [
                source(CORE),
                network("internet"),
                ue(UE),
                text(APPLICATION_ID, "web"),
            ],
        ),
        create_far(3, DROP),
    ])
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        known("a PDR with Application ID of a modification", "5.2.1A.2")
            .send(pgw(), ok())
            .send(of_web(), ok())
            .down_list(
                UE,
                &[
                    "proto 6 from 192.0.2.0/24 from port 443-443 to 10.45.0.2/32 -> drop",
                    "-> to 10.1.0.11 0x77, 2000000 kbit/s",
                ],
            ),
        known("an Application ID in the uplink", "5.2.1A.2")
            .send(pgw().pdi(2, |pdi| pdi.add(text(APPLICATION_ID, "web"))), ok())
            .up_list(
                2,
                &["proto 6 from 192.0.2.0/24 from port 443-443 to 10.45.0.2/32 -> out 1, 1000000 kbit/s"],
            ),
        known("a PDR without Application ID again", "7.5.4.2")
            .send(pgw(), ok())
            .send(of_web(), ok())
            .send(modify([update_pdr(3, [group(PDI, [source(CORE)])])]), ok())
            .down(UE, "drop"),
        known("an Application ID that is not known in a modification", "7.5.5.1")
            .send(pgw(), ok())
            .send(
                modify([update_pdr(1, [group(PDI, [source(CORE), text(APPLICATION_ID, "tv")])])]),
                no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 1),
            )
            .down(UE, FORWARDS),
        known("an application goes with the association of its control plane", "6.2.8.2")
            .send(release(), ok())
            .send(setup(), ok())
            .send(pgw(), ok())
            .send(of_web(), no(UNKNOWN_APPLICATION).ie(APPLICATION_ID).rule(PDR, 3)),
        known("SDF filters beside an Application ID are not served", "7.5.2.2").send(
            pgw().pdi(1, |pdi| pdi.add(text(APPLICATION_ID, "web")).add(sdf(WEB))),
            no(NOT_SUPPORTED).ie(APPLICATION_ID).rule(PDR, 1),
        ),
    ]
}
