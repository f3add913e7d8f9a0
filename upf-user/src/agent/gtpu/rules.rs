//! Sessions and control planes, as GTP-U signalling sees them.

use std::net::IpAddr;

use super::{CopyTarget, Rulebook};
use crate::agent::control::Control;
use crate::datapath::Datapath;

impl<D: Datapath + 'static> Rulebook for Control<D> {
    fn has_teid(&self, teid: u32) -> bool {
        Control::has_teid(self, teid)
    }

    fn report_unknown_tunnel(&self, _remote: IpAddr, _teid: u32) -> usize {
        0
    }

    fn report_failed_paths(&self, _remotes: &[IpAddr]) {}

    fn report_recovered_paths(&self, _remotes: &[IpAddr]) {}

    fn copy_targets(&self, _duplicate: u32) -> Vec<CopyTarget> {
        Vec::new()
    }
}
