//! All or nothing: whatever requests come in whatever order, and whichever table fails meanwhile, a request that is
//! refused leaves rules, slots, F-TEIDs, pools and PFDs as they were, and what is accepted is in the tables.

use std::sync::LazyLock;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::requests::*;
use super::sims::{bandwidth, customer, limit};
use super::world::{CONFIG, GTPU, World, config};
use crate::bandwidth::{Assignment, ClassId, CustomerId, Imsi, SpeedLimit};
use crate::datapath::chaos::Chaos;
use crate::pfcp::ie::{
    ApplyAction, BitRates, Cause, FqCsid, FqCsidNode, Interface, MeasurementMethod, PacketRate,
    RedirectInformation, ReportingTriggers, SdfFilter, UeIpAddress, UserId,
};
use crate::pfcp::message::*;
use crate::pfcp::service::SessionService;
use crate::session::SessionsConfig;

const SEQUENCES: u64 = 10_000;
const MOST_REQUESTS: usize = 8;

static SMALL: LazyLock<SessionsConfig> = LazyLock::new(|| {
    let small = CONFIG
        .replace("10.45.0.0/16", "10.45.0.0/28")
        .replace("2001:db8:45::/48", "2001:db8:45::/60");
    config(&small)
});

/// The same with speed classes and customers.
static WITH_SIMS: LazyLock<SessionsConfig> = LazyLock::new(|| SessionsConfig {
    bandwidth: bandwidth(),
    ..SMALL.clone()
});

enum Request {
    Establish(u64, Box<SessionEstablishmentRequest>),
    Modify(u64, Box<SessionModificationRequest>),
    Delete(u64),
    Pfds(PfdManagementRequest),
    Sets(Vec<FqCsid>),
    /// Of the control plane, which sets its sessions up again.
    Restart,
    Report(u64, SessionReportResponse),
    Wait(Duration),
    Sim(Imsi, Assignment),
    Customer(CustomerId, Option<SpeedLimit>),
}

/// Makes requests that are mostly sound, with IDs from a few.
pub(super) struct Author {
    random: SmallRng,
    ntp: u32,
}

impl Author {
    /// `ntp` is a time near which PDRs begin and end to count.
    pub(super) fn new(seed: u64, ntp: u32) -> Self {
        let random = SmallRng::seed_from_u64(seed);
        Self { random, ntp }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among.choose(&mut self.random).unwrap().clone()
    }

    /// Mostly one of the few that there may be.
    fn id(&mut self) -> u32 {
        self.random.random_range(1..=6)
    }

    fn maybe<T>(&mut self, percent: u32, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance(percent).then(|| make(self))
    }

    fn some<T>(&mut self, percent: u32, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let mut made = Vec::new();
        while made.len() < 3 && self.chance(percent) {
            made.push(make(self));
        }
        made
    }

    fn address(&mut self) -> UeIpAddress {
        let v4 = format!("10.45.0.{}", self.random.random_range(1..6));
        let v6 = format!("2001:db8:45:{:x}::", self.random.random_range(1..4));
        match self.random.random_range(0..6) {
            0 => UeIpAddress {
                choose_ipv4: true,
                choose_ipv6: self.chance(50),
                ..UeIpAddress::default()
            },
            1 => ue(None, Some(&v6)),
            2 => ue(Some(&v4), Some(&v6)),
            _ => ue(Some(&v4), None),
        }
    }

    fn filter(&mut self) -> SdfFilter {
        let port = self.random.random_range(1..4);
        SdfFilter {
            flow_description: self.maybe(85, |_| {
                format!("permit out 6 from 192.0.2.{port} {port} to assigned")
            }),
            tos: self.maybe(20, |_| (0xb8, 0xfc)),
            spi: self.maybe(5, |_| 7),
            flow_label: None,
            id: self.maybe(30, Self::id),
        }
    }

    fn names(&mut self) -> Vec<String> {
        self.some(12, |author| {
            author.pick(&["gold", "closed", "silver"]).to_owned()
        })
    }

