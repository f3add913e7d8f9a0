//! PFCP (TS 29.244) as a control plane speaks it to set up ordinary PDU sessions, written apart
//! from the product's own codec so that each checks the other.

use std::net::{Ipv4Addr, SocketAddrV4};

const HEARTBEAT_REQUEST: u8 = 1;
const HEARTBEAT_RESPONSE: u8 = 2;
const ASSOCIATION_SETUP_REQUEST: u8 = 5;
const SESSION_ESTABLISHMENT_REQUEST: u8 = 50;
const SESSION_MODIFICATION_REQUEST: u8 = 52;
const SESSION_MODIFICATION_RESPONSE: u8 = 53;
const SESSION_DELETION_REQUEST: u8 = 54;
const SESSION_DELETION_RESPONSE: u8 = 55;
const SESSION_REPORT_REQUEST: u8 = 56;
const SESSION_REPORT_RESPONSE: u8 = 57;

/// Cause "Request accepted" (clause 8.2.1).
pub const ACCEPTED: u8 = 1;

// Information elements (clause 8.1.2).
const CREATE_PDR: u16 = 1;
const PDI: u16 = 2;
const CREATE_FAR: u16 = 3;
const FORWARDING_PARAMETERS: u16 = 4;
const CREATE_URR: u16 = 6;
const CREATE_QER: u16 = 7;
const CREATED_PDR: u16 = 8;
const UPDATE_PDR: u16 = 9;
const UPDATE_FAR: u16 = 10;
const UPDATE_FORWARDING_PARAMETERS: u16 = 11;
const UPDATE_QER: u16 = 14;
const REMOVE_URR: u16 = 17;
const CAUSE: u16 = 19;
const SOURCE_INTERFACE: u16 = 20;
const F_TEID: u16 = 21;
const NETWORK_INSTANCE: u16 = 22;
const GATE_STATUS: u16 = 25;
const MBR: u16 = 26;
const PRECEDENCE: u16 = 29;
const VOLUME_THRESHOLD: u16 = 31;
const REPORTING_TRIGGERS: u16 = 37;
const DESTINATION_INTERFACE: u16 = 42;
const APPLY_ACTION: u16 = 44;
const REQUEST_FLAGS: u16 = 49;
const PDR_ID: u16 = 56;
const F_SEID: u16 = 57;
const NODE_ID: u16 = 60;
const MEASUREMENT_METHOD: u16 = 62;
const VOLUME_MEASUREMENT: u16 = 66;
const USAGE_REPORT_IN_MODIFICATION: u16 = 78;
const USAGE_REPORT_IN_DELETION: u16 = 79;
const USAGE_REPORT: u16 = 80;
const URR_ID: u16 = 81;
const OUTER_HEADER_CREATION: u16 = 84;
const UE_IP_ADDRESS: u16 = 93;
const OUTER_HEADER_REMOVAL: u16 = 95;
const RECOVERY_TIME_STAMP: u16 = 96;
const UR_SEQN: u16 = 104;
const FAR_ID: u16 = 108;
const QER_ID: u16 = 109;
const QFI: u16 = 124;
const USER_ID: u16 = 141;

const ACCESS: u8 = 0;
const CORE: u8 = 1;
const DOWNLINK: u16 = 1;
const UPLINK: u16 = 2;
const DROP: u8 = 1;
const FORW: u8 = 2;
/// "Query All URRs" (clause 8.2.24).
const QAURR: u8 = 4;
/// Outer header "GTP-U/UDP/IPv4", to create (clause 8.2.56) and to remove (clause 8.2.64).
const GTPU_UDP_IPV4: u16 = 0x0100;
const REMOVE_GTPU_UDP_IP: u8 = 6;

/// A PDU session with one default QoS flow.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The control plane's SEID.
    pub seid: u64,
    /// The UE's address.
    pub ue: Ipv4Addr,
    /// MBR of each direction, kbit/s; `None` for none.
    pub kilobits: Option<u64>,
    /// QoS flow.
    pub qfi: u8,
    /// The SIM, if it is told: an IMSI of 15 digits.
    pub imsi: Option<u64>,
    /// A URR that counts all of it and reports each time that it is so many bytes, both directions together.
    pub volume_threshold: Option<u64>,
}

