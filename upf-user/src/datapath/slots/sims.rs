//! The limits of SIMs and of customers.
//!
//! A SIM has a record as long as one of its sessions has seats, whatever its speed class; a customer as long as one of its
//! SIMs has. So a change of class, customer or customer's limit is a matter of a record or two.

use std::collections::BTreeSet;

use super::limits::{Both, LimitKey};
use super::prepare::{Prepared, Undo};
use super::table::{Exhausted, SlotTable};
use super::transaction::ChangeError;
use super::write::Write;
use crate::bandwidth::{CustomerId, Imsi};
use crate::datapath::{Credit, Datapath, DatapathError, Direction, LimitIndex, LimitSetting};

/// Both of them.
pub(super) const DIRECTIONS: [Direction; 2] = [Direction::Uplink, Direction::Downlink];

/// What a SIM is allowed. Settings have no parent; that is found here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimTerms {
    /// What is the SIM's own.
    pub settings: Both<LimitSetting>,
    /// Whose it is.
    pub customer: Option<CustomerTerms>,
}

/// What all SIMs of a customer together are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerTerms {
    /// The customer.
    pub id: CustomerId,
    /// Without parent.
    pub settings: Both<LimitSetting>,
}

/// The SIM that a session is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSim {
    /// Its name.
    pub imsi: Imsi,
    /// What it is allowed, if no other session has brought it in already.
    pub terms: SimTerms,
    /// The customer that the config leads it to then.
    pub by_rule: Option<CustomerId>,
}

/// A SIM that has sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sim {
    /// Its record.
    pub index: LimitIndex,
    /// What is in force.
    pub settings: Both<LimitSetting>,
    /// Whose it is.
    pub customer: Option<CustomerId>,
    /// The customer that the config led it to when it came.
    pub by_rule: Option<CustomerId>,
    /// Its sessions' SEIDs.
    pub sessions: BTreeSet<u64>,
    /// Named limits that lead to it.
    pub(super) feeders: BTreeSet<LimitKey>,
    /// Sessions, and changes of sessions that are under way.
    users: u32,
}

/// A customer that has SIMs with sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Its record.
    pub index: LimitIndex,
    /// What is in force.
    pub settings: Both<LimitSetting>,
    /// How many SIMs with sessions it has.
    pub sims: u32,
}

impl SlotTable {
    /// A SIM that has sessions.
    #[must_use]
    pub fn sim(&self, imsi: Imsi) -> Option<&Sim> {
        self.limits.sims.get(&imsi)
    }

    /// A customer that has SIMs with sessions.
    #[must_use]
    pub fn customer(&self, id: &CustomerId) -> Option<&Customer> {
        self.limits.customers.get(id)
    }

    /// All SIMs that have sessions, in no order.
    #[cfg(test)]
    pub(crate) fn sims(&self) -> impl Iterator<Item = (Imsi, &Sim)> {
        self.limits.sims.iter().map(|(imsi, sim)| (*imsi, sim))
    }

    /// All customers that have SIMs with sessions, in no order.
    #[cfg(test)]
    pub(crate) fn customers(&self) -> impl Iterator<Item = (&CustomerId, &Customer)> {
        self.limits.customers.iter()
    }

    /// Puts other terms of a SIM into force, if it has sessions.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is changed then.
    pub fn change_sim(
        &mut self,
        tables: &mut impl Datapath,
        imsi: Imsi,
        terms: &SimTerms,
    ) -> Result<(), ChangeError> {
        let Some(sim) = self.limits.sims.get(&imsi) else {
            return Ok(());
        };
        let (index, old, old_customer) = (sim.index, sim.settings, sim.customer.clone());
        let new_customer = terms.customer.as_ref().map(|customer| &customer.id);
        let moves = new_customer != old_customer.as_ref();
        self.settle_all(tables)?;
        let mut writes = Vec::new();
        if moves && let Some(customer) = &terms.customer {
            self.join_customer(&mut writes, customer, Credit::Kept)?;
        }
        let new = self.with_parent(terms);
        change_record(&mut writes, index, [old, new], Credit::Kept);
        if let Err(error) = self.run(tables, &writes) {
            if moves && let Some(customer) = new_customer {
                self.leave_customer(customer);
            }
            return Err(error.into());
        }
        if let Some(sim) = self.limits.sims.get_mut(&imsi) {
            sim.settings = new;
            sim.customer = new_customer.cloned();
        }
        if moves
            && let Some(customer) = &old_customer
            && let Some(free) = self.leave_customer(customer)
        {
            self.write_or_owe(tables, Write::ResetLimit(free));
        }
        Ok(())
    }

    /// Puts another limit of a customer into force, if it has SIMs with sessions.
    ///
    /// # Errors
    /// When the tables cannot be written; nothing is changed then.
    pub fn change_customer(
        &mut self,
        tables: &mut impl Datapath,
        id: &CustomerId,
        settings: Both<LimitSetting>,
    ) -> Result<(), DatapathError> {
        let Some(customer) = self.limits.customers.get(id) else {
            return Ok(());
        };
        let (index, old) = (customer.index, customer.settings);
        self.settle_all(tables)?;
        let mut writes = Vec::new();
        change_record(&mut writes, index, [old, settings], Credit::Kept);
        self.run(tables, &writes)?;
        if let Some(customer) = self.limits.customers.get_mut(id) {
            customer.settings = settings;
        }
        Ok(())
    }

