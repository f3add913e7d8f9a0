//! UP Function Features (TS 29.244 clause 8.2.25) that are announced: those that a test proves, and no other.
//!
//! | bit | what it promises | proved by |
//! |---|---|---|
//! | FTUP | the UP function allocates F-TEIDs (clause 5.5.3) | `session::tests::profiles` |
//! | PFDM | PFD management (clause 6.2.5) | `session::tests::applications` |
//! | EMPU | End Markers are made by the UP function (clause 5.2.3.1) | `session::tests::end_markers` |
//! | PDIU | traffic endpoints (clause 5.2.3.1) | `session::tests::endpoints` |
//! | QUOAC | a FAR for what is beyond an exhausted quota (clause 7.5.2.4) | `session::tests::quota_action` |
//! | FRRT | framed routes (clause 5.16) | `session::tests::framed` |
//! | PFDE | PFD Contents with several values of a kind (clause 8.2.39) | `session::tests::applications` |
//! | DPDRA | activation and deactivation of PDRs at a time (clause 5.2.1) | `session::tests::times` |
//! | ADPDP | predefined rules by name (clause 5.2.1) | `session::tests::rules` |
//! | UEIP | the UP function allocates UE addresses (clause 5.21), where the config has pools | `session::tests::ue_pools` |
//! | MNOP | packets are measured beside octets (clause 8.2.68) | `session::tests::charging` |
//! | MTE | several traffic endpoints in a PDI (clause 5.2.1A.1) | `session::tests::endpoints` |
//! | BUNDL | messages behind each other in a datagram are handled (clause 6.5) | `pfcp::node::tests::odd_messages::each_message_of_a_bundle_is_handled` |
//! | VTIME | Quota Validity Time (clause 7.5.2.4) | `usage::tests::quotas` |
//! | NORP | Number of Reports (clause 8.2.133) | `usage::tests::periods` |
//!
//! EPFAR stays off although associations are released gracefully, and the sessions that end with one report their usage: it promises
//! that a control plane can have all reports sent before the release (PARPS), and is told when they are (URSS, clause 5.18). The
//! bits of buffering stay off until there is a buffer.

use crate::pfcp::ie::UpFunctionFeatures;

/// What we announce; UEIP only where there are pools ([`super::Config::features`]).
pub const FEATURES: UpFunctionFeatures = UpFunctionFeatures(
    UpFunctionFeatures::FTUP
        | UpFunctionFeatures::PFDM
        | UpFunctionFeatures::EMPU
        | UpFunctionFeatures::PDIU
        | UpFunctionFeatures::QUOAC
        | UpFunctionFeatures::FRRT
        | UpFunctionFeatures::PFDE
        | UpFunctionFeatures::DPDRA
        | UpFunctionFeatures::ADPDP
        | UpFunctionFeatures::UEIP
        | UpFunctionFeatures::MNOP
        | UpFunctionFeatures::MTE
        | UpFunctionFeatures::BUNDL
        | UpFunctionFeatures::VTIME
        | UpFunctionFeatures::NORP,
);
