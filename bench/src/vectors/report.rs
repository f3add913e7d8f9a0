//! What a replay found, for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

/// What one file's replay found.
#[derive(Debug, Default)]
pub struct Report {
    name: String,
    rows: usize,
    compared: usize,
    not_compared: BTreeMap<String, Vec<String>>,
    known: Vec<(String, String)>,
    disagreements: Vec<(String, String)>,
    notes: Vec<String>,
}

impl Report {
    /// Nothing yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn row(&mut self) {
        self.rows += 1;
    }

    /// Values that agree with what is listed.
    pub(super) fn compared(&mut self, count: usize) {
        self.compared += count;
    }

    pub(super) fn not_compared(&mut self, row: &str, reason: &str) {
        let rows = self.not_compared.entry(reason.to_owned()).or_default();
        rows.push(row.to_owned());
    }

    /// A row that is wrong itself.
    pub(super) fn known(&mut self, row: &str, reason: &str) {
        self.known.push((row.to_owned(), reason.to_owned()));
    }

    pub(super) fn disagrees(&mut self, row: &str, what: impl fmt::Display) {
        self.disagreements.push((row.to_owned(), what.to_string()));
    }

    /// Something that is worth a line, and no error.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether everything agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.disagreements.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left_out: usize = self.not_compared.values().map(Vec::len).sum();
        writeln!(
            f,
            "{:<24} {:>5} rows {:>6} values compared {:>5} not {:>4} known {:>4} disagree",
            self.name,
            self.rows,
            self.compared,
            left_out,
            self.known.len(),
            self.disagreements.len(),
        )?;
        for (reason, rows) in &self.not_compared {
            writeln!(f, "    not compared: {reason}: {}", short(rows))?;
        }
        for (row, reason) in &self.known {
            writeln!(f, "    known: {row}: {reason}")?;
        }
        for note in &self.notes {
            writeln!(f, "    {note}")?;
        }
        for (row, what) in &self.disagreements {
            writeln!(f, "    DISAGREES: {row}: {what}")?;
        }
        Ok(())
    }
}

/// How many there are, and the first of them.
fn short(rows: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut text = format!(
        "{} ({}",
        rows.len(),
        rows[..rows.len().min(SHOWN)].join(", ")
    );
    if rows.len() > SHOWN {
        text.push_str(", …");
    }
    text.write_char(')').ok();
    text
}