    fn time(&mut self) -> Option<u32> {
        self.maybe(12, |author| {
            author.ntp + author.random.random_range(0..120) - 60
        })
    }

    fn pdi(&mut self, source: Interface) -> Pdi {
        let mut pdi = pdi(source);
        if self.chance(15) {
            pdi.traffic_endpoint_ids = (0..self.random.random_range(1..3))
                .map(|_| self.random.random_range(1..4))
                .collect();
            if self.chance(90) {
                return pdi;
            }
        }
        match source {
            Interface::Core => {
                pdi.ue_ip_address = self.maybe(60, Self::address);
                pdi.f_teid = self.maybe(15, |_| choose(None));
                pdi.framed_routes = self.some(8, |author| {
                    format!("198.51.{}.0/24 0.0.0.0 1", author.random.random_range(0..3))
                });
            }
            _ => {
                let id = self.maybe(60, |author| author.random.random_range(5..7));
                pdi.f_teid = self.maybe(95, |_| choose(id));
                pdi.qfis = self.some(20, |author| author.random.random_range(1..4));
            }
        }
        match self.random.random_range(0..5) {
            0 => pdi.application_id = Some(self.pick(&["video", "voice"]).to_owned()),
            1 | 2 => pdi.sdf_filters = self.some(50, Self::filter),
            _ => {}
        }
        pdi
    }

    fn source(&mut self) -> Interface {
        use Interface::{Access, Core, CpFunction, VnInternal};
        self.pick(&[
            Access, Access, Access, Core, Core, Core, CpFunction, VnInternal,
        ])
    }

    fn pdr(&mut self) -> CreatePdr {
        let source = self.source();
        let pdi = self.pdi(source);
        let id = self.id() as u16 + 3;
        let precedence = self.maybe(90, |author| author.random.random_range(1..300));
        let mut pdr = pdr(id, precedence, self.id() % 4, &[], pdi);
        pdr.far_id = self.maybe(95, |author| 1 + author.id() % 3);
        pdr.qer_ids = self.some(40, |author| 1 + author.id() % 2);
        pdr.urr_ids = self.some(15, |author| 1 + author.id() % 2);
        pdr.mar_id = self.maybe(4, |author| author.id() as u16);
        pdr.activate_predefined_rules = self.names();
        (pdr.activation_time, pdr.deactivation_time) = (self.time(), self.time());
        pdr
    }

    fn update_pdr(&mut self) -> UpdatePdr {
        let source = self.source();
        UpdatePdr {
            id: self.id() as u16,
            precedence: self.maybe(30, |author| author.random.random_range(1..300)),
            pdi: self.maybe(50, |author| author.pdi(source)),
            outer_header_removal: None,
            far_id: self.maybe(30, |author| 1 + author.id() % 4),
            urr_ids: self.maybe(15, |author| author.some(40, Self::id)),
            qer_ids: self.maybe(30, |author| author.some(40, Self::id)),
            activate_predefined_rules: self.names(),
            deactivate_predefined_rules: self.names(),
            activation_time: self.time(),
            deactivation_time: self.time(),
        }
    }

    fn action(&mut self) -> ApplyAction {
        let action = self.pick(&[
            ApplyAction::FORW,
            ApplyAction::FORW,
            ApplyAction::DROP,
            ApplyAction::BUFF | ApplyAction::NOCP,
        ]);
        let more = self.pick(&[0, 0, 0, 0, 0, 0, ApplyAction::DUPL, ApplyAction::DROP]);
        ApplyAction(action | more)
    }

