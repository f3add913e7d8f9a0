//! Changes of bandwidth by the REST API: checked, kept, put into force, in this order.
//!
//! What is kept is the truth. Where a table cannot be written, the session room has taken note nevertheless: it is tried
//! again, and what is still not in force then comes with the next change or session of the SIM, or the next start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{info, warn};

use super::control::Control;
use crate::bandwidth::{Bandwidth, ChangeError, CustomerChange, CustomerId, Ignored, SimChange};
use crate::datapath::{Datapath, DatapathError};
use crate::session::Sessions;
use crate::store::{BandwidthStore, StoreError};

/// How often a table is written to before the change counts as not in force.
const ATTEMPTS: u32 = 3;
/// Between two of them.
const RETRY_AFTER: Duration = Duration::from_millis(20);

/// Makes changes one after another, so that what is kept and what is in force have the same order.
pub(super) struct Changes<D> {
    control: Arc<Control<D>>,
    store: Mutex<BandwidthStore>,
}

impl<D: Datapath> Changes<D> {
    pub(super) fn new(control: Arc<Control<D>>, store: BandwidthStore) -> Self {
        Self {
            control,
            store: Mutex::new(store),
        }
    }

    /// Changes SIMs, each once: all or none.
    pub(super) fn change_sims(&self, changes: &[SimChange]) -> Result<(), ChangeError> {
        let mut store = self.store();
        let control = &self.control;
        control.look(|sessions| sessions.bandwidth().check_room(changes.len()))?;
        control.in_slices(changes, |sessions, change| {
            sessions.bandwidth().check_sim(change)
        })?;
        let kept = store.change_sims(changes)?;
        let given: Vec<_> = changes.iter().map(|change| change.imsi).zip(kept).collect();
        self.put_into_force(&given, |sessions, (imsi, kept)| {
            let assignment = sessions.bandwidth().assigned(kept);
            sessions.change_sim(*imsi, assignment)
        })?;
        info!(sims = given.len(), "bandwidth of SIMs changed");
        Ok(())
    }

    /// Changes a customer's limit.
    pub(super) fn change_customer(
        &self,
        name: &str,
        change: &CustomerChange,
    ) -> Result<(), ChangeError> {
        let mut store = self.store();
        let limit = self
            .control
            .look(|sessions| sessions.bandwidth().changed_limit(name, change))?;
        let customer = CustomerId(name.into());
        store.set_customer(&customer, &(&limit).into())?;
        self.put_into_force(&[&customer], |sessions, customer| {
            sessions.change_customer((*customer).clone(), Some(limit.clone()))
        })?;
        info!(%customer, "bandwidth changed: {limit}");
        Ok(())
    }

    fn put_into_force<T>(
        &self,
        items: &[T],
        act: impl Fn(&mut Sessions<D>, &T) -> Result<(), DatapathError>,
    ) -> Result<(), ChangeError> {
        let mut left: Vec<_> = items.iter().collect();
        for attempt in 1.. {
            let mut failed = Vec::new();
            let mut last = None;
            self.control.in_slices(&left, |sessions, item| {
                if let Err(error) = act(sessions, item) {
                    failed.push(*item);
                    last = Some(error);
                }
                Ok::<(), ChangeError>(())
            })?;
            let Some(source) = last else {
                break;
            };
            let count = failed.len();
            warn!(%source, count, attempt, "bandwidth is not in force yet");
            if attempt == ATTEMPTS {
                return Err(ChangeError::NotInForce {
                    failed: count,
                    all: items.len(),
                    source,
                });
            }
            left = failed;
            thread::sleep(RETRY_AFTER);
        }
        Ok(())
    }

    fn store(&self) -> MutexGuard<'_, BandwidthStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes note of what was kept over restarts.
pub(super) fn restore(
    bandwidth: &mut Bandwidth,
    store: &mut BandwidthStore,
) -> Result<(), StoreError> {
    let kept = store.load()?;
    let Ignored { sims, customers } = bandwidth.restore(&kept);
    if sims > 0 || customers > 0 {
        warn!(
            "speed classes or customers of {sims} SIMs, and {customers} customers, are not in the config any more; \
             they are ignored until they are back"
        );
    }
    let (sims, customers) = (kept.sims.len(), kept.customers.len());
    info!(
        "REST has given {sims} SIMs a speed class or a customer, and {customers} customers a limit"
    );
    Ok(())
}
