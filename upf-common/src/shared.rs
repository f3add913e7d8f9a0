//! Records that several CPUs and the agent read and write at the same time.
//!
//! `core`'s atomic types do not compile for BPF, whose instruction set has the operations nonetheless. This
//! module has one spelling of them for both hosts, and [`Half`], the view of a slot's direction through them.

mod account;

use core::ptr::NonNull;

pub use account::{Account, Count, Left, count_record_drop, count_slot_drop};

use crate::abi::{Direction, LimitDirection, Rules, State, limit_flags};
use crate::meter::{Bucket, Rate};
use crate::snapshot::Snapshot;

/// Attempts to read rules while the agent replaces them.
const ATTEMPTS: u32 = 4;

#[cfg(target_arch = "bpf")]
mod operations {
    use core::intrinsics::{AtomicOrdering, atomic_cxchg, atomic_xadd};

    #[inline(always)]
    pub(super) unsafe fn add(at: *mut u64, value: u64) {
        // SAFETY: as the caller promises.
        unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(at, value) };
    }

    #[inline(always)]
    pub(super) unsafe fn compare_exchange(at: *mut u64, current: u64, new: u64) -> u64 {
        // SAFETY: as the caller promises.
        unsafe {
            atomic_cxchg::<u64, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(
                at, current, new,
            )
            .0
        }
    }

    /// The same number, of which the compiler knows nothing any more.
    #[inline(always)]
    pub(super) fn opaque(mut number: u64) -> u64 {
        // SAFETY: moves a register onto itself.
        unsafe { core::arch::asm!("{0} = {0}", inout(reg) number, options(nomem, nostack)) };
        number
    }

    /// The same number, of which the verifier knows nothing any more: what differs by it alone is one state to it.
    #[inline(always)]
    pub(super) fn forget(mut number: u64, unknown: u64) -> u64 {
        // SAFETY: arithmetic on registers; twice the same is nothing at all.
        unsafe {
            core::arch::asm!("{0} ^= {1}", "{0} ^= {1}", inout(reg) number, in(reg) unknown,
                options(pure, nomem, nostack));
        }
        number
    }

    /// Keeps the compiler from moving memory accesses across. x86 keeps loads in order by itself; other processors
    /// would need a load-acquire, which BPF has from its fourth version on.
    #[inline(always)]
    pub(super) fn barrier() {
        // SAFETY: no instruction at all.
        unsafe { core::arch::asm!("") };
    }
}

#[cfg(not(target_arch = "bpf"))]
mod operations {
    use core::sync::atomic::{AtomicU64, Ordering, fence};

    #[inline(always)]
    pub(super) unsafe fn add(at: *mut u64, value: u64) {
        // SAFETY: as the caller promises.
        unsafe { AtomicU64::from_ptr(at) }.fetch_add(value, Ordering::Relaxed);
    }

    #[inline(always)]
    pub(super) unsafe fn compare_exchange(at: *mut u64, current: u64, new: u64) -> u64 {
        // SAFETY: as the caller promises.
        let word = unsafe { AtomicU64::from_ptr(at) };
        word.compare_exchange(current, new, Ordering::Relaxed, Ordering::Relaxed)
            .unwrap_or_else(|seen| seen)
    }

    #[inline(always)]
    pub(super) const fn opaque(number: u64) -> u64 {
        number
    }

    #[inline(always)]
    pub(super) const fn forget(number: u64, _: u64) -> u64 {
        number
    }

    #[inline(always)]
    pub(super) fn barrier() {
        fence(Ordering::Acquire);
    }
}

/// The same number, of which the compiler knows nothing any more: arithmetic with it stays arithmetic, where it would make a branch
/// of it otherwise, and numbers that go through here are worked out one after the other, where it would mix them and run out of
/// registers.
#[inline(always)]
#[must_use]
pub fn opaque(number: u64) -> u64 {
    operations::opaque(number)
}

