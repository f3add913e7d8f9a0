//! Ethernet Packet Filters on the wire (TS 29.244 clause 7.5.2.2).

use super::element::{Element, Tally};
use super::error::{DecodeError, Flaw};
use super::limits::MAX_VALUES;
use super::reader::Reader;
use super::values;
use super::writer::Writer;
use crate::pfcp::ie::{EthernetFilterProperties, MacAddresses, VlanTag, kind};
use crate::pfcp::message::EthernetPacketFilter;

pub(super) fn read_filter(
    group: &Element<'_>,
    tally: &mut Tally,
) -> Result<EthernetPacketFilter, DecodeError> {
    let mut filter = EthernetPacketFilter::default();
    group
        .elements()
        .read_each(tally, |ie, tally| match ie.kind {
            kind::ETHERNET_FILTER_ID => tally.once(&mut filter.id, ie, Reader::u32),
            kind::ETHERNET_FILTER_PROPERTIES => {
                tally.once(&mut filter.properties, ie, read_properties)
            }
            kind::MAC_ADDRESS => {
                let addresses = &mut filter.mac_addresses;
                tally.several(addresses, MAX_VALUES, ie, read_mac_addresses)
            }
            kind::ETHERTYPE => tally.once(&mut filter.ethertype, ie, Reader::u16),
            kind::C_TAG => tally.once(&mut filter.c_tag, ie, read_vlan_tag),
            kind::S_TAG => tally.once(&mut filter.s_tag, ie, read_vlan_tag),
            kind::SDF_FILTER => tally.sdf_filter(&mut filter.sdf_filters, ie),
            _ => tally.skip(),
        })?;
    Ok(filter)
}

pub(super) fn write_filter(out: &mut Writer, filter: &EthernetPacketFilter) {
    out.each(kind::ETHERNET_FILTER_ID, &filter.id, values::write_u32);
    let properties = &filter.properties;
    out.each(
        kind::ETHERNET_FILTER_PROPERTIES,
        properties,
        write_properties,
    );
    let addresses = &filter.mac_addresses;
    out.each(kind::MAC_ADDRESS, addresses, write_mac_addresses);
    out.each(kind::ETHERTYPE, &filter.ethertype, values::write_u16);
    out.each(kind::C_TAG, &filter.c_tag, write_vlan_tag);
    out.each(kind::S_TAG, &filter.s_tag, write_vlan_tag);
    let sdf_filters = &filter.sdf_filters;
    out.each(kind::SDF_FILTER, sdf_filters, values::write_sdf_filter);
}

/// Ethernet Filter Properties (clause 8.2.95).
pub(super) fn read_properties(reader: &mut Reader<'_>) -> Result<EthernetFilterProperties, Flaw> {
    reader.u8().map(EthernetFilterProperties)
}

pub(super) fn write_properties(out: &mut Writer, properties: &EthernetFilterProperties) {
    out.u8(properties.0);
}

/// MAC Address (clause 8.2.92).
pub(super) fn read_mac_addresses(reader: &mut Reader<'_>) -> Result<MacAddresses, Flaw> {
    let flags = reader.u8()?;
    let mut address = |bit: u8| reader.when(flags & 1 << bit != 0, Reader::mac);
    Ok(MacAddresses {
        source: address(0)?,
        destination: address(1)?,
        upper_source: address(2)?,
        upper_destination: address(3)?,
    })
}

pub(super) fn write_mac_addresses(out: &mut Writer, addresses: &MacAddresses) {
    let all = [
        addresses.source,
        addresses.destination,
        addresses.upper_source,
        addresses.upper_destination,
    ];
    let flags = (0..).zip(&all);
    out.u8(flags.fold(0, |flags, (bit, address)| {
        flags | u8::from(address.is_some()) << bit
    }));
    for address in all.into_iter().flatten() {
        out.octets(&address);
    }
}

/// C-TAG and S-TAG (clauses 8.2.93 and 8.2.94).
pub(super) fn read_vlan_tag(reader: &mut Reader<'_>) -> Result<VlanTag, Flaw> {
    Ok(VlanTag([reader.u8()?, reader.u8()?, reader.u8()?]))
}

pub(super) fn write_vlan_tag(out: &mut Writer, tag: &VlanTag) {
    out.octets(&tag.0);
}
