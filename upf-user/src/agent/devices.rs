//! Devices as they come, change and go: the program, the port's record, the instance's device.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{error, info, warn};
use upf_common::abi::{Port, roles};

use super::causes;
use super::numbers::PortNumbers;
use super::readiness::Readiness;
use crate::config::Interface;
use crate::datapath::DatapathError;
use crate::datapath::bpf::attach::{AttachError, Attachments};
use crate::datapath::bpf::control::ControlTable;
use crate::datapath::bpf::pins::PinsError;
use crate::datapath::bpf::ports::PortTable;
use crate::datapath::instances::Instances;
use crate::datapath::slots::PoolLayout;
use crate::netlink::{self, Device, Event, NetlinkError, Vlan, attached_xdp};

/// Between attempts at devices that refused.
const RETRY: Duration = Duration::from_secs(5);

/// Why a device does not carry traffic.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// There are more devices than port counters.
    #[error("{device}: there are too many devices")]
    TooMany {
        /// The device.
        device: String,
    },
    /// Its records cannot be written.
    #[error(transparent)]
    Table(#[from] DatapathError),
    /// The program cannot be attached.
    #[error(transparent)]
    Attach(#[from] AttachError),
    /// The kernel does not tell what is attached.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// What the config says about devices.
pub(super) struct Plan {
    pub(super) interfaces: Vec<Interface>,
    pub(super) instances: Instances,
    pub(super) layout: PoolLayout,
}

impl Plan {
    fn interface(&self, device: &Device) -> Option<&Interface> {
        self.interfaces
            .iter()
            .find(|interface| interface.device == device.configured)
    }

    fn instance(&self, interface: &Interface) -> u32 {
        let name = interface.network_instance.as_deref().unwrap_or_default();
        self.instances.number(name).unwrap_or_default()
    }

    /// The record of a device.
    fn port(&self, device: &Device, interface: &Interface, number: u8) -> Port {
        let instance = self.instance(interface);
        let (first_pool, pool_count) = if interface.role.is_core() {
            self.layout.of_instance(instance)
        } else {
            (0, 0)
        };
        let mut port = Port {
            ifindex: device.index,
            transmit_ifindex: device.vlan.map_or(device.index, |vlan| vlan.parent),
            instance,
            first_pool,
            pool_count,
            vlan: device.vlan.map_or(0, |Vlan { id, .. }| id),
            number,
            mac: device.mac,
            // A veth wakes its peer up for what XDP_TX sends only if the peer has an XDP program too.
            redirect_only: device.veth.into(),
            ..Port::default()
        };
        if interface.role.is_core() {
            port.roles |= roles::CORE;
        }
        if interface.role.is_access() {
            port.roles |= roles::ACCESS;
            // The config allows as many as there is room for.
            for address in &interface.gtpu {
                let (count, room) = match address {
                    IpAddr::V4(_) => (&mut port.gtpu_count, port.gtpu.len()),
                    IpAddr::V6(_) => (&mut port.gtpu_v6_count, port.gtpu_v6.len()),
                };
                let place = usize::from(*count);
                if place == room {
                    continue;
                }
                *count += 1;
                match address {
                    IpAddr::V4(address) => port.gtpu[place] = address.octets(),
                    IpAddr::V6(address) => port.gtpu_v6[place] = address.octets(),
                }
            }
        }
        port
    }

    /// The device that an instance's routes are looked up from: the first configured one that is there.
    fn device_of(&self, instance: u32, present: &BTreeMap<u32, Device>) -> u32 {
        let of_instance = self
            .interfaces
            .iter()
            .filter(|interface| self.instance(interface) == instance);
        of_instance
            .filter_map(|interface| present.values().find(|d| d.name == interface.device))
            .map(|device| device.index)
            .next()
            .unwrap_or_default()
    }
}

/// Our devices.
pub(super) struct Devices {
    plan: Plan,
    attachments: Attachments,
    ports: PortTable,
    control: Arc<ControlTable>,
    numbers: Arc<PortNumbers>,
    readiness: Arc<Readiness>,
    present: BTreeMap<u32, Device>,
    /// Devices that are there and refused, with the error that was logged.
    refused: BTreeMap<u32, String>,
}

impl Devices {
    pub(super) fn new(
        plan: Plan,
        attachments: Attachments,
        ports: PortTable,
        control: Arc<ControlTable>,
        numbers: Arc<PortNumbers>,
        readiness: Arc<Readiness>,
    ) -> Self {
        Self {
            plan,
            attachments,
            ports,
            control,
            numbers,
            readiness,
            present: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Attaches to the devices that are there, and detaches an earlier agent from those that are not ours.
    pub(super) async fn begin(&mut self, found: Vec<Device>) -> Result<(), DeviceError> {
        self.ports.write_pools(&self.plan.layout)?;
        for interface in &self.plan.interfaces {
            let name = &interface.device;
            if !found.iter().any(|device| device.name == *name) {
                warn!(device = name, "there is no such device yet; waiting for it");
                self.readiness
                    .set(name, format!("{name}: there is no such device"));
            }
        }
        // What arrives at one device may leave by any other.
        for device in &found {
            self.enter(device)?;
        }
        for device in &found {
            self.attach(device).await?;
        }
        self.attachments.remove_stale().map_err(AttachError::from)?;
        Ok(())
    }

    /// Follows what happens until nobody tells any more.
    pub(super) async fn follow(&mut self, events: &mut mpsc::Receiver<Event>) {
        let mut retry = tokio::time::interval(RETRY);
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.handle(event).await,
                    None => return,
                },
                _ = retry.tick() => self.retry().await,
            }
        }
    }

    /// Removes what agents before us have counted in.
    pub(super) fn remove_former(&self) -> Result<(), PinsError> {
        self.attachments.remove_former()
    }

    /// Detaches from everything and removes all pins.
    pub(super) fn stop(self) -> Result<(), PinsError> {
        self.attachments.stop()
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Appeared(device) | Event::Changed(device) => self.put_or_complain(device).await,
            Event::Gone(device) => self.remove(&device),
            Event::NextHopsChanged | Event::Resynchronised => self.control.raise_generation(),
        }
    }

    async fn retry(&mut self) {
        let refused: Vec<_> = self.refused.keys().copied().collect();
        for index in refused {
            if let Some(device) = self.present.get(&index).cloned() {
                self.put_or_complain(device).await;
            }
        }
    }

    async fn put_or_complain(&mut self, device: Device) {
        let (index, name) = (device.index, device.name.clone());
        match self.put(&device).await {
            Ok(()) => {
                self.refused.remove(&index);
            }
            Err(error) => {
                let text = causes(&error);
                self.readiness.set(&name, text.as_str());
                // Once for each reason, not at each attempt.
                if self.refused.insert(index, text.clone()).as_ref() != Some(&text) {
                    error!(device = name, "{text}");
                }
            }
        }
    }

    /// Brings a device to where it should be, whatever it had before.
    async fn put(&mut self, device: &Device) -> Result<(), DeviceError> {
        self.enter(device)?;
        self.attach(device).await
    }

    /// Writes down what the program has to know of a device before the first packet comes to it.
    fn enter(&mut self, device: &Device) -> Result<(), DeviceError> {
        let Some(interface) = self.plan.interface(device) else {
            return Ok(());
        };
        let number = self
            .numbers
            .assign(&device.name)
            .ok_or_else(|| DeviceError::TooMany {
                device: device.name.clone(),
            })?;
        let port = self.plan.port(device, interface, number);
        self.present.insert(device.index, device.clone());
        self.ports.put(&port)?;
        self.write_instances()?;
        // Ways out are remembered by instance.
        self.control.raise_generation();
        Ok(())
    }

    /// Has packets come to the program.
    async fn attach(&mut self, device: &Device) -> Result<(), DeviceError> {
        let Some(interface) = self.plan.interface(device) else {
            return Ok(());
        };
        let mode = interface.mode;
        switch_forwarding_on(&device.name);
        // What arrives for a VLAN device is seen at its parent, tagged.
        if device.vlan.is_none() && !self.attachments.is_attached(device.index) {
            let found = attached_xdp(device.index).await?;
            self.attachments
                .attach(&device.name, device.index, mode, found)?;
        }
        self.control.raise_generation();
        self.readiness.clear(&device.name);
        Ok(())
    }

    fn remove(&mut self, device: &Device) {
        info!(device = device.name, "the device has gone");
        self.present.remove(&device.index);
        self.refused.remove(&device.index);
        self.numbers.release(&device.name);
        if let Err(error) = self.attachments.detach(device.index) {
            warn!(device = device.name, "{}", causes(&error));
        }
        let written = self
            .ports
            .remove(device.index)
            .and_then(|()| self.write_instances());
        if let Err(error) = written {
            error!(device = device.name, "{}", causes(&error));
        }
        self.control.raise_generation();
        if device.name == device.configured {
            let obstacle = format!("{}: the device has gone", device.name);
            self.readiness.set(&device.name, obstacle);
        } else {
            self.readiness.clear(&device.name);
        }
    }

    fn write_instances(&mut self) -> Result<(), DatapathError> {
        // As many as MAX_INSTANCES, see Instances.
        for instance in (0..).take(self.plan.instances.len()) {
            let ifindex = self.plan.device_of(instance, &self.present);
            self.ports.set_instance(instance, ifindex)?;
        }
        Ok(())
    }
}

