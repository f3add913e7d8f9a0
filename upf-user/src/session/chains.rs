//! Which limits packets have to pass beside the meter of a slot, and in which order.
//!
//! A slot has one meter for a packet. It is that of the QER that the fewest PDRs have, for an ordinary session the only
//! one; the other QERs of a PDR, its guarantees and its packet rates become limits with records of their own, one behind
//! the other. All packets that come to a record go on to the same one behind it, so the order is by how many have it:
//! what one flow has alone comes before what all flows of the session have, and that before what the UE's other sessions
//! have, too. The SIM's record and its customer's come last.

use std::collections::{BTreeMap, BTreeSet};

use upf_common::abi::{MAX_CHAIN, limit_flags};
use upf_common::meter::Rate;

use super::compile::Subscriber;
use super::detection::{Detection, LimitKey, PacketLimit};
use super::refusal::no_room;
use crate::datapath::slots::{self, LimitKind, LimitOwner, LimitScope};
use crate::datapath::{Direction, LimitSetting};
use crate::pfcp::ie::FailedRule;
use crate::pfcp::message::Refusal;

/// Limits of QERs in a chain at most: the SIM's and the customer's follow.
pub(super) const MAX_QER_CHAIN: usize = MAX_CHAIN - 2;

/// The limits of all detections of a session.
#[derive(Default)]
pub(super) struct Chains {
    /// QERs whose MBR is that of a slot's meter.
    metered: BTreeSet<u32>,
    /// Of each detection.
    chains: Vec<Vec<Link>>,
}

/// One limit of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) key: slots::LimitKey,
    pub(super) setting: LimitSetting,
}

impl Chains {
    /// `may_mark` says whether limits mark packets of ECN-capable transports.
    pub(super) fn new(
        detections: &[Detection],
        subscriber: &Subscriber<'_>,
        may_mark: bool,
    ) -> Self {
        let metered = metered(detections);
        let maker = Maker {
            subscriber,
            metered: &metered,
            may_mark,
        };
        let mut chains: Vec<_> = detections.iter().map(|one| maker.links(one)).collect();
        let mut users: BTreeMap<(bool, slots::LimitKey), usize> = BTreeMap::new();
        let is_uplink = |detection: &Detection| detection.traffic() == Direction::Uplink;
        for (detection, chain) in detections.iter().zip(&chains) {
            for link in chain {
                let key = (is_uplink(detection), link.key.clone());
                *users.entry(key).or_default() += 1;
            }
        }
        for (detection, chain) in detections.iter().zip(&mut chains) {
            chain.sort_by_cached_key(|link| {
                let users = users.get(&(is_uplink(detection), link.key.clone()));
                (link.key.level(), users.copied(), link.key.clone())
            });
        }
        Self { metered, chains }
    }

    /// Whether a QER's MBR is that of a slot's meter.
    pub(super) fn is_metered(&self, qer: u32) -> bool {
        self.metered.contains(&qer)
    }

    /// The limits of the n-th detection.
    pub(super) fn of(&self, number: usize) -> &[Link] {
        self.chains.get(number).map_or(&[], Vec::as_slice)
    }

    /// All of them.
    pub(super) fn keys(&self) -> impl Iterator<Item = &slots::LimitKey> {
        self.chains.iter().flatten().map(|link| &link.key)
    }

    /// What is asked of each limit. QERs that share one should say the same; else the lowest counts.
    ///
    /// # Errors
    /// With cause 75 for a chain that is too long, and for a limit with different ones behind it.
    pub(super) fn limits(&self, detections: &[Detection]) -> Result<Vec<slots::Limit>, Refusal> {
        let mut limits: Vec<slots::Limit> = Vec::new();
        for (detection, chain) in detections.iter().zip(&self.chains) {
            let refusal = || no_room(FailedRule::Pdr(detection.pdr));
            if chain.len() > MAX_QER_CHAIN {
                return Err(refusal());
            }
            let direction = detection.traffic();
            let followers = chain.iter().skip(1).map(Some).chain([None]);
            for (link, next) in chain.iter().zip(followers) {
                let next = next.map(|next| next.key.clone());
                let mut known = limits.iter_mut();
                match known.find(|known| known.key == link.key && known.direction == direction) {
                    Some(known) if known.next != next => return Err(refusal()),
                    Some(known) => known.setting = lower(known.setting, link.setting),
                    None => limits.push(slots::Limit {
                        key: link.key.clone(),
                        direction,
                        setting: link.setting,
                        next,
                    }),
                }
            }
        }
        Ok(limits)
    }
}

