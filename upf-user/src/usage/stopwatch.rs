//! Metering of time (TS 29.244 clause 5.2.2.2).
//!
//! It begins with the first packet, or at once (ISTM). Without Inactivity Detection Time it goes on; with one it stops once
//! nothing has passed for so long, which itself is metered, and begins again with the next packet.

use serde::{Deserialize, Serialize};

use super::Millis;

/// A running or stopped watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stopwatch {
    is_running: bool,
    /// Until when it was read.
    at: Millis,
    /// The last packet, or the start without one.
    active: Millis,
}

impl Stopwatch {
    pub(super) fn start(&mut self, at: Millis) {
        if !self.is_running {
            *self = Self {
                is_running: true,
                at: self.at.max(at),
                active: at,
            };
        }
    }

    /// Stands still from where it was read, until the next packet.
    pub(super) fn stop(&mut self) {
        self.is_running = false;
    }

    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    /// When it stops unless a packet comes.
    pub(super) fn stops_at(&self, silence: Option<u64>) -> Option<Millis> {
        let silence = silence.filter(|_| self.is_running)?;
        Some(self.active.after(silence))
    }

    /// When it will have run so much longer.
    pub(super) fn runs_until(&self, millis: u64) -> Option<Millis> {
        self.is_running.then(|| self.at.after(millis))
    }

    /// Milliseconds since it was read, with the packets from `first` to `last` between; after the silence it stops.
    pub(super) fn read(
        &mut self,
        now: Millis,
        packets: Option<(Millis, Millis)>,
        silence: Option<u64>,
    ) -> u64 {
        let mut metered = 0;
        if let Some((first, last)) = packets {
            metered += self.run(first, silence);
            self.start(first);
            self.active = self.active.max(last);
        }
        metered.saturating_add(self.run(now, silence))
    }

    /// Lets time pass that is not metered.
    pub(super) fn skip(&mut self, now: Millis, last_packet: Option<Millis>) {
        self.at = self.at.max(now);
        self.active = self.active.max(last_packet.unwrap_or_default());
    }

    fn run(&mut self, until: Millis, silence: Option<u64>) -> u64 {
        if !self.is_running {
            return 0;
        }
        let stop = self.stops_at(silence);
        let end = stop.map_or(until, |stop| stop.min(until));
        let metered = end.since(self.at);
        self.at = self.at.max(end);
        self.is_running = stop.is_none_or(|stop| stop > until);
        metered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_metered_and_then_the_watch_stands_still() {
        let mut watch = Stopwatch::default();
        let at = Millis;
        assert_eq!(watch.read(at(1000), None, Some(500)), 0);
        assert_eq!(
            watch.read(at(1200), Some((at(1100), at(1150))), Some(500)),
            100
        );
        assert_eq!(watch.stops_at(Some(500)), Some(at(1650)));
        assert_eq!(watch.read(at(3000), None, Some(500)), 450);
        assert!(!watch.is_running());
        assert_eq!(watch.read(at(4000), None, Some(500)), 0);
        // A read that comes late finds a gap between packets longer than the silence.
        assert_eq!(
            watch.read(at(4100), Some((at(4000), at(4000))), Some(500)),
            100
        );
        assert_eq!(
            watch.read(at(9000), Some((at(8900), at(8900))), Some(500)),
            500
        );
    }

    #[test]
    fn without_silence_it_goes_on() {
        let mut watch = Stopwatch::default();
        watch.start(Millis(10));
        assert_eq!(watch.read(Millis(10_000), None, None), 9990);
        assert_eq!(watch.runs_until(5), Some(Millis(10_005)));
        watch.skip(Millis(20_000), None);
        assert_eq!(watch.read(Millis(20_001), None, None), 1);
    }
}
