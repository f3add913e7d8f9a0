//! Rules of one kind, by their ID.

use crate::session::weight;
use serde::{Deserialize, Serialize};

/// Rules of one kind, sorted by their ID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::session) struct RuleSet<R>(Vec<R>);

pub(in crate::session) trait Rule {
    type Id: Copy + Ord;
    fn id(&self) -> Self::Id;
}

/// Gives a rule type its ID.
macro_rules! rules {
    ($($rule:ty: $id:ty),+ $(,)?) => {$(
        impl $crate::session::model::Rule for $rule {
            type Id = $id;
            fn id(&self) -> $id {
                self.id
            }
        }
    )+};
}
pub(super) use rules;

impl<R> Default for RuleSet<R> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<R: Rule> RuleSet<R> {
    pub(in crate::session) fn get(&self, id: R::Id) -> Option<&R> {
        self.0.get(self.place(id).ok()?)
    }

    pub(in crate::session) fn get_mut(&mut self, id: R::Id) -> Option<&mut R> {
        let place = self.place(id).ok()?;
        self.0.get_mut(place)
    }

    pub(in crate::session) fn has(&self, id: R::Id) -> bool {
        self.place(id).is_ok()
    }

    /// False if there is one with this ID already.
    pub(in crate::session) fn insert(&mut self, rule: R) -> bool {
        match self.place(rule.id()) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, rule);
                true
            }
        }
    }

    /// False if there is none with this ID.
    pub(in crate::session) fn remove(&mut self, id: R::Id) -> bool {
        let place = self.place(id);
        place.map(|place| self.0.remove(place)).is_ok()
    }

    pub(in crate::session) fn retain(&mut self, keep: impl FnMut(&R) -> bool) {
        self.0.retain(keep);
    }

    pub(in crate::session) fn iter(&self) -> std::slice::Iter<'_, R> {
        self.0.iter()
    }

    pub(in crate::session) fn iter_mut(&mut self) -> std::slice::IterMut<'_, R> {
        self.0.iter_mut()
    }

    pub(in crate::session) fn len(&self) -> usize {
        self.0.len()
    }

    /// Gives back the room for more rules: most sessions never get any.
    pub(in crate::session) fn shrink(&mut self) {
        self.0.shrink_to_fit();
    }

    /// Bytes of the rules without what they point to.
    pub(in crate::session) fn weight(&self) -> usize {
        weight::of_vec(&self.0)
    }

    fn place(&self, id: R::Id) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, Rule::id)
    }
}
