//! Putting rules into force.

use std::time::Instant;

use super::charging::Charging;
use super::compile::{Compiler, Subscriber};
use super::detections::Basis;
use super::obstacle::Obstacle;
use super::request::Requested;
use super::{InForce, Sessions, answers, checks, sims};
use crate::datapath::Datapath;
use crate::datapath::slots::{Changed, Image};
use crate::pfcp::message::Refusal;

impl<D: Datapath> Sessions<D> {
    /// Puts a session's rules into the tables in place of those in force. UE addresses that are left to us are chosen
    /// and put into the rules. Sessions that have ended do not keep others out.
    pub(super) fn apply(
        &mut self,
        subscriber: Subscriber<'_>,
        old: InForce<'_>,
        requested: &mut Requested,
        charging: &mut Charging,
        basis: &Basis,
        now: Instant,
    ) -> Result<Changed, Refusal> {
        if self.endings.is_empty() {
            return self.try_to_apply(subscriber, old, requested, charging, basis, now);
        }
        let (model, before) = (requested.model.clone(), charging.clone());
        match self.try_to_apply(subscriber, old, requested, charging, basis, now) {
            Err(_) if self.make_room(now) => {
                requested.model = model;
                *charging = before;
                self.try_to_apply(subscriber, old, requested, charging, basis, now)
            }
            outcome => outcome,
        }
    }

    fn try_to_apply(
        &mut self,
        subscriber: Subscriber<'_>,
        old: InForce<'_>,
        requested: &mut Requested,
        charging: &mut Charging,
        basis: &Basis,
        now: Instant,
    ) -> Result<Changed, Refusal> {
        checks::check(&self.config, old.model, requested)?;
        let fresh = self.choose_ue_addresses(&mut requested.model, now)?;
        let changed = self.put(subscriber, old, requested, charging, basis, now);
        changed.map_err(|obstacle| {
            self.cancel_ue_addresses(&fresh);
            obstacle.refusal()
        })
    }

    /// The same where UE addresses are chosen already. What URRs may do is in force before packets come to where they are counted.
    pub(super) fn put(
        &mut self,
        subscriber: Subscriber<'_>,
        old: InForce<'_>,
        requested: &Requested,
        charging: &mut Charging,
        basis: &Basis,
        now: Instant,
    ) -> Result<Changed, Obstacle> {
        // What is in force was compiled for the subscriber with the SIM that it had.
        let current = subscriber;
        let subscriber = Subscriber {
            sim: sims::sim_of(&self.bandwidth, &subscriber),
            ..subscriber
        };
        if !self.endings.is_empty() {
            let compiler = Compiler::new(&self.config, subscriber, &requested.model, basis);
            let wanted = compiler.wanted();
            self.clear_the_way(old.seating, &wanted, now)?;
        }
        let (config, tables, books) = (&self.config, &mut self.tables, &mut self.books);
        let compiler = Compiler::new(config, subscriber, &requested.model, basis);
        let mut wanted = compiler.wanted();
        sims::want(&mut wanted, &compiler, &self.bandwidth, &subscriber);
        compiler.want_usages(&mut wanted, &requested.model);
        let old_compiler = Compiler::new(config, current, old.model, old.basis);
        let is_strange = |seid| {
            let other = self.sessions.get(&seid);
            other.is_some_and(|other| other.owner != *subscriber.owner)
        };
        let was_named = |endpoint| old_compiler.wanted().named.contains(&endpoint);
        answers::check_free(
            books,
            old.seating,
            &wanted,
            requested,
            is_strange,
            was_named,
        )?;
        answers::check_routes(books, old.seating, &wanted, &compiler)?;
        if !books.settle(tables)? {
            return Err(Obstacle::Behind);
        }
        let old_image = old_compiler.image(old.seating, books)?;
        let (seid, random) = (subscriber.seid, &mut self.random);
        let mut prepared =
            books.prepare(seid, old.seating, &requested.former, &wanted, now, random)?;
        let begun = charging.seat(tables, old.seating, &prepared.seating);
        prepared.bound(old.seating, |seat| charging.limits_at(tables, seat));
        // Rules that count later have to fit, too; room for them in tables that sessions share is not kept.
        let all = Compiler::of_all_times(config, subscriber, &requested.model, basis);
        let all = all.map_or(Ok(Image::default()), |all| {
            all.image(&prepared.seating, books)
        });
        let image = match all.and_then(|_| compiler.image(&prepared.seating, books)) {
            Ok(image) => image,
            Err(refusal) => {
                books.cancel(prepared, now);
                return Err(refusal.into());
            }
        };
        let end_markers = compiler.end_markers(&requested.end_markers);
        let in_force = (old.seating, &old_image);
        let changed = books.commit(tables, in_force, prepared, image, &end_markers, now)?;
        charging.follow(&begun, &changed.left, &changed.seating);
        Ok(changed)
    }
}
