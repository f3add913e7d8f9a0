//! What the REST API asks for, in names, and why it cannot be.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use upf_common::meter::DEFAULT_DEPTH_NS;

use super::{
    Assignment, Bandwidth, DEPTHS, Imsi, MAX_ASSIGNMENTS, MAX_CUSTOMERS, Rate, SpeedLimit, is_name,
};
use crate::datapath::DatapathError;
use crate::store::StoreError;

/// What a SIM is to have. In both: `None` leaves it as it is, `Some(None)` goes back to what the config says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimChange {
    /// The SIM.
    pub imsi: Imsi,
    /// The name of its speed class.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub class: Option<Option<Box<str>>>,
    /// The name of its customer.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    pub customer: Option<Option<Box<str>>>,
}

/// Tells null (`Some(None)`) from an absent field (`None`, by `default`).
///
/// # Errors
/// Those of the deserializer.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

impl SimChange {
    /// Takes back all that the SIM was given.
    #[must_use]
    pub fn back(imsi: Imsi) -> Self {
        Self {
            imsi,
            class: Some(None),
            customer: Some(None),
        }
    }

    fn gives_anything(&self) -> bool {
        matches!(&self.class, Some(Some(_))) || matches!(&self.customer, Some(Some(_)))
    }
}

/// What a customer's limit is to be; `None` leaves each as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerChange {
    /// From all its SIMs together, bit/s; `Some(None)` for no limit.
    pub uplink_bps: Option<Option<u64>>,
    /// To all its SIMs together, bit/s.
    pub downlink_bps: Option<Option<u64>>,
    /// How long a full bucket lasts, in milliseconds.
    pub depth_ms: Option<u64>,
    /// Whether packets of ECN-capable transports are marked before any is dropped.
    pub ecn: Option<bool>,
}

/// Why a change is not made, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The config has no speed classes.
    #[error(
        "there are no speed classes; write [speed_class.\"basic\"] with uplink = \"1 Mbit/s\" and \
         downlink = \"1 Mbit/s\" into upf.toml and start the agent anew"
    )]
    NoClasses,
    /// There is no such speed class.
    #[error("there is no speed class \"{name}\"; there are: {known}")]
    UnknownClass {
        /// What was asked for.
        name: Box<str>,
        /// The names that there are.
        known: String,
    },
    /// There is no such customer.
    #[error(
        "there is no customer \"{name}\"; PUT /v1/customers/{name} makes it, and so does [customer.\"{name}\"] in upf.toml"
    )]
    UnknownCustomer {
        /// What was asked for.
        name: Box<str>,
    },
    /// There is no such customer to change.
    #[error("there is no customer \"{name}\"")]
    NoSuchCustomer {
        /// What was asked for.
        name: Box<str>,
    },
    /// A customer that only the REST API made has SIMs.
    #[error(
        "customer \"{name}\" was given {sims} SIMs; give them to others or take that back, and try again"
    )]
    Assigned {
        /// The customer.
        name: Box<str>,
        /// How many SIMs were given to it.
        sims: usize,
    },
    /// One of several SIMs cannot have what it is to have.
    #[error("SIM {imsi}: {reason}")]
    Sim {
        /// The SIM.
        imsi: Imsi,
        /// Why not.
        reason: Box<ChangeError>,
    },
    /// It can be nobody's name.
    #[error("a name has 1 to 63 letters, digits, dots, hyphens and underscores")]
    NoName,
    /// A rate or a depth that no limit can keep.
    #[error("{field} is {value}; write {write}")]
    NoLimit {
        /// The field of the request.
        field: &'static str,
        /// What it says.
        value: u64,
        /// What it may say.
        write: &'static str,
    },
    /// There are as many as there may be.
    #[error("there is no room for more than {most} {what}; take some back first")]
    Full {
        /// Customers, or SIMs that were given something.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// It cannot be kept over a restart, so it was not put into force.
    #[error("nothing has changed: {0}; send it again, the next start may find it or not")]
    NotStored(#[from] StoreError),
    /// It is kept, and what it says is not in the fast path's tables for all that it concerns.
    #[error(
        "the change is kept, but not in force for {failed} of {all} yet; it is tried again every second: {source}"
    )]
    NotInForce {
        /// How many SIMs or customers.
        failed: usize,
        /// Of how many.
        all: usize,
        /// What went wrong last.
        source: DatapathError,
    },
}

impl Bandwidth {
    /// Whether a change of a SIM can be made.
    ///
    /// # Errors
    /// [`ChangeError::Sim`]
    pub fn check_sim(&self, change: &SimChange) -> Result<(), ChangeError> {
        self.check(change).map_err(|reason| ChangeError::Sim {
            imsi: change.imsi,
            reason: Box::new(reason),
        })
    }