    fn forwarding(&mut self) -> UpdateForwardingParameters {
        use Interface::{Access, Core, LiFunction};
        let destination = self.pick(&[Access, Access, Core, Core, Core, LiFunction]);
        let teid = self.random.random_range(1..5);
        let has_tunnel = destination == Access || self.chance(10);
        UpdateForwardingParameters {
            destination_interface: Some(destination),
            network_instance: self.maybe(60, |author| {
                author
                    .pick(&["internet", "internet", "ims", "nowhere"])
                    .to_owned()
            }),
            outer_header_creation: has_tunnel.then(|| gtpu(teid, GNB)),
            transport_level_marking: self.maybe(10, |_| (0xb8, 0xfc)),
            forwarding_policy: self.maybe(8, |author| author.pick(&["voice", "none"]).to_owned()),
            redirect_information: self.maybe(4, |_| RedirectInformation {
                address_type: 2,
                address: "http://example.org".to_owned(),
                other_address: None,
                port: None,
            }),
            linked_traffic_endpoint_id: self.maybe(4, |author| author.id() as u8),
            flags: self.pick(&[0, 2]),
            ..UpdateForwardingParameters::default()
        }
    }

    fn copies(&mut self) -> Vec<UpdateDuplicatingParameters> {
        self.some(25, |author| {
            let teid = author.random.random_range(1..5);
            UpdateDuplicatingParameters {
                destination_interface: Some(Interface::LiFunction),
                outer_header_creation: author.maybe(90, |_| gtpu(teid, SMF_GTPU)),
                ..UpdateDuplicatingParameters::default()
            }
        })
    }

    fn update_far(&mut self) -> UpdateFar {
        UpdateFar {
            id: 1 + self.id() % 4,
            apply_action: self.maybe(60, Self::action),
            forwarding: self.maybe(70, Self::forwarding),
            duplicating: self.copies(),
            bar_id: self.maybe(8, |author| author.id() as u8),
        }
    }

    fn far(&mut self) -> CreateFar {
        let update = self.forwarding();
        let forwarding = ForwardingParameters {
            destination_interface: update.destination_interface.unwrap_or_default(),
            network_instance: update.network_instance,
            outer_header_creation: update.outer_header_creation,
            forwarding_policy: update.forwarding_policy,
            redirect_information: update.redirect_information,
            ..ForwardingParameters::default()
        };
        let copies = self.copies().into_iter();
        CreateFar {
            id: 3 + self.id() % 3,
            apply_action: self.action(),
            forwarding: self.maybe(90, |_| forwarding),
            duplicating: copies
                .map(|copy| DuplicatingParameters {
                    destination_interface: copy.destination_interface.unwrap_or_default(),
                    outer_header_creation: copy.outer_header_creation,
                    ..DuplicatingParameters::default()
                })
                .collect(),
            bar_id: self.maybe(8, |author| author.id() as u8),
        }
    }

    fn qer(&mut self) -> CreateQer {
        let kbps = self.maybe(80, |author| author.random.random_range(1..1000));
        let mut qer = qer(1 + self.id() % 3, kbps, None);
        qer.correlation_id = self.maybe(25, |author| author.id() % 2);
        qer.gbr = self.maybe(15, |author| BitRates {
            uplink_kbps: author.random.random_range(0..1000),
            downlink_kbps: 0,
        });
        qer.packet_rate = self.maybe(20, |author| PacketRate {
            uplink: Some((author.id() as u8, 10)),
            downlink: author.maybe(50, |_| (0, 0)),
            additional: None,
        });
        qer.qfi = self.maybe(40, |author| author.id() as u8);
        qer
    }

    fn urr(&mut self) -> CreateUrr {
        CreateUrr {
            id: 1 + self.id() % 3,
            measurement_method: MeasurementMethod(self.pick(&[1, 2, 3, 3, 0])),
            reporting_triggers: ReportingTriggers(self.pick(&[0, 0, 1, 4])),
            settings: UpdateUrr {
                time_threshold: Some(60),
                linked_urr_ids: self.some(10, Self::id),
                quota_action_far_id: self.maybe(10, Self::id),
                ..UpdateUrr::default()
            },
        }
    }

    fn bar(&mut self) -> CreateBar {
        CreateBar {
            id: 1 + (self.id() % 2) as u8,
            ..CreateBar::default()
        }
    }

    fn mar(&mut self) -> CreateMar {
        CreateMar {
            id: 1 + (self.id() % 3) as u16,
            tgpp_access: Some(AccessForwardingAction {
                far_id: 1 + self.id() % 4,
                ..AccessForwardingAction::default()
            }),
            ..CreateMar::default()
        }
    }

