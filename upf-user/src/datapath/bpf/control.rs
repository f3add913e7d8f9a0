//! What the agent tells the fast path as a whole.

use std::io;
use std::mem::offset_of;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use upf_common::abi::{ABI_VERSION, Control};

use super::mmap::{MappedArray, from_words, to_words, words_of};

const WORDS: usize = words_of::<Control>();
const FLAGS: usize = offset_of!(Control, flags) / 8;

/// The `CONTROL` map.
pub struct ControlTable {
    record: MappedArray<Control, WORDS>,
    generation: Mutex<u32>,
    flags: Mutex<u32>,
}

impl ControlTable {
    pub(super) fn new(map: impl AsFd) -> io::Result<Self> {
        let table = Self {
            record: MappedArray::new(map, 1)?,
            generation: Mutex::new(0),
            flags: Mutex::new(0),
        };
        table.publish(0);
        Ok(table)
    }

    /// Voids every next hop that the fast path remembers.
    pub fn raise_generation(&self) {
        let mut generation = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *generation = generation.wrapping_add(1);
        self.publish(*generation);
    }

    /// Sets or clears one of [`upf_common::abi::control_flags`].
    pub fn set_flag(&self, flag: u32, is_set: bool) {
        let mut flags = self.flags.lock().unwrap_or_else(PoisonError::into_inner);
        *flags = if is_set {
            *flags | flag
        } else {
            *flags & !flag
        };
        let control = Control {
            flags: *flags,
            ..Control::default()
        };
        let words: [u64; WORDS] = to_words(&control);
        if let Some(entry) = self.record.entry(0) {
            entry[FLAGS].store(words[FLAGS], Ordering::Relaxed);
        }
    }

    /// The generation that packets see.
    #[must_use]
    pub fn generation(&self) -> u32 {
        let mut words = [0; WORDS];
        if let Some(entry) = self.record.entry(0) {
            words[0] = entry[0].load(Ordering::Relaxed);
        }
        from_words::<Control, WORDS>(&words).generation
    }

    /// The first word holds what we write; the rest is the fast path's.
    fn publish(&self, generation: u32) {
        let control = Control {
            generation,
            abi_version: ABI_VERSION,
            ..Control::default()
        };
        let words: [u64; WORDS] = to_words(&control);
        if let Some(entry) = self.record.entry(0) {
            entry[0].store(words[0], Ordering::Release);
        }
    }
}
