//! `cargo xtask vectors`: messages that others made, replayed and compared.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::command;

/// Builds the replay and puts the folder to it; what disagrees is an error.
pub(crate) fn replay(folder: &Path) -> Result<()> {
    let folder = folder
        .canonicalize()
        .with_context(|| format!("no folder of vectors at {}", folder.display()))?;
    command::heading("vectors");
    let replay = [
        "run",
        "--quiet",
        "--package",
        "bench",
        "--bin",
        "upf-vectors",
        "--",
    ];
    command::show(command::cargo().args(replay).arg(folder))
}