/// A tunnel that ends at a gNB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// The gNB's TEID.
    pub teid: u32,
    /// The gNB's address.
    pub address: Ipv4Addr,
}

/// Requests that this control plane makes; `node` is its address and Node ID.
pub mod request {
    use super::*;

    /// Association Setup Request (clause 7.4.4.1).
    #[must_use]
    pub fn association(sequence: u32, node: Ipv4Addr, recovery: u32) -> Vec<u8> {
        let body = [
            node_id(node),
            ie(RECOVERY_TIME_STAMP, recovery.to_be_bytes()),
        ]
        .concat();
        message(ASSOCIATION_SETUP_REQUEST, None, sequence, &body)
    }

    /// Session Establishment Request (clause 7.5.2): uplink at once, downlink dropped until the
    /// gNB's tunnel is known.
    #[must_use]
    pub fn establishment(sequence: u32, node: Ipv4Addr, session: &Session) -> Vec<u8> {
        let seid = [&[2][..], &session.seid.to_be_bytes(), &node.octets()].concat();
        let body = [
            node_id(node),
            ie(F_SEID, seid),
            downlink_pdr(session),
            uplink_pdr(session),
            ie(
                CREATE_FAR,
                [ie(FAR_ID, id(1)), ie(APPLY_ACTION, [DROP])].concat(),
            ),
            uplink_far(),
            qer(session),
            session
                .volume_threshold
                .map(|bytes| urr(1, bytes))
                .unwrap_or_default(),
            session.imsi.map(user_id).unwrap_or_default(),
        ]
        .concat();
        message(SESSION_ESTABLISHMENT_REQUEST, Some(0), sequence, &body)
    }

    /// Session Modification Request (clause 7.5.4): the downlink goes to this tunnel.
    #[must_use]
    pub fn tunnel(sequence: u32, seid: u64, tunnel: Tunnel) -> Vec<u8> {
        let description = GTPU_UDP_IPV4.to_be_bytes();
        let header = [
            &description[..],
            &tunnel.teid.to_be_bytes(),
            &tunnel.address.octets(),
        ]
        .concat();
        let parameters = [
            ie(DESTINATION_INTERFACE, [ACCESS]),
            ie(OUTER_HEADER_CREATION, header),
        ]
        .concat();
        let far = [
            ie(FAR_ID, id(1)),
            ie(APPLY_ACTION, [FORW]),
            ie(UPDATE_FORWARDING_PARAMETERS, parameters),
        ]
        .concat();
        message(
            SESSION_MODIFICATION_REQUEST,
            Some(seid),
            sequence,
            &ie(UPDATE_FAR, far),
        )
    }

    /// Session Modification Request (clause 7.5.4): another MBR for both directions, kbit/s.
    #[must_use]
    pub fn rate(sequence: u32, seid: u64, kilobits: u64) -> Vec<u8> {
        let qer = [ie(QER_ID, id(1)), mbr(kilobits)].concat();
        message(
            SESSION_MODIFICATION_REQUEST,
            Some(seid),
            sequence,
            &ie(UPDATE_QER, qer),
        )
    }

    /// Session Modification Request (clause 7.5.4) that asks what all URRs have counted.
    #[must_use]
    pub fn query_all(sequence: u32, seid: u64) -> Vec<u8> {
        let flags = ie(REQUEST_FLAGS, [QAURR]);
        message(SESSION_MODIFICATION_REQUEST, Some(seid), sequence, &flags)
    }

    /// Session Modification Request (clause 7.5.4): another URR in the place of one.
    #[must_use]
    pub fn replace_urr(sequence: u32, seid: u64, old: u32, new: u32, threshold: u64) -> Vec<u8> {
        let pdr = |pdr| {
            let parts = [pdr_id(pdr), ie(URR_ID, id(new))].concat();
            ie(UPDATE_PDR, parts)
        };
        let body = [
            ie(REMOVE_URR, ie(URR_ID, id(old))),
            urr(new, threshold),
            pdr(UPLINK),
            pdr(DOWNLINK),
        ];
        message(
            SESSION_MODIFICATION_REQUEST,
            Some(seid),
            sequence,
            &body.concat(),
        )
    }

    /// Session Deletion Request (clause 7.5.6).
    #[must_use]
    pub fn deletion(sequence: u32, seid: u64) -> Vec<u8> {
        message(SESSION_DELETION_REQUEST, Some(seid), sequence, &[])
    }

