//! UP Function Features (TS 29.244 clause 8.2.25) that are announced: those that a test proves, and no other.
//!
//! | bit | what it promises | proved by |
//! |---|---|---|
//! | FTUP | the UP function allocates F-TEIDs (clause 5.5.3) | `session::tests::profiles` |
//! | PFDM | PFD management (clause 6.2.5) | `session::tests::applications` |
//! | EMPU | End Markers are made by the UP function (clause 5.2.3.1) | `session::tests::end_markers` |
//! | PDIU | traffic endpoints (clause 5.2.3.1) | `session::tests::endpoints` |
//! | FRRT | framed routes (clause 5.16) | `session::tests::framed` |
//! | PFDE | PFD Contents with several values of a kind (clause 8.2.39) | `session::tests::applications` |
//! | DPDRA | activation and deactivation of PDRs at a time (clause 5.2.1) | `session::tests::times` |
//! | ADPDP | predefined rules by name (clause 5.2.1) | `session::tests::rules` |
//! | UEIP | the UP function allocates UE addresses (clause 5.21), where the config has pools | `session::tests::ue_pools` |
//! | MTE | several traffic endpoints in a PDI (clause 5.2.1A.1) | `session::tests::endpoints` |
//! | BUNDL | messages behind each other in a datagram are handled (clause 6.5) | `pfcp::node::tests::odd_messages::each_message_of_a_bundle_is_handled` |
//!
//! EPFAR stays off although associations are released gracefully: it promises the last usage reports of all sessions
//! before the release (clause 5.18), which needs usage measurement. So do the other bits of charging, and of buffering.

use crate::pfcp::ie::UpFunctionFeatures;

/// What we announce; UEIP only where there are pools ([`super::Config::features`]).
pub const FEATURES: UpFunctionFeatures = UpFunctionFeatures(
    UpFunctionFeatures::FTUP
        | UpFunctionFeatures::PFDM
        | UpFunctionFeatures::EMPU
        | UpFunctionFeatures::PDIU
        | UpFunctionFeatures::FRRT
        | UpFunctionFeatures::PFDE
        | UpFunctionFeatures::DPDRA
        | UpFunctionFeatures::ADPDP
        | UpFunctionFeatures::UEIP
        | UpFunctionFeatures::MTE
        | UpFunctionFeatures::BUNDL,
);
