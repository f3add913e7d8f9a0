//! Going on where an agent before us stopped, see [`crate::session`]'s `restore`.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::AgentError;
use super::control::Control;
use super::devices::Devices;
use crate::datapath::FormerMaps;
use crate::datapath::bpf::accounts::AccountTables;
use crate::datapath::bpf::grace::wait_for_packets;
use crate::datapath::bpf::tables::BpfDatapath;
use crate::pfcp::ie::NodeId;
use crate::pfcp::kept::KeptNode;
use crate::session::{Restored, Sessions};
use crate::store::StoreError;

/// Where the kernel does not say when the last packet has left the old program.
const LAST_PACKET: Duration = Duration::from_millis(50);

/// A takeover under way: the sessions are in our maps, and the old ones may still count.
pub(super) struct Takeover {
    former: Vec<FormerMaps<AccountTables>>,
    restored: Restored,
}

impl Takeover {
    /// Brings the sessions back. Nothing is attached yet.
    ///
    /// # Errors
    /// When the store cannot be read, or is damaged.
    pub(super) fn begin(
        sessions: &mut Sessions<BpfDatapath>,
        mut former: Vec<FormerMaps<AccountTables>>,
        node: &KeptNode,
    ) -> Result<Self, StoreError> {
        let began = Instant::now();
        let associated: HashSet<_> = node.associations.iter().map(|(id, _)| id).collect();
        let has_association = |id: &NodeId| associated.contains(id);
        let restored = sessions.restore(&mut former, has_association, began)?;
        if restored != Restored::default() {
            let Restored { sessions, ended } = restored;
            let took = began.elapsed();
            info!("{sessions} sessions are restored, {ended} are not, in {took:?}");
        }
        Ok(Self { former, restored })
    }

    /// All is attached: what the old maps say now is all that they will ever say.
    ///
    /// # Errors
    /// When the store cannot be read, or pins cannot be removed.
    pub(super) fn finish(
        self,
        control: &Control<BpfDatapath>,
        devices: &Devices,
    ) -> Result<(), AgentError> {
        self.settle(control)?;
        devices.remove_former().map_err(AgentError::Stop)
    }

    /// The same where all is detached.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn settle(self, control: &Control<BpfDatapath>) -> Result<(), StoreError> {
        if !self.former.is_empty()
            && let Err(error) = wait_for_packets()
        {
            warn!(%error, "the kernel does not tell when packets have left the old program");
            std::thread::sleep(LAST_PACKET);
        }
        if !self.former.is_empty() || self.restored.ended > 0 {
            control.settle(&self.former)?;
        }
        Ok(())
    }
}
