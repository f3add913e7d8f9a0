//! The model check of forwarding: random sessions, set up as a control plane does it, and random packets. What the
//! packet logic makes of a packet on this host is what a matcher says that was written from the specification and works
//! on the rules as they were sent; and the program in the kernel, with the very same tables, does the same.

mod packets;
mod reference;
mod rules;

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use bench::packets::Action;
use bench::packets::host::{Buffer, HostTables};
use bench::packets::kernel::Kernel;
use bench::packets::sessions::{INSTANCES, world_of};
use bench::packets::soundness::leaves_as;
use bench::packets::world::{
    BLOCKS, ENTRIES, GNB, GNB_V6, PAGES, PEER_MAC, ROUTER_MAC, SLOTS, USAGES, World, route,
};
use ipnet::IpNet;
use rand::rngs::{SmallRng, StdRng};
use rand::{Rng as _, SeedableRng as _};
use upf_common::abi::{self, LIST_PAGE_ENTRIES, RouteEntry, mapped};
use upf_common::forward::route_index;
use upf_common::wire::IpAddress;
use upf_user::config::Config;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::pfcp::ie::{Cause, FTeid, NodeId};
use upf_user::pfcp::service::SessionService as _;
use upf_user::session::{Sessions, SessionsConfig};

use packets::Places;
use reference::{Reference, Verdict};
use rules::{Author, OTHER_GNB, Session, net};

/// Packets in all, and in each set of sessions.
const PACKETS: u64 = 1_000_000;
const PACKETS_EACH: usize = 2000;
/// What comes back from the kernel, at most.
const ROOM: usize = 2048;
const POOLS: [&str; 2] = ["10.45.0.0/24", "2001:db8:45::/56"];

const CONFIG: &str = r#"
[node]
id = "10.100.0.9"
[pfcp]
listen = "10.100.0.9:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2", "2001:db8:1::2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/24"
ipv6 = "2001:db8:45::/56"
"#;

/// Sessions in force, what the tables hold for them, and where packets may go.
struct Set {
    sessions: Vec<Session>,
    world: World,
    places: Places,
    pools: Vec<IpNet>,
    refused: u32,
}

impl Set {
    fn new(author: &mut Author) -> Result<Self> {
        let config = Config::parse(CONFIG).expect("a sound config");
        let config = SessionsConfig::new(&config)?;
        let tables = MemoryDatapath::new(Sizes {
            slots: SLOTS,
            blocks: config.pools.blocks(),
            peers: ENTRIES,
            lists: PAGES,
            limits: SLOTS,
            usages: USAGES,
        });
        ensure!(config.pools.blocks() <= BLOCKS);
        let random = StdRng::seed_from_u64(author.0.random());
        let mut room = Sessions::with_random(config.clone(), tables, random);
        let owner = NodeId::Address(IpAddr::from([10, 100, 0, 1]));
        let (mut sessions, mut refused) = (Vec::new(), 0);
        for number in 0..author.0.random_range(1..5) {
            let mut session = author.session(number);
            let request = session.request(u64::from(number) + 1);
            let established = match room.establish(&owner, 0, &request, Instant::now()) {
                Ok(established) => established,
                Err(refusal) => {
                    ensure!(
                        refusal.cause == Cause::NoResourcesAvailable,
                        "{refusal:?} {session:#?}"
                    );
                    refused += 1;
                    continue;
                }
            };
            let teids = established.created_pdrs.iter();
            let mut teids = teids.filter_map(|created| match created.f_teid? {
                FTeid::Given { teid, .. } => Some(teid),
                FTeid::Choose { .. } => None,
            });
            session.teid = teids.next().context("no F-TEID")?;
            sessions.push(session);
        }
        let world = world_of(&config, room.tables());
        let pools = POOLS.map(net).to_vec();
        let mut set = Self {
            sessions,
            world,
            places: Places {
                remotes: Vec::new(),
                locals: Vec::new(),
                hairpins: Vec::new(),
            },
            pools,
            refused,
        };
        set.choose_places(author);
        Ok(set)
    }

