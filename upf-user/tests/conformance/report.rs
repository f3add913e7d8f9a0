//! Session reports (clauses 5.10, 6.3.5, 7.5.8 and 7.5.9).

use upf_user::pfcp::ie::{DownlinkDataServiceInformation, FTeid, NodeId, UsageReportTrigger};
use upf_user::pfcp::message::{
    DownlinkDataReport, SessionReport, SessionReportRequest, UsageReport,
};

use crate::support::message::{find, split};
use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

fn report(world: &mut World, request: SessionReportRequest) {
    let session = world.sessions[0].clone();
    let report = SessionReport {
        seid: session.up_seid,
        cp_seid: session.cp_seid,
        request,
    };
    let owner = NodeId::Address(std::net::IpAddr::from(SMF));
    let now = world.now;
    let actions = world.node.report(&owner, report, now, &mut world.stack);
    world.keep(actions);
}

fn downlink_data() -> SessionReportRequest {
    SessionReportRequest {
        downlink_data: Some(DownlinkDataReport {
            pdr_ids: vec![1],
            service_information: vec![DownlinkDataServiceInformation {
                paging_policy_indication: None,
                qfi: Some(1),
            }],
        }),
        ..SessionReportRequest::default()
    }
}

fn usage() -> SessionReportRequest {
    SessionReportRequest {
        usage: vec![UsageReport {
            urr_id: 1,
            sequence: 0,
            trigger: UsageReportTrigger(2),
            ..UsageReport::default()
        }],
        ..SessionReportRequest::default()
    }
}

fn error_indication() -> SessionReportRequest {
    SessionReportRequest {
        error_indication: vec![FTeid::Given {
            teid: 0x77,
            ipv4: Some(SGW.into()),
            ipv6: None,
        }],
        ..SessionReportRequest::default()
    }
}

pub(crate) fn rows() -> Vec<Row> {
    let response = |cause_of| Msg::new(REPORT + 1, Seid::Session(0), [cause(cause_of)]);
    let reported = |name, clause| {
        with(name, clause, pdu())
            .act(|world| report(world, downlink_data()))
            .sends("DLDR", REPORT, |got| got.number(REPORT_TYPE), Some(1))
    };
    vec![
        with(
            "a downlink data report has PDR ID and service information",
            "7.5.8.2",
            pdu(),
        )
        .act(|world| report(world, downlink_data()))
        .sends(
            "DLDR {PDR ID 1, QFI 1}",
            REPORT,
            |got| {
                let report = got.find(DOWNLINK_DATA_REPORT).map(<[u8]>::to_vec);
                (got.seid, got.number(REPORT_TYPE), report)
            },
            (
                Some(7),
                Some(1),
                Some(
                    [
                        &[0, 56, 0, 2, 0, 1][..],
                        &[0, SERVICE_INFORMATION as u8, 0, 2, 2, 1],
                    ]
                    .concat(),
                ),
            ),
        ),
        with(
            "an error indication report has the remote F-TEID",
            "7.5.8.4",
            pgw(),
        )
        .act(|world| report(world, error_indication()))
        .sends(
            "ERIR {F-TEID}",
            REPORT,
            |got| {
                let report = got.find(ERROR_INDICATION_REPORT).map(<[u8]>::to_vec);
                (got.number(REPORT_TYPE), report)
            },
            (
                Some(4),
                Some(vec![0, 21, 0, 9, 1, 0, 0, 0, 0x77, 10, 1, 0, 11]),
            ),
        ),
        with(
            "an error indication finds the sessions of its F-TEID",
            "TS 23.527 5.3",
            pgw(),
        )
        .holds(
            "sessions",
            |world| {
                let tunnel = upf_user::session::RemoteTunnel {
                    teid: 0x77,
                    address: SGW.into(),
                };
                world.stack.sessions_of_remote(tunnel).len()
            },
            1,
        ),
        with(
            "a usage report of a session report has its own type",
            "7.5.8.3",
            pdu(),
        )
        .act(|world| report(world, usage()))
        .sends(
            "USAR {URR ID, UR-SEQN, a trigger of three octets}",
            REPORT,
            |got| {
                let report = split(got.find(USAGE_REPORT).expect("type 80"));
                let trigger = find(&report, USAGE_REPORT_TRIGGER).map(<[u8]>::to_vec);
                (got.number(REPORT_TYPE), trigger)
            },
            // VOLTH in octet 5.
            (Some(2), Some(vec![2, 0, 0])),
        ),
        reported("a report that is answered is not sent again", "6.3.5.1")
            .answer_it(response(ACCEPTED))
            .wait(5)
            .sends_nothing()
            .sessions(1),
        reported("a report is sent again after T1, as it was", "6.4")
            .wait(4)
            .sends("the same number", REPORT, |got| got.sequence, 1),
        with("a report is sent N1 times at most", "6.4", pdu())
            .act(|world| report(world, downlink_data()))
            .wait(9)
            .holds("times", |world| world.sent.len(), 3)
            .sessions(1),
        reported(
            "a session that the control plane does not know ends",
            "7.5.9.1",
        )
        .answer_it(response(NOT_FOUND))
        .sessions(0)
        .down(UE, "nothing"),
        reported("a refused report leaves the session alone", "7.5.9.1")
            .answer_it(response(REJECTED))
            .sessions(1),
        reported("Update BAR in the response is of its own type", "7.5.9.2")
            .answer_it(response(ACCEPTED).with(group(
                UPDATE_BAR_IN_REPORT,
                [bar_id(1), u8(NOTIFICATION_DELAY, 4)],
            )))
            .sees("delay in ms", bar_delay, Some(200)),
        reported(
            "Update BAR of a modification is nothing in a response",
            "7.5.9.2",
        )
        .answer_it(
            response(ACCEPTED).with(group(UPDATE_BAR, [bar_id(1), u8(NOTIFICATION_DELAY, 4)])),
        )
        .sees("delay in ms", bar_delay, None),
        reported("a response may bring a new CP F-SEID", "7.5.9.1")
            .answer_it(response(ACCEPTED).with(f_seid(72, SMF)))
            .send(modify([]), ok().to(72)),
        reported("DROBU in a response is taken", "8.2.32")
            .answer_it(response(ACCEPTED).with(u8(SR_RESPONSE_FLAGS, 1)))
            .sessions(1),
        reported("a response of another session's number is none", "7.6.5")
            .act(|world| {
                if let Some((_, own)) = &mut world.last_own {
                    own.sequence += 1;
                }
            })
            .answer_it(response(NOT_FOUND))
            .sessions(1),
        reported("a response without Cause is none", "7.5.9.1")
            .answer_it(Msg::new(REPORT + 1, Seid::Session(0), []))
            .wait(3)
            .sends("the report again", REPORT, |got| got.sequence, 1),
        with(
            "a report goes to the CP F-SEID of the moment",
            "7.2.2.4.2",
            pdu(),
        )
        .send(modify([f_seid(73, SMF)]), ok())
        .act(|world| report(world, downlink_data()))
        .sends("SEID 73", REPORT, |got| got.seid, Some(73)),
        with("a report without association is not sent", "6.3.5.1", pdu())
            .send(release(), ok())
            .act(|world| report(world, downlink_data()))
            .sends_nothing(),
    ]
}

fn bar_delay(view: &upf_user::session::SessionView) -> Option<u32> {
    let rules = view.rules.as_ref().expect("rules");
    rules.bars[0].notification_delay_ms
}
