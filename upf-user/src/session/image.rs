//! What the slots of a session are to do: the rules of each half, and the rates of the meters.

use std::net::IpAddr;

use ipnet::IpNet;
use upf_common::abi::{INNER_DSCP, MARK_FLOW, Match, NO_LIMIT, NO_METER, Rules};
use upf_common::abi::{flags, verdict};
use upf_common::meter::Rate;

use super::compile::{Compiler, known};
use super::detection::{Detection, Forward, LimitKey};
use super::filters::{self, Families};
use super::half::{Entries, Half, Identity};
use super::model::{Action, UeAddresses};
use crate::datapath::slots::{
    FramedRoute, Image, Meter, Program, Seat, Seating, SlotTable, Tunnel, UeEndpoint, outermost,
};
use crate::datapath::{Direction, LimitIndex};
use crate::pfcp::ie::Interface;
use crate::pfcp::message::Refusal;

/// RQI in the octet with the QFI (TS 38.415 clause 5.5.2.1).
const RQI: u8 = 1 << 6;
const MAX_DSCP: u8 = 63;

impl Compiler<'_> {
    /// What the slots of this seating are to do.
    ///
    /// # Errors
    /// When the filters of a PDR need more entries than a rule list has, or more QERs limit it than can be, see
    /// [`super::chains`].
    pub(super) fn image(&self, seating: &Seating, books: &SlotTable) -> Result<Image, Refusal> {
        let mut image = Image {
            limits: self.chains.limits(&self.detections)?,
            ..Image::default()
        };
        for detection in &self.detections {
            self.rates(&mut image, detection, seating);
        }
        for seat in &seating.seats {
            if let Some(tunnel) = &seat.tunnel {
                image
                    .programs
                    .push(self.tunnel(seat, tunnel, seating, books)?);
            }
            if let Some(address) = seat.address {
                let program = self.address(seat, address.endpoint, seating, books)?;
                image.programs.push(program);
            }
        }
        Ok(image)
    }

    /// Adds the rate of a detection's meter. QERs that share one should say the same; else the lowest counts.
    fn rates(&self, image: &mut Image, detection: &Detection, seating: &Seating) {
        let direction = detection.half();
        for limit in &detection.limits {
            let LimitKey::Qer(qer) = limit.key else {
                continue;
            };
            let slot = seating.meter_slot(detection.meter_key(qer));
            let Some(slot) = slot.filter(|_| self.chains.is_metered(qer)) else {
                continue;
            };
            let rate = Rate::from_bits_per_second(limit.kbps.saturating_mul(1000));
            let mut known = image.meters.iter_mut();
            match known.find(|known| known.slot == slot && known.direction == direction) {
                Some(known) => known.rate = lower(known.rate, rate),
                None => image.meters.push(Meter {
                    slot,
                    direction,
                    rate,
                }),
            }
        }
    }

    fn tunnel(
        &self,
        seat: &Seat,
        tunnel: &Tunnel,
        seating: &Seating,
        books: &SlotTable,
    ) -> Result<Program, Refusal> {
        let leads_to = |detection: &Detection| {
            let own = detection.tunnel;
            own.is_some_and(|own| own.key == tunnel.key)
        };
        let detections = self.detections.iter().enumerate();
        let detections: Vec<_> = detections.filter(|(_, one)| leads_to(one)).collect();
        let sources = detections
            .iter()
            .map(|(_, detection)| self.source(detection));
        let identity = sources
            .reduce(Identity::stricter)
            .unwrap_or(Identity::Ue(UeAddresses::default(), Vec::new()));
        let route = seating.framed_routes().first();
        let half = Half::of(seat, Direction::Uplink, tunnel.teid, route.copied());
        let mut entries = Entries::new(&self.passing);
        for (number, detection) in detections {
            let own = self.source(detection);
            let rules = self.both_rules(&half, number, &own, seating, books);
            let matches = self.matches(detection, identity.families());
            // A PDR for some of the UE's addresses only leaves the others to the PDRs behind it.
            let matches = match &own {
                Identity::Ue(..) if own != identity => filters::narrow_all(&matches, &own.nets()),
                _ => matches,
            };
            let qfis = qfi_mask(&detection.qfis);
            for record in matches {
                entries.add(detection.pdr, record, qfis, rules)?;
            }
        }
        Ok(half.program(&identity, entries))
    }

    fn address(
        &self,
        seat: &Seat,
        endpoint: UeEndpoint,
        seating: &Seating,
        books: &SlotTable,
    ) -> Result<Program, Refusal> {
        let routes = seating.framed_routes().iter();
        let routes: Vec<_> = routes.filter(|(_, slot)| *slot == seat.slot).collect();
        let half = Half::of(
            seat,
            Direction::Downlink,
            0,
            routes.first().copied().copied(),
        );
        let framed: Vec<_> = routes.iter().map(|(route, _)| route.net).collect();
        let identity = Identity::Ue(ue_of(endpoint), framed.clone());
        let mut entries = Entries::new(&self.passing);
        for (number, detection) in self.detections.iter().enumerate() {
            let Some(own) = self.destinations(detection, endpoint, &framed) else {
                continue;
            };
            let rules = self.both_rules(&half, number, &identity, seating, books);
            let mut matches = self.matches(detection, identity.families());
            // A PDR for the UE's address leaves the networks behind it to the PDRs that name them.
            if own != identity {
                matches = filters::narrow_all(&matches, &own.nets());
            }
            // There is no QFI on a plain IP packet.
            for record in matches {
                entries.add(detection.pdr, record, 0, rules)?;
            }
        }
        Ok(half.program(&identity, entries))
    }

    fn matches(&self, detection: &Detection, seen: Option<Families>) -> Vec<Match> {
        match &detection.filters {
            None => vec![filters::EVERYTHING],
            Some(filters) => filters::compile(filters, self.ue, !self.routes.is_empty(), seen),
        }
    }

    /// Which of the packets that arrive for a UE address and the networks behind it a detection is for: those that it
    /// names, or all of them if it names no address. `None` if it is for none.
    fn destinations(
        &self,
        detection: &Detection,
        endpoint: UeEndpoint,
        framed: &[IpNet],
    ) -> Option<Identity> {
        let instance = self.instance_of(detection);
        let is_there = instance == endpoint.instance;
        if detection.tunnel.is_some() {
            return None;
        }
        if detection.ue.is_empty() {
            let comes_from_there = is_there || detection.network_instance.is_none();
            return comes_from_there.then(|| Identity::Ue(ue_of(endpoint), framed.to_vec()));
        }
        let is_named = self.endpoints(detection).any(|own| own == endpoint);
        let ue = if is_named {
            ue_of(endpoint)
        } else {
            UeAddresses::default()
        };
        let framed = within(&detection.framed, framed);
        let any = is_named || is_there && !framed.is_empty();
        any.then_some(Identity::Ue(ue, framed))
    }

    /// Who may send into a tunnel through a detection. What comes from the UE has to come from its addresses and
    /// networks: those of the PDR, or else those of the session. Tunnels that carry other packets are left unchecked:
    /// from the core or the control plane, forwarded to another gNB, to the control plane (a router solicitation comes
    /// from the link-local address), and in sessions that know no UE address.
    ///
    /// What goes elsewhere beyond a quota is checked for both ways.
    fn source(&self, detection: &Detection) -> Identity {
        let own = self.source_of_way(detection);
        match detection.beyond_quota() {
            Some(beyond) => own.stricter(self.source_of_way(&beyond)),
            None => own,
        }
    }

    fn source_of_way(&self, detection: &Detection) -> Identity {
        if detection.source != Interface::Access {
            return Identity::Anybody;
        }
        let forward = detection.forward();
        let destination = forward.map(|forward| forward.destination);
        if matches!(destination, Some(Interface::Access | Interface::CpFunction)) {
            return Identity::Anybody;
        }
        let (ue, framed) = if detection.ue.is_empty() {
            let nets = self.routes.iter().map(|route| route.net);
            (self.ue, nets.collect())
        } else {
            let all: Vec<_> = self.routes.iter().map(|route| route.net).collect();
            (detection.ue, within(&detection.framed, &all))
        };
        let leaves_plain = forward.is_some_and(|forward| forward.tunnel.is_none());
        if ue.is_empty() && !leaves_plain {
            return Identity::Anybody;
        }
        Identity::Ue(ue, framed)
    }

    /// The rules of the detection with this number, and those for packets beyond a quota, where they have any.
    fn both_rules(
        &self,
        half: &Half,
        number: usize,
        identity: &Identity,
        seating: &Seating,
        books: &SlotTable,
    ) -> (Rules, Option<Rules>) {
        let mut head = half.head(identity);
        head.limit = self
            .first_limit(number, seating, books)
            .map_or(NO_LIMIT, |index| index.0);
        let detection = &self.detections[number];
        let beyond = detection.beyond_quota();
        (
            self.rules(head, detection, seating, books),
            beyond.map(|beyond| self.rules(head, &beyond, seating, books)),
        )
    }

    fn rules(
        &self,
        head: Rules,
        detection: &Detection,
        seating: &Seating,
        books: &SlotTable,
    ) -> Rules {
        let mut rules = head;
        rules.qfi = detection.qfi.unwrap_or_default();
        if detection.is_gate_open {
            rules.flags |= flags::GATE_OPEN;
        }
        let mut metered = self.metered(detection);
        let meter = metered.find_map(|qer| seating.meter_slot(detection.meter_key(qer)));
        rules.meter_slot = meter.map_or(NO_METER, |slot| slot.0);
        rules.marking = self.marking(detection, meter.is_some());
        rules.usage = seating.usage_set(&detection.urrs);
        if let Some(set) = self.duplicates(detection) {
            rules.duplicate = books.duplicate_id(&set).unwrap_or_default();
        }
        rules.verdict = match detection.action {
            Action::Drop => verdict::DROP,
            Action::Buffer => verdict::BUFFER,
            Action::Forward => verdict::DROP,
        };
        if let Some(forward) = detection.forward() {
            rules.verdict = verdict::FORWARD;
            self.forward(&mut rules, detection, forward, books);
        }
        rules
    }

    /// The first limit beside the meter of the slot: that of a QER, or else the SIM's.
    fn first_limit(
        &self,
        number: usize,
        seating: &Seating,
        books: &SlotTable,
    ) -> Option<LimitIndex> {
        match self.chains.of(number).first() {
            Some(link) => books.limit_index(&link.key),
            None => Some(books.sim(seating.sim()?)?.index),
        }
    }

    /// Marks in the UE's packet. Its flow is the one whose QFI it carries towards the radio, or came with.
    fn marking(&self, detection: &Detection, is_metered: bool) -> u8 {
        let dscp_of = |qfi: u8| {
            let mut all = self.config.marking.iter();
            all.find_map(|(of, dscp)| (*of == qfi).then_some(*dscp))
        };
        let came_with = || {
            let mut dscps = detection.qfis.iter().map(|qfi| dscp_of(*qfi));
            let first = dscps.next()??;
            dscps.all(|dscp| dscp == Some(first)).then_some(first)
        };
        let dscp = match detection.traffic() {
            Direction::Uplink => came_with().or_else(|| dscp_of(detection.qfi?)),
            Direction::Downlink => detection.qfi.map_or_else(came_with, dscp_of),
        };
        let inner = dscp.map_or(0, |dscp| INNER_DSCP | dscp & MAX_DSCP);
        let flow = if is_metered && self.config.ecn {
            MARK_FLOW
        } else {
            0
        };
        inner | flow
    }

    fn forward(
        &self,
        rules: &mut Rules,
        detection: &Detection,
        forward: &Forward,
        books: &SlotTable,
    ) {
        let Some(tunnel) = forward.tunnel else {
            rules.instance =
                known(forward.network_instance).unwrap_or_else(|| self.instance_of(detection));
            return;
        };
        let Some(peer) = self
            .peer(forward)
            .and_then(|key| books.peers().index_of(&key))
        else {
            // Without a GTP-U address of ours there is no outer header.
            rules.verdict = verdict::DROP;
            return;
        };
        rules.flags |= flags::ENCAPSULATE;
        rules.peer = peer;
        rules.peer_teid = tunnel.teid.to_be_bytes();
        if detection.qfi.is_some()
            && let Some(pdu_type) = pdu_type(forward.destination)
        {
            rules.flags |= flags::PDU_SESSION;
            rules.pdu_type = pdu_type;
            if detection.is_reflective && pdu_type == 0 {
                rules.qfi |= RQI;
            }
        }
        if let Some(dscp) = forward.dscp {
            rules.flags |= flags::MARK_DSCP;
            rules.dscp = dscp;
        }
    }
}