/// The same number, with which BPF's verifier does not go on for each of its values by itself. `unknown` is any number of
/// which it knows nothing.
#[inline(always)]
#[must_use]
pub fn forget(number: u64, unknown: u64) -> u64 {
    operations::forget(number, unknown)
}

/// Keeps the compiler from moving memory accesses across; x86 keeps those of one kind in order by itself.
#[inline(always)]
pub fn barrier() {
    operations::barrier();
}

/// A word that packets on any CPU change.
#[derive(Clone, Copy, Debug)]
pub struct Word(NonNull<u64>);

impl Word {
    /// A view of the word at `at`.
    ///
    /// # Safety
    /// `at` is aligned and stays valid while the view is used, and nobody accesses it but through single loads,
    /// stores and atomic operations.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn new(at: NonNull<u64>) -> Self {
        Self(at)
    }

    /// Adds, wrapping.
    #[inline(always)]
    pub fn add(self, value: u64) {
        // SAFETY: valid and shared as `new` demands.
        unsafe { operations::add(self.0.as_ptr(), value) };
    }

    /// A single store.
    #[inline(always)]
    pub fn store(self, value: u64) {
        // SAFETY: valid and aligned as `new` demands; a single store.
        unsafe { self.0.as_ptr().write_volatile(value) };
    }
}

impl Bucket for Word {
    #[inline(always)]
    fn load(&self) -> u64 {
        // SAFETY: valid and aligned as `new` demands; a single load.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    #[inline(always)]
    fn compare_exchange(&self, current: u64, new: u64) -> u64 {
        // SAFETY: valid and shared as `new` demands.
        unsafe { operations::compare_exchange(self.0.as_ptr(), current, new) }
    }

    #[inline(always)]
    fn subtract(&self, ticks: u64) {
        self.add(ticks.wrapping_neg());
    }
}

/// One direction of a slot under traffic.
#[derive(Clone, Copy, Debug)]
pub struct Half(NonNull<Direction>);

impl Half {
    /// A view of the record at `at`.
    ///
    /// # Safety
    /// `at` is aligned and stays valid while the view is used. The agent replaces rules as [`crate::abi::Slot`]
    /// describes, and the state is changed by single stores and atomic operations only.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn new(at: NonNull<Direction>) -> Self {
        Self(at)
    }

    /// The rules in force, whole; `None` if the agent replaced them more often than they could be read.
    #[inline(always)]
    #[must_use]
    pub fn rules(self) -> Option<Snapshot> {
        for _ in 0..ATTEMPTS {
            let version = self.version();
            operations::barrier();
            // SAFETY: in bounds: the record has two copies. The copy may be torn by the agent; such a one is not
            // used, because the version has changed then.
            let rules = unsafe {
                let copies = (&raw const (*self.0.as_ptr()).rules).cast::<Rules>();
                Snapshot::read(copies.add((version & 1) as usize))
            };
            operations::barrier();
            if self.version() == version {
                return Some(rules);
            }
        }
        None
    }

    /// TEID and verdict of the rules in force: enough to see whether this is the right slot. They may be
    /// replaced at any time, so [`Self::rules`] has to be asked again.
    #[inline(always)]
    #[must_use]
    pub fn glance(self) -> ([u8; 4], u8) {
        let copy = (self.version() & 1) as usize;
        // SAFETY: in bounds: the record has two copies; single loads of what may change meanwhile.
        unsafe {
            let rules = (&raw const (*self.0.as_ptr()).rules)
                .cast::<Rules>()
                .add(copy);
            let teid = (&raw const (*rules).teid).cast::<u32>().read_volatile();
            (
                teid.to_ne_bytes(),
                (&raw const (*rules).verdict).read_volatile(),
            )
        }
    }

    #[inline(always)]
    fn version(self) -> u32 {
        // SAFETY: valid and aligned as `new` demands; a single load.
        unsafe { (&raw const (*self.0.as_ptr()).state.version).read_volatile() }
    }

