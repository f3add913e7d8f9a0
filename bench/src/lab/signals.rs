//! Signals that ask the lab to end.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

static ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn ask(_: libc::c_int) {
    ASKED.store(true, Ordering::Relaxed);
}

/// Makes the usual signals ask instead of kill, so that what was made is taken down in order.
///
/// # Errors
/// When the system refuses.
pub(super) fn install() -> Result<()> {
    let action = SigAction::new(
        SigHandler::Handler(ask),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // SAFETY: the handler only stores to an atomic.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}

/// Whether a signal has asked.
#[must_use]
pub(super) fn asked_to_end() -> bool {
    ASKED.load(Ordering::Relaxed)
}
