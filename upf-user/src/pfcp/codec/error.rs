//! What can be wrong with a message.

use crate::pfcp::ie::Cause;

/// Why a message could not be decoded, in the terms of its answer (TS 29.244 clause 7.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause:?} ({})", offender(*.offending_ie))]
pub struct DecodeError {
    /// Cause.
    pub cause: Cause,
    /// Offending IE: its type. `None` where octets are left that are too few for an IE.
    pub offending_ie: Option<u16>,
}

fn offender(kind: Option<u16>) -> String {
    kind.map_or_else(|| "message".to_owned(), |kind| format!("IE type {kind}"))
}

impl DecodeError {
    const fn new(cause: Cause, kind: u16) -> Self {
        Self {
            cause,
            offending_ie: Some(kind),
        }
    }

    pub(super) const fn missing(kind: u16) -> Self {
        Self::new(Cause::MandatoryIeMissing, kind)
    }

    pub(super) const fn condition(kind: u16) -> Self {
        Self::new(Cause::ConditionalIeMissing, kind)
    }

    pub(super) const fn length(kind: u16) -> Self {
        Self::new(Cause::InvalidLength, kind)
    }

    /// More elements of a type than one message may have here.
    pub(super) const fn too_many(kind: u16) -> Self {
        Self::new(Cause::NoResourcesAvailable, kind)
    }

    /// Octets behind the last IE, of a group or of the message.
    pub(super) const fn stray_octets(group: Option<u16>) -> Self {
        Self {
            cause: Cause::InvalidLength,
            offending_ie: group,
        }
    }

    pub(super) const fn flaw(flaw: Flaw, kind: u16) -> Self {
        match flaw {
            Flaw::Short => Self::length(kind),
            Flaw::Incorrect => Self::new(Cause::MandatoryIeIncorrect, kind),
            Flaw::TooMany => Self::too_many(kind),
        }
    }
}

/// What is wrong with the value of one IE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It ends too early.
    Short,
    /// It says what it must not say.
    Incorrect,
    /// It has more parts than we take.
    TooMany,
}

/// A message or an IE of it would be longer than 65,535 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message or an information element is longer than its length field can say")]
pub struct EncodeError;