/// Makes the limits of detections.
struct Maker<'a> {
    subscriber: &'a Subscriber<'a>,
    metered: &'a BTreeSet<u32>,
    may_mark: bool,
}

impl Maker<'_> {
    /// All limits of a detection beside the meter of its slot, no name twice.
    fn links(&self, detection: &Detection) -> Vec<Link> {
        // A guarantee is one against other packets of the SIM, where those have a limit.
        let guarantees = detection.guarantees.iter();
        let guarantees = guarantees.filter(|_| self.subscriber.sim.is_some());
        let guarantees = guarantees.map(|limit| {
            let setting = of_rate(limit.kbps, limit_flags::GUARANTEE);
            (limit.key, LimitKind::Guarantee, setting)
        });
        let packets = detection.packet_rates.iter();
        let packets = packets.map(|limit| (limit.key, LimitKind::Packets, of_packets(limit)));
        let is_metered =
            |key: LimitKey| matches!(key, LimitKey::Qer(qer) if self.metered.contains(&qer));
        let rates = detection.limits.iter();
        let rates = rates.filter(|limit| !is_metered(limit.key)).map(|limit| {
            let mark = if self.may_mark { limit_flags::MARK } else { 0 };
            (limit.key, LimitKind::Rate, of_rate(limit.kbps, mark))
        });
        let mut links: Vec<Link> = Vec::new();
        for (key, kind, setting) in guarantees.chain(packets).chain(rates) {
            let owner = self.owner(key);
            let key = slots::LimitKey { owner, kind };
            let level = key.level();
            let setting = LimitSetting { level, ..setting };
            match links.iter_mut().find(|link| link.key == key) {
                Some(link) => link.setting = lower(link.setting, setting),
                None => links.push(Link { key, setting }),
            }
        }
        links
    }

    fn owner(&self, key: LimitKey) -> LimitOwner {
        let Subscriber {
            owner, imsi, seid, ..
        } = self.subscriber;
        match key {
            LimitKey::Qer(qer) => LimitOwner::Qer(*seid, qer),
            LimitKey::Correlated(id) => {
                let scope = match imsi {
                    Some(imsi) => LimitScope::Ue(format!("{owner} {imsi}").into()),
                    None => LimitScope::Session(*seid),
                };
                LimitOwner::Correlated(scope, id)
            }
        }
    }
}

/// The QERs whose MBR is that of a slot's meter: at most one of each detection, and those with few users first.
fn metered(detections: &[Detection]) -> BTreeSet<u32> {
    let mut users: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (number, detection) in detections.iter().enumerate() {
        for limit in &detection.limits {
            if let LimitKey::Qer(qer) = limit.key {
                users.entry(qer).or_default().push(number);
            }
        }
    }
    let mut order: Vec<_> = users.iter().collect();
    order.sort_by_key(|(qer, users)| (users.len(), **qer));
    let (mut metered, mut taken) = (BTreeSet::new(), BTreeSet::<usize>::new());
    for (qer, users) in order {
        if users.iter().all(|number| !taken.contains(number)) {
            metered.insert(*qer);
            taken.extend(users);
        }
    }
    metered
}

fn of_rate(kbps: u64, flags: u8) -> LimitSetting {
    let rate = Rate::from_bits_per_second(kbps.saturating_mul(1000));
    LimitSetting {
        ticks_per_byte: rate.ticks_per_byte,
        depth: rate.depth,
        flags,
        ..LimitSetting::default()
    }
}

fn of_packets(limit: &PacketLimit) -> LimitSetting {
    LimitSetting {
        ticks_per_byte: limit.ticks_per_packet,
        depth: limit.depth,
        flags: limit_flags::PACKETS,
        ..LimitSetting::default()
    }
}

/// The one that lets less pass.
fn lower(a: LimitSetting, b: LimitSetting) -> LimitSetting {
    if a.ticks_per_byte >= b.ticks_per_byte {
        a
    } else {
        b
    }
}