    /// The meter's rate. Its two words may be those of two rates while the agent changes it, for as long as that takes.
    #[inline(always)]
    #[must_use]
    pub fn rate(self) -> Rate {
        // SAFETY: valid and aligned as `new` demands; single loads.
        unsafe {
            let state = &raw const (*self.0.as_ptr()).state;
            Rate {
                ticks_per_byte: (&raw const (*state).ticks_per_byte).read_volatile(),
                depth: (&raw const (*state).depth).read_volatile(),
            }
        }
    }

    /// The meter's bucket.
    #[inline(always)]
    #[must_use]
    pub fn bucket(self) -> Word {
        self.word(|state| unsafe {
            // SAFETY: projects within the record.
            &raw mut (*state).full_at
        })
    }

    /// The slot's number.
    #[inline(always)]
    #[must_use]
    pub fn slot(self) -> u32 {
        // SAFETY: valid and aligned as `new` demands; a single load.
        unsafe { (&raw const (*self.0.as_ptr()).state.slot).read_volatile() }
    }

    /// The counters of inner packets that were forwarded.
    #[inline(always)]
    #[must_use]
    pub fn count(self) -> Count {
        // SAFETY: the record is valid as `new` demands.
        unsafe { Count::of_state(&raw mut (*self.0.as_ptr()).state) }
    }

    #[inline(always)]
    fn word(self, project: impl FnOnce(*mut State) -> *mut u64) -> Word {
        // SAFETY: the record is valid as `new` demands, and the projection stays inside it, so not null.
        unsafe {
            let state = &raw mut (*self.0.as_ptr()).state;
            Word::new(NonNull::new_unchecked(project(state)))
        }
    }
}

/// One direction of a limit under traffic.
#[derive(Clone, Copy, Debug)]
pub struct LimitHalf(NonNull<LimitDirection>);

impl LimitHalf {
    /// A view of the record at `at`.
    ///
    /// # Safety
    /// `at` is aligned and stays valid while the view is used, and the record is changed by single stores and atomic
    /// operations only.
    #[inline(always)]
    #[must_use]
    pub const unsafe fn new(at: NonNull<LimitDirection>) -> Self {
        Self(at)
    }

    /// Rate, parent and marks, as they are now. While the agent changes them they may be those of two moments, for as
    /// long as that takes.
    #[inline(always)]
    #[must_use]
    pub fn settings(self) -> LimitSettings {
        let limit = self.0.as_ptr();
        // SAFETY: valid and aligned as `new` demands; single loads.
        unsafe {
            LimitSettings {
                ticks_per_byte: (&raw const (*limit).ticks_per_byte).read_volatile(),
                depth: (&raw const (*limit).depth).read_volatile(),
                words: (&raw const (*limit).parent).cast::<u64>().read_volatile(),
            }
        }
    }

    /// The bucket.
    #[inline(always)]
    #[must_use]
    pub fn bucket(self) -> Word {
        // SAFETY: projects within the record, so not null.
        self.word(|limit| unsafe { &raw mut (*limit).full_at })
    }

    /// Counts an inner packet that it marked.
    #[inline(always)]
    pub fn count_marked(self, bytes: u32) {
        // SAFETY: as above.
        self.word(|limit| unsafe { &raw mut (*limit).marked_packets })
            .add(1);
        // SAFETY: as above.
        self.word(|limit| unsafe { &raw mut (*limit).marked_bytes })
            .add(u64::from(bytes));
    }

    /// Counts an inner packet that it held back.
    #[inline(always)]
    pub fn count_dropped(self, bytes: u32) {
        // SAFETY: as above.
        self.word(|limit| unsafe { &raw mut (*limit).dropped_packets })
            .add(1);
        // SAFETY: as above.
        self.word(|limit| unsafe { &raw mut (*limit).dropped_bytes })
            .add(u64::from(bytes));
    }

