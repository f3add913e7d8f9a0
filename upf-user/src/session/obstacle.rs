//! What keeps a change out of the tables.

use super::refusal::refuse_all;
use crate::datapath::DatapathError;
use crate::datapath::slots::{ChangeError, Exhausted};
use crate::pfcp::ie::Cause;
use crate::pfcp::message::Refusal;

/// Why a session's rules could not be put into force.
#[derive(Debug, thiserror::Error)]
pub(super) enum Obstacle {
    /// They ask for what cannot be.
    #[error("{:?}", .0.cause)]
    Refused(Refusal),
    /// The tables have no room for them, or cannot be written.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The tables are still behind with earlier changes, or have what ended sessions are to give back first.
    #[error("earlier changes are still to be written")]
    Behind,
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Exhausted> for Obstacle {
    fn from(exhausted: Exhausted) -> Self {
        Self::Change(exhausted.into())
    }
}

impl From<DatapathError> for Obstacle {
    fn from(error: DatapathError) -> Self {
        Self::Change(error.into())
    }
}

impl Obstacle {
    /// The answer to a request that it stood in the way of.
    pub(super) fn refusal(self) -> Refusal {
        let cause = match self {
            Self::Refused(refusal) => return refusal,
            Self::Change(ChangeError::Exhausted(exhausted)) => {
                tracing::debug!(%exhausted, "a session request is refused");
                match exhausted {
                    Exhausted::UeAddresses => Cause::AllDynamicAddressesOccupied,
                    _ => Cause::NoResourcesAvailable,
                }
            }
            Self::Change(ChangeError::Datapath(error)) => {
                tracing::error!(%error, "a session request is refused");
                match error {
                    DatapathError::Full { .. } => Cause::NoResourcesAvailable,
                    DatapathError::OutOfRange { .. } | DatapathError::Kernel { .. } => {
                        Cause::SystemFailure
                    }
                }
            }
            Self::Behind => Cause::Congestion,
        };
        refuse_all(cause)
    }
}
