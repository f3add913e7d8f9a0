//! Conformance to TS 29.244 at the level of PFCP messages: tables of rows, each with the clause that it comes from.
//!
//! A row says what a control plane sends, what it is answered (Cause, Offending IE, Failed Rule ID, what was created),
//! and what the tables of the fast path do with packets then. Everything runs on the real stack, from bytes to bytes:
//! node, codec, sessions, and tables in memory.

mod application;
mod association;
mod bar;
mod codec;
mod deletion;
mod document;
mod establishment;
mod f_teid;
mod far;
mod forwarding;
mod framed_route;
mod heartbeat;
mod load;
mod mar;
mod modification;
mod node_report;
mod owners;
mod pdr;
mod pfd;
mod predefined;
mod qer;
mod release;
mod report;
mod restoration;
mod sdf_filter;
mod session_set;
mod support;
mod traffic_endpoint;
mod ue_address;
mod urr;
mod usage;
mod version;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use support::row::Row;

/// At least so many rows.
const MIN_ROWS: usize = 250;

/// The tables: modules with `rows()`, and a test that runs those of each.
macro_rules! tables {
    ($($table:ident),+ $(,)?) => {
        const TABLES: &[(&str, fn() -> Vec<Row>)] = &[
            $((stringify!($table), $table::rows),)+
        ];

        mod run {
            $(
                #[test]
                fn $table() {
                    super::run(&super::$table::rows());
                }
            )+
        }
    };
}

tables! {
    application,
    association,
    bar,
    codec,
    deletion,
    establishment,
    f_teid,
    far,
    forwarding,
    framed_route,
    heartbeat,
    load,
    mar,
    modification,
    node_report,
    owners,
    pdr,
    pfd,
    predefined,
    qer,
    release,
    report,
    restoration,
    sdf_filter,
    session_set,
    traffic_endpoint,
    ue_address,
    urr,
    usage,
    version,
}

/// Runs rows; one line for each that fails.
fn run(rows: &[Row]) {
    let failures: Vec<_> = rows.iter().filter_map(failure).collect();
    assert!(
        failures.is_empty(),
        "{} of {} rows fail:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n")
    );
}

fn failure(row: &Row) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| row.run()));
    let error = match outcome {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            format!("panic: {}", text.or(literal).unwrap_or_default())
        }
    };
    Some(format!("{} [{}]: {error}", row.name, row.clause))
}

#[test]
fn rows_are_many_have_names_of_their_own_and_clauses() {
    let mut places: BTreeMap<&str, &str> = BTreeMap::new();
    for (table, rows) in TABLES {
        for row in rows() {
            let twin = places.insert(row.name, table);
            assert_eq!(twin, None, "the row \"{}\" of {table} has a twin", row.name);
            assert!(
                row.clause.starts_with(|first: char| first.is_ascii_digit())
                    || ["TS 23.007 ", "TS 23.527 ", "TS 29.281 ", "TS 29.212 "]
                        .iter()
                        .any(|spec| row.clause.starts_with(spec)),
                "the row \"{}\" has no clause",
                row.name
            );
        }
    }
    assert!(places.len() >= MIN_ROWS, "{} rows", places.len());
}
