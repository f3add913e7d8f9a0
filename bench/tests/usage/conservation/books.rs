//! What URRs should have reported, and what they have.

use anyhow::{Context as _, Result, ensure};
use upf_user::pfcp::message::UsageReport;

use super::Run;

/// Packets and bytes, uplink and downlink.
pub(super) type Sums = [[u64; 2]; 2];

/// What a URR should have reported, and what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) left: Sums,
    pub(super) reported: Sums,
}

impl Run {
    pub(super) fn book(&mut self, number: u64, reports: &[UsageReport]) -> Result<()> {
        for report in reports {
            let book = self.books.entry((number, report.urr_id)).or_default();
            let Some(volume) = report.volume else {
                continue;
            };
            let figures = [
                [volume.packets.uplink, volume.octets.uplink],
                [volume.packets.downlink, volume.octets.downlink],
            ];
            for (sum, more) in book
                .reported
                .iter_mut()
                .flatten()
                .zip(figures.as_flattened())
            {
                *sum += more.with_context(|| format!("a figure is missing: {report:?}"))?;
            }
        }
        Ok(())
    }

    /// All that has left for a URR has been reported.
    pub(super) fn settled(&self, number: u64, urr: u32) -> Result<()> {
        let book = self.books.get(&(number, urr)).copied().unwrap_or_default();
        ensure!(
            self.is_away || book.left == book.reported,
            "session {number}, URR {urr}: {book:?}"
        );
        Ok(())
    }

    pub(super) fn all_settled(&self, number: u64) -> Result<()> {
        let urrs = self.books.range((number, 0)..=(number, u32::MAX));
        urrs.map(|(key, _)| key.1)
            .try_for_each(|urr| self.settled(number, urr))
    }

    /// What a packet counts for, as the rules were sent.
    pub(super) fn account(
        &mut self,
        at: usize,
        is_uplink: bool,
        port: u16,
        bytes: u64,
        has_left: bool,
    ) -> Result<()> {
        let session = &self.sessions[at];
        let pdr = session.finds(is_uplink, port).context("a default PDR")?;
        let urrs = pdr.urrs.iter();
        let urrs: Vec<_> = urrs
            .filter_map(|id| Some((*id, session.urrs.get(id)?)))
            .collect();
        let may_pass = pdr.forwards && pdr.is_gate_open;
        ensure!(!has_left || may_pass, "a packet has left: {pdr:?}");
        let may_stop = urrs.iter().any(|(_, urr)| urr.may_stop);
        ensure!(
            has_left || !may_pass || may_stop,
            "a packet was dropped: {pdr:?}"
        );
        let is_held_back = pdr.forwards && !pdr.is_gate_open;
        self.tally.left += u64::from(has_left);
        self.tally.dropped += u64::from(!has_left);
        self.tally.bytes += if has_left { bytes } else { 0 };
        for (id, urr) in urrs {
            let counts = has_left || is_held_back && urr.is_before_qos;
            let book = self.books.entry((session.number, id)).or_default();
            if counts && urr.is_active {
                let [packets, octets] = &mut book.left[usize::from(!is_uplink)];
                *packets += 1;
                *octets += bytes;
            }
        }
        Ok(())
    }
}