    /// Heartbeat Request (clause 7.4.2.1).
    #[must_use]
    pub fn heartbeat(sequence: u32, recovery: u32) -> Vec<u8> {
        let body = ie(RECOVERY_TIME_STAMP, recovery.to_be_bytes());
        message(HEARTBEAT_REQUEST, None, sequence, &body)
    }
}

/// The answer to a heartbeat request; `None` for other messages.
#[must_use]
pub fn heartbeat_response(received: &Received<'_>, recovery: u32) -> Option<Vec<u8>> {
    let body = ie(RECOVERY_TIME_STAMP, recovery.to_be_bytes());
    (received.kind == HEARTBEAT_REQUEST)
        .then(|| message(HEARTBEAT_RESPONSE, None, received.sequence, &body))
}

/// The answer to a report of the session that has this SEID at the UPF: accepted.
#[must_use]
pub fn report_response(sequence: u32, seid: u64) -> Vec<u8> {
    let body = ie(CAUSE, [ACCEPTED]);
    message(SESSION_REPORT_RESPONSE, Some(seid), sequence, &body)
}

fn node_id(node: Ipv4Addr) -> Vec<u8> {
    ie(NODE_ID, [&[0][..], &node.octets()].concat())
}

fn downlink_pdr(session: &Session) -> Vec<u8> {
    // V4 and S/D: the UE is the destination.
    let ue = [&[0x06][..], &session.ue.octets()].concat();
    let pdi = [
        ie(SOURCE_INTERFACE, [CORE]),
        network_instance(),
        ie(UE_IP_ADDRESS, ue),
    ]
    .concat();
    let parts = [
        pdr_id(DOWNLINK),
        precedence(),
        ie(PDI, pdi),
        ie(FAR_ID, id(1)),
        urr_id(session),
        ie(QER_ID, id(1)),
    ];
    ie(CREATE_PDR, parts.concat())
}

fn uplink_pdr(session: &Session) -> Vec<u8> {
    // V4 and CHOOSE: the UPF allocates.
    let pdi = [
        ie(SOURCE_INTERFACE, [ACCESS]),
        ie(F_TEID, [0x05]),
        network_instance(),
        ie(UE_IP_ADDRESS, [&[0x02][..], &session.ue.octets()].concat()),
        ie(QFI, [session.qfi]),
    ]
    .concat();
    let parts = [
        pdr_id(UPLINK),
        precedence(),
        ie(PDI, pdi),
        ie(OUTER_HEADER_REMOVAL, [REMOVE_GTPU_UDP_IP]),
        ie(FAR_ID, id(2)),
        urr_id(session),
        ie(QER_ID, id(1)),
    ];
    ie(CREATE_PDR, parts.concat())
}

fn uplink_far() -> Vec<u8> {
    let parameters = [ie(DESTINATION_INTERFACE, [CORE]), network_instance()].concat();
    let parts = [
        ie(FAR_ID, id(2)),
        ie(APPLY_ACTION, [FORW]),
        ie(FORWARDING_PARAMETERS, parameters),
    ];
    ie(CREATE_FAR, parts.concat())
}

fn qer(session: &Session) -> Vec<u8> {
    let parts = [
        ie(QER_ID, id(1)),
        ie(GATE_STATUS, [0]),
        session.kilobits.map(mbr).unwrap_or_default(),
        ie(QFI, [session.qfi]),
    ];
    ie(CREATE_QER, parts.concat())
}

fn urr_id(session: &Session) -> Vec<u8> {
    let has_urr = session.volume_threshold.is_some();
    if has_urr {
        ie(URR_ID, id(1))
    } else {
        Vec::new()
    }
}

/// It measures volume (clause 8.2.40: VOLUM) and reports at a threshold of both directions (clauses 8.2.19: VOLTH, and 8.2.13:
/// TOVOL).
fn urr(number: u32, threshold: u64) -> Vec<u8> {
    let parts = [
        ie(URR_ID, id(number)),
        ie(MEASUREMENT_METHOD, [2]),
        ie(REPORTING_TRIGGERS, [2, 0]),
        ie(
            VOLUME_THRESHOLD,
            [&[1][..], &threshold.to_be_bytes()].concat(),
        ),
    ];
    ie(CREATE_URR, parts.concat())
}

