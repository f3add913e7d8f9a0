//! The engine by tables, with a simulated clock, and by random scripts.
//!
//! A row is a script: the URRs, then a step a line, and behind `=>` all reports that the step must bring, in full. See
//! [`script`] for what the words mean.

mod conservation;
mod durations;
mod events;
mod limits;
mod linked;
mod monitoring;
mod pairs;
mod periods;
mod quotas;
mod requests;
mod script;
mod show;
mod standing;
mod state;
mod thresholds;
mod traffic;
mod world;

use script::Row;
use world::World;

/// Runs the rows of a table, and once more with a state that is kept and read back before each step.
fn check(rows: &[Row]) {
    for is_kept in [false, true] {
        let outcomes = rows.iter().map(|row| outcome(row, is_kept));
        let failures: Vec<_> = outcomes.filter_map(Result::err).collect();
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    }
}

fn outcome(row: &Row, is_kept: bool) -> Result<(), String> {
    let mut world = World::default();
    for urr in row.urrs.split(';') {
        world.create(&script::settings(urr));
    }
    for step in row
        .steps
        .lines()
        .map(str::trim)
        .filter(|step| !step.is_empty())
    {
        if is_kept {
            let kept = serde_json::to_vec(&world.usage).expect("it can be kept");
            world.usage = serde_json::from_slice(&kept).expect("it can be read");
        }
        let (action, expected) = step.split_once("=>").unwrap_or((step, ""));
        let shown = world.act(action.trim()).join(" | ");
        if shown != expected.trim() {
            let expected = expected.trim();
            return Err(format!(
                "{} (clause {}): {action}\n  expected: {expected}\n  got:      {shown}",
                row.name, row.clause,
            ));
        }
    }
    Ok(())
}

#[test]
fn there_are_150_rows_and_each_expects_something() {
    let tables = [
        durations::ROWS,
        events::ROWS,
        limits::ROWS,
        linked::ROWS,
        monitoring::ROWS,
        pairs::ROWS,
        periods::ROWS,
        quotas::ROWS,
        requests::ROWS,
        thresholds::ROWS,
        traffic::ROWS,
    ];
    let rows: Vec<_> = tables.into_iter().flatten().collect();
    assert!(rows.len() >= 150, "{}", rows.len());
    for row in &rows {
        let expects = row.steps.lines().any(|step| step.contains("=> "));
        assert!(expects, "{}", row.name);
        assert!(row.clause.starts_with(['5', '7', '8']), "{}", row.name);
    }
    let names: std::collections::HashSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
}