    #[inline(always)]
    fn word(self, project: impl FnOnce(*mut LimitDirection) -> *mut u64) -> Word {
        // SAFETY: the record is valid as `new` demands, and the projection stays inside it, so not null.
        unsafe { Word::new(NonNull::new_unchecked(project(self.0.as_ptr()))) }
    }
}

/// What a limit demands: [`LimitDirection`]'s fields of these names.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Ticks a byte, or a packet.
    pub ticks_per_byte: u64,
    /// Ticks.
    pub depth: u64,
    /// Parent, level, flags and class, as they lie in memory.
    words: u64,
}

impl LimitSettings {
    /// The next limit.
    #[inline(always)]
    #[must_use]
    pub const fn parent(self) -> u32 {
        self.words as u32
    }

    /// One of [`crate::abi::level`].
    #[inline(always)]
    #[must_use]
    pub const fn level(self) -> u8 {
        (self.words >> 32) as u8
    }

    /// Whether a bit of [`crate::abi::limit_flags`] is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(self, flag: u8) -> bool {
        (self.words >> 40) as u8 & flag != 0
    }

    /// 1 if [`crate::abi::limit_flags::MARK`] is set, 0 if not.
    #[inline(always)]
    #[must_use]
    pub const fn may_mark(self) -> u64 {
        self.words >> (40 + limit_flags::MARK.trailing_zeros()) & 1
    }

    /// The speed class.
    #[inline(always)]
    #[must_use]
    pub const fn class(self) -> u16 {
        (self.words >> 48) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::verdict;

    #[test]
    fn rules_in_force_are_read_and_counters_counted() {
        let mut record = Direction::default();
        record.rules[1].verdict = verdict::DROP;
        record.rules[1].teid = [1, 2, 3, 4];
        record.state.version = 7;
        // SAFETY: the record outlives the view, and only the view touches it meanwhile.
        let half = unsafe { Half::new(NonNull::from(&mut record)) };
        let rules = half.rules().unwrap();
        assert_eq!(rules, Snapshot::of(&record.rules[1]));
        assert_eq!(half.glance(), ([1, 2, 3, 4], verdict::DROP));
        half.count().count(100, 5);
        half.count().count(50, 6);
        assert_eq!(half.bucket().compare_exchange(0, 9), 0);
        assert_eq!(half.bucket().compare_exchange(0, 1), 9);
        let state = record.state;
        assert_eq!((state.packets, state.bytes), (2, 150));
        assert_eq!(state.last_ns, 6);
        assert_eq!(state.full_at, 9);
    }

    #[test]
    fn no_reader_sees_half_a_change() {
        struct Racing(core::cell::UnsafeCell<Direction>);
        // SAFETY: accessed as the latch demands: volatile and atomic operations only.
        unsafe impl Sync for Racing {}
        let record = Racing(Direction::default().into());
        let record = &record;
        let done = core::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let at = record.0.get();
                for n in 1..200_000u32 {
                    // SAFETY: this is the only writer, and it follows the latch.
                    unsafe {
                        let copy = (&raw mut (*at).rules).cast::<Rules>().add((n & 1) as usize);
                        let rules = Rules {
                            teid: n.to_be_bytes(),
                            peer_teid: n.to_be_bytes(),
                            ..Rules::default()
                        };
                        copy.write_volatile(rules);
                        core::sync::atomic::fence(core::sync::atomic::Ordering::Release);
                        (&raw mut (*at).state.version).write_volatile(n);
                    }
                }
                done.store(true, core::sync::atomic::Ordering::Relaxed);
            });
            // SAFETY: the record outlives the scope.
            let half = unsafe { Half::new(NonNull::new_unchecked(record.0.get())) };
            let mut seen = 0;
            while !done.load(core::sync::atomic::Ordering::Relaxed) {
                if let Some(rules) = half.rules() {
                    assert_eq!(rules.teid(), rules.peer_teid());
                    seen += 1;
                }
            }
            assert!(seen > 0);
        });
    }
}
