//! Short ways to say no.

use crate::pfcp::ie::{Cause, FailedRule};
use crate::pfcp::message::Refusal;

/// A refusal that names a rule. Failed Rule ID has no word for a traffic endpoint or a MAR; those are told by the
/// offending IE alone.
pub(super) fn refuse(
    cause: Cause,
    offending_ie: u16,
    rule: impl Into<Option<FailedRule>>,
) -> Refusal {
    Refusal {
        cause,
        offending_ie: Some(offending_ie),
        failed_rule: rule.into(),
    }
}

/// A rule that cannot be created, changed or removed.
pub(super) fn refuse_rule(rule: FailedRule) -> Refusal {
    Refusal {
        cause: Cause::RuleCreationFailure,
        offending_ie: None,
        failed_rule: Some(rule),
    }
}

/// More rules than a session may have.
pub(super) fn no_room(rule: FailedRule) -> Refusal {
    Refusal {
        cause: Cause::NoResourcesAvailable,
        offending_ie: None,
        failed_rule: Some(rule),
    }
}

/// A cause alone.
pub(super) fn refuse_all(cause: Cause) -> Refusal {
    Refusal {
        cause,
        offending_ie: None,
        failed_rule: None,
    }
}
