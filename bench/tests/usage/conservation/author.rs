//! Random sessions, and random changes of them.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use bench::packets::world::GNB;
use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use upf_user::pfcp::ie::{
    GateStatus, MeasurementMethod, ReportingTriggers as Asked, Volumes, measurement_information,
    sm_request_flags,
};
use upf_user::pfcp::message::{
    AdditionalMonitoringTime, CreateUrr, SessionModificationRequest, UpdatePdr, UpdateQer,
    UpdateUrr,
};

use super::plan::{DOWNLINK, OTHER_GNB, Pdr, Session, UPLINK, Urr};

/// URR IDs are from 1 to this.
const URRS: u32 = 5;
/// Ports of the server; PDRs look at the first ones.
pub(super) const PORTS: [u16; 3] = [1000, 1001, 1002];
const TRIGGERS: [u32; 12] = [
    Asked::PERIO,
    Asked::VOLTH,
    Asked::VOLTH,
    Asked::TIMTH,
    Asked::QUHTI,
    Asked::START,
    Asked::STOPT,
    Asked::LIUSA,
    Asked::VOLQU,
    Asked::VOLQU,
    Asked::TIMQU,
    Asked::QUVTI,
];

pub(super) struct Author {
    pub(super) random: SmallRng,
    /// Seconds of NTP.
    pub(super) ntp_seconds: u32,
}

