//! Changes of bandwidth by the REST API: checked, kept, put into force, in this order.
//!
//! What is kept is the truth. What a table did not take is owed to it, and tried again until it is in force.
//!
//! A change of many SIMs is kept at once, and put into force chunk by chunk; others have their turn between the chunks. One
//! that is about a SIM of a chunk which is not through yet brings that chunk through first: what comes later counts more.

mod books;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tracing::{info, warn};

use self::books::{Books, Change, Concerned, Owed, WaitingChunk};
use super::control::Control;
use crate::bandwidth::{Bandwidth, ChangeError, CustomerChange, CustomerId, Imsi, SimChange};
use crate::datapath::{Datapath, DatapathError};
use crate::store::{BandwidthStore, Chunk, StoreError};

/// Between attempts to put into force what is owed.
pub(super) const SETTLE_EVERY: Duration = Duration::from_secs(1);
/// SIMs of a change that nobody else has a turn within.
const CHUNK_SIMS: usize = 1000;

/// Makes changes one after another, so that what is kept and what is in force have the same order.
pub(super) struct Changes<D> {
    control: Arc<Control<D>>,
    books: Mutex<Books>,
    /// Held by a change of many SIMs, of which there is one at a time.
    many: Mutex<()>,
}

/// What was not put into force.
#[derive(Default)]
struct Failures {
    count: usize,
    last: Option<DatapathError>,
}

impl Failures {
    fn add(&mut self, error: DatapathError) {
        self.count += 1;
        self.last = Some(error);
    }

    fn of(self, all: usize) -> Result<(), ChangeError> {
        match self.last {
            None => Ok(()),
            Some(source) => Err(ChangeError::NotInForce {
                failed: self.count,
                all,
                source,
            }),
        }
    }
}

impl<D: Datapath> Changes<D> {
    pub(super) fn new(control: Arc<Control<D>>, store: BandwidthStore) -> Self {
        Self {
            control,
            books: Mutex::new(Books::new(store)),
            many: Mutex::new(()),
        }
    }

    /// Changes SIMs, each once: all or none.
    pub(super) fn change_sims(&self, changes: Vec<SimChange>) -> Result<(), ChangeError> {
        let count = changes.len();
        if count <= CHUNK_SIMS {
            self.change_few(&changes)?;
        } else {
            self.change_many(changes)?;
        }
        info!(sims = count, "bandwidth of SIMs changed");
        Ok(())
    }

    fn change_few(&self, changes: &[SimChange]) -> Result<(), ChangeError> {
        let mut books = self.books.lock();
        self.check(changes)?;
        for last in books.chunks_of(changes) {
            self.put_chunk_into_force(&mut books, last, &mut Failures::default());
            books.fold(last)?;
        }
        let kept = books.store.change_sims(changes)?;
        let imsis = changes.iter().map(|change| change.imsi);
        let given: Vec<_> = imsis
            .zip(kept)
            .map(|(imsi, kept)| Change::Sim(imsi, kept))
            .collect();
        self.put_into_force(&mut books.owed, &given)
    }

    fn change_many(&self, mut changes: Vec<SimChange>) -> Result<(), ChangeError> {
        let _many = self.many.lock();
        self.fold_all()?;
        changes.sort_unstable_by_key(|change| change.imsi);
        let parts = (0..).zip(changes.chunks(CHUNK_SIMS));
        let mut chunks: Vec<_> = parts
            .map(|(number, part)| Chunk::new(number, part.to_vec()))
            .collect();
        let mut books = self.books.lock();
        self.check(&changes)?;
        books.store.wait(&mut chunks)?;
        for chunk in chunks {
            let last = chunk.changes.last().map(|change| change.imsi);
            let is_in_force = false;
            let waiting = last.map(|last| (last, WaitingChunk { chunk, is_in_force }));
            books.waiting.extend(waiting);
        }
        MutexGuard::unlock_fair(books);
        let mut failures = Failures::default();
        self.for_each_chunk(|books, last| {
            self.put_chunk_into_force(books, last, &mut failures);
            Ok::<(), Infallible>(())
        })
        .unwrap_or_else(|never| match never {});
        failures.of(changes.len())
    }

    /// Gives a customer another limit.
    pub(super) fn change_customer(
        &self,
        name: &str,
        change: &CustomerChange,
    ) -> Result<(), ChangeError> {
        let mut books = self.books.lock();
        let limit = self
            .control
            .look(|sessions| sessions.bandwidth().changed_limit(name, change))?;
        let customer = CustomerId(name.into());
        books.store.set_customer(&customer, &(&limit).into())?;
        let told = format!("bandwidth of customer {customer} changed: {limit}");
        let change = Change::Customer(customer, Some(limit));
        self.put_into_force(&mut books.owed, &[change])?;
        info!("{told}");
        Ok(())
    }