    fn reference(&self) -> Reference<'_> {
        Reference {
            sessions: &self.sessions,
            pools: &self.pools,
        }
    }

    /// Ways to all hosts are remembered, and none in another one's place: the kernel of this machine is never asked.
    fn choose_places(&mut self, author: &mut Author) {
        let mut taken = HashSet::new();
        let mut is_free = |address: IpAddr| {
            let address = IpAddress::new(&bytes(address));
            INSTANCES
                .into_iter()
                .all(|instance| taken.insert(route_index(address, instance)))
        };
        for (address, mac) in [
            (IpAddr::V4(GNB), PEER_MAC),
            (OTHER_GNB.into(), PEER_MAC),
            (IpAddr::from(GNB_V6), PEER_MAC),
        ] {
            assert!(is_free(address), "{address}");
            self.world.routes.extend(routes(address, mac));
        }
        for address in packets::remotes() {
            if is_free(address) {
                self.world.routes.extend(routes(address, ROUTER_MAC));
                self.places.remotes.push(address);
            }
        }
        for session in &self.sessions {
            for address in packets::locals(author, session) {
                self.places.locals.push(address);
                if self.reference().is_ue(address) && is_free(address) {
                    self.places.hairpins.push(address);
                }
            }
        }
    }
}

/// The way to a host, from each network instance.
fn routes(address: IpAddr, mac: [u8; 6]) -> impl Iterator<Item = RouteEntry> {
    INSTANCES.into_iter().map(move |from_instance| RouteEntry {
        from_instance,
        ..route(bytes(address), mac)
    })
}

fn bytes(address: IpAddr) -> abi::Address {
    match address {
        IpAddr::V4(address) => mapped(address.octets()),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Whether a run did what the reference says.
fn agrees(expected: &Verdict, frame: &[u8], action: Action, out: &[u8]) -> bool {
    match expected {
        Verdict::Kernel => action == Action::Pass && out == frame,
        Verdict::Drop => action == Action::Drop,
        Verdict::Leaves(leaves) => action == Action::Transmit && leaves_as(out, leaves),
    }
}

/// What the packets came to.
#[derive(Debug, Default)]
struct Tally {
    kernel: u64,
    dropped: u64,
    plain: u64,
    tunnelled: u64,
    /// Of those, the ones that came by a tunnel as well.
    between_tunnels: u64,
    refused: u32,
    longest: usize,
}

impl Tally {
    fn packets(&self) -> u64 {
        self.kernel + self.dropped + self.plain + self.tunnelled
    }

    fn add(&mut self, frame: &[u8], verdict: &Verdict) {
        match verdict {
            Verdict::Kernel => self.kernel += 1,
            Verdict::Drop => self.dropped += 1,
            Verdict::Leaves(frame) if frame[..6] == ROUTER_MAC => self.plain += 1,
            Verdict::Leaves(_) => {
                self.tunnelled += 1;
                self.between_tunnels += u64::from(frame[6..12] == PEER_MAC);
            }
        }
    }
}

#[test]
fn host_kernel_and_reference_agree_on_a_million_packets() -> Result<()> {
    let mut kernel = Kernel::load()?;
    let mut room = vec![0; ROOM];
    let mut tally = Tally::default();
    for seed in 0.. {
        if tally.packets() >= PACKETS {
            break;
        }
        let mut author = Author(SmallRng::seed_from_u64(seed));
        let set = Set::new(&mut author)?;
        tally.refused += set.refused;
        let used = set.world.lists.iter().filter(|list| list.len > 0).count();
        tally.longest = tally.longest.max(used * LIST_PAGE_ENTRIES);
        if set.sessions.is_empty() {
            continue;
        }
        let (tables, reference) = (HostTables::new(&set.world), set.reference());
        kernel.install(&set.world)?;
        for _ in 0..PACKETS_EACH {
            let frame = author.frame(&set.sessions, &set.places);
            let expected = reference.takes(&frame);
            tally.add(&frame, &expected);
            let mut buffer = Buffer::new(&frame);
            let action = tables.take(&mut buffer);
            ensure!(
                agrees(&expected, &frame, action, buffer.frame()),
                "seed {seed}, frame {frame:02x?}\nexpected {expected:02x?}\n\
                 the host says {action:?} {:02x?}\n{:#?}",
                buffer.frame(),
                set.sessions
            );
            let (there, length) = kernel.take(&frame, &mut room, 1)?;
            // What a dropped frame has become is nobody's business.
            ensure!(
                there == action && (action == Action::Drop || room[..length] == *buffer.frame()),
                "seed {seed}, frame {frame:02x?}\nthe host says {action:?} {:02x?}\n\
                 the kernel says {there:?} {:02x?}",
                buffer.frame(),
                &room[..length]
            );
        }
        kernel.remove(&set.world)?;
        assert_eq!(tables.questions.get(), 0, "seed {seed}");
    }
    println!("{tally:?}");
    assert!(
        tally.plain > 50_000 && tally.tunnelled > 100_000,
        "{tally:?}"
    );
    assert!(tally.dropped > 100_000 && tally.kernel > 1_000, "{tally:?}");
    Ok(())
}