    /// One more user of the SIM, which comes into being with the first one.
    pub(super) fn join_sim(
        &mut self,
        prepared: &mut Prepared,
        wanted: &WantedSim,
    ) -> Result<(), Exhausted> {
        if let Some(sim) = self.limits.sims.get_mut(&wanted.imsi) {
            sim.users += 1;
            prepared.undo.push(Undo::LeaveSim(wanted.imsi));
            return Ok(());
        }
        let index = self.limits.claim().ok_or(Exhausted::Limits)?;
        let customer = wanted.terms.customer.as_ref();
        if let Some(customer) = customer
            && let Err(exhausted) =
                self.join_customer(&mut prepared.before, customer, prepared.credit)
        {
            self.limits.release(index);
            return Err(exhausted);
        }
        let settings = self.with_parent(&wanted.terms);
        let sim = Sim {
            index,
            settings,
            customer: customer.map(|customer| customer.id.clone()),
            by_rule: wanted.by_rule.clone(),
            sessions: BTreeSet::new(),
            feeders: BTreeSet::new(),
            users: 1,
        };
        self.limits.sims.insert(wanted.imsi, sim);
        prepared.undo.push(Undo::LeaveSim(wanted.imsi));
        prepared.before.push(Write::ResetLimit(index));
        let change = [Both::default(), settings];
        change_record(&mut prepared.before, index, change, prepared.credit);
        Ok(())
    }

    /// One user less; returns what is to be written if it was the last one.
    pub(super) fn leave_sim(&mut self, imsi: Imsi) -> Vec<Write> {
        let Some(sim) = self.limits.sims.get_mut(&imsi) else {
            return Vec::new();
        };
        sim.users -= 1;
        if sim.users > 0 {
            return Vec::new();
        }
        let mut writes = self.cut_feeders(imsi);
        let Some(sim) = self.limits.sims.remove(&imsi) else {
            return writes;
        };
        self.limits.release(sim.index);
        let of_customer = sim.customer.and_then(|id| self.leave_customer(&id));
        let free = [sim.index].into_iter().chain(of_customer);
        writes.extend(free.map(Write::ResetLimit));
        writes
    }

    /// Limits that the UE's other sessions have lead to the SIM no more: those are from before SIMs had limits, and have
    /// not come under theirs yet.
    fn cut_feeders(&mut self, imsi: Imsi) -> Vec<Write> {
        let sim = self.limits.sims.get(&imsi);
        let feeders = sim.map(|sim| sim.feeders.clone()).unwrap_or_default();
        let mut writes = Vec::new();
        for key in feeders {
            for direction in DIRECTIONS {
                let Some(named) = self.limits.get(&key) else {
                    continue;
                };
                let index = named.index;
                let Some(mut in_force) = named.in_force.of(direction).clone() else {
                    continue;
                };
                if in_force.sim.take().is_none() {
                    continue;
                }
                let old = in_force.setting;
                in_force.setting.parent = None;
                writes.push(Write::Limit {
                    index,
                    direction,
                    new: in_force.setting,
                    old,
                    credit: Credit::Kept,
                });
                self.limits.set(&key, direction, Some(in_force));
            }
        }
        writes
    }

    /// A session has gone from one SIM to another.
    pub(super) fn move_session(&mut self, seid: u64, from: Option<Imsi>, to: Option<Imsi>) {
        if from == to {
            return;
        }
        if let Some(sim) = from.and_then(|imsi| self.limits.sims.get_mut(&imsi)) {
            sim.sessions.remove(&seid);
        }
        if let Some(sim) = to.and_then(|imsi| self.limits.sims.get_mut(&imsi)) {
            sim.sessions.insert(seid);
        }
    }

    /// One more SIM of a customer, which comes into being with the first one.
    fn join_customer(
        &mut self,
        writes: &mut Vec<Write>,
        terms: &CustomerTerms,
        credit: Credit,
    ) -> Result<(), Exhausted> {
        if let Some(customer) = self.limits.customers.get_mut(&terms.id) {
            customer.sims += 1;
            return Ok(());
        }
        let index = self.limits.claim().ok_or(Exhausted::Limits)?;
        let customer = Customer {
            index,
            settings: terms.settings,
            sims: 1,
        };
        self.limits.customers.insert(terms.id.clone(), customer);
        writes.push(Write::ResetLimit(index));
        change_record(writes, index, [Both::default(), terms.settings], credit);
        Ok(())
    }

    /// One SIM less; returns the record if it is free then.
    fn leave_customer(&mut self, id: &CustomerId) -> Option<LimitIndex> {
        let customer = self.limits.customers.get_mut(id)?;
        customer.sims -= 1;
        if customer.sims > 0 {
            return None;
        }
        let customer = self.limits.customers.remove(id)?;
        self.limits.release(customer.index);
        Some(customer.index)
    }

    /// A SIM's settings, with the customer's record behind them.
    fn with_parent(&self, terms: &SimTerms) -> Both<LimitSetting> {
        let customer = terms.customer.as_ref();
        let customer = customer.and_then(|customer| self.limits.customers.get(&customer.id));
        let parent = customer.map(|customer| customer.index);
        let mut settings = terms.settings;
        for direction in DIRECTIONS {
            settings.of_mut(direction).parent = parent;
        }
        settings
    }

    /// No change may begin before all that is owed is written.
    fn settle_all(&mut self, tables: &mut impl Datapath) -> Result<(), DatapathError> {
        if self.settle(tables)? {
            return Ok(());
        }
        let source = std::io::Error::other("earlier changes are still to be written");
        Err(DatapathError::Kernel {
            table: "LIMITS",
            source,
        })
    }
}

/// The writes from one setting to another.
fn change_record(
    writes: &mut Vec<Write>,
    index: LimitIndex,
    [old, new]: [Both<LimitSetting>; 2],
    credit: Credit,
) {
    for direction in DIRECTIONS {
        let (old, new) = (*old.of(direction), *new.of(direction));
        if old != new {
            writes.push(Write::Limit {
                index,
                direction,
                new,
                old,
                credit,
            });
        }
    }
}
