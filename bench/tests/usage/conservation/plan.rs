//! Sessions as their control plane means them, and the rules that say so.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bench::packets::world::GNB;
use upf_user::pfcp::ie::{
    ApplyAction, FSeid, FTeid, GateStatus, Interface, NodeId, OuterHeaderCreation,
    OuterHeaderRemoval, SdfFilter, UeIpAddress, measurement_information,
};
use upf_user::pfcp::message::{
    CreateFar, CreatePdr, CreateQer, CreateUrr, ForwardingParameters, Pdi,
    SessionEstablishmentRequest, UpdateFar, UpdateForwardingParameters, UpdateUrr,
};

/// Another gNB.
pub(super) const OTHER_GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);
/// PDRs without filters.
pub(super) const DOWNLINK: u16 = 1;
pub(super) const UPLINK: u16 = 2;

/// A PDR with a FAR and a QER of its own, which have its number.
#[derive(Clone, Debug)]
pub(super) struct Pdr {
    pub(super) id: u16,
    pub(super) precedence: u32,
    /// The server's port, if it looks at that.
    pub(super) port: Option<u16>,
    pub(super) urrs: Vec<u32>,
    pub(super) forwards: bool,
    pub(super) is_gate_open: bool,
}

/// What matters of a URR for what it should report.
#[derive(Clone, Debug)]
pub(super) struct Urr {
    /// Whether it may stop traffic, or was able to.
    pub(super) may_stop: bool,
    /// INAM is not set.
    pub(super) is_active: bool,
    /// MBQE.
    pub(super) is_before_qos: bool,
    /// It is linked to these, which have to be there.
    pub(super) linked: Vec<u32>,
}

/// A session as its control plane knows it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The control plane's SEID: no two sessions have the same.
    pub(super) number: u64,
    /// Given by us.
    pub(super) seid: u64,
    pub(super) teid: u32,
    pub(super) ue: Ipv4Addr,
    pub(super) gnb: Ipv4Addr,
    pub(super) pdrs: Vec<Pdr>,
    pub(super) urrs: BTreeMap<u32, Urr>,
    /// QERs may close gates, and there are no quotas.
    pub(super) has_gates: bool,
    /// Its association is gone.
    pub(super) has_ended: bool,
}

impl Urr {
    pub(super) fn take(&mut self, update: &UpdateUrr) {
        let quotas = [update.time_quota, update.quota_validity_time];
        let has_quota =
            update.volume_quota.is_some() || quotas.into_iter().any(|one| one.is_some());
        self.may_stop |= has_quota || update.subsequent_volume_quota.is_some();
        if let Some(information) = update.measurement_information {
            self.is_active = information & measurement_information::INAM == 0;
            self.is_before_qos = information & measurement_information::MBQE != 0;
        }
    }
}

impl From<&CreateUrr> for Urr {
    fn from(create: &CreateUrr) -> Self {
        let mut urr = Self {
            may_stop: false,
            is_active: true,
            is_before_qos: false,
            linked: create.settings.linked_urr_ids.clone(),
        };
        urr.take(&create.settings);
        urr
    }
}

impl Pdr {
    /// Those of the uplink have even numbers.
    pub(super) fn is_uplink(&self) -> bool {
        self.id.is_multiple_of(2)
    }

    pub(super) fn create(&self, session: &Session) -> CreatePdr {
        let filters = self.port.map(|port| SdfFilter {
            flow_description: Some(format!("permit out 17 from any {port} to assigned")),
            ..SdfFilter::default()
        });
        let choose = FTeid::Choose {
            ipv4: true,
            ipv6: false,
            id: Some(5),
        };
        let is_uplink = self.is_uplink();
        CreatePdr {
            id: self.id,
            precedence: Some(self.precedence),
            pdi: Pdi {
                source_interface: if is_uplink {
                    Interface::Access
                } else {
                    Interface::Core
                },
                f_teid: is_uplink.then_some(choose),
                network_instance: Some("internet".to_owned()),
                ue_ip_address: Some(UeIpAddress {
                    ipv4: Some(session.ue),
                    is_destination: !is_uplink,
                    ..UeIpAddress::default()
                }),
                sdf_filters: filters.into_iter().collect(),
                ..Pdi::default()
            },
            outer_header_removal: is_uplink.then_some(OuterHeaderRemoval::GtpuUdpIp),
            far_id: Some(self.id.into()),
            qer_ids: vec![self.id.into()],
            urr_ids: self.urrs.clone(),
            ..CreatePdr::default()
        }
    }

