//! Bandwidth of SIMs and customers: who has which speed class, and what a class is.
//!
//! The file `upf.toml` names speed classes, a default one, and rules that lead SIMs to customers. The REST API assigns
//! classes to SIMs, SIMs to customers, and limits to customers at any moment; that is kept over restarts. Both meet here:
//! [`Bandwidth`] answers what applies to a SIM now. It knows nothing of sessions and tables: the session room asks it, and
//! puts what has changed into force.

mod change;
mod imsi;
mod kept;
mod rate;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub use change::{ChangeError, CustomerChange, SimChange, given};
pub use imsi::{Imsi, NoImsi};
pub use kept::{Kept, KeptAssignment, KeptLimit};
pub use rate::{NoRate, Rate};

use crate::config;

/// How long a full bucket may last.
pub const DEPTHS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);
/// Customers at most.
pub const MAX_CUSTOMERS: usize = 65_536;
/// SIMs at most that the REST API has given something: as many as there can be sessions.
pub const MAX_ASSIGNMENTS: usize = config::MAX_SESSIONS as usize;
const MAX_NAME: usize = 63;

/// Whether this can be the name of a speed class or a customer: 1 to 63 letters, digits, dots, hyphens and underscores.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// A speed class's number: its place in the config, from 1 on ([`upf_common::abi::NO_CLASS`] is none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub u16);

/// Limits of one direction or both, as a person writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedLimit {
    /// From the SIM, bit/s; `None` where there is no limit.
    pub uplink_bps: Option<u64>,
    /// To the SIM, bit/s.
    pub downlink_bps: Option<u64>,
    /// How long a full bucket lasts at the limit.
    pub depth: Duration,
    /// Whether packets of ECN-capable transports are marked before any is dropped.
    pub ecn: bool,
}

/// A named speed of SIMs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedClass {
    /// Its name.
    pub name: Arc<str>,
    /// What it allows.
    pub limit: SpeedLimit,
}

/// A customer's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(pub Arc<str>);

fn limited((customer, limit): &(CustomerId, SpeedLimit)) -> (CustomerId, Option<SpeedLimit>) {
    (customer.clone(), Some(limit.clone()))
}

impl Borrow<str> for CustomerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// SIMs that are a customer's, from the config; the first that fits decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerRule {
    /// The customer.
    pub customer: CustomerId,
    /// IMSIs from the first to the last; `None` for all.
    pub imsis: Option<(Imsi, Imsi)>,
    /// Data network name or network instance of the session that brings the SIM in; `None` for all.
    pub dnn: Option<Box<str>>,
}

/// What a SIM was given by the REST API; what is `None` is as the config says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Its speed class.
    pub class: Option<ClassId>,
    /// Its customer.
    pub customer: Option<CustomerId>,
}

/// What applies to a SIM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entitlement {
    /// Its speed class; `None` where neither the config nor anybody else names one: no limit of the SIM's own.
    pub class: Option<ClassId>,
    /// Its customer, if it has one.
    pub customer: Option<CustomerId>,
}

/// For people.
impl fmt::Display for SpeedLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = |bps: Option<u64>| {
            let shown = |bps| {
                Rate::from_bits(bps).map_or_else(|_| format!("{bps} bit/s"), |r| r.to_string())
            };
            bps.map_or_else(|| "no limit".to_owned(), shown)
        };
        let (up, down) = (rate(self.uplink_bps), rate(self.downlink_bps));
        write!(f, "up {up}, down {down}, depth {:?}", self.depth)?;
        f.write_str(if self.ecn { ", ECN" } else { "" })
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Speed classes, customers, and who has which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bandwidth {
    /// Whether limits mark where nobody says otherwise.
    ecn: bool,
    /// By [`ClassId`] less one.
    classes: Vec<SpeedClass>,
    default_class: Option<ClassId>,
    rules: Vec<CustomerRule>,
    /// Customers of the config and of the REST API with their limits, `None` for a customer without one.
    customers: HashMap<CustomerId, Option<SpeedLimit>>,
    assignments: HashMap<Imsi, Assignment>,
    /// How many SIMs were given to each customer, for those that have any.
    assigned: HashMap<CustomerId, usize>,
    /// Limits of the customers that the config names.
    of_config: HashMap<CustomerId, SpeedLimit>,
}

impl Bandwidth {
    /// What the config says, before anybody was given anything.
    #[must_use]
    pub fn new(config: &config::Bandwidth) -> Self {
        Self {
            ecn: config.ecn,
            classes: config.classes.clone(),
            default_class: config.default_class,
            rules: config.rules.clone(),
            customers: config.customers.iter().map(limited).collect(),
            assignments: HashMap::new(),
            assigned: HashMap::new(),
            of_config: config.customers.iter().cloned().collect(),
        }
    }