fn switch_forwarding_on(device: &str) {
    match netlink::switch_on(device) {
        Ok(families) => {
            for family in families {
                info!(device, %family, "IP forwarding switched on");
            }
        }
        Err(error) => {
            warn!(device, %error, "IP forwarding may be off; packets are not routed then");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::session::SessionsConfig;

    const CONFIG: &str = r#"
[node]
id = "10.100.0.2"

[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]

[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2", "10.1.0.3"]

[[interface]]
device = "n6"
role = "core"
network_instance = "internet"

[[interface]]
device = "one"
role = "both"
gtpu = ["10.3.0.2"]
network_instance = "ims"

[[pool]]
network_instance = "ims"
ipv4 = "10.46.0.0/16"

[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"
ipv6 = "2001:db8:45::/48"
"#;

    fn plan() -> Plan {
        let config = Config::parse(CONFIG).unwrap();
        let SessionsConfig {
            instances, pools, ..
        } = SessionsConfig::new(&config).unwrap();
        Plan {
            interfaces: config.interfaces,
            instances,
            layout: pools,
        }
    }

    fn device(name: &str, index: u32) -> Device {
        Device {
            name: name.to_owned(),
            index,
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            up: true,
            veth: false,
            configured: name.to_owned(),
            vlan: None,
        }
    }

    fn port(device: &Device) -> Port {
        let plan = plan();
        let interface = plan.interface(device).unwrap();
        plan.port(device, interface, 5)
    }

    #[test]
    fn an_access_device_has_tunnel_ends_and_no_pools() {
        let port = port(&device("n3", 7));
        let expected = Port {
            ifindex: 7,
            transmit_ifindex: 7,
            number: 5,
            gtpu_count: 2,
            mac: [2, 0, 0, 0, 0, 1],
            roles: roles::ACCESS,
            gtpu: [[10, 1, 0, 2], [10, 1, 0, 3], [0; 4], [0; 4]],
            ..Port::default()
        };
        assert_eq!(port, expected);
    }

    #[test]
    fn a_core_device_has_the_pools_of_its_instance() {
        let port = port(&device("n6", 8));
        assert_eq!((port.roles, port.gtpu_count), (roles::CORE, 0));
        assert_eq!((port.instance, port.first_pool, port.pool_count), (1, 0, 2));
    }

    #[test]
    fn a_veth_is_redirected_to() {
        assert_eq!(port(&device("n6", 8)).redirect_only, 0);
        let veth = Device {
            veth: true,
            ..device("n6", 8)
        };
        assert_eq!(port(&veth).redirect_only, 1);
    }

    #[test]
    fn a_device_for_both_has_both() {
        let port = port(&device("one", 9));
        assert_eq!(port.roles, roles::ACCESS | roles::CORE);
        assert_eq!((port.instance, port.first_pool, port.pool_count), (2, 2, 1));
        assert_eq!(port.gtpu[0], [10, 3, 0, 2]);
    }

    #[test]
    fn a_vlan_leaves_tagged_by_its_parent() {
        let vlan = Device {
            configured: "n6".to_owned(),
            vlan: Some(Vlan { id: 100, parent: 8 }),
            ..device("n6.100", 10)
        };
        let port = port(&vlan);
        assert_eq!(
            (port.ifindex, port.transmit_ifindex, port.vlan),
            (10, 8, 100)
        );
        assert_eq!(port.pool_count, 2);
    }

    #[test]
    fn routes_are_looked_up_from_a_device_that_is_there() {
        let plan = plan();
        let mut present = BTreeMap::new();
        assert_eq!(plan.device_of(1, &present), 0);
        for device in [device("n6", 8), device("n3", 7)] {
            present.insert(device.index, device);
        }
        let devices = [0, 1, 2].map(|instance| plan.device_of(instance, &present));
        assert_eq!(devices, [7, 8, 0]);
    }
}
