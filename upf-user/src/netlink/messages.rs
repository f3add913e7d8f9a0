//! From netlink messages to what the watch decides on.

use std::net::IpAddr;

use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::packet_route::link::{
    InfoData, InfoKind, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteVia,
};
use rtnetlink::packet_route::{AddressFamily, RouteNetlinkMessage};

use super::devices::{Link, Vlan};
use super::neighbours::{Key, State};

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Link(Link),
    LinkGone(u32),
    Neighbour(Key, State),
    /// A route; the next hop is given for default routes only.
    Route {
        added: bool,
        default_gateway: Option<Key>,
    },
    /// Addresses or rules, on which lookups depend too.
    Lookup,
    /// The kernel had more to say than we could hear.
    Lost,
}

pub(super) fn read(message: NetlinkMessage<RouteNetlinkMessage>) -> Option<Change> {
    use RouteNetlinkMessage as Message;
    let (_, payload) = message.into_parts();
    let message = match payload {
        NetlinkPayload::InnerMessage(message) => message,
        NetlinkPayload::Overrun(_) => return Some(Change::Lost),
        _ => return None,
    };
    match message {
        Message::NewLink(link) => read_link(&link).map(Change::Link),
        Message::DelLink(link) if is_link(&link) => Some(Change::LinkGone(link.header.index)),
        Message::NewNeighbour(neighbour) => read_neighbour(&neighbour),
        Message::DelNeighbour(neighbour) => {
            neighbour_key(&neighbour).map(|key| Change::Neighbour(key, State::Unresolved))
        }
        Message::NewRoute(route) => read_route(&route, true),
        Message::DelRoute(route) => read_route(&route, false),
        Message::NewAddress(_) | Message::DelAddress(_) => Some(Change::Lookup),
        Message::NewRule(_) | Message::DelRule(_) => Some(Change::Lookup),
        _ => None,
    }
}

/// Bridges tell of their ports with the same message types; a port that leaves its bridge is not gone.
fn is_link(message: &LinkMessage) -> bool {
    message.header.interface_family == AddressFamily::Unspec
}

pub(super) fn read_link(message: &LinkMessage) -> Option<Link> {
    if !is_link(message) {
        return None;
    }
    let mut link = Link {
        name: String::new(),
        index: message.header.index,
        mac: [0; 6],
        mtu: 0,
        up: message
            .header
            .flags
            .contains(LinkFlags::Up | LinkFlags::LowerUp),
        veth: false,
        vlan: None,
    };
    let (mut parent, mut tag) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(mac) => link.mac = mac.as_slice().try_into().unwrap_or_default(),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Link(index) => parent = Some(*index),
            LinkAttribute::LinkInfo(info) => {
                tag = vlan_id(info);
                link.veth = info.contains(&LinkInfo::Kind(InfoKind::Veth));
            }
            _ => {}
        }
    }
    link.vlan = parent.zip(tag).map(|(parent, id)| Vlan { id, parent });
    (!link.name.is_empty()).then_some(link)
}

fn vlan_id(info: &[LinkInfo]) -> Option<u16> {
    let data = info.iter().find_map(|info| match info {
        LinkInfo::Data(InfoData::Vlan(data)) => Some(data),
        _ => None,
    })?;
    data.iter().find_map(|item| match item {
        InfoVlan::Id(id) => Some(*id),
        _ => None,
    })
}

fn read_neighbour(message: &NeighbourMessage) -> Option<Change> {
    let key = neighbour_key(message)?;
    let mac = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(mac) => mac.as_slice().try_into().ok(),
            _ => None,
        });
    let state = match (&message.header.state, mac) {
        (NeighbourState::Noarp, mac) => State::Resolved(mac.unwrap_or_default()),
        (NeighbourState::Stale, Some(mac)) => State::Stale(mac),
        (
            NeighbourState::Reachable
            | NeighbourState::Delay
            | NeighbourState::Probe
            | NeighbourState::Permanent,
            Some(mac),
        ) => State::Resolved(mac),
        _ => State::Unresolved,
    };
    Some(Change::Neighbour(key, state))
}

/// `None` for what is not an IP neighbour, such as a bridge's forwarding entries.
fn neighbour_key(message: &NeighbourMessage) -> Option<Key> {
    let address = message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
            _ => None,
        })?;
    Some((message.header.ifindex, address))
}

fn read_route(message: &RouteMessage, added: bool) -> Option<Change> {
    if message.header.flags.contains(RouteFlags::Cloned) {
        return None;
    }
    Some(Change::Route {
        added,
        default_gateway: default_gateway(message),
    })
}