    fn endpoint(&mut self) -> CreateTrafficEndpoint {
        let is_tunnel = self.chance(60);
        let id = self.maybe(40, |author| author.random.random_range(5..8));
        CreateTrafficEndpoint {
            id: self.random.random_range(1..4),
            f_teid: is_tunnel.then(|| choose(id)),
            network_instance: Some("internet".to_owned()),
            ue_ip_address: if is_tunnel {
                None
            } else {
                Some(self.address())
            },
            ..CreateTrafficEndpoint::default()
        }
    }

    pub(super) fn establishment(&mut self) -> SessionEstablishmentRequest {
        let address = self.address();
        let cp_seid = self.random.random_range(1..100);
        let mut request = match self.random.random_range(0..4) {
            0 => sgw_u(cp_seid),
            1 => pgw_u(cp_seid, address),
            _ => pdu_session(cp_seid, address),
        };
        if self.chance(15) {
            request.is_restoration = true;
            let teid = self.random.random_range(1..4) << 9;
            request.create_pdrs[1].pdi.f_teid = Some(given(teid, GTPU));
        }
        request.create_traffic_endpoints = self.some(25, Self::endpoint);
        request.create_pdrs.extend(self.some(25, Self::pdr));
        request.create_fars.extend(self.some(20, Self::far));
        request.create_qers.extend(self.some(20, Self::qer));
        request.create_urrs = self.some(30, Self::urr);
        request.create_bars = self.some(15, Self::bar);
        request.create_mars = self.some(10, Self::mar);
        request.fq_csids = self.some(30, Self::set);
        request.user_id = self.maybe(60, |author| UserId::of_imsi(&author.imsi()));
        request.dnn = self.maybe(20, |_| "lab.net".to_owned());
        request
    }

    pub(super) fn modification(&mut self) -> SessionModificationRequest {
        let pdr = |author: &mut Self| author.id() as u16;
        let endpoint = |author: &mut Self| author.random.random_range(1..4);
        SessionModificationRequest {
            remove_pdrs: self.some(12, pdr),
            remove_fars: self.some(8, Self::id),
            remove_urrs: self.some(8, Self::id),
            remove_qers: self.some(8, Self::id),
            remove_bars: self.some(6, |author| author.id() as u8 % 3),
            remove_traffic_endpoints: self.some(8, endpoint),
            remove_mars: self.some(4, pdr),
            create_pdrs: self.some(20, Self::pdr),
            create_fars: self.some(20, Self::far),
            create_urrs: self.some(12, Self::urr),
            create_qers: self.some(15, Self::qer),
            create_bars: self.some(8, Self::bar),
            create_traffic_endpoints: self.some(12, Self::endpoint),
            create_mars: self.some(6, Self::mar),
            update_pdrs: self.some(25, Self::update_pdr),
            update_fars: self.some(35, Self::update_far),
            update_qers: self.some(15, |author| UpdateQer {
                id: author.id() % 3,
                mbr: author.qer().mbr,
                qfi: Some(author.id() as u8),
                ..UpdateQer::default()
            }),
            update_urrs: self.some(8, |author| UpdateUrr {
                id: author.id() % 3,
                linked_urr_ids: author.some(20, Self::id),
                ..UpdateUrr::default()
            }),
            update_bars: self.some(5, Self::bar),
            update_traffic_endpoints: self.some(10, Self::endpoint),
            update_mars: self.some(4, |author| UpdateMar {
                id: author.id() as u16 % 3,
                steering_mode: Some(author.id() as u8),
                ..UpdateMar::default()
            }),
            query_urrs: self.some(5, Self::id),
            fq_csids: self.some(8, Self::set),
            ..SessionModificationRequest::default()
        }
    }

    fn pfds(&mut self) -> PfdManagementRequest {
        let contents = |author: &mut Self| {
            let port = author.random.random_range(1..100);
            vec![PfdContents {
                flow_descriptions: vec![format!("permit out 17 from any {port} to assigned")],
                urls: author.some(5, |_| "http://example.org".to_owned()),
                ..PfdContents::default()
            }]
        };
        PfdManagementRequest {
            applications: self.some(60, |author| ApplicationPfds {
                application_id: author.pick(&["video", "voice"]).to_owned(),
                contexts: author.some(60, contents),
            }),
            node_id: None,
        }
    }

