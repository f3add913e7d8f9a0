//! Values of few octets.

use super::error::Flaw;
use super::names;
use super::reader::Reader;
use super::writer::Writer;
use crate::pfcp::ie::{
    ApplyAction, BitRates, Cause, CpFunctionFeatures, FailedRule, GateStatus, Interface,
    OuterHeaderRemoval, SdfFilter, UpFunctionFeatures,
};

pub(super) fn write_u8(out: &mut Writer, value: &u8) {
    out.u8(*value);
}

pub(super) fn write_u16(out: &mut Writer, value: &u16) {
    out.u16(*value);
}

pub(super) fn write_u32(out: &mut Writer, value: &u32) {
    out.u32(*value);
}

pub(super) fn write_u64(out: &mut Writer, value: &u64) {
    out.u64(*value);
}

/// An octet string that nobody looks into.
pub(super) fn read_octets(reader: &mut Reader<'_>) -> Result<Vec<u8>, Flaw> {
    Ok(reader.take_rest().to_vec())
}

#[allow(clippy::ptr_arg, reason = "the signature of all writers of values")]
pub(super) fn write_octets(out: &mut Writer, octets: &Vec<u8>) {
    out.octets(octets);
}

/// Steering Functionality, Steering Mode, Priority (clauses 8.2.125, 8.2.126 and 8.2.128): four bits.
pub(super) fn read_four_bits(reader: &mut Reader<'_>) -> Result<u8, Flaw> {
    reader.u8().map(|octet| octet & 0xf)
}

/// PDN Type and Paging Policy Indicator (clauses 8.2.79 and 8.2.116): three bits.
pub(super) fn read_three_bits(reader: &mut Reader<'_>) -> Result<u8, Flaw> {
    reader.u8().map(|octet| octet & 7)
}

/// QFI (clause 8.2.89) and 3GPP Interface Type (clause 8.2.118): six bits.
pub(super) fn read_six_bits(reader: &mut Reader<'_>) -> Result<u8, Flaw> {
    reader.u8().map(|octet| octet & 0x3f)
}

/// RQI (clause 8.2.88).
pub(super) fn read_rqi(reader: &mut Reader<'_>) -> Result<bool, Flaw> {
    reader.u8().map(|octet| octet & 1 != 0)
}

pub(super) fn write_rqi(out: &mut Writer, is_reflective: &bool) {
    out.u8(u8::from(*is_reflective));
}

/// DL Buffering Suggested Packet Count (clause 8.2.48): one octet or two.
pub(super) fn read_packet_count(reader: &mut Reader<'_>) -> Result<u16, Flaw> {
    match reader.len() {
        1 => reader.u8().map(u16::from),
        _ => reader.u16(),
    }
}

pub(super) fn write_packet_count(out: &mut Writer, count: &u16) {
    match u8::try_from(*count) {
        Ok(count) => out.u8(count),
        Err(_) => out.u16(*count),
    }
}

/// Cause (clause 8.2.1).
pub(super) fn read_cause(reader: &mut Reader<'_>) -> Result<Cause, Flaw> {
    reader.u8().map(Cause::from_code)
}

pub(super) fn write_cause(out: &mut Writer, cause: &Cause) {
    out.u8(*cause as u8);
}

/// Source Interface (clause 8.2.2).
pub(super) fn read_source_interface(reader: &mut Reader<'_>) -> Result<Interface, Flaw> {
    match reader.u8()? & 0xf {
        0 => Ok(Interface::Access),
        1 => Ok(Interface::Core),
        2 => Ok(Interface::SgiLan),
        3 => Ok(Interface::CpFunction),
        4 => Ok(Interface::VnInternal),
        _ => Err(Flaw::Incorrect),
    }
}

pub(super) fn write_source_interface(out: &mut Writer, interface: &Interface) {
    out.u8(match interface {
        Interface::Access => 0,
        Interface::Core => 1,
        Interface::SgiLan => 2,
        Interface::CpFunction => 3,
        Interface::VnInternal => 4,
        // Nothing comes from there: a spare value, which every receiver refuses.
        Interface::LiFunction => 0xf,
    });
}

/// Destination Interface (clause 8.2.24): not the numbers of Source Interface.
pub(super) fn read_destination_interface(reader: &mut Reader<'_>) -> Result<Interface, Flaw> {
    match reader.u8()? & 0xf {
        0 => Ok(Interface::Access),
        1 => Ok(Interface::Core),
        2 => Ok(Interface::SgiLan),
        3 => Ok(Interface::CpFunction),
        4 => Ok(Interface::LiFunction),
        5 => Ok(Interface::VnInternal),
        _ => Err(Flaw::Incorrect),
    }
}

