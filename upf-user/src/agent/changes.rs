//! Changes of bandwidth by the REST API: checked, kept, put into force, in this order.
//!
//! What is kept is the truth. What a table did not take is owed to it, and tried again until it is in force.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{info, warn};

use super::control::Control;
use crate::bandwidth::{
    Bandwidth, ChangeError, CustomerChange, CustomerId, Imsi, KeptAssignment, SimChange, SpeedLimit,
};
use crate::datapath::{Datapath, DatapathError};
use crate::session::Sessions;
use crate::store::{BandwidthStore, StoreError};

/// Between attempts to put into force what is owed.
pub(super) const SETTLE_EVERY: Duration = Duration::from_secs(1);

/// Makes changes one after another, so that what is kept and what is in force have the same order.
pub(super) struct Changes<D> {
    control: Arc<Control<D>>,
    books: Mutex<Books>,
}

struct Books {
    store: BandwidthStore,
    /// What is kept and not in force.
    owed: BTreeMap<Concerned, Change>,
}

/// What somebody has from now on.
#[derive(Clone, Debug)]
enum Change {
    Sim(Imsi, KeptAssignment),
    Customer(CustomerId, SpeedLimit),
}

/// Whom a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Concerned {
    Sim(Imsi),
    Customer(CustomerId),
}

impl Change {
    fn concerned(&self) -> Concerned {
        match self {
            Self::Sim(imsi, _) => Concerned::Sim(*imsi),
            Self::Customer(customer, _) => Concerned::Customer(customer.clone()),
        }
    }

    fn put_into_force<D: Datapath>(&self, sessions: &mut Sessions<D>) -> Result<(), DatapathError> {
        match self {
            Self::Sim(imsi, kept) => {
                let assignment = sessions.bandwidth().assigned(kept);
                sessions.change_sim(*imsi, assignment)
            }
            Self::Customer(customer, limit) => {
                sessions.change_customer(customer.clone(), Some(limit.clone()))
            }
        }
    }
}

impl<D: Datapath> Changes<D> {
    pub(super) fn new(control: Arc<Control<D>>, store: BandwidthStore) -> Self {
        let owed = BTreeMap::new();
        Self {
            control,
            books: Mutex::new(Books { store, owed }),
        }
    }

    /// Changes SIMs, each once: all or none.
    pub(super) fn change_sims(&self, changes: &[SimChange]) -> Result<(), ChangeError> {
        let mut books = self.books();
        let control = &self.control;
        control.look(|sessions| sessions.bandwidth().check_room(changes.len()))?;
        control.in_slices(changes, |sessions, change| {
            sessions.bandwidth().check_sim(change)
        })?;
        let kept = books.store.change_sims(changes)?;
        let imsis = changes.iter().map(|change| change.imsi);
        let given: Vec<_> = imsis
            .zip(kept)
            .map(|(imsi, kept)| Change::Sim(imsi, kept))
            .collect();
        self.put_into_force(&mut books, &given)?;
        info!(sims = given.len(), "bandwidth of SIMs changed");
        Ok(())
    }

    /// Changes a customer's limit.
    pub(super) fn change_customer(
        &self,
        name: &str,
        change: &CustomerChange,
    ) -> Result<(), ChangeError> {
        let mut books = self.books();
        let limit = self
            .control
            .look(|sessions| sessions.bandwidth().changed_limit(name, change))?;
        let customer = CustomerId(name.into());
        books.store.set_customer(&customer, &(&limit).into())?;
        let told = format!("bandwidth of customer {customer} changed: {limit}");
        self.put_into_force(&mut books, &[Change::Customer(customer, limit)])?;
        info!("{told}");
        Ok(())
    }

    /// Tries again what is owed to the tables.
    pub(super) fn settle(&self) {
        let mut books = self.books();
        if books.owed.is_empty() {
            return;
        }
        let owed: Vec<_> = std::mem::take(&mut books.owed).into_values().collect();
        match self.put_into_force(&mut books, &owed) {
            Ok(()) => info!(changes = owed.len(), "bandwidth is in force now"),
            Err(error) => warn!("{error}"),
        }
    }

    fn put_into_force(&self, books: &mut Books, changes: &[Change]) -> Result<(), ChangeError> {
        let mut failed = Vec::new();
        let mut last = None;
        let worked: Result<(), Infallible> = self.control.in_slices(changes, |sessions, change| {
            if let Err(error) = change.put_into_force(sessions) {
                failed.push(change);
                last = Some(error);
            }
            Ok(())
        });
        let Ok(()) = worked;
        // Whatever was owed to them is out of date.
        if !books.owed.is_empty() {
            for change in changes {
                books.owed.remove(&change.concerned());
            }
        }
        let Some(source) = last else {
            return Ok(());
        };
        let count = failed.len();
        let failed = failed.into_iter().cloned();
        books
            .owed
            .extend(failed.map(|change| (change.concerned(), change)));
        Err(ChangeError::NotInForce {
            failed: count,
            all: changes.len(),
            source,
        })
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes note of what was kept over restarts.
pub(super) fn restore(
    bandwidth: &mut Bandwidth,
    store: &mut BandwidthStore,
) -> Result<(), StoreError> {
    let kept = store.load()?;
    let ignored = bandwidth.restore(&kept);
    if ignored > 0 {
        warn!(
            "{ignored} SIMs were given a speed class or a customer that is not in the config; \
             that is ignored until it is back"
        );
    }
    let (sims, customers) = (kept.sims.len(), kept.customers.len());
    if sims > 0 || customers > 0 {
        info!(sims, customers, "what REST gave is back");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
