//! Which device counts under which number ([`upf_common::abi::Port::number`]).

use std::sync::{Mutex, PoisonError};

use upf_common::abi::MAX_PORTS;

struct Place {
    device: String,
    /// Kept for a device that has gone, so that its counters go on when it comes back.
    is_present: bool,
}

/// Numbers of devices, by name.
#[derive(Default)]
pub(super) struct PortNumbers {
    places: Mutex<Vec<Place>>,
}

impl PortNumbers {
    /// The number of a device. With all numbers in use that of a device that has gone is taken; `None` where
    /// all of them are present.
    pub(super) fn assign(&self, device: &str) -> Option<u8> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let same = places.iter().position(|place| place.device == device);
        let fresh = Some(places.len()).filter(|number| *number < MAX_PORTS);
        let number = same
            .or(fresh)
            .or_else(|| places.iter().position(|place| !place.is_present))?;
        let place = Place {
            device: device.to_owned(),
            is_present: true,
        };
        match places.get_mut(number) {
            Some(taken) => *taken = place,
            None => places.push(place),
        }
        u8::try_from(number).ok()
    }

    /// The device has gone.
    pub(super) fn release(&self, device: &str) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for place in places.iter_mut().filter(|place| place.device == device) {
            place.is_present = false;
        }
    }

    /// All names, in the order of their numbers.
    pub(super) fn names(&self) -> Vec<String> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.iter().map(|place| place.device.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_keeps_its_number_and_gone_ones_give_theirs() {
        let numbers = PortNumbers::default();
        for n in 0..MAX_PORTS {
            assert_eq!(numbers.assign(&format!("v{n}")), Some(n as u8));
        }
        assert_eq!(numbers.assign("more"), None);
        numbers.release("v5");
        assert_eq!(numbers.assign("v5"), Some(5), "it came back");
        numbers.release("v7");
        assert_eq!(numbers.assign("more"), Some(7));
        assert_eq!(numbers.assign("v7"), None);
        assert_eq!(numbers.names()[7], "more");
    }
}
