//! Set-up: idempotent, says what it does, takes root only to install packages.

use anyhow::Result;

use crate::{command, packages, toolchain, toolchain::Toolchain};

/// What building takes.
pub(crate) fn for_building() -> Result<Toolchain> {
    command::heading("set-up");
    toolchain::ensure()
}

/// What building and running the lab take.
pub(crate) fn for_lab() -> Result<Toolchain> {
    let toolchain = for_building()?;
    packages::ensure("programs for the lab", &[packages::LAB])?;
    Ok(toolchain)
}

/// What building, running and testing take.
pub(crate) fn everything() -> Result<Toolchain> {
    let toolchain = for_building()?;
    packages::ensure("programs for the tests", &[packages::LAB, packages::TESTS])?;
    Ok(toolchain)
}
