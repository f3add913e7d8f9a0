//! What is sent and shown of bandwidth, in JSON.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bandwidth::MAX_SIMS;
use crate::bandwidth::{SpeedClass, given};
use crate::session::CustomerView;

/// A speed class of the config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpeedClassView {
    /// Its name.
    #[schema(example = "s1.slow")]
    pub name: String,
    /// From the SIM, bit/s; null for no limit.
    pub uplink_bps: Option<u64>,
    /// To the SIM, bit/s; null for no limit.
    pub downlink_bps: Option<u64>,
    /// How long a full bucket lasts, in milliseconds.
    pub depth_ms: u64,
    /// Whether packets of ECN-capable transports are marked before any is dropped.
    pub ecn: bool,
    /// Whether it is the class of SIMs that were given none.
    pub is_default: bool,
}

impl SpeedClassView {
    /// A class as it is shown.
    #[must_use]
    pub fn new(class: &SpeedClass, is_default: bool) -> Self {
        let limit = &class.limit;
        Self {
            name: class.name.to_string(),
            uplink_bps: limit.uplink_bps,
            downlink_bps: limit.downlink_bps,
            depth_ms: u64::try_from(limit.depth.as_millis()).unwrap_or(u64::MAX),
            ecn: limit.ecn,
            is_default,
        }
    }
}

/// All speed classes.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpeedClasses {
    /// In the order of the config.
    pub(super) classes: Vec<SpeedClassView>,
}

/// Some customers.
#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerPage {
    /// In the order of their names.
    pub(super) customers: Vec<CustomerView>,
    /// Ask for the rest with `after` set to this; null where there is no more.
    #[schema(example = "acme")]
    pub(super) next: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CustomerRange {
    /// Only customers after this one.
    pub(super) after: Option<String>,
    /// How many at most, 1 to 1000; 100 without.
    pub(super) limit: Option<usize>,
}

/// What a SIM is to have. What is absent stays as it is; null goes back to what the config says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimBody {
    /// The name of its speed class.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "s1.slow")]
    pub(super) class: Option<Option<Box<str>>>,
    /// The name of its customer.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "acme")]
    pub(super) customer: Option<Option<Box<str>>>,
}

/// What one SIM of many is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimEntry {
    /// The SIM.
    #[schema(value_type = String, example = "001010000000001")]
    pub(super) imsi: Box<str>,
    /// As for one SIM.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "s1.slow")]
    pub(super) class: Option<Option<Box<str>>>,
    /// As for one SIM.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "acme")]
    pub(super) customer: Option<Option<Box<str>>>,
}

/// What many SIMs are to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimsBody {
    /// Up to 100,000, each once.
    #[serde(deserialize_with = "at_most_max_sims")]
    pub(super) sims: Vec<SimEntry>,
}

/// What became of many SIMs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    /// How many have what they were to have.
    pub(super) changed: usize,
}

/// What a customer is to have. What is absent stays as it is; a rate that is null is no limit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerBody {
    /// From all its SIMs together, bit/s.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u64>, example = 1_000_000_000)]
    pub(super) uplink_bps: Option<Option<u64>>,
    /// To all its SIMs together, bit/s.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u64>, example = 1_000_000_000)]
    pub(super) downlink_bps: Option<Option<u64>>,
    /// How long a full bucket lasts, in milliseconds.
    pub(super) depth_ms: Option<u64>,
    /// Whether packets of ECN-capable transports are marked before any is dropped.
    pub(super) ecn: Option<bool>,
}

/// No more is taken into memory than may be changed.
fn at_most_max_sims<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SimEntry>, D::Error> {
    struct Sims;

    impl<'de> Visitor<'de> for Sims {
        type Value = Vec<SimEntry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX_SIMS} SIMs")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut sims = Vec::new();
            while let Some(sim) = list.next_element()? {
                if sims.len() == MAX_SIMS {
                    let message = format!(
                        "there are more than {MAX_SIMS} SIMs; send the rest in another request"
                    );
                    return Err(serde::de::Error::custom(message));
                }
                sims.push(sim);
            }
            Ok(sims)
        }
    }

    deserializer.deserialize_seq(Sims)
}
