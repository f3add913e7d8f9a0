//! HTTP: metrics, health and the REST API, read only.
//!
//! | module | subject |
//! |---|---|
//! | [`api`] | the resources and their OpenAPI description |
//! | [`problem`] | errors as RFC 9457 writes them |
//! | [`listener`] | bounds on what clients may hold |

pub mod api;
pub mod listener;
pub mod problem;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;

pub use api::{Association, Page, PathEntry, PathPage, router};
pub use listener::Bounded;

use crate::gtpu::PathKey;
use crate::session::SessionView;

/// What the handlers ask the agent. Every answer is quick.
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
}

/// Serves until it is dropped.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, service: Arc<dyn Service>) -> io::Result<()> {
    axum::serve(Bounded::new(listener), router(service)).await
}
