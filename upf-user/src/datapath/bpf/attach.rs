//! The program at devices.
//!
//! Each device has a BPF link, pinned as `link-DEVICE`, so that the program stays when the agent dies. An
//! agent that finds such a link puts its own program into it, and no packet goes by in between.

use std::collections::BTreeMap;
use std::path::PathBuf;

use aya::programs::ProgramError;
use aya::programs::links::{FdLink, LinkError, PinnedLink};
use aya::programs::xdp::{XdpLink, XdpMode};
use tracing::{info, warn};

use super::LoadError;
use super::loader::Program;
use super::pins::{Pins, PinsError};
use crate::config::Mode;
use crate::netlink::{AttachedXdp, XdpPlace};

/// Why the program is not at a device.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// A program that is not ours is there.
    #[error(
        "{device}: another XDP program (id {program}) is attached; \
         stop the program that owns it. If that is an agent that died with another `node.pins`, remove \
         its `link-{device}` there; otherwise `ip link set dev {device} xdp off` or `bpftool link detach`"
    )]
    Foreign {
        /// The device.
        device: String,
        /// The kernel's number of that program.
        program: u32,
    },
    /// The kernel or the driver refused.
    #[error("{device}: no XDP in {place} mode{advice}")]
    Refused {
        /// The device.
        device: String,
        /// The mode tried last.
        place: XdpPlace,
        /// What else to try, from a semicolon on; empty where there is nothing.
        advice: &'static str,
        /// What it said.
        source: Box<ProgramError>,
    },
    /// The kernel has no BPF links for XDP (they came with Linux 5.9), or they do not fit the device.
    #[error("{device}: the kernel makes no XDP link; Linux 5.9 or later is needed")]
    NoLink {
        /// The device.
        device: String,
    },
    /// The link in the pin is of another kind, or the kernel does not tell.
    #[error("{}; remove this pin", path.display())]
    Pin {
        /// The pin.
        path: PathBuf,
        /// What is wrong with it.
        source: LinkError,
    },
    /// Pins cannot be made or removed.
    #[error(transparent)]
    Pins(#[from] PinsError),
    /// The program is not there.
    #[error(transparent)]
    Program(#[from] LoadError),
}

struct Attachment {
    /// Detaches when it is closed and its pin is gone.
    _link: FdLink,
    pin: PathBuf,
}

/// The program and all devices that it is attached to.
pub struct Attachments {
    program: Program,
    pins: Pins,
    devices: BTreeMap<u32, Attachment>,
}

impl Attachments {
    /// Attached to nothing yet.
    #[must_use]
    pub fn new(program: Program, pins: Pins) -> Self {
        Self {
            program,
            pins,
            devices: BTreeMap::new(),
        }
    }

    /// Whether the program is at a device.
    #[must_use]
    pub fn is_attached(&self, ifindex: u32) -> bool {
        self.devices.contains_key(&ifindex)
    }

    /// Attaches to a device, where `found` is what is there already.
    ///
    /// # Errors
    /// [`AttachError`]; the device then has what it had.
    pub fn attach(
        &mut self,
        device: &str,
        ifindex: u32,
        mode: Mode,
        found: Option<AttachedXdp>,
    ) -> Result<XdpPlace, AttachError> {
        if let Some(place) = self.take_over(device, ifindex, mode, found)? {
            info!(device, mode = %place, "XDP program replaced");
            return Ok(place);
        }
        let place = self.attach_anew(device, ifindex, mode)?;
        info!(device, mode = %place, "XDP program attached");
        Ok(place)
    }

    /// Puts the program into the link of an agent before us. `None` where there is no such link, or one in
    /// another mode than the configured one: that is detached then.
    fn take_over(
        &mut self,
        device: &str,
        ifindex: u32,
        mode: Mode,
        found: Option<AttachedXdp>,
    ) -> Result<Option<XdpPlace>, AttachError> {
        let pin = self.pins.link_path(device);
        let link = if pin.exists() {
            Some(open(&pin)?)
        } else {
            None
        };
        // A link whose device has gone still tells its program; the device of the same name has another
        // one, or none.
        let ours = match (&link, found) {
            (Some((_, program)), Some(found)) => *program == found.program,
            _ => false,
        };
        match (link, found) {
            (Some((link, _)), Some(found)) if ours && fits(mode, found.place) => {
                self.update(device, ifindex, link, pin, found.place)?;
                Ok(Some(found.place))
            }
            (_, Some(found)) if !ours => Err(AttachError::Foreign {
                device: device.to_owned(),
                program: found.program,
            }),
            // Dropping the last handle detaches.
            (_, _) => {
                self.pins.remove(&pin)?;
                Ok(None)
            }
        }
    }

    fn update(
        &mut self,
        device: &str,
        ifindex: u32,
        link: XdpLink,
        pin: PathBuf,
        place: XdpPlace,
    ) -> Result<(), AttachError> {
        let xdp = self.program.xdp()?;
        let updated = xdp.attach_to_link(link).and_then(|id| xdp.take_link(id));
        let updated = updated.map_err(|source| refused(device, place, "", source))?;
        self.keep(device, ifindex, updated, pin)
    }

    fn attach_anew(
        &mut self,
        device: &str,
        ifindex: u32,
        mode: Mode,
    ) -> Result<XdpPlace, AttachError> {
        match mode {
            Mode::Native => {
                let advice = "; write mode = \"auto\" for the generic one";
                self.create(device, ifindex, XdpPlace::Native, advice)
            }
            Mode::Generic => self.create(device, ifindex, XdpPlace::Generic, ""),
            Mode::Auto => match self.create(device, ifindex, XdpPlace::Native, "") {
                Err(AttachError::Refused { source, .. }) => {
                    let reason = chain(&source);
                    warn!(
                        device,
                        reason, "no native XDP, the slower generic one is used"
                    );
                    self.create(device, ifindex, XdpPlace::Generic, "")
                }
                outcome => outcome,
            },
        }
    }

    fn create(
        &mut self,
        device: &str,
        ifindex: u32,
        place: XdpPlace,
        advice: &'static str,
    ) -> Result<XdpPlace, AttachError> {
        let xdp = self.program.xdp()?;
        let mode = match place {
            XdpPlace::Generic => XdpMode::Skb,
            XdpPlace::Native | XdpPlace::Other => XdpMode::Driver,
        };
        let created = xdp
            .attach_to_if_index(ifindex, mode)
            .and_then(|id| xdp.take_link(id));
        let link = created.map_err(|source| refused(device, place, advice, source))?;
        let pin = self.pins.link_path(device);
        self.keep(device, ifindex, link, pin)?;
        Ok(place)
    }

    /// Pins the link where it is not yet.
    fn keep(
        &mut self,
        device: &str,
        ifindex: u32,
        link: XdpLink,
        pin: PathBuf,
    ) -> Result<(), AttachError> {
        // What aya attached over netlink behind our back is no link; it goes with the program.
        let mut link = FdLink::try_from(link).map_err(|_| AttachError::NoLink {
            device: device.to_owned(),
        })?;
        if !pin.exists() {
            let pinned = link.pin(&pin).map_err(|source| PinsError::Pin {
                path: pin.clone(),
                source,
            })?;
            link = pinned.into();
        }
        self.devices
            .insert(ifindex, Attachment { _link: link, pin });
        Ok(())
    }

    /// Detaches from a device; one that has gone has detached itself.
    ///
    /// # Errors
    /// When the pin cannot be removed.
    pub fn detach(&mut self, ifindex: u32) -> Result<(), PinsError> {
        match self.devices.remove(&ifindex) {
            Some(attachment) => self.pins.remove(&attachment.pin),
            None => Ok(()),
        }
    }

    /// Detaches the links of an agent before us from all devices that are not attached now.
    ///
    /// # Errors
    /// When a pin cannot be removed.
    pub fn remove_stale(&self) -> Result<(), PinsError> {
        for device in self.pins.linked_devices()? {
            let pin = self.pins.link_path(&device);
            if !self.devices.values().any(|attached| attached.pin == pin) {
                info!(device, "XDP link of an earlier agent removed");
                self.pins.remove(&pin)?;
            }
        }
        Ok(())
    }

    /// Removes what agents before us have counted in.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove_former(&self) -> Result<(), PinsError> {
        for number in self.pins.former()? {
            self.pins.remove_former(number)?;
        }
        Ok(())
    }

    /// Detaches from every device and removes all pins.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(self) -> Result<(), PinsError> {
        self.pins.remove_all()
    }
}

/// The link in a pin, and the number of its program.
fn open(pin: &PathBuf) -> Result<(XdpLink, u32), AttachError> {
    let read = || {
        let link = FdLink::from(PinnedLink::from_pin(pin)?);
        let program = link.info()?.program_id();
        Ok((XdpLink::try_from(link)?, program))
    };
    read().map_err(|source| AttachError::Pin {
        path: pin.clone(),
        source,
    })
}

fn fits(mode: Mode, place: XdpPlace) -> bool {
    match mode {
        Mode::Native => place == XdpPlace::Native,
        Mode::Generic => place == XdpPlace::Generic,
        Mode::Auto => place != XdpPlace::Other,
    }
}

fn refused(
    device: &str,
    place: XdpPlace,
    advice: &'static str,
    source: ProgramError,
) -> AttachError {
    AttachError::Refused {
        device: device.to_owned(),
        place,
        advice,
        source: Box::new(source),
    }
}

/// An error with its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
