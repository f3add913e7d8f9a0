//! UE addresses that a control plane leaves to us (UEIP, clause 5.21): one of each family for all rules of a session.

use std::net::IpAddr;
use std::time::Instant;

use super::Sessions;
use super::model::{Families, Model, NetworkInstance, UeAddresses, UeChoice, Way};
use super::refusal::refuse;
use crate::datapath::Datapath;
use crate::datapath::slots::{AddressFamily, UeEndpoint};
use crate::pfcp::ie::{Cause, FailedRule, Interface, kind};
use crate::pfcp::message::Refusal;

impl<D: Datapath> Sessions<D> {
    /// Chooses what is left to us and not chosen yet, puts it into the rules, and says what is new.
    pub(super) fn choose_ue_addresses(
        &mut self,
        model: &mut Model,
        now: Instant,
    ) -> Result<Vec<UeEndpoint>, Refusal> {
        let wanted = model.ue_choices();
        let mut fresh = Vec::new();
        if wanted.is_empty() {
            model.ue_choice = None;
            return Ok(fresh);
        }
        let instance = match model.ue_choice {
            Some(choice) => choice.instance,
            None => self.choice_instance(model),
        };
        let old = model.ue_choice.map(|choice| choice.addresses);
        let old = old.unwrap_or_default();
        let mut chosen = UeAddresses {
            v4: old.v4.filter(|_| wanted.v4),
            v6: old.v6.filter(|_| wanted.v6),
        };
        let missing = [
            (wanted.v4 && chosen.v4.is_none(), AddressFamily::V4),
            (wanted.v6 && chosen.v6.is_none(), AddressFamily::V6),
        ];
        for (is_missing, family) in missing {
            if !is_missing {
                continue;
            }
            let Ok(endpoint) = self.books.allocate_address(instance, family, now) else {
                self.cancel_ue_addresses(&fresh);
                return Err(occupied(model));
            };
            fresh.push(endpoint);
            match endpoint.address {
                IpAddr::V4(v4) => chosen.v4 = Some(v4),
                IpAddr::V6(v6) => chosen.v6 = Some(upper_half(v6)),
            }
        }
        model.set_chosen(UeChoice {
            instance,
            addresses: chosen,
        });
        Ok(fresh)
    }

    /// Takes it back for a request that came to nothing.
    pub(super) fn cancel_ue_addresses(&mut self, fresh: &[UeEndpoint]) {
        for endpoint in fresh {
            self.books.cancel_address(*endpoint);
        }
    }

    /// Whose pools serve the session: the network instance that downlink packets come from, where it is told.
    fn choice_instance(&self, model: &Model) -> u32 {
        let pdrs = model.pdrs.iter();
        let from_core = pdrs.filter(|pdr| pdr.source != Interface::Access);
        let ways: Vec<Way> = from_core.flat_map(|pdr| model.ways_of(pdr)).collect();
        let asking = ways.iter().chain(model.all_ways());
        let asking = asking.filter(|way| way.ue.is_some_and(|ue| !ue.chooses.is_empty()));
        let mut known = asking.filter_map(|way| match way.network_instance? {
            NetworkInstance::Known(number) => Some(number),
            NetworkInstance::Unknown => None,
        });
        known.next().unwrap_or(self.config.default_core_instance)
    }
}

impl Model {
    fn set_chosen(&mut self, choice: UeChoice) {
        self.ue_choice = Some(choice);
        for ue in self.all_ways_mut().filter_map(|way| way.ue.as_mut()) {
            let Families { v4, v6 } = ue.chooses;
            if v4 {
                ue.addresses.v4 = choice.addresses.v4;
            }
            if v6 {
                ue.addresses.v6 = choice.addresses.v6;
            }
        }
    }

    /// UE addresses that we chose for the session.
    pub(super) fn chosen(&self) -> impl Iterator<Item = UeEndpoint> {
        self.ue_choice.into_iter().flat_map(|choice| {
            let instance = choice.instance;
            let v4 = choice.addresses.v4.map(IpAddr::V4);
            let v6 = choice.addresses.v6.map(|upper| {
                let mut octets = [0; 16];
                octets[..8].copy_from_slice(&upper);
                IpAddr::from(octets)
            });
            let addresses = v4.into_iter().chain(v6);
            addresses.map(move |address| UeEndpoint { instance, address })
        })
    }

    /// Whether we chose this one for the session.
    pub(super) fn chose(&self, endpoint: UeEndpoint) -> bool {
        self.chosen().any(|chosen| chosen == endpoint)
    }
}

fn upper_half(address: std::net::Ipv6Addr) -> [u8; 8] {
    let [upper @ .., _, _, _, _, _, _, _, _] = address.octets();
    upper
}

fn occupied(model: &Model) -> Refusal {
    let asks = |way: &Way| way.ue.is_some_and(|ue| !ue.chooses.is_empty());
    let pdr = model.pdrs.iter().find(|pdr| asks(&pdr.way));
    let rule = pdr.map(|pdr| FailedRule::Pdr(pdr.id));
    refuse(
        Cause::AllDynamicAddressesOccupied,
        kind::UE_IP_ADDRESS,
        rule,
    )
}
