//! What stands between the agent and traffic.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Obstacles by subject: a device's name.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    obstacles: Mutex<BTreeMap<String, String>>,
}

impl Readiness {
    pub(super) fn set(&self, subject: &str, obstacle: impl Into<String>) {
        let mut obstacles = self
            .obstacles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        obstacles.insert(subject.to_owned(), obstacle.into());
    }

    pub(super) fn clear(&self, subject: &str) {
        let mut obstacles = self
            .obstacles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        obstacles.remove(subject);
    }

    pub(super) fn obstacles(&self) -> Vec<String> {
        let obstacles = self
            .obstacles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        obstacles.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_obstacle_of_a_subject_counts_until_it_is_cleared() {
        let readiness = Readiness::default();
        readiness.set("n3", "n3: missing");
        readiness.set("n6", "n6: missing");
        readiness.set("n3", "n3: refused");
        assert_eq!(readiness.obstacles(), ["n3: refused", "n6: missing"]);
        readiness.clear("n3");
        readiness.clear("n3");
        assert_eq!(readiness.obstacles(), ["n6: missing"]);
    }
}