    /// Takes back the limit that a customer was given, and the customer itself where the config does not name it.
    pub(super) fn take_customer_back(&self, name: &str) -> Result<(), ChangeError> {
        let mut books = self.books.lock();
        // SIMs may just be given to it.
        let waiting: Vec<_> = books.waiting.keys().copied().collect();
        for last in waiting {
            self.put_chunk_into_force(&mut books, last, &mut Failures::default());
        }
        let limit = self
            .control
            .look(|sessions| sessions.bandwidth().limit_of_config(name))?;
        let customer = CustomerId(name.into());
        books.store.remove_customer(&customer)?;
        let told = match &limit {
            Some(limit) => format!("bandwidth of customer {customer} is the config's: {limit}"),
            None => format!("customer {customer} is gone"),
        };
        let change = Change::Customer(customer, limit);
        self.put_into_force(&mut books.owed, &[change])?;
        info!("{told}");
        Ok(())
    }

    /// Brings through what waits, and tries again what is owed to the tables.
    pub(super) fn settle(&self) {
        // A change of many SIMs that is under way does that itself.
        if let Some(_many) = self.many.try_lock()
            && let Err(error) = self.fold_all()
        {
            warn!(
                "changes of many SIMs are kept in the store, and not in their place yet: {error}"
            );
        }
        let mut books = self.books.lock();
        if books.owed.is_empty() {
            return;
        }
        let owed: Vec<_> = std::mem::take(&mut books.owed).into_values().collect();
        match self.put_into_force(&mut books.owed, &owed) {
            Ok(()) => info!(changes = owed.len(), "bandwidth is in force now"),
            Err(error) => warn!("{error}"),
        }
    }

    fn check(&self, changes: &[SimChange]) -> Result<(), ChangeError> {
        let mut more = 0;
        self.control.in_slices(changes, |sessions, change| {
            let bandwidth = sessions.bandwidth();
            more += usize::from(bandwidth.is_first(change));
            bandwidth.check_sim(change)
        })?;
        let room = |bandwidth: &Bandwidth| bandwidth.check_room(more);
        self.control.look(|sessions| room(sessions.bandwidth()))
    }

    /// Brings all chunks through.
    fn fold_all(&self) -> Result<(), StoreError> {
        self.for_each_chunk(|books, last| {
            self.put_chunk_into_force(books, last, &mut Failures::default());
            books.fold(last)
        })
    }

    /// Works through the chunks that wait now. Others have their turn between them.
    fn for_each_chunk<E>(
        &self,
        mut work: impl FnMut(&mut Books, Imsi) -> Result<(), E>,
    ) -> Result<(), E> {
        let waiting: Vec<_> = self.books.lock().waiting.keys().copied().collect();
        for last in waiting {
            let mut books = self.books.lock();
            let outcome = work(&mut books, last);
            MutexGuard::unlock_fair(books);
            outcome?;
        }
        Ok(())
    }

    /// Puts a chunk, named by its last SIM, into force if it is not.
    fn put_chunk_into_force(&self, books: &mut Books, last: Imsi, failures: &mut Failures) {
        let Books { waiting, owed, .. } = books;
        let Some(waiting) = waiting.get_mut(&last).filter(|one| !one.is_in_force) else {
            return;
        };
        waiting.is_in_force = true;
        let Ok(()) = self
            .control
            .in_slices(&waiting.chunk.changes, |sessions, change| {
                let concerned = Concerned::Sim(change.imsi);
                let assignment = match owed.get(&concerned) {
                    Some(Change::Sim(_, kept)) => {
                        let mut kept = kept.clone();
                        kept.change(change);
                        sessions.bandwidth().assigned(&kept)
                    }
                    _ => sessions.bandwidth().changed(change),
                };
                match sessions.change_sim(change.imsi, assignment.clone()) {
                    Ok(()) => {
                        owed.remove(&concerned);
                    }
                    Err(error) => {
                        let kept = sessions.bandwidth().kept(&assignment);
                        owed.insert(concerned, Change::Sim(change.imsi, kept));
                        failures.add(error);
                    }
                }
                Ok::<(), Infallible>(())
            });
    }

    /// What is not in force afterwards is owed. Whatever was owed to those concerned before is out of date.
    fn put_into_force(&self, owed: &mut Owed, changes: &[Change]) -> Result<(), ChangeError> {
        let mut failures = Failures::default();
        let Ok(()) = self.control.in_slices(changes, |sessions, change| {
            match change.put_into_force(sessions) {
                Ok(()) => {
                    owed.remove(&change.concerned());
                }
                Err(error) => {
                    owed.insert(change.concerned(), change.clone());
                    failures.add(error);
                }
            }
            Ok::<(), Infallible>(())
        });
        failures.of(changes.len())
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