    fn check(&self, change: &SimChange) -> Result<(), ChangeError> {
        if let Some(Some(name)) = &change.class {
            if self.classes.is_empty() {
                return Err(ChangeError::NoClasses);
            }
            if self.class_named(name).is_none() {
                return Err(self.unknown_class(name));
            }
        }
        if let Some(Some(name)) = &change.customer {
            if !is_name(name) {
                return Err(ChangeError::NoName);
            }
            if self.customer_named(name).is_none() {
                let name = name.clone();
                return Err(ChangeError::UnknownCustomer { name });
            }
        }
        Ok(())
    }

    /// Whether a change gives something to a SIM that has been given nothing so far.
    #[must_use]
    pub fn is_first(&self, change: &SimChange) -> bool {
        change.gives_anything() && !self.assignments.contains_key(&change.imsi)
    }

    /// Whether so many more SIMs can be given something.
    ///
    /// # Errors
    /// [`ChangeError::Full`]
    pub fn check_room(&self, more: usize) -> Result<(), ChangeError> {
        full("SIMs", MAX_ASSIGNMENTS, self.assignments.len() + more)
    }

    /// What a SIM has been given after a change.
    #[must_use]
    pub fn changed(&self, change: &SimChange) -> Assignment {
        let mut assignment = self.assignment(change.imsi).cloned().unwrap_or_default();
        if let Some(class) = &change.class {
            assignment.class = class.as_deref().and_then(|name| self.class_named(name));
        }
        if let Some(customer) = &change.customer {
            let customer = customer.as_deref();
            assignment.customer = customer.and_then(|name| self.customer_named(name).cloned());
        }
        assignment
    }

    /// What a customer has when the REST API takes back what it gave: the config's limit. `None` where there is no such
    /// customer then.
    ///
    /// # Errors
    /// [`ChangeError::NoSuchCustomer`], and [`ChangeError::Assigned`] for one that would be gone.
    pub fn limit_of_config(&self, customer: &str) -> Result<Option<SpeedLimit>, ChangeError> {
        let name = || customer.chars().take(MAX_SHOWN).collect::<String>().into();
        if self.customer_named(customer).is_none() {
            return Err(ChangeError::NoSuchCustomer { name: name() });
        }
        if let Some(limit) = self.of_config.get(customer) {
            return Ok(Some(limit.clone()));
        }
        match self.assigned.get(customer) {
            Some(sims) => Err(ChangeError::Assigned {
                name: name(),
                sims: *sims,
            }),
            None => Ok(None),
        }
    }

    /// The limit that a customer has after a change; one that is new has the default depth.
    ///
    /// # Errors
    /// Why it cannot have it.
    pub fn changed_limit(
        &self,
        customer: &str,
        change: &CustomerChange,
    ) -> Result<SpeedLimit, ChangeError> {
        if !is_name(customer) {
            return Err(ChangeError::NoName);
        }
        change.check()?;
        let limit = self.customers.get(customer).map(Option::as_ref);
        if limit.is_none() {
            full("customers", MAX_CUSTOMERS, self.customers.len() + 1)?;
        }
        let old = limit.flatten().cloned().unwrap_or_else(|| self.no_limit());
        Ok(SpeedLimit {
            uplink_bps: change.uplink_bps.unwrap_or(old.uplink_bps),
            downlink_bps: change.downlink_bps.unwrap_or(old.downlink_bps),
            depth: change.depth_ms.map_or(old.depth, Duration::from_millis),
            ecn: change.ecn.unwrap_or(old.ecn),
        })
    }

    /// The limit of a customer that has none.
    fn no_limit(&self) -> SpeedLimit {
        SpeedLimit {
            uplink_bps: None,
            downlink_bps: None,
            depth: Duration::from_nanos(DEFAULT_DEPTH_NS),
            ecn: self.ecn,
        }
    }

    fn unknown_class(&self, name: &str) -> ChangeError {
        let known: Vec<_> = self.classes.iter().map(|class| &*class.name).collect();
        ChangeError::UnknownClass {
            name: name.chars().take(MAX_SHOWN).collect::<String>().into(),
            known: known.join(", "),
        }
    }
}

/// Letters of a wrong name that are shown again.
const MAX_SHOWN: usize = 63;

impl CustomerChange {
    fn check(&self) -> Result<(), ChangeError> {
        for (field, bps) in [
            ("uplink_bps", self.uplink_bps),
            ("downlink_bps", self.downlink_bps),
        ] {
            if let Some(Some(value)) = bps
                && Rate::from_bits(value).is_err()
            {
                let write = "8000 (8 kbit/s) to 400000000000 (400 Gbit/s), or null for no limit";
                return Err(ChangeError::NoLimit {
                    field,
                    value,
                    write,
                });
            }
        }
        match self.depth_ms {
            Some(value) if !DEPTHS.contains(&Duration::from_millis(value)) => {
                Err(ChangeError::NoLimit {
                    field: "depth_ms",
                    value,
                    write: "1 to 60000",
                })
            }
            _ => Ok(()),
        }
    }
}

fn full(what: &'static str, most: usize, would_be: usize) -> Result<(), ChangeError> {
    if would_be > most {
        Err(ChangeError::Full { what, most })
    } else {
        Ok(())
    }
}