pub(super) fn write_destination_interface(out: &mut Writer, interface: &Interface) {
    out.u8(match interface {
        Interface::Access => 0,
        Interface::Core => 1,
        Interface::SgiLan => 2,
        Interface::CpFunction => 3,
        Interface::LiFunction => 4,
        Interface::VnInternal => 5,
    });
}

/// Outer Header Removal (clause 8.2.64). Which extension headers go as well stands behind it.
pub(super) fn read_outer_header_removal(
    reader: &mut Reader<'_>,
) -> Result<OuterHeaderRemoval, Flaw> {
    Ok(match reader.u8()? {
        0 => OuterHeaderRemoval::GtpuUdpIpv4,
        1 => OuterHeaderRemoval::GtpuUdpIpv6,
        6 => OuterHeaderRemoval::GtpuUdpIp,
        other => OuterHeaderRemoval::Other(other),
    })
}

pub(super) fn write_outer_header_removal(out: &mut Writer, removal: &OuterHeaderRemoval) {
    out.u8(match removal {
        OuterHeaderRemoval::GtpuUdpIpv4 => 0,
        OuterHeaderRemoval::GtpuUdpIpv6 => 1,
        OuterHeaderRemoval::GtpuUdpIp => 6,
        OuterHeaderRemoval::Other(other) => *other,
    });
}

/// Apply Action (clause 8.2.26): octet 6 came with Release 16.
pub(super) fn read_apply_action(reader: &mut Reader<'_>) -> Result<ApplyAction, Flaw> {
    read_flags(reader).map(ApplyAction)
}

pub(super) fn write_apply_action(out: &mut Writer, action: &ApplyAction) {
    out.octets(&action.0.to_le_bytes());
}

/// UP Function Features (clause 8.2.25).
pub(super) fn read_up_function_features(
    reader: &mut Reader<'_>,
) -> Result<UpFunctionFeatures, Flaw> {
    let mut octets = [0; 8];
    octets[0] = reader.u8()?;
    for octet in &mut octets[1..] {
        let next = reader.when(!reader.is_empty(), Reader::u8)?;
        *octet = next.unwrap_or_default();
    }
    Ok(UpFunctionFeatures(u64::from_le_bytes(octets)))
}

/// Octets behind the last feature are left out; two are always there, as in Release 15.
pub(super) fn write_up_function_features(out: &mut Writer, features: &UpFunctionFeatures) {
    let octets = features.0.to_le_bytes();
    let last = octets.iter().rposition(|octet| *octet != 0);
    out.octets(&octets[..last.map_or(2, |last| (last + 1).max(2))]);
}

/// CP Function Features (clause 8.2.58): octet 6 came with Release 17.
pub(super) fn read_cp_function_features(
    reader: &mut Reader<'_>,
) -> Result<CpFunctionFeatures, Flaw> {
    read_flags(reader).map(CpFunctionFeatures)
}

pub(super) fn write_cp_function_features(out: &mut Writer, features: &CpFunctionFeatures) {
    out.octets(&features.0.to_le_bytes());
}

/// One or two octets of flags, the first one in the low byte.
fn read_flags(reader: &mut Reader<'_>) -> Result<u16, Flaw> {
    let low = reader.u8()?;
    let high = reader.when(!reader.is_empty(), Reader::u8)?;
    Ok(u16::from_le_bytes([low, high.unwrap_or_default()]))
}

/// Gate Status (clause 8.2.7): values other than open count as closed.
pub(super) fn read_gate_status(reader: &mut Reader<'_>) -> Result<GateStatus, Flaw> {
    let gates = reader.u8()?;
    Ok(GateStatus {
        uplink_open: gates >> 2 & 3 == 0,
        downlink_open: gates & 3 == 0,
    })
}

pub(super) fn write_gate_status(out: &mut Writer, gates: &GateStatus) {
    out.u8(u8::from(!gates.uplink_open) << 2 | u8::from(!gates.downlink_open));
}

/// MBR and GBR (clauses 8.2.8 and 8.2.9).
pub(super) fn read_bit_rates(reader: &mut Reader<'_>) -> Result<BitRates, Flaw> {
    Ok(BitRates {
        uplink_kbps: reader.u40()?,
        downlink_kbps: reader.u40()?,
    })
}

