//! Load and overload control (clauses 6.2.3, 6.2.4 and 7.5.3.3).

use crate::support::message::{be, find, split};
use crate::support::prelude::*;
use crate::support::row::Row;
use crate::support::world::World;

const LOAD: u8 = 1;
const OVRL: u8 = 2;

/// A control plane that understands these features.
fn told(name: &'static str, clause: &'static str, features: u8) -> Row {
    bare(name, clause).send(setup_with(features), ok())
}

/// The metric in a group of the last answer.
fn metric(group: u16) -> impl Fn(&World) -> Option<u64> {
    part(group, METRIC)
}

/// A number in a group of the last answer.
fn part(group: u16, kind: u16) -> impl Fn(&World) -> Option<u64> {
    move |world| {
        let answer = world.last_answer.as_ref().expect("an answer");
        let ies = split(answer.find(group)?);
        find(&ies, kind).map(be)
    }
}

fn busy(percent: u8) -> impl Fn(&mut World) {
    move |world| world.node.set_backlog(percent)
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        told("load is told in an establishment's answer", "6.2.3.2", LOAD)
            .send(pgw(), ok().has(LOAD_CONTROL).lacks(OVERLOAD_CONTROL)),
        told("load is told in a modification's answer", "6.2.3.2", LOAD)
            .send(pgw(), ok())
            .send(modify([]), ok().has(LOAD_CONTROL)),
        told("load is told in a deletion's answer", "6.2.3.2", LOAD)
            .send(pgw(), ok())
            .send(delete(), ok().has(LOAD_CONTROL)),
        associated("who does not announce LOAD is told nothing", "6.2.3.2")
            .act(busy(99))
            .send(pgw(), ok().lacks(LOAD_CONTROL).lacks(OVERLOAD_CONTROL)),
        told("the metric is the load in percent", "8.2.34", LOAD)
            .act(busy(42))
            .send(pgw(), ok())
            .holds("metric", metric(LOAD_CONTROL), Some(42)),
        told("the sequence number rises with the load", "8.2.33", LOAD)
            .act(busy(42))
            .send(pgw(), ok())
            .act(|world| {
                let first = part(LOAD_CONTROL, SEQUENCE_NUMBER)(world);
                assert!(first > Some(0), "{first:?}");
                world.node.set_backlog(43);
            })
            .wait(2)
            .step("Sequence Number", |world| {
                let first = part(LOAD_CONTROL, SEQUENCE_NUMBER)(world);
                let (octets, _) = world.octets(&modify([]), false);
                let answer = world.receive(smf(), octets).pop();
                world.last_answer = answer;
                let second = part(LOAD_CONTROL, SEQUENCE_NUMBER)(world);
                match second == first.map(|first| first + 1) {
                    true => Ok(()),
                    false => Err(format!("expected one more than {first:?}, got {second:?}")),
                }
            }),
        told("an overload is told for a while", "8.2.35", OVRL)
            .act(busy(95))
            .send(pgw(), ok())
            .holds(
                "30 s in units of two",
                part(OVERLOAD_CONTROL, TIMER),
                Some(15),
            ),
        told("an overload is told", "6.2.4.2", OVRL)
            .act(busy(95))
            .send(pgw(), ok().lacks(LOAD_CONTROL))
            .holds("metric", metric(OVERLOAD_CONTROL), Some(45)),
        told("without overload nothing of it is told", "6.2.4.2", OVRL)
            .act(busy(50))
            .send(pgw(), ok().lacks(OVERLOAD_CONTROL)),
        told("an overload that is over is taken back", "6.2.4.2", OVRL)
            .act(busy(100))
            .send(pgw(), ok().has(OVERLOAD_CONTROL))
            .act(busy(0))
            .wait(2)
            .send(modify([]), ok())
            .holds("metric", metric(OVERLOAD_CONTROL), Some(0)),
        told("refusals tell of the load, too", "6.2.3.2", LOAD).send(
            pgw().pdr(1, |pdr| pdr.set(far_id(9))),
            no(RULE_FAILURE).ie(FAR_ID).rule(PDR, 1).has(LOAD_CONTROL),
        ),
        told("features of an update count", "7.4.4.3", 0)
            .send(pgw(), ok().lacks(LOAD_CONTROL))
            .send(
                update_association().with(u8(CP_FUNCTION_FEATURES, LOAD)),
                ok(),
            )
            .send(modify([]), ok().has(LOAD_CONTROL)),
    ]
}
