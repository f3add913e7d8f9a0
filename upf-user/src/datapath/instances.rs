//! Numbers of network instances.

use crate::config::{Config, same_network_instance};

/// The network instances of a config, by number. Number 0 is the unnamed one, of interfaces that lead nowhere
/// but to GTP-U peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    names: Vec<String>,
}

impl Instances {
    /// Numbers the network instances in the order in which the config first names them.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut instances = Self {
            names: vec![String::new()],
        };
        let of_interfaces = config
            .interfaces
            .iter()
            .map(|i| i.network_instance.as_deref());
        let of_pools = config
            .pools
            .iter()
            .map(|p| Some(p.network_instance.as_str()));
        for name in of_interfaces.chain(of_pools).flatten() {
            if instances.number(name).is_none() {
                instances.names.push(name.to_owned());
            }
        }
        instances
    }

    /// The number of a name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        let position = self
            .names
            .iter()
            .position(|n| same_network_instance(n, name))?;
        u32::try_from(position).ok()
    }

    /// The name of a number; empty for the unnamed one.
    #[must_use]
    pub fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    /// How many there are, the unnamed one included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: the unnamed one is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