pub(super) fn write_bit_rates(out: &mut Writer, rates: &BitRates) {
    out.u40(rates.uplink_kbps);
    out.u40(rates.downlink_kbps);
}

/// Transport Level Marking (clause 8.2.12): ToS / traffic class and its mask.
pub(super) fn read_marking(reader: &mut Reader<'_>) -> Result<(u8, u8), Flaw> {
    Ok((reader.u8()?, reader.u8()?))
}

pub(super) fn write_marking(out: &mut Writer, marking: &(u8, u8)) {
    out.octets(&[marking.0, marking.1]);
}

/// Failed Rule ID (clause 8.2.80).
pub(super) fn read_failed_rule(reader: &mut Reader<'_>) -> Result<FailedRule, Flaw> {
    match reader.u8()? & 0x1f {
        0 => reader.u16().map(FailedRule::Pdr),
        1 => reader.u32().map(FailedRule::Far),
        2 => reader.u32().map(FailedRule::Qer),
        3 => reader.u32().map(FailedRule::Urr),
        4 => reader.u8().map(FailedRule::Bar),
        _ => Err(Flaw::Incorrect),
    }
}

pub(super) fn write_failed_rule(out: &mut Writer, rule: &FailedRule) {
    let (kind, id) = match *rule {
        FailedRule::Pdr(id) => {
            out.u8(0);
            return out.u16(id);
        }
        FailedRule::Bar(id) => {
            out.u8(4);
            return out.u8(id);
        }
        FailedRule::Far(id) => (1, id),
        FailedRule::Qer(id) => (2, id),
        FailedRule::Urr(id) => (3, id),
    };
    out.u8(kind);
    out.u32(id);
}

/// SDF Filter (clause 8.2.5).
pub(super) fn read_sdf_filter(reader: &mut Reader<'_>) -> Result<SdfFilter, Flaw> {
    let flags = reader.u8()?;
    // Spare.
    reader.u8()?;
    let has = |bit: u8| flags & 1 << bit != 0;
    Ok(SdfFilter {
        flow_description: reader.when(has(0), |reader| {
            let len = reader.u16()?;
            names::read_text(&mut reader.sub(usize::from(len))?)
        })?,
        tos: reader.when(has(1), read_marking)?,
        spi: reader.when(has(2), Reader::u32)?,
        flow_label: reader.when(has(3), |reader| Ok(reader.u24()? & 0x000f_ffff))?,
        id: reader.when(has(4), Reader::u32)?,
    })
}

/// The upper flags, the second octet, and what stands before a flow label's 20 bits.
pub(super) fn spare_of_sdf_filter(octets: &[u8]) -> Vec<u8> {
    const BEFORE_LABEL: [(u8, usize); 2] = [(1 << 1, 2), (1 << 2, 4)];
    let mut spare = vec![0; octets.len()];
    for (octet, bits) in spare.iter_mut().zip([0xe0, 0xff]) {
        *octet = bits;
    }
    let Some([flags, _, len @ ..]) = octets.first_chunk::<4>() else {
        return spare;
    };
    let mut label = 2;
    if flags & 1 != 0 {
        label += 2 + usize::from(u16::from_be_bytes(*len));
    }
    let before = BEFORE_LABEL.iter().filter(|(bit, _)| flags & bit != 0);
    label += before.map(|(_, len)| len).sum::<usize>();
    if let Some(octet) = spare.get_mut(label).filter(|_| flags & 1 << 3 != 0) {
        *octet = 0xf0;
    }
    spare
}

pub(super) fn write_sdf_filter(out: &mut Writer, filter: &SdfFilter) {
    out.u8(u8::from(filter.flow_description.is_some())
        | u8::from(filter.tos.is_some()) << 1
        | u8::from(filter.spi.is_some()) << 2
        | u8::from(filter.flow_label.is_some()) << 3
        | u8::from(filter.id.is_some()) << 4);
    out.u8(0);
    if let Some(flow) = &filter.flow_description {
        out.measured(|out| names::write_text(out, flow));
    }
    if let Some(tos) = &filter.tos {
        write_marking(out, tos);
    }
    if let Some(spi) = filter.spi {
        out.u32(spi);
    }
    if let Some(label) = filter.flow_label {
        out.u24(label);
    }
    if let Some(id) = filter.id {
        out.u32(id);
    }
}