    /// With these classes, of which the first is everybody's, customers and rules.
    #[cfg(test)]
    pub(crate) fn of(
        classes: Vec<SpeedClass>,
        customers: Vec<(CustomerId, Option<SpeedLimit>)>,
        rules: Vec<CustomerRule>,
    ) -> Self {
        Self {
            default_class: (!classes.is_empty()).then_some(ClassId(1)),
            classes,
            rules,
            customers: customers.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether SIMs have limits of their own at all: there is a speed class or a customer.
    #[must_use]
    pub fn is_in_use(&self) -> bool {
        !self.classes.is_empty() || !self.customers.is_empty()
    }

    /// A speed class.
    #[must_use]
    pub fn class(&self, id: ClassId) -> Option<&SpeedClass> {
        self.classes.get(usize::from(id.0).checked_sub(1)?)
    }

    /// All speed classes with their numbers.
    pub fn classes(&self) -> impl Iterator<Item = (ClassId, &SpeedClass)> {
        (1..).map(ClassId).zip(&self.classes)
    }

    /// The class of SIMs that were given none.
    #[must_use]
    pub fn default_class(&self) -> Option<ClassId> {
        self.default_class
    }

    /// The speed class of this name.
    #[must_use]
    pub fn class_named(&self, name: &str) -> Option<ClassId> {
        let mut classes = self.classes();
        let (id, _) = classes.find(|(_, class)| &*class.name == name)?;
        Some(id)
    }

    /// The customer of this name.
    #[must_use]
    pub fn customer_named(&self, name: &str) -> Option<&CustomerId> {
        let (id, _) = self.customers.get_key_value(name)?;
        Some(id)
    }

    /// Customers in the order of their names, from the one after `after` on, `limit` at most.
    #[must_use]
    pub fn customers_after(&self, after: Option<&str>, limit: usize) -> Vec<CustomerId> {
        let later = |id: &&CustomerId| Some(&*id.0) > after;
        let mut ids: Vec<_> = self.customers.keys().filter(later).collect();
        // Those that are shown are mostly few.
        if ids.len() > limit {
            ids.select_nth_unstable(limit);
            ids.truncate(limit);
        }
        ids.sort_unstable();
        ids.into_iter().cloned().collect()
    }

    /// What a SIM was given by the REST API.
    #[must_use]
    pub fn assignment(&self, imsi: Imsi) -> Option<&Assignment> {
        self.assignments.get(&imsi)
    }

    /// A customer's limit; `None` where the customer is unknown or has none.
    #[must_use]
    pub fn customer_limit(&self, customer: &CustomerId) -> Option<&SpeedLimit> {
        self.customers.get(customer)?.as_ref()
    }

    /// What applies to a SIM whose first session is for this DNN or network instance.
    #[must_use]
    pub fn entitlement(&self, imsi: Imsi, dnn: Option<&str>) -> Entitlement {
        let assignment = self.assignments.get(&imsi);
        let class = assignment.and_then(|assignment| assignment.class);
        let customer = assignment.and_then(|assignment| assignment.customer.clone());
        let by_rule = || {
            let mut rules = self.rules.iter();
            let rule = rules.find(|rule| rule.fits(imsi, dnn))?;
            Some(rule.customer.clone())
        };
        Entitlement {
            class: class.or(self.default_class),
            customer: customer.or_else(by_rule),
        }
    }

    /// The customer that the config leads a SIM to, whose first session has these DNNs or network instances.
    #[must_use]
    pub fn customer_by_rule(&self, imsi: Imsi, names: &[&str]) -> Option<CustomerId> {
        let fits = |rule: &&CustomerRule| match names {
            [] => rule.fits(imsi, None),
            names => names.iter().any(|name| rule.fits(imsi, Some(name))),
        };
        let rule = self.rules.iter().find(fits)?;
        Some(rule.customer.clone())
    }

    /// Notes what a SIM is given; an empty assignment is forgotten.
    pub fn assign(&mut self, imsi: Imsi, assignment: Assignment) {
        let customer = assignment.customer.clone();
        let before = if assignment == Assignment::default() {
            self.assignments.remove(&imsi)
        } else {
            self.assignments.insert(imsi, assignment)
        };
        let before = before.and_then(|before| before.customer);
        if before == customer {
            return;
        }
        if let Some(customer) = customer {
            *self.assigned.entry(customer).or_default() += 1;
        }
        if let Some(before) = before
            && let Some(sims) = self.assigned.get_mut(&before)
        {
            *sims -= 1;
            if *sims == 0 {
                self.assigned.remove(&before);
            }
        }
    }

    /// Notes a customer's limit, and the customer where it is new.
    pub fn set_customer(&mut self, customer: CustomerId, limit: Option<SpeedLimit>) {
        self.customers.insert(customer, limit);
    }

    /// Forgets a customer that nobody was given to.
    pub fn forget_customer(&mut self, customer: &CustomerId) {
        self.customers.remove(customer);
    }
}

impl CustomerRule {
    fn fits(&self, imsi: Imsi, dnn: Option<&str>) -> bool {
        let is_in_range = |(first, last): (Imsi, Imsi)| (first..=last).contains(&imsi);
        let is_dnn = |wanted: &str| dnn.is_some_and(|dnn| dnn.eq_ignore_ascii_case(wanted));
        self.imsis.is_none_or(is_in_range) && self.dnn.as_deref().is_none_or(is_dnn)
    }
}
