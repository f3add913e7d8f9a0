//! The log: everything goes to standard error, also what the fast path and our libraries log.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged where nobody says otherwise. The store's engine tells of every file that it opens.
const DEFAULT_FILTER: &str = "info,fjall=warn,lsm_tree=warn";

/// Begins to log what `filter` lets through, without one what `RUST_LOG` does.
///
/// # Errors
/// When the filter cannot be read.
pub fn init(filter: Option<&str>) -> Result<(), ParseError> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let filter = filter.or(from_environment.as_deref());
    let filter = filter
        .filter(|text| !text.is_empty())
        .unwrap_or(DEFAULT_FILTER);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(filter)?)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
    Ok(())
}