    fn action(&self) -> ApplyAction {
        ApplyAction(if self.forwards {
            ApplyAction::FORW
        } else {
            ApplyAction::DROP
        })
    }

    pub(super) fn far(&self, gnb: Ipv4Addr) -> CreateFar {
        let is_uplink = self.is_uplink();
        CreateFar {
            id: self.id.into(),
            apply_action: self.action(),
            forwarding: Some(ForwardingParameters {
                destination_interface: if is_uplink {
                    Interface::Core
                } else {
                    Interface::Access
                },
                network_instance: Some("internet".to_owned()),
                outer_header_creation: (!is_uplink).then(|| tunnel(gnb, self.id)),
                ..ForwardingParameters::default()
            }),
            ..CreateFar::default()
        }
    }

    /// Its FAR for where the UE is now.
    pub(super) fn update_far(&self, gnb: Ipv4Addr) -> UpdateFar {
        let forwarding = (!self.is_uplink()).then(|| UpdateForwardingParameters {
            outer_header_creation: Some(tunnel(gnb, self.id)),
            ..UpdateForwardingParameters::default()
        });
        UpdateFar {
            id: self.id.into(),
            apply_action: Some(self.action()),
            forwarding,
            ..UpdateFar::default()
        }
    }

    pub(super) fn qer(&self) -> CreateQer {
        CreateQer {
            id: self.id.into(),
            gate: GateStatus {
                uplink_open: self.is_gate_open,
                downlink_open: self.is_gate_open,
            },
            ..CreateQer::default()
        }
    }
}

fn tunnel(gnb: Ipv4Addr, pdr: u16) -> OuterHeaderCreation {
    OuterHeaderCreation {
        description: OuterHeaderCreation::GTPU_UDP_IPV4,
        teid: Some(0x7000_0000 | u32::from(pdr)),
        ipv4: Some(gnb),
        ipv6: None,
        port: None,
    }
}

impl Session {
    pub(super) fn new(number: u64, ue: Ipv4Addr, pdrs: Vec<Pdr>) -> Self {
        Self {
            number,
            seid: 0,
            teid: 0,
            ue,
            gnb: GNB,
            pdrs,
            urrs: BTreeMap::new(),
            has_gates: false,
            has_ended: false,
        }
    }

    pub(super) fn request(&self, urrs: &[CreateUrr]) -> SessionEstablishmentRequest {
        let node: IpAddr = [10, 100, 0, 1].into();
        let cp_f_seid = FSeid {
            seid: self.number,
            ipv4: Some([10, 100, 0, 1].into()),
            ipv6: None,
        };
        let pdrs = || self.pdrs.iter();
        SessionEstablishmentRequest {
            create_pdrs: pdrs().map(|pdr| pdr.create(self)).collect(),
            create_fars: pdrs().map(|pdr| pdr.far(self.gnb)).collect(),
            create_qers: pdrs().map(Pdr::qer).collect(),
            create_urrs: urrs.to_vec(),
            ..SessionEstablishmentRequest::new(NodeId::Address(node), cp_f_seid)
        }
    }

    /// The PDR that a packet of this direction from or to a port of the server belongs to (clause 5.2.1).
    pub(super) fn finds(&self, is_uplink: bool, port: u16) -> Option<&Pdr> {
        let pdrs = self.pdrs.iter();
        pdrs.filter(|pdr| pdr.is_uplink() == is_uplink)
            .filter(|pdr| pdr.port.is_none_or(|own| own == port))
            .min_by_key(|pdr| pdr.precedence)
    }
}
