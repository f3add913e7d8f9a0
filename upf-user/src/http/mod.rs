//! HTTP: metrics, health and the REST API.
//!
//! Nobody is asked who they are: the listener is for this host unless the config says otherwise.
//!
//! | module | subject |
//! |---|---|
//! | [`api`] | the resources and their OpenAPI description |
//! | [`bandwidth`] | those of SIMs and customers, which may be changed |
//! | [`usage`] | what sessions and SIMs have used |
//! | [`bodies`] | what is sent and shown of them |
//! | [`problem`] | errors as RFC 9457 writes them |
//! | [`listener`] | bounds on what clients may hold |

pub mod api;
pub mod bandwidth;
pub mod bodies;
pub mod listener;
pub mod problem;
#[cfg(test)]
mod tests;
pub mod usage;

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use api::{Association, Page, PathEntry, PathPage, router};
pub use bodies::{SpeedClassView, SpeedClasses};
pub use listener::Bounded;

use crate::bandwidth::{ChangeError, CustomerChange, Imsi, SimChange};
use crate::gtpu::PathKey;
use crate::session::{CustomerView, SessionUsageView, SessionView, SimUsageView, SimView};

/// What the handlers ask the agent. Every answer is quick, but for those to changes.
pub trait Service: Send + Sync + 'static {
    /// The exposition for Prometheus.
    ///
    /// # Errors
    /// Why there is none.
    fn metrics(&self) -> Result<String, String>;

    /// Whether the agent serves the control plane.
    fn is_alive(&self) -> bool;

    /// Why it cannot carry traffic yet; empty when it can.
    fn obstacles(&self) -> Vec<String>;

    /// The session with this SEID of ours.
    fn session(&self, seid: u64) -> Option<SessionView>;

    /// Sessions in the order of their SEIDs, from the one after `after` on, `limit` at most.
    fn sessions(&self, after: Option<u64>, limit: usize) -> Vec<SessionView>;

    /// All PFCP associations.
    fn associations(&self) -> Vec<Association>;

    /// Paths to GTP-U peers in order, from the one after `after` on, `limit` at most.
    fn paths(&self, after: Option<PathKey>, limit: usize) -> Vec<PathEntry>;

    /// The speed classes in the order of the config.
    fn speed_classes(&self) -> Vec<SpeedClassView>;

    /// A SIM with sessions, or one that was given something.
    fn sim(&self, imsi: Imsi) -> Option<SimView>;

    /// What a session has used.
    fn session_usage(&self, seid: u64) -> Option<SessionUsageView>;

    /// What the sessions of a SIM have used; `None` if it has none and was not given anything.
    fn sim_usage(&self, imsi: Imsi) -> Option<SimUsageView>;

    /// Customers in the order of their names, from the one after `after` on, `limit` at most.
    fn customers(&self, after: Option<&str>, limit: usize) -> Vec<CustomerView>;

    /// A customer.
    fn customer(&self, name: &str) -> Option<CustomerView>;

    /// Changes SIMs, each once: all of them or none. It is kept and in force afterwards.
    ///
    /// # Errors
    /// Why not.
    fn change_sims(&self, changes: Vec<SimChange>) -> Result<(), ChangeError>;

    /// Changes a customer's limit. It is kept and in force afterwards.
    ///
    /// # Errors
    /// Why not.
    fn change_customer(&self, name: &str, change: &CustomerChange) -> Result<(), ChangeError>;

    /// Takes back the limit that a customer was given, and the customer itself where the config does not name it. That is
    /// kept and in force afterwards.
    ///
    /// # Errors
    /// Why not.
    fn take_customer_back(&self, name: &str) -> Result<(), ChangeError>;
}

/// Serves until it is dropped.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, service: Arc<dyn Service>) -> io::Result<()> {
    axum::serve(Bounded::new(listener), router(service)).await
}
