//! Tables of values between tabs.

use std::path::Path;

use anyhow::{Context as _, Result};

/// A table's rows.
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    columns: &'a [String],
    cells: &'a [String],
}

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let cells = |line: &str| line.split('\t').map(str::to_owned).collect();
        let mut lines = text.lines();
        let columns = cells(lines.next().context("an empty table")?);
        let rows = lines.filter(|line| !line.is_empty()).map(cells).collect();
        Ok(Self { columns, rows })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row {
            columns: &self.columns,
            cells,
        })
    }
}

impl<'a> Row<'a> {
    /// The cell of the column whose name begins so; an empty one where the row ends before it.
    pub(super) fn get(&self, column: &str) -> &'a str {
        let place = self
            .columns
            .iter()
            .position(|name| name.starts_with(column));
        let cell = place.and_then(|place| self.cells.get(place));
        cell.map_or("", |cell| cell.as_str())
    }

    /// A cell's octets.
    pub(super) fn octets(&self, column: &str) -> Result<Vec<u8>> {
        octets(self.get(column))
    }
}

/// Octets as hex digits.
pub(super) fn octets(digits: &str) -> Result<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).context("no hex digits")?;
        anyhow::ensure!(text.len() == 2, "half an octet at the end");
        u8::from_str_radix(text, 16).context("no hex digits")
    };
    pairs.map(octet).collect()
}