/// Device and gateway of a default route over one gateway.
pub(super) fn default_gateway(message: &RouteMessage) -> Option<Key> {
    if message.header.destination_prefix_length != 0 {
        return None;
    }
    Some((egress(message)?, gateway(message)?))
}

/// Where a packet to `destination` goes next, from the answer to a lookup.
pub(super) fn next_hop(message: &RouteMessage, destination: IpAddr) -> Option<Key> {
    Some((egress(message)?, gateway(message).unwrap_or(destination)))
}

fn egress(message: &RouteMessage) -> Option<u32> {
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Oif(index) => Some(*index),
            _ => None,
        })
}

fn gateway(message: &RouteMessage) -> Option<IpAddr> {
    message
        .attributes
        .iter()
        .find_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
            RouteAttribute::Gateway(RouteAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
            RouteAttribute::Via(RouteVia::Inet(v4)) => Some(IpAddr::V4(*v4)),
            RouteAttribute::Via(RouteVia::Inet6(v6)) => Some(IpAddr::V6(*v6)),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use rtnetlink::packet_route::neighbour::NeighbourMessage;

    use super::*;

    fn neighbour(state: NeighbourState, mac: Option<[u8; 6]>) -> Option<Change> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = 3;
        message.header.state = state;
        let address = NeighbourAddress::Inet([10, 1, 0, 9].into());
        message
            .attributes
            .push(NeighbourAttribute::Destination(address));
        let mac = mac.map(|mac| NeighbourAttribute::LinkLayerAddress(mac.to_vec()));
        message.attributes.extend(mac);
        let message = RouteNetlinkMessage::NewNeighbour(message);
        read(NetlinkMessage::from(message))
    }

    #[test]
    fn a_vlan_names_its_tag_and_its_parent() {
        let mut message = LinkMessage::default();
        message.header.index = 9;
        let info = [
            LinkInfo::Kind(InfoKind::Vlan),
            LinkInfo::Data(InfoData::Vlan(vec![InfoVlan::Id(7)])),
        ];
        message
            .attributes
            .push(LinkAttribute::IfName("n3.7".to_owned()));
        message.attributes.push(LinkAttribute::Link(2));
        message
            .attributes
            .push(LinkAttribute::LinkInfo(info.to_vec()));
        let link = read_link(&message).unwrap();
        assert_eq!(link.vlan, Some(Vlan { id: 7, parent: 2 }));
    }

    #[test]
    fn a_veth_is_told_from_others() {
        for (kind, veth) in [(InfoKind::Veth, true), (InfoKind::Bridge, false)] {
            let mut message = LinkMessage::default();
            let name = LinkAttribute::IfName("n3".to_owned());
            message.attributes = vec![name, LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)])];
            assert_eq!(read_link(&message).unwrap().veth, veth);
        }
    }

    #[test]
    fn a_bridge_losing_a_port_is_no_lost_device() {
        let mut message = LinkMessage::default();
        message.header.interface_family = AddressFamily::Bridge;
        assert_eq!(
            read(NetlinkMessage::from(RouteNetlinkMessage::DelLink(message))),
            None
        );
    }

    #[test]
    fn the_states_of_a_neighbour() {
        let key = (3, IpAddr::from([10, 1, 0, 9]));
        let mac = [2, 0, 0, 0, 0, 1];
        let cases = [
            (NeighbourState::Reachable, Some(mac), State::Resolved(mac)),
            (NeighbourState::Permanent, Some(mac), State::Resolved(mac)),
            (NeighbourState::Stale, Some(mac), State::Stale(mac)),
            (NeighbourState::Noarp, None, State::Resolved([0; 6])),
            (NeighbourState::Incomplete, None, State::Unresolved),
            (NeighbourState::Failed, Some(mac), State::Unresolved),
        ];
        for (state, mac, expected) in cases {
            let change = neighbour(state, mac);
            assert_eq!(change, Some(Change::Neighbour(key, expected)), "{state:?}");
        }
    }

    #[test]
    fn only_default_routes_name_a_gateway_to_keep() {
        let gateway = RouteAttribute::Gateway(RouteAddress::Inet([10, 1, 0, 254].into()));
        let mut route = RouteMessage::default();
        route.attributes = vec![RouteAttribute::Oif(4), gateway];
        let key = (4, IpAddr::from([10, 1, 0, 254]));
        assert_eq!(default_gateway(&route), Some(key));
        assert_eq!(next_hop(&route, IpAddr::from([8, 8, 8, 8])), Some(key));
        route.header.destination_prefix_length = 8;
        assert_eq!(default_gateway(&route), None);
        route.attributes.truncate(1);
        let own = IpAddr::from([10, 1, 0, 7]);
        assert_eq!(next_hop(&route, own), Some((4, own)), "on the link itself");
    }
}