    fn set(&mut self) -> FqCsid {
        FqCsid {
            node: FqCsidNode::Id(1),
            csids: vec![self.random.random_range(1..20)],
            node_type: None,
        }
    }

    /// One of a few; some are of a customer.
    fn imsi(&mut self) -> String {
        let last = self.random.random_range(4..8);
        format!("00101000000000{last}")
    }

    fn customer(&mut self) -> CustomerId {
        customer(self.pick(&["acme", "lab", "new"]))
    }

    fn sim(&mut self) -> Request {
        let assignment = Assignment {
            class: self.maybe(50, |author| ClassId(author.random.random_range(1..3))),
            customer: self.maybe(50, Self::customer),
        };
        Request::Sim(self.imsi().parse().unwrap(), assignment)
    }

    fn establish(&mut self) -> Request {
        let header = self.maybe(30, |author| author.random.random_range(1..4));
        Request::Establish(header.unwrap_or(0), Box::new(self.establishment()))
    }

    fn request(&mut self, world: &World) -> Request {
        // Those that have ended too.
        let seids: Vec<u64> = world.sessions.sessions.keys().copied().collect();
        let seid = seids.choose(&mut self.random).copied();
        if !world.sessions.endings.is_empty() && self.chance(40) {
            return self.establish();
        }
        match (self.random.random_range(0..100), seid) {
            (0..3, _) => self.sim(),
            (3..4, _) => {
                let limit = self.maybe(70, |author| limit(author.id().into(), 7));
                Request::Customer(self.customer(), limit)
            }
            (4..8, _) => Request::Wait(Duration::from_secs(self.random.random_range(1..90))),
            (8..15, _) => Request::Pfds(self.pfds()),
            (15..17, _) => Request::Sets(self.some(50, Self::set)),
            (17..25, _) => Request::Restart,
            (25..34, _) | (_, None) => self.establish(),
            (34..38, Some(seid)) => Request::Delete(seid),
            (38..40, Some(seid)) => {
                let causes = [Cause::RequestAccepted, Cause::SessionContextNotFound];
                let response = SessionReportResponse {
                    cause: self.pick(&causes),
                    offending_ie: None,
                    update_bars: Vec::new(),
                    flags: 0,
                    cp_f_seid: None,
                };
                Request::Report(seid, response)
            }
            (_, Some(seid)) => Request::Modify(seid, Box::new(self.modification())),
        }
    }
}

/// What a request came to: `None` where it cannot be refused.
fn send(world: &mut World, request: &Request) -> Option<Result<(), Cause>> {
    let now = world.now;
    let sessions = &mut world.sessions;
    let outcome = match request {
        Request::Establish(header, request) => sessions
            .establish(&smf(), *header, request, now)
            .map(|_| ()),
        Request::Modify(seid, request) => {
            let answer = sessions.modify(&smf(), *seid, request, now);
            answer.outcome.map(|_| ())
        }
        Request::Delete(seid) => {
            let request = SessionDeletionRequest::default();
            sessions
                .delete(&smf(), *seid, &request, now)
                .outcome
                .map(|_| ())
        }
        Request::Pfds(request) => sessions.provision_pfds(&smf(), request, now),
        Request::Sets(sets) => sessions.delete_sets(&smf(), sets, now),
        Request::Restart => {
            sessions.delete_all(&smf(), now);
            return None;
        }
        Request::Report(seid, response) => {
            sessions.report_answered(&smf(), *seid, response, now);
            return None;
        }
        Request::Sim(imsi, assignment) => {
            let changed = sessions.change_sim(*imsi, assignment.clone());
            return Some(changed.map_err(|_| Cause::SystemFailure));
        }
        Request::Customer(customer, limit) => {
            let changed = sessions.change_customer(customer.clone(), limit.clone());
            return Some(changed.map_err(|_| Cause::SystemFailure));
        }
        Request::Wait(time) => {
            world.now += *time;
            sessions.tick(world.now);
            return None;
        }
    };
    Some(outcome.map_err(|refusal| refusal.cause))
}