/// Uplink and downlink, kbit/s in 5 octets each (clause 8.2.8).
fn mbr(kilobits: u64) -> Vec<u8> {
    let [_, _, _, rate @ ..] = kilobits.to_be_bytes();
    ie(MBR, [rate, rate].concat())
}

/// User ID with an IMSI (clause 8.2.101): two digits to an octet, the first in the low half, filled up with ones.
fn user_id(imsi: u64) -> Vec<u8> {
    let digits = format!("{imsi:015}f");
    let half = |digit: u8| (digit as char).to_digit(16).unwrap_or(0xf) as u8;
    let octets = digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| half(pair[1]) << 4 | half(pair[0]));
    let octets = octets.collect::<Vec<_>>();
    ie(
        USER_ID,
        [&[1, octets.len() as u8][..], &octets[..]].concat(),
    )
}

fn network_instance() -> Vec<u8> {
    ie(
        NETWORK_INSTANCE,
        crate::topology::NETWORK_INSTANCE.as_bytes(),
    )
}

fn pdr_id(id: u16) -> Vec<u8> {
    ie(PDR_ID, id.to_be_bytes())
}

fn precedence() -> Vec<u8> {
    ie(PRECEDENCE, u32::from(u16::MAX).to_be_bytes())
}

const fn id(id: u32) -> [u8; 4] {
    id.to_be_bytes()
}

fn ie(kind: u16, value: impl AsRef<[u8]>) -> Vec<u8> {
    let value = value.as_ref();
    let length = u16::try_from(value.len()).expect("our own, short");
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

fn message(kind: u8, seid: Option<u64>, sequence: u32, body: &[u8]) -> Vec<u8> {
    let seid_bytes = seid.map(u64::to_be_bytes);
    let seid_bytes = seid_bytes.as_ref().map_or(&[][..], |bytes| &bytes[..]);
    let length = u16::try_from(seid_bytes.len() + 4 + body.len()).expect("our own, short");
    // Version 1 and, with a SEID, the S flag (clause 7.2.2.1).
    let flags = 0x20 | u8::from(seid.is_some());
    let [_, sequence @ ..] = sequence.to_be_bytes();
    let mut bytes = vec![flags, kind];
    bytes.extend(length.to_be_bytes());
    bytes.extend(seid_bytes);
    bytes.extend(sequence);
    bytes.push(0);
    bytes.extend(body);
    bytes
}

/// What a usage report tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// URR ID.
    pub urr: u32,
    /// UR-SEQN.
    pub sequence: u32,
    /// Of both directions together.
    pub bytes: u64,
}

/// A message from the UPF.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Message type.
    pub kind: u8,
    /// Sequence number.
    pub sequence: u32,
    /// The control plane's SEID, where it is about a session.
    pub session: Option<u64>,
    body: &'a [u8],
}

