//! Values that hold addresses: of nodes, sessions, tunnels and UEs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::Flaw;
use super::names;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::{FSeid, FTeid, NodeId, OuterHeaderCreation, RemoteGtpuPeer, UeIpAddress};

/// The octet of flags, with those that stand.
fn flags(flags: &[(bool, u8)]) -> u8 {
    let set = flags.iter().filter(|(set, _)| *set);
    set.fold(0, |octet, (_, flag)| octet | flag)
}

/// Node ID (clause 8.2.38).
pub(super) fn read_node_id(reader: &mut Reader<'_>) -> Result<NodeId, Flaw> {
    match reader.u8()? & 0xf {
        0 => Ok(NodeId::Address(reader.ipv4()?.into())),
        1 => Ok(NodeId::Address(reader.ipv6()?.into())),
        2 => Ok(NodeId::Fqdn(names::read_name(reader)?.to_ascii_lowercase())),
        _ => Err(Flaw::Incorrect),
    }
}

pub(super) fn write_node_id(out: &mut Writer, id: &NodeId) {
    match id {
        NodeId::Address(IpAddr::V4(address)) => {
            out.u8(0);
            out.octets(&address.octets());
        }
        NodeId::Address(IpAddr::V6(address)) => {
            out.u8(1);
            out.octets(&address.octets());
        }
        NodeId::Fqdn(name) => {
            out.u8(2);
            names::write_name(out, name);
        }
    }
}

/// F-SEID (clause 8.2.37).
pub(super) fn read_f_seid(reader: &mut Reader<'_>) -> Result<FSeid, Flaw> {
    const V6: u8 = 1 << 0;
    const V4: u8 = 1 << 1;
    let flags = reader.u8()?;
    let seid = reader.u64()?;
    if flags & (V4 | V6) == 0 {
        return Err(Flaw::Incorrect);
    }
    Ok(FSeid {
        seid,
        ipv4: reader.when(flags & V4 != 0, Reader::ipv4)?,
        ipv6: reader.when(flags & V6 != 0, Reader::ipv6)?,
    })
}

pub(super) fn write_f_seid(out: &mut Writer, f_seid: &FSeid) {
    out.u8(flags(&[
        (f_seid.ipv6.is_some(), 1 << 0),
        (f_seid.ipv4.is_some(), 1 << 1),
    ]));
    out.u64(f_seid.seid);
    write_addresses(out, f_seid.ipv4, f_seid.ipv6);
}

fn write_addresses(out: &mut Writer, ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) {
    if let Some(address) = ipv4 {
        out.octets(&address.octets());
    }
    if let Some(address) = ipv6 {
        out.octets(&address.octets());
    }
}

/// F-TEID (clause 8.2.3).
pub(super) fn read_f_teid(reader: &mut Reader<'_>) -> Result<FTeid, Flaw> {
    const V4: u8 = 1 << 0;
    const V6: u8 = 1 << 1;
    const CH: u8 = 1 << 2;
    const CHID: u8 = 1 << 3;
    let flags = reader.u8()?;
    let (has_v4, has_v6) = (flags & V4 != 0, flags & V6 != 0);
    if flags & CH != 0 {
        return Ok(FTeid::Choose {
            ipv4: has_v4,
            ipv6: has_v6,
            id: reader.when(flags & CHID != 0, Reader::u8)?,
        });
    }
    let teid = reader.u32()?;
    if !has_v4 && !has_v6 {
        return Err(Flaw::Incorrect);
    }
    Ok(FTeid::Given {
        teid,
        ipv4: reader.when(has_v4, Reader::ipv4)?,
        ipv6: reader.when(has_v6, Reader::ipv6)?,
    })
}

pub(super) fn write_f_teid(out: &mut Writer, f_teid: &FTeid) {
    match *f_teid {
        FTeid::Choose { ipv4, ipv6, id } => {
            out.u8(flags(&[
                (ipv4, 1 << 0),
                (ipv6, 1 << 1),
                (true, 1 << 2),
                (id.is_some(), 1 << 3),
            ]));
            if let Some(id) = id {
                out.u8(id);
            }
        }
        FTeid::Given { teid, ipv4, ipv6 } => {
            out.u8(flags(&[(ipv4.is_some(), 1 << 0), (ipv6.is_some(), 1 << 1)]));
            out.u32(teid);
            write_addresses(out, ipv4, ipv6);
        }
    }
}

