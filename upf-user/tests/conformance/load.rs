//! Load and overload control (clauses 6.2.3, 6.2.4 and 7.5.3.3).

use crate::support::message::split;
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
fn metric(group: u16) -> impl Fn(&World) -> Option<u8> {
    move |world| {
        let answer = world.last_answer.as_ref().expect("an answer");
        let ies = split(answer.find(group)?);
        let metric = ies.iter().find(|(kind, _)| *kind == METRIC);
        metric.map(|(_, value)| value[0])
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
            .send(update_association().with(u8(CP_FUNCTION_FEATURES, LOAD)), ok())
            .send(modify([]), ok().has(LOAD_CONTROL)),
    ]
}
