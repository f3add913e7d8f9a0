//! UP Function Features (TS 29.244 clause 8.2.25) that are announced: those that a test proves, and no other.
//!
//! | bit | what it promises | proved by |
//! |---|---|---|
//! | FTUP | the UP function allocates F-TEIDs (clause 5.5.3) | `session::tests::profiles` |
//! | BUNDL | messages behind each other in a datagram are handled (clause 6.5) | `pfcp::node::tests::odd_messages::each_message_of_a_bundle_is_handled` |
//!
//! EPFAR stays off although associations are released gracefully: it promises the last usage reports of all sessions
//! before the release (clause 5.18), which needs usage measurement. So do the other bits of charging, and of buffering.

use crate::pfcp::ie::UpFunctionFeatures;

/// What we announce.
pub(super) const FEATURES: UpFunctionFeatures =
    UpFunctionFeatures(UpFunctionFeatures::FTUP | UpFunctionFeatures::BUNDL);