fn lower(a: Rate, b: Rate) -> Rate {
    if a.ticks_per_byte >= b.ticks_per_byte {
        a
    } else {
        b
    }
}

/// QFIs as [`upf_common::abi::RuleListEntry::qfis`] has them.
fn qfi_mask(qfis: &[u8]) -> u64 {
    qfis.iter().fold(0, |mask, qfi| mask | 1 << (qfi & 63))
}

/// The PDU type towards a gNB or another UPF (TS 38.415 clause 5.5.2); nobody else reads the container.
fn pdu_type(destination: Interface) -> Option<u8> {
    match destination {
        Interface::Access => Some(0),
        Interface::Core => Some(1),
        _ => None,
    }
}

fn ue_of(endpoint: UeEndpoint) -> UeAddresses {
    match endpoint.address {
        IpAddr::V4(v4) => UeAddresses {
            v4: Some(v4),
            v6: None,
        },
        IpAddr::V6(v6) => {
            let [upper @ .., _, _, _, _, _, _, _, _] = v6.octets();
            UeAddresses {
                v4: None,
                v6: Some(upper),
            }
        }
    }
}

/// Those networks that lie within `outer`, without those that lie within others, and without host bits.
fn within(nets: &[IpNet], outer: &[IpNet]) -> Vec<IpNet> {
    let nets = nets
        .iter()
        .filter(|net| outer.iter().any(|outer| outer.contains(*net)));
    let routes: Vec<_> = nets.map(|&net| FramedRoute { instance: 0, net }).collect();
    outermost(&routes).iter().map(|route| route.net).collect()
}
