//! Which of the host's links are ours.

use std::collections::{BTreeMap, HashMap};

use super::Event;

/// A device that the data path uses: one that is configured, or a VLAN on top of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Linux name.
    pub name: String,
    /// Linux ifindex, never 0.
    pub index: u32,
    /// MAC address; zero where the device has none.
    pub mac: [u8; 6],
    /// Largest IP packet in bytes.
    pub mtu: u32,
    /// Whether the device is up and has a carrier.
    pub up: bool,
    /// The `device` of the `[[interface]]` that governs it: its own name, or its parent's.
    pub configured: String,
    /// Whether it is one end of a veth pair.
    pub veth: bool,
    /// Set where packets leave through a parent that is configured as well.
    pub vlan: Option<Vlan>,
}

/// How a VLAN device hangs on its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vlan {
    /// VLAN ID, 1 to 4094.
    pub id: u16,
    /// ifindex of the parent.
    pub parent: u32,
}

/// A link as the kernel describes it, ours or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) index: u32,
    pub(super) mac: [u8; 6],
    pub(super) mtu: u32,
    pub(super) up: bool,
    pub(super) veth: bool,
    pub(super) vlan: Option<Vlan>,
}

/// All links of the host, and ours among them.
pub(super) struct Devices {
    configured: Vec<String>,
    links: HashMap<u32, Link>,
    ours: BTreeMap<u32, Device>,
}

impl Devices {
    pub(super) fn new(configured: Vec<String>) -> Self {
        Self {
            configured,
            links: HashMap::new(),
            ours: BTreeMap::new(),
        }
    }

    pub(super) fn is_ours(&self, index: u32) -> bool {
        self.ours.contains_key(&index)
    }

    /// A link is new, or something about it.
    pub(super) fn put(&mut self, link: Link) -> Vec<Event> {
        if self.links.get(&link.index) == Some(&link) {
            return Vec::new();
        }
        self.links.insert(link.index, link);
        self.compare()
    }

    pub(super) fn remove(&mut self, index: u32) -> Vec<Event> {
        if self.links.remove(&index).is_none() {
            return Vec::new();
        }
        self.compare()
    }

    /// All links at once, after messages were lost.
    pub(super) fn replace(&mut self, links: Vec<Link>) -> Vec<Event> {
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.compare()
    }

    /// Finds out which devices are ours now, and how that differs from before.
    fn compare(&mut self) -> Vec<Event> {
        let now: BTreeMap<u32, Device> = self
            .links
            .values()
            .filter_map(|link| Some((link.index, self.device(link)?)))
            .collect();
        let before = std::mem::replace(&mut self.ours, now);
        let mut events = Vec::new();
        for (index, device) in &before {
            if self
                .ours
                .get(index)
                .is_none_or(|same| same.configured != device.configured)
            {
                events.push(Event::Gone(device.clone()));
            }
        }
        for (index, device) in &self.ours {
            match before.get(index) {
                Some(same) if same == device => {}
                Some(same) if same.configured == device.configured => {
                    events.push(Event::Changed(device.clone()));
                }
                _ => events.push(Event::Appeared(device.clone())),
            }
        }
        events
    }

    fn device(&self, link: &Link) -> Option<Device> {
        let parent = link.vlan.and_then(|vlan| self.links.get(&vlan.parent));
        let parent = parent.filter(|parent| self.configured.contains(&parent.name));
        let governs = if self.configured.contains(&link.name) {
            link
        } else {
            parent?
        };
        Some(Device {
            name: link.name.clone(),
            index: link.index,
            mac: link.mac,
            mtu: link.mtu,
            up: link.up,
            veth: link.veth,
            configured: governs.name.clone(),
            vlan: link.vlan.filter(|_| parent.is_some()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, index: u32) -> Link {
        let mac = [2, 0, 0, 0, 0, u8::try_from(index).unwrap()];
        Link {
            name: name.to_owned(),
            index,
            mac,
            mtu: 1500,
            up: true,
            veth: false,
            vlan: None,
        }
    }

    fn devices() -> Devices {
        Devices::new(vec!["n3".to_owned(), "n6".to_owned()])
    }

    fn names(events: &[Event]) -> Vec<String> {
        let name = |event: &Event| match event {
            Event::Appeared(device) => format!("+{}", device.name),
            Event::Changed(device) => format!("~{}", device.name),
            Event::Gone(device) => format!("-{}", device.name),
            other => format!("{other:?}"),
        };
        events.iter().map(name).collect()
    }

    #[test]
    fn only_configured_devices_are_ours() {
        let mut devices = devices();
        assert_eq!(names(&devices.put(link("eth0", 1))), Vec::<String>::new());
        assert_eq!(names(&devices.put(link("n3", 2))), ["+n3"]);
        assert!(devices.is_ours(2) && !devices.is_ours(1));
    }

    #[test]
    fn a_change_is_told_once() {
        let mut devices = devices();
        devices.put(link("n3", 2));
        let changed = Link {
            mtu: 9000,
            ..link("n3", 2)
        };
        assert_eq!(names(&devices.put(changed.clone())), ["~n3"]);
        assert_eq!(names(&devices.put(changed)), Vec::<String>::new());
    }

    #[test]
    fn a_device_that_goes_and_comes_back_has_another_index() {
        let mut devices = devices();
        devices.put(link("n3", 2));
        assert_eq!(names(&devices.remove(2)), ["-n3"]);
        assert_eq!(names(&devices.remove(2)), Vec::<String>::new());
        assert_eq!(names(&devices.put(link("n3", 7))), ["+n3"]);
    }

    #[test]
    fn a_renamed_device_goes_or_comes() {
        let mut devices = devices();
        devices.put(link("n3", 2));
        assert_eq!(names(&devices.put(link("old", 2))), ["-n3"]);
        assert_eq!(names(&devices.put(link("n6", 2))), ["+n6"]);
        assert_eq!(names(&devices.put(link("n3", 2))), ["-n6", "+n3"]);
    }

    #[test]
    fn a_vlan_on_a_configured_device_is_ours_whichever_is_seen_first() {
        let vlan = Vlan { id: 100, parent: 2 };
        let upper = Link {
            vlan: Some(vlan),
            ..link("n3.100", 5)
        };
        let mut devices = devices();
        assert_eq!(names(&devices.put(upper)), Vec::<String>::new());
        assert_eq!(names(&devices.put(link("n3", 2))), ["+n3", "+n3.100"]);
        let device = &devices.ours[&5];
        assert_eq!(
            (device.vlan, device.configured.as_str()),
            (Some(vlan), "n3")
        );
        assert_eq!(names(&devices.remove(2)), ["-n3", "-n3.100"]);
    }

    #[test]
    fn a_configured_vlan_leaves_by_itself_unless_its_parent_is_configured_too() {
        let vlan = Vlan { id: 100, parent: 2 };
        let upper = Link {
            vlan: Some(vlan),
            ..link("n6", 5)
        };
        let mut devices = devices();
        devices.put(link("eth0", 2));
        devices.put(upper.clone());
        assert_eq!(devices.ours[&5].vlan, None);
        devices.put(link("n3", 2));
        let device = &devices.ours[&5];
        assert_eq!(
            (device.vlan, device.configured.as_str()),
            (Some(vlan), "n6")
        );
    }

    #[test]
    fn what_happened_unseen_is_found_by_comparing() {
        let mut devices = devices();
        devices.put(link("n3", 2));
        devices.put(link("n6", 3));
        let events = devices.replace(vec![link("n6", 4), link("n3", 2)]);
        assert_eq!(names(&events), ["-n6", "+n6"]);
    }
}
