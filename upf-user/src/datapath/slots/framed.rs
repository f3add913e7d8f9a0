//! Which networks lie behind UEs (framed routes, TS 29.244 clause 5.16).

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::datapath::SlotIndex;

/// A network behind a UE, in a network instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FramedRoute {
    /// The network instance's number.
    pub instance: u32,
    /// The network, without host bits.
    pub net: IpNet,
}

/// The framed routes of all sessions. Those of one instance do not overlap: a packet has one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FramedRoutes {
    /// By instance and first address.
    routes: BTreeMap<(u32, IpAddr), (IpNet, SlotIndex)>,
}

impl FramedRoutes {
    /// The slots of the routes that overlap `route`. Because they do not overlap each other, they are those which begin
    /// within it, and else the last one that begins before it.
    pub(super) fn overlapping(&self, route: FramedRoute) -> impl Iterator<Item = SlotIndex> + '_ {
        let end = (route.instance, route.net.broadcast());
        let before = self.routes.range(..=end).rev();
        let overlapping = before.take_while(move |((instance, _), (net, _))| {
            *instance == route.instance && overlap(*net, route.net)
        });
        overlapping.map(|(_, (_, slot))| *slot)
    }

    /// Leads a route, which overlaps no other, to a slot.
    pub(super) fn insert(&mut self, route: FramedRoute, slot: SlotIndex) {
        let key = (route.instance, route.net.network());
        self.routes.insert(key, (route.net, slot));
    }

    /// Takes a route away.
    pub(super) fn remove(&mut self, route: FramedRoute) {
        self.routes.remove(&(route.instance, route.net.network()));
    }
}

/// Leaves out the networks that lie within others.
#[must_use]
pub fn outermost(nets: &[FramedRoute]) -> Vec<FramedRoute> {
    let mut sorted: Vec<_> = nets
        .iter()
        .map(|route| FramedRoute {
            net: route.net.trunc(),
            ..*route
        })
        .collect();
    // The wider of two that begin together comes first.
    sorted.sort_unstable_by_key(|route| {
        (route.instance, route.net.network(), route.net.prefix_len())
    });
    let mut outer: Vec<FramedRoute> = Vec::new();
    for route in sorted {
        let is_inside = outer
            .last()
            .is_some_and(|last| last.instance == route.instance && overlap(last.net, route.net));
        if !is_inside {
            outer.push(route);
        }
    }
    outer
}

fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b) || b.contains(&a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn route(instance: u32, net: &str) -> FramedRoute {
        FramedRoute {
            instance,
            net: net.parse().unwrap(),
        }
    }

    #[test]
    fn overlaps_are_found_within_an_instance() {
        let mut routes = FramedRoutes::default();
        routes.insert(route(1, "192.168.8.0/22"), SlotIndex(5));
        routes.insert(route(1, "2001:db8:1::/56"), SlotIndex(6));
        let cases = [
            (1, "192.168.8.0/22", Some(5)),
            (1, "192.168.9.0/24", Some(5)),
            (1, "192.168.0.0/16", Some(5)),
            (1, "0.0.0.0/0", Some(5)),
            (1, "192.168.12.0/22", None),
            (1, "192.168.4.0/22", None),
            (2, "192.168.9.0/24", None),
            (0, "192.168.9.0/24", None),
            (1, "2001:db8:1:7::/64", Some(6)),
            (1, "2001:db8::/32", Some(6)),
            (1, "2001:db8:2::/48", None),
        ];
        for (instance, net, expected) in cases {
            let found = routes.overlapping(route(instance, net)).next();
            assert_eq!(found.map(|slot| slot.0), expected, "{instance} {net}");
        }
        routes.remove(route(1, "192.168.8.0/22"));
        routes.remove(route(1, "2001:db8:1::/56"));
        assert_eq!(routes, FramedRoutes::default());
    }

    #[test]
    fn networks_within_others_are_left_out() {
        let nets = [
            route(1, "10.1.2.0/24"),
            route(1, "10.1.0.0/16"),
            route(2, "10.1.2.0/24"),
            route(1, "10.2.0.0/16"),
            route(1, "10.1.0.0/24"),
            route(1, "10.1.0.0/16"),
        ];
        let expected = [
            route(1, "10.1.0.0/16"),
            route(1, "10.2.0.0/16"),
            route(2, "10.1.2.0/24"),
        ];
        assert_eq!(outermost(&nets), expected);
    }

    proptest! {
        #[test]
        fn finds_what_looking_at_each_would_find(
            nets in proptest::collection::vec((0u32..2, any::<u8>(), 24u8..=32), 1..40),
        ) {
            let mut routes = FramedRoutes::default();
            let mut held: Vec<(FramedRoute, SlotIndex)> = Vec::new();
            for (n, (instance, last, length)) in nets.into_iter().enumerate() {
                let net = IpNet::new(IpAddr::from([10, 0, 0, last]), length).unwrap().trunc();
                let new = FramedRoute { instance, net };
                let overlaps = |(other, _): &&(FramedRoute, SlotIndex)| {
                    other.instance == instance && overlap(other.net, net)
                };
                let mut naive: Vec<_> = held.iter().filter(overlaps).map(|(_, slot)| *slot).collect();
                let mut found: Vec<_> = routes.overlapping(new).collect();
                naive.sort_unstable();
                found.sort_unstable();
                prop_assert_eq!(&found, &naive);
                if naive.is_empty() {
                    routes.insert(new, SlotIndex(n as u32));
                    held.push((new, SlotIndex(n as u32)));
                }
            }
        }
    }
}
