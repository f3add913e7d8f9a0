//! What outlives the agent, as it is found at the start.

use std::time::SystemTime;

use super::{AgentError, changes, control};
use crate::bandwidth::Bandwidth;
use crate::config::Config;
use crate::pfcp::ie::NodeId;
use crate::pfcp::kept::KeptNode;
use crate::reports::{Exporter, Outbox};
use crate::session::{KeptApplications, KeptEnding};
use crate::store::{BandwidthStore, FileStore, SessionStore, recovery_time};

/// Another one each time that the host starts.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What outlives the agent. Sessions are read when there are tables for them.
pub(super) struct Kept {
    /// When the contexts began that peers know of.
    pub(super) recovery: SystemTime,
    pub(super) bandwidth: BandwidthStore,
    pub(super) outbox: Outbox,
    pub(super) node: KeptNode,
    pub(super) applications: Vec<(NodeId, KeptApplications)>,
    pub(super) endings: Vec<(NodeId, Vec<KeptEnding>)>,
}

impl Kept {
    /// Opens the stores. Without any association there is nothing to go on with, and peers are told that we begin anew; so
    /// they are where we have another Node ID or PFCP address, by which they do not know us, and after a power failure.
    ///
    /// # Errors
    /// When a store cannot be opened, or is damaged.
    pub(super) fn open(config: &Config, registry: &mut Bandwidth) -> Result<Self, AgentError> {
        let state = &config.node.state;
        let mut stamps = FileStore::open(state)?;
        let mut bandwidth = BandwidthStore::open(state)?;
        changes::restore(registry, &mut bandwidth)?;
        let mut store = SessionStore::open(state)?;
        let own_name = format!("{} {}", config.node.id, config.pfcp.listen);
        let boot = std::fs::read_to_string(BOOT_ID).map_err(AgentError::Runtime)?;
        let goes_on = store.goes_on(&own_name, boot.trim_end())?;
        if !goes_on {
            store.begin_anew(&own_name)?;
        }
        store.set_boot(Some(boot.trim_end()))?;
        let (node, applications) = (store.node()?, store.applications()?);
        let endings = store.endings()?;
        Ok(Self {
            recovery: recovery_time(&mut stamps, SystemTime::now(), goes_on)?,
            bandwidth,
            outbox: open_outbox(config, store)?,
            node,
            applications,
            endings,
        })
    }
}

/// Usage reports that are not acknowledged yet, and their export.
fn open_outbox(config: &Config, store: SessionStore) -> Result<Outbox, AgentError> {
    let export = config.charging.export.clone();
    let export = export.map(Exporter::open).transpose();
    let export = export.map_err(AgentError::Export)?;
    Ok(Outbox::open(store, export, control::unix_ms())?)
}