impl<'a> Received<'a> {
    /// Reads a header; `None` when it is not PFCP version 1 or is cut short.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let [flags, kind, l0, l1, ..] = *bytes else {
            return None;
        };
        let rest = bytes.get(4..4 + usize::from(u16::from_be_bytes([l0, l1])))?;
        let (session, rest) = if flags & 1 != 0 {
            let (seid, rest) = rest.split_first_chunk::<8>()?;
            (Some(u64::from_be_bytes(*seid)), rest)
        } else {
            (None, rest)
        };
        let ([s0, s1, s2, _], body) = rest.split_first_chunk::<4>()?;
        let sequence = u32::from_be_bytes([0, *s0, *s1, *s2]);
        (flags >> 5 == 1).then_some(Self {
            kind,
            sequence,
            session,
            body,
        })
    }

    /// Whether it answers a heartbeat.
    #[must_use]
    pub fn is_heartbeat_response(&self) -> bool {
        self.kind == HEARTBEAT_RESPONSE
    }

    /// The usage reports of a Session Report Request; `None` for other messages.
    #[must_use]
    pub fn usage(&self) -> Option<Vec<Usage>> {
        (self.kind == SESSION_REPORT_REQUEST).then(|| self.usage_in(USAGE_REPORT))
    }

    /// The usage reports of the answer to a modification or a deletion.
    #[must_use]
    pub fn usage_in_answer(&self) -> Vec<Usage> {
        match self.kind {
            SESSION_MODIFICATION_RESPONSE => self.usage_in(USAGE_REPORT_IN_MODIFICATION),
            SESSION_DELETION_RESPONSE => self.usage_in(USAGE_REPORT_IN_DELETION),
            _ => Vec::new(),
        }
    }

    fn usage_in(&self, kind: u16) -> Vec<Usage> {
        let reports = ies(self.body).filter(|(found, _)| *found == kind);
        let usage = |(_, report): (u16, &[u8])| {
            let volume = find(report, VOLUME_MEASUREMENT)?;
            Some(Usage {
                urr: u32::from_be_bytes(find(report, URR_ID)?.try_into().ok()?),
                sequence: u32::from_be_bytes(find(report, UR_SEQN)?.try_into().ok()?),
                // The first one is the total.
                bytes: u64::from_be_bytes(volume.get(1..9)?.try_into().ok()?),
            })
        };
        reports.filter_map(usage).collect()
    }

    /// Its cause.
    #[must_use]
    pub fn cause(&self) -> Option<u8> {
        find(self.body, CAUSE)?.first().copied()
    }

    /// The SEID that the UPF gave the session.
    #[must_use]
    pub fn seid(&self) -> Option<u64> {
        find(self.body, F_SEID)?
            .get(1..9)?
            .try_into()
            .ok()
            .map(u64::from_be_bytes)
    }

    /// The tunnel that the UPF allocated for the uplink.
    #[must_use]
    pub fn uplink_tunnel(&self) -> Option<Tunnel> {
        let created = ies(self.body)
            .filter(|(kind, _)| *kind == CREATED_PDR)
            .find(|(_, pdr)| {
                find(pdr, PDR_ID).is_some_and(|value| value == UPLINK.to_be_bytes())
            })?;
        let [_, t0, t1, t2, t3, a, b, c, d, ..] = *find(created.1, F_TEID)? else {
            return None;
        };
        let teid = u32::from_be_bytes([t0, t1, t2, t3]);
        Some(Tunnel {
            teid,
            address: Ipv4Addr::new(a, b, c, d),
        })
    }
}

fn find(body: &[u8], wanted: u16) -> Option<&[u8]> {
    ies(body)
        .find(|(kind, _)| *kind == wanted)
        .map(|(_, value)| value)
}

fn ies(mut body: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (&[k0, k1, l0, l1], rest) = body.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([l0, l1]).into())?;
        body = rest;
        Some((u16::from_be_bytes([k0, k1]), value))
    })
}

/// Where the control plane's socket is bound.
#[must_use]
pub const fn address_of(node: Ipv4Addr) -> SocketAddrV4 {
    SocketAddrV4::new(node, 8805)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bytes = request::association(0x0102_0304, Ipv4Addr::LOCALHOST, 7);
        let message = Received::read(&bytes).unwrap();
        assert_eq!(
            (message.kind, message.sequence),
            (ASSOCIATION_SETUP_REQUEST, 0x02_0304)
        );
        assert_eq!(
            find(message.body, RECOVERY_TIME_STAMP).unwrap(),
            [0, 0, 0, 7]
        );
        assert_eq!(message.cause(), None);
    }

    #[test]
    fn an_imsi_is_two_digits_to_an_octet() {
        let value = [1, 8, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x21, 0xf3];
        assert_eq!(user_id(1_010_000_000_123), ie(USER_ID, value));
    }

    #[test]
    fn created_tunnels_are_found() {
        let f_teid = ie(F_TEID, [1, 0, 0, 0, 9, 10, 1, 0, 2]);
        let other = ie(CREATED_PDR, [pdr_id(DOWNLINK), f_teid.clone()].concat());
        let created = ie(CREATED_PDR, [pdr_id(UPLINK), f_teid].concat());
        let seid = ie(F_SEID, [2, 0, 0, 0, 0, 0, 0, 0, 5, 10, 0, 0, 1]);
        let body = [ie(CAUSE, [1]), seid, other, created].concat();
        let bytes = message(51, Some(1), 2, &body);
        let received = Received::read(&bytes).unwrap();
        let tunnel = Tunnel {
            teid: 9,
            address: Ipv4Addr::new(10, 1, 0, 2),
        };
        assert_eq!(received.uplink_tunnel(), Some(tunnel));
        assert_eq!(
            (received.cause(), received.seid()),
            (Some(ACCEPTED), Some(5))
        );
    }
}