/// What sessions of a seed depend on.
pub(super) fn config_of(seed: u64) -> &'static SessionsConfig {
    // Without classes and customers at first, or with them.
    if seed.is_multiple_of(4) {
        &SMALL
    } else {
        &WITH_SIMS
    }
}

/// Sends so many requests, none of which fails half-way.
pub(super) fn populate(world: &mut World, author: &mut Author, requests: usize) {
    for _ in 0..requests {
        world.now += Duration::from_millis(700);
        world.sessions.tick(world.now);
        let request = author.request(world);
        send(world, &request);
    }
    world.drain();
}

#[derive(Default)]
struct Tally {
    accepted: u64,
    refused: u64,
    failed: u64,
    /// Accepted while sessions that had ended were still there.
    ending: u64,
}

fn run(seed: u64, tally: &mut Tally) {
    let config = config_of(seed);
    let mut world = World::small(config);
    let mut author = Author::new(seed, world.ntp(Duration::ZERO));
    // What takes several ticks is under way while requests come.
    world.sessions.tick_portion.sessions = author.pick(&[0, 1, usize::MAX]);
    for _ in 0..author.random.random_range(2..=MOST_REQUESTS) {
        world.now += Duration::from_millis(700);
        world.sessions.tick(world.now);
        let request = author.request(&world);
        let before = world.state();
        let is_ending = !world.sessions.endings.is_empty();
        let chaos = match author.random.random_range(0..10) {
            0 => Chaos::Nth(author.random.random_range(0..20)),
            1 => Chaos::From(author.random.random_range(0..20)),
            2 => Chaos::random(0.1, author.random.random()),
            _ => Chaos::Never,
        };
        world.tables.set(chaos);
        let outcome = send(&mut world, &request);
        world.settle();
        match outcome {
            Some(Err(cause)) => {
                let after = world.state();
                // What has ended may make way for a request that is refused all the same.
                let is_same = after == before || is_ending && after.looks_the_same(&before);
                assert!(is_same, "seed {seed}: {cause:?} changed something");
                match cause {
                    Cause::SystemFailure => tally.failed += 1,
                    _ => tally.refused += 1,
                }
            }
            Some(Ok(())) => tally.accepted += 1,
            None => {}
        }
        tally.ending += u64::from(is_ending && outcome == Some(Ok(())));
        if is_ending || !matches!(outcome, Some(Err(_))) {
            world.check();
        }
        world.sessions.tick(world.now);
    }
    world.drain();
    world.check();
    check_followed(&world, seed);
    world.sessions.delete_all(&smf(), world.now);
    assert!(world.state().looks_the_same(&World::small(config).state()));
    world.drain();
    world.check();
    let empty = World::small(config).state();
    assert!(world.state().has_same_tables(&empty), "seed {seed}");
}

/// Every session knows the PFDs as they are, or is tried again.
fn check_followed(world: &World, seed: u64) {
    for session in world.sessions.sessions.values() {
        let known = session.basis.applications.as_deref();
        let current = world.sessions.applications.get(&smf());
        let has_followed = !session.model.uses_applications() || known == current.map(|a| &**a);
        let is_tried_again = session.owed.is_some() && session.deadline.is_some();
        assert!(has_followed || is_tried_again, "seed {seed}");
    }
}

#[test]
fn a_refused_request_changes_nothing() {
    let mut tally = Tally::default();
    for seed in 0..SEQUENCES {
        run(seed, &mut tally);
    }
    // Neither is everything refused, nor everything accepted.
    let Tally {
        accepted,
        refused,
        failed,
        ending,
    } = tally;
    let least = SEQUENCES / 4;
    assert!(
        accepted > least && refused > least && failed > least / 8 && ending > least / 16,
        "{accepted} {refused} {failed} {ending}"
    );
}