impl Author {
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    pub(super) fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        *among.choose(&mut self.random).expect("not empty")
    }

    /// A session, and its URRs. Some have no quotas, but gates that are closed, and URRs that count before those.
    pub(super) fn session(&mut self, number: u64, ue: Ipv4Addr) -> (Session, Vec<CreateUrr>) {
        let has_gates = self.chance(30);
        let mut pdrs = vec![self.pdr(DOWNLINK, None), self.pdr(UPLINK, None)];
        for id in 3..self.random.random_range(3..7) {
            let port = self.pick(&PORTS[..2]);
            pdrs.push(self.pdr(id, Some(port)));
        }
        let is_alike = self.chance(40);
        let all = self.ids(4);
        for pdr in &mut pdrs {
            pdr.urrs = if is_alike { all.clone() } else { self.ids(3) };
        }
        let mut session = Session::new(number, ue, pdrs);
        session.has_gates = has_gates;
        let urrs = self.missing(&mut session);
        (session, urrs)
    }

    fn pdr(&mut self, id: u16, port: Option<u16>) -> Pdr {
        Pdr {
            id,
            precedence: u32::from(port.is_none()) * 100 + u32::from(id),
            port,
            urrs: Vec::new(),
            forwards: self.chance(90),
            is_gate_open: true,
        }
    }

    fn ids(&mut self, most: usize) -> Vec<u32> {
        let count = self.random.random_range(0..=most);
        let ids = (0..count).map(|_| self.random.random_range(1..=URRS));
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Creates what PDRs name and is not there.
    fn missing(&mut self, session: &mut Session) -> Vec<CreateUrr> {
        let named = session.pdrs.iter().flat_map(|pdr| pdr.urrs.clone());
        let named: BTreeSet<u32> = named.collect();
        let mut created = Vec::new();
        for id in named {
            if !session.urrs.contains_key(&id) {
                created.push(self.create(session, id));
            }
        }
        created
    }

    fn create(&mut self, session: &mut Session, id: u32) -> CreateUrr {
        let triggers = (0..self.random.random_range(1..5)).map(|_| self.pick(&TRIGGERS));
        let mut triggers = triggers.fold(0, |all, one| all | one);
        let mut method = MeasurementMethod::VOLUM;
        if triggers & Asked::TIMTH != 0 || self.chance(40) {
            method |= MeasurementMethod::DURAT;
        }
        let mut settings = UpdateUrr {
            measurement_information: Some(self.information(session)),
            linked_urr_ids: self.linked(session, id),
            ..self.settings(session, id)
        };
        if settings.linked_urr_ids.is_empty() {
            triggers &= !Asked::LIUSA;
        }
        self.complete(&mut settings, triggers);
        let create = CreateUrr {
            id,
            measurement_method: MeasurementMethod(method),
            reporting_triggers: Asked(triggers),
            settings,
        };
        session.urrs.insert(id, Urr::from(&create));
        create
    }

    /// Another URR that there is.
    fn linked(&mut self, session: &Session, id: u32) -> Vec<u32> {
        let others = session.urrs.keys().copied().filter(|other| *other != id);
        let others: Vec<_> = others.collect();
        others
            .choose(&mut self.random)
            .copied()
            .into_iter()
            .collect()
    }

    /// Adds what triggers cannot do without.
    fn complete(&mut self, settings: &mut UpdateUrr, triggers: u32) {
        let bytes = self.random.random_range(200..20_000);
        let seconds = self.random.random_range(1..30);
        if triggers & Asked::VOLTH != 0 {
            settings.volume_threshold.get_or_insert(Volumes {
                total: Some(bytes),
                ..Volumes::default()
            });
        }
        let times = [
            (Asked::PERIO, &mut settings.measurement_period),
            (Asked::TIMTH, &mut settings.time_threshold),
            (Asked::QUHTI, &mut settings.quota_holding_time),
        ];
        for (trigger, time) in times {
            if triggers & trigger != 0 {
                time.get_or_insert(seconds);
            }
        }
    }

    fn information(&mut self, session: &Session) -> u8 {
        let mut information = measurement_information::MNOP;
        if self.chance(10) {
            information |= measurement_information::INAM;
        }
        if session.has_gates && self.chance(50) {
            information |= measurement_information::MBQE;
        }
        information
    }

    /// Thresholds, quotas and times, each of them seldom.
    fn settings(&mut self, session: &Session, id: u32) -> UpdateUrr {
        let may_stop = !session.has_gates;
        UpdateUrr {
            id,
            volume_threshold: self.volumes(50, 20_000),
            volume_quota: self.volumes(if may_stop { 30 } else { 0 }, 60_000),
            subsequent_volume_threshold: self.volumes(10, 20_000),
            subsequent_volume_quota: self.volumes(if may_stop { 10 } else { 0 }, 60_000),
            measurement_period: self.seconds(30, 1..20),
            time_threshold: self.seconds(20, 1..30),
            time_quota: self.seconds(if may_stop { 10 } else { 0 }, 5..100),
            quota_holding_time: self.seconds(10, 1..20),
            quota_validity_time: self.seconds(if may_stop { 10 } else { 0 }, 5..100),
            inactivity_detection_time: self.seconds(10, 1..10),
            monitoring_time: self.moment(15),
            additional_monitoring_times: self
                .moment(10)
                .map(|monitoring_time| AdditionalMonitoringTime {
                    monitoring_time,
                    subsequent_volume_threshold: self.volumes(50, 20_000),
                    ..AdditionalMonitoringTime::default()
                })
                .into_iter()
                .collect(),
            ..UpdateUrr::default()
        }
    }

    fn volumes(&mut self, percent: u32, most: u64) -> Option<Volumes> {
        let wanted = self.chance(percent);
        let mut one = |percent| {
            let bytes = self.random.random_range(0..most);
            (self.random.random_range(0..100) < percent).then_some(bytes)
        };
        let volumes = Volumes {
            total: one(80),
            uplink: one(15),
            downlink: one(15),
        };
        (wanted && volumes != Volumes::default()).then_some(volumes)
    }

    fn seconds(&mut self, percent: u32, among: std::ops::Range<u32>) -> Option<u32> {
        let seconds = self.random.random_range(among);
        self.chance(percent).then_some(seconds)
    }

    /// A time to come.
    fn moment(&mut self, percent: u32) -> Option<u32> {
        let after = self.random.random_range(1..60);
        self.chance(percent).then_some(self.ntp_seconds + after)
    }

    /// Changes a session; the request says how.
    pub(super) fn change(&mut self, session: &mut Session) -> SessionModificationRequest {
        let mut request = SessionModificationRequest::default();
        for _ in 0..self.random.random_range(1..3) {
            match self.random.random_range(0..10) {
                0..2 => self.retarget(session, &mut request),
                2 => self.remove(session, &mut request),
                3 => self.replace(session, &mut request),
                4..6 => self.update(session, &mut request),
                6 => self.query(session, &mut request),
                7 => self.hand_over(session, &mut request),
                8 => self.change_pdrs(session, &mut request),
                _ => self.switch(session, &mut request),
            }
        }
        request.create_urrs.extend(self.missing(session));
        request
    }

    /// Other URRs for some PDRs.
    fn retarget(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        let urrs = self.ids(3);
        let is_all = self.chance(40);
        for at in 0..session.pdrs.len() {
            if is_all || self.chance(40) {
                session.pdrs[at].urrs.clone_from(&urrs);
                name_urrs(&session.pdrs[at], request);
            }
        }
    }

    fn some_urr(&mut self, session: &Session, request: &SessionModificationRequest) -> Option<u32> {
        let is_named = |id: &u32| {
            request.remove_urrs.contains(id)
                || request.create_urrs.iter().any(|one| one.id == *id)
                || request.update_urrs.iter().any(|one| one.id == *id)
        };
        let ids = session.urrs.keys().copied().filter(|id| !is_named(id));
        ids.collect::<Vec<_>>().choose(&mut self.random).copied()
    }

    fn remove(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        let Some(id) = self.some_urr(session, request) else {
            return;
        };
        if session.urrs.values().any(|urr| urr.linked.contains(&id)) {
            return;
        }
        session.urrs.remove(&id);
        request.remove_urrs.push(id);
        for pdr in &mut session.pdrs {
            if pdr.urrs.contains(&id) {
                pdr.urrs.retain(|one| *one != id);
                name_urrs(pdr, request);
            }
        }
    }

    /// A URR in the place of one with its ID.
    fn replace(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        if let Some(id) = self.some_urr(session, request) {
            request.remove_urrs.push(id);
            let create = self.create(session, id);
            request.create_urrs.push(create);
        }
    }

    fn update(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        let Some(id) = self.some_urr(session, request) else {
            return;
        };
        let mut update = self.settings(session, id);
        if self.chance(30) {
            update.measurement_information = Some(self.information(session));
        }
        session.urrs.get_mut(&id).expect("there").take(&update);
        request.update_urrs.push(update);
    }

    fn query(&mut self, session: &Session, request: &mut SessionModificationRequest) {
        if self.chance(50) {
            request.flags |= sm_request_flags::QAURR;
        } else if let Some(id) = self.some_urr(session, request) {
            request.query_urrs.push(id);
        }
    }

    fn hand_over(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        session.gnb = if session.gnb == GNB { OTHER_GNB } else { GNB };
        for pdr in session.pdrs.iter().filter(|pdr| !pdr.is_uplink()) {
            name_far(pdr, session.gnb, request);
        }
    }

    /// A PDR comes or goes, or the uplink gets another tunnel.
    fn change_pdrs(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        if !request.remove_pdrs.is_empty() || !request.create_pdrs.is_empty() {
            return;
        }
        if self.chance(40) {
            for pdr in session.pdrs.iter().filter(|pdr| pdr.is_uplink()) {
                request.update_pdrs.retain(|update| update.id != pdr.id);
                request.remove_pdrs.push(pdr.id);
                request.create_pdrs.push(pdr.create(session));
            }
            return;
        }
        let id: u16 = self.pick(&[3, 5]);
        if session.pdrs.iter().any(|pdr| pdr.id == id) {
            session.pdrs.retain(|pdr| pdr.id != id);
            request.update_pdrs.retain(|update| update.id != id);
            request
                .update_fars
                .retain(|update| update.id != u32::from(id));
            request
                .update_qers
                .retain(|update| update.id != u32::from(id));
            request.remove_pdrs.push(id);
            request.remove_fars.push(id.into());
            request.remove_qers.push(id.into());
        } else {
            let port = self.pick(&PORTS[..2]);
            let mut pdr = self.pdr(id, Some(port));
            pdr.urrs = self.ids(3);
            request.create_pdrs.push(pdr.create(session));
            request.create_fars.push(pdr.far(session.gnb));
            request.create_qers.push(pdr.qer());
            session.pdrs.push(pdr);
        }
    }

    /// A PDR forwards or drops, or its gate opens or closes.
    fn switch(&mut self, session: &mut Session, request: &mut SessionModificationRequest) {
        let at = self.random.random_range(0..session.pdrs.len());
        let (gnb, has_gates) = (session.gnb, session.has_gates);
        let pdr = &mut session.pdrs[at];
        if request.create_pdrs.iter().any(|create| create.id == pdr.id) {
            return;
        }
        if has_gates && self.chance(60) {
            pdr.is_gate_open = !pdr.is_gate_open;
            let id = u32::from(pdr.id);
            request.update_qers.retain(|update| update.id != id);
            request.update_qers.push(UpdateQer {
                id,
                gate: Some(GateStatus {
                    uplink_open: pdr.is_gate_open,
                    downlink_open: pdr.is_gate_open,
                }),
                ..UpdateQer::default()
            });
        } else {
            pdr.forwards = !pdr.forwards;
            name_far(pdr, gnb, request);
        }
    }
}

/// Says in a request which URRs a PDR has, in the place of what it says of that already.
fn name_urrs(pdr: &Pdr, request: &mut SessionModificationRequest) {
    let mut created = request.create_pdrs.iter_mut();
    if let Some(create) = created.find(|create| create.id == pdr.id) {
        create.urr_ids.clone_from(&pdr.urrs);
        return;
    }
    request.update_pdrs.retain(|update| update.id != pdr.id);
    request.update_pdrs.push(UpdatePdr {
        id: pdr.id,
        urr_ids: Some(pdr.urrs.clone()),
        ..UpdatePdr::default()
    });
}

/// The same for where it sends to.
fn name_far(pdr: &Pdr, gnb: Ipv4Addr, request: &mut SessionModificationRequest) {
    let id = u32::from(pdr.id);
    if let Some(create) = request.create_fars.iter_mut().find(|one| one.id == id) {
        *create = pdr.far(gnb);
        return;
    }
    request.update_fars.retain(|update| update.id != id);
    request.update_fars.push(pdr.update_far(gnb));
}