/// UE IP Address (clause 8.2.62). It names or asks for one address at least, and does not do both.
pub(super) fn read_ue_ip_address(reader: &mut Reader<'_>) -> Result<UeIpAddress, Flaw> {
    let flags = reader.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let (v6, v4, chv4, chv6) = (has(0), has(1), has(4), has(5));
    if !(v4 || v6 || chv4 || chv6) || v4 && chv4 || v6 && chv6 {
        return Err(Flaw::Incorrect);
    }
    let address = UeIpAddress {
        ipv4: reader.when(v4, Reader::ipv4)?,
        ipv6: reader.when(v6, Reader::ipv6)?,
        is_destination: has(2),
        ipv6_prefix_delegation_bits: reader.when(has(3), Reader::u8)?,
        ipv6_prefix_length: reader.when(has(6), Reader::u8)?,
        choose_ipv4: chv4,
        choose_ipv6: chv6,
    };
    if address
        .ipv6_prefix_length
        .is_some_and(|length| length > 128)
    {
        return Err(Flaw::Incorrect);
    }
    Ok(address)
}

pub(super) fn write_ue_ip_address(out: &mut Writer, address: &UeIpAddress) {
    out.u8(flags(&[
        (address.ipv6.is_some(), 1 << 0),
        (address.ipv4.is_some(), 1 << 1),
        (address.is_destination, 1 << 2),
        (address.ipv6_prefix_delegation_bits.is_some(), 1 << 3),
        (address.choose_ipv4, 1 << 4),
        (address.choose_ipv6, 1 << 5),
        (address.ipv6_prefix_length.is_some(), 1 << 6),
    ]));
    write_addresses(out, address.ipv4, address.ipv6);
    let tail = [
        address.ipv6_prefix_delegation_bits,
        address.ipv6_prefix_length,
    ];
    for octet in tail.into_iter().flatten() {
        out.u8(octet);
    }
}

/// Outer Header Creation (clause 8.2.56). C-TAG and S-TAG stand behind what is read here.
pub(super) fn read_outer_header_creation(
    reader: &mut Reader<'_>,
) -> Result<OuterHeaderCreation, Flaw> {
    const TEID: u16 = 0x0300;
    const IPV4: u16 = 0x1500;
    const IPV6: u16 = 0x2a00;
    const PORT: u16 = 0x0c00;
    let description = reader.u16()?;
    let has = |bits: u16| description & bits != 0;
    Ok(OuterHeaderCreation {
        description,
        teid: reader.when(has(TEID), Reader::u32)?,
        ipv4: reader.when(has(IPV4), Reader::ipv4)?,
        ipv6: reader.when(has(IPV6), Reader::ipv6)?,
        port: reader.when(has(PORT), Reader::u16)?,
    })
}

/// Writes the fields that are there; the description has to fit them.
pub(super) fn write_outer_header_creation(out: &mut Writer, creation: &OuterHeaderCreation) {
    out.u16(creation.description);
    if let Some(teid) = creation.teid {
        out.u32(teid);
    }
    write_addresses(out, creation.ipv4, creation.ipv6);
    if let Some(port) = creation.port {
        out.u16(port);
    }
}

/// Remote GTP-U Peer (clause 8.2.70).
pub(super) fn read_remote_gtpu_peer(reader: &mut Reader<'_>) -> Result<RemoteGtpuPeer, Flaw> {
    let flags = reader.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let (v6, v4) = (has(0), has(1));
    if !v4 && !v6 {
        return Err(Flaw::Incorrect);
    }
    Ok(RemoteGtpuPeer {
        ipv4: reader.when(v4, Reader::ipv4)?,
        ipv6: reader.when(v6, Reader::ipv6)?,
        destination_interface: reader.when(has(2), |reader| {
            values::read_destination_interface(&mut read_measured(reader)?)
        })?,
        network_instance: reader.when(has(3), |reader| {
            names::read_name(&mut read_measured(reader)?)
        })?,
    })
}

/// What two octets of length measure.
fn read_measured<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, Flaw> {
    let len = reader.u16()?;
    reader.sub(usize::from(len))
}

pub(super) fn write_remote_gtpu_peer(out: &mut Writer, peer: &RemoteGtpuPeer) {
    out.u8(flags(&[
        (peer.ipv6.is_some(), 1 << 0),
        (peer.ipv4.is_some(), 1 << 1),
        (peer.destination_interface.is_some(), 1 << 2),
        (peer.network_instance.is_some(), 1 << 3),
    ]));
    write_addresses(out, peer.ipv4, peer.ipv6);
    if let Some(interface) = &peer.destination_interface {
        out.measured(|out| values::write_destination_interface(out, interface));
    }
    if let Some(name) = &peer.network_instance {
        out.measured(|out| names::write_name(out, name));
    }
}
