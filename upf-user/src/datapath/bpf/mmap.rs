//! BPF arrays in our own memory, without a system call for each access.
//!
//! The kernel lays out a `BPF_F_MMAPABLE` array from a page boundary on, with every entry rounded up to
//! eight bytes. Packets read and write the same memory at the same time, so it is only ever touched as
//! atomic words: there is no reference to a record in it.

use std::io;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use upf_common::abi::Plain;

const WORD: usize = size_of::<u64>();

/// Words that a record takes.
pub(super) const fn words_of<T>() -> usize {
    size_of::<T>().div_ceil(WORD)
}

/// A record as words; what is beyond its end is zero.
pub(super) fn to_words<T: Plain, const N: usize>(record: &T) -> [u64; N] {
    const { assert!(N == words_of::<T>()) };
    let mut words = [0_u64; N];
    // SAFETY: `Plain` records are bytes without padding, the words are large enough (asserted above), and
    // the two do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(record).cast::<u8>(),
            words.as_mut_ptr().cast::<u8>(),
            size_of::<T>(),
        );
    }
    words
}

/// A record from words.
pub(super) fn from_words<T: Plain, const N: usize>(words: &[u64; N]) -> T {
    const { assert!(N == words_of::<T>()) };
    // SAFETY: the words hold at least a record's bytes (asserted above), every pattern of which is valid
    // for `Plain`; the read may be unaligned.
    unsafe { words.as_ptr().cast::<T>().read_unaligned() }
}

/// Stores a record word by word. Readers must not look before something else tells them to.
pub(super) fn store<T: Plain, const N: usize>(memory: &[AtomicU64; N], record: &T) {
    for (word, value) in memory.iter().zip(to_words::<T, N>(record)) {
        word.store(value, Ordering::Relaxed);
    }
}

/// Loads a record word by word.
pub(super) fn load<T: Plain, const N: usize>(memory: &[AtomicU64; N]) -> T {
    let mut words = [0; N];
    for (value, word) in words.iter_mut().zip(memory) {
        *value = word.load(Ordering::Relaxed);
    }
    from_words(&words)
}

/// A `BPF_F_MMAPABLE` array of `T`, whose entries are `N` words each.
pub(super) struct MappedArray<T: Plain, const N: usize> {
    base: NonNull<AtomicU64>,
    len: u32,
    bytes: NonZeroUsize,
    records: PhantomData<T>,
}

// SAFETY: the memory belongs to this value until it is dropped, and is only touched by atomic accesses.
unsafe impl<T: Plain, const N: usize> Send for MappedArray<T, N> {}
// SAFETY: as above.
unsafe impl<T: Plain, const N: usize> Sync for MappedArray<T, N> {}

impl<T: Plain, const N: usize> MappedArray<T, N> {
    /// Maps `len` entries of the array behind `map`.
    ///
    /// # Errors
    /// When the kernel refuses: the array is shorter, or not `BPF_F_MMAPABLE`.
    pub(super) fn new(map: impl AsFd, len: u32) -> io::Result<Self> {
        const { assert!(N == words_of::<T>()) };
        let bytes = (len as usize)
            .checked_mul(N * WORD)
            .and_then(NonZeroUsize::new)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh mapping at an address of the kernel's choice, which nothing else uses.
        let base = unsafe { mmap(None, bytes, protection, MapFlags::MAP_SHARED, map, 0) }?;
        Ok(Self {
            base: base.cast(),
            len,
            bytes,
            records: PhantomData,
        })
    }

    /// Number of entries.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The words of an entry.
    pub(super) fn entry(&self, index: u32) -> Option<&[AtomicU64; N]> {
        if index >= self.len {
            return None;
        }
        // SAFETY: the index is within the mapping, which is page-aligned, lives as long as `self`, and is
        // only touched by atomic accesses of words.
        Some(unsafe { self.base.add(index as usize * N).cast().as_ref() })
    }

    /// Stores a record, see [`store`]; false where there is no such entry.
    pub(super) fn store(&self, index: u32, record: &T) -> bool {
        self.entry(index)
            .map(|memory| store(memory, record))
            .is_some()
    }
}

impl<T: Plain, const N: usize> Drop for MappedArray<T, N> {
    fn drop(&mut self) {
        // SAFETY: what `new` has mapped, and no reference outlives `self`. It cannot fail for these
        // arguments, and there would be nothing to do about it.
        let _ = unsafe { munmap(self.base.cast(), self.bytes.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use upf_common::abi::{Peer, UeKey, mapped};

    #[test]
    fn records_survive_the_way_through_words() {
        let peer = Peer {
            local: mapped([10, 1, 0, 2]),
            remote: mapped([10, 1, 0, 1]),
            instance: 0x0102_0304,
            checksum_base: 0xffff_fffe,
            ..Peer::default()
        };
        let memory: [AtomicU64; 6] = Default::default();
        store(&memory, &peer);
        assert_eq!(load::<Peer, 6>(&memory), peer);
    }

    #[test]
    fn what_is_beyond_a_record_is_zero() {
        let key = UeKey {
            address: [0xff; 16],
            instance: u32::MAX,
        };
        let words = to_words::<UeKey, 3>(&key);
        assert_eq!(words[..2], [u64::MAX; 2]);
        assert_eq!(words[2].to_ne_bytes()[4..], [0; 4]);
        assert_eq!(from_words::<UeKey, 3>(&words), key);
    }
}
