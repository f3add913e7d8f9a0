//! Rules as the fast path holds them: in words, which stay in registers, where a structure of small fields would be
//! copied about on BPF's small stack.

use crate::abi::Rules;

#[cfg(target_endian = "big")]
compile_error!("the fast path reads fields out of little-endian words");

/// Words of [`Rules`].
const WORDS: usize = size_of::<Rules>() / 8;

/// A whole copy of [`Rules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot([u64; WORDS]);

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        #[must_use]
        pub const fn $name(&self) -> $type {
            let offset = core::mem::offset_of!(Rules, $name);
            (self.0[offset / 8] >> (offset % 8 * 8)) as $type
        }
    )*};
}

impl Snapshot {
    /// Copies, word by word, what somebody else may be writing.
    ///
    /// # Safety
    /// `at` is aligned and valid for reads.
    #[inline(always)]
    #[must_use]
    pub unsafe fn read(at: *const Rules) -> Self {
        let mut words = [0; WORDS];
        for (index, word) in words.iter_mut().enumerate() {
            // SAFETY: inside the record, aligned as it is, and every bit pattern is a number.
            *word = unsafe { at.cast::<u64>().add(index).read_volatile() };
        }
        Self(words)
    }

    /// Copies what nobody writes.
    #[inline(always)]
    #[must_use]
    pub fn of(rules: &Rules) -> Self {
        // SAFETY: a reference is aligned and valid.
        unsafe { Self::read(rules) }
    }

    fields! {
        /// [`Rules::verdict`].
        verdict: u8;
        /// [`Rules::flags`].
        flags: u8;
        /// [`Rules::qfi`].
        qfi: u8;
        /// [`Rules::match_qfi`].
        match_qfi: u8;
        /// [`Rules::dscp`].
        dscp: u8;
        /// [`Rules::pdu_type`].
        pdu_type: u8;
        /// [`Rules::is_downlink`].
        is_downlink: u8;
        /// [`Rules::instance`].
        instance: u32;
        /// [`Rules::peer`].
        peer: u32;
        /// [`Rules::meter_slot`].
        meter_slot: u32;
        /// [`Rules::list`].
        list: u32;
        /// [`Rules::teid`], in memory order.
        teid: u32;
        /// [`Rules::peer_teid`], in memory order.
        peer_teid: u32;
        /// [`Rules::ue_v4`], in memory order.
        ue_v4: u32;
        /// [`Rules::ue_v6`], in memory order.
        ue_v6: u64;
        /// [`Rules::limit`].
        limit: u32;
        /// [`Rules::marking`].
        marking: u8;
        /// [`Rules::framed_slot`].
        framed_slot: u32;
        /// [`Rules::framed_instance`].
        framed_instance: u32;
        /// [`Rules::duplicate`].
        duplicate: u32;
        /// [`Rules::usage`].
        usage: u32;
    }

    /// Whether a bit of [`crate::abi::flags`] is set.
    #[inline(always)]
    #[must_use]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags() & flag != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found() {
        let rules = Rules {
            teid: [1, 2, 3, 4],
            ue_v4: [10, 45, 0, 1],
            ue_v6: [0x20, 1, 0x0d, 0xb8, 5, 6, 7, 8],
            verdict: 1,
            flags: 0x82,
            qfi: 9,
            match_qfi: 5,
            dscp: 46,
            pdu_type: 1,
            is_downlink: 1,
            marking: 0x5a,
            instance: 7,
            peer: 8,
            peer_teid: [9, 8, 7, 6],
            meter_slot: 11,
            limit: 14,
            list: 12,
            framed_slot: 15,
            framed_instance: 17,
            duplicate: 16,
            usage: 18,
        };
        let copy = Snapshot::of(&rules);
        assert_eq!(copy.teid().to_ne_bytes(), rules.teid);
        assert_eq!(copy.peer_teid().to_ne_bytes(), rules.peer_teid);
        assert_eq!(copy.ue_v4().to_ne_bytes(), rules.ue_v4);
        assert_eq!(copy.ue_v6().to_ne_bytes(), rules.ue_v6);
        assert_eq!((copy.verdict(), copy.flags()), (1, 0x82));
        assert_eq!((copy.qfi(), copy.match_qfi(), copy.dscp()), (9, 5, 46));
        assert_eq!((copy.instance(), copy.peer(), copy.list()), (7, 8, 12));
        assert_eq!((copy.pdu_type(), copy.is_downlink()), (1, 1));
        assert_eq!(
            (copy.meter_slot(), copy.limit(), copy.marking()),
            (11, 14, 0x5a)
        );
        assert_eq!((copy.framed_slot(), copy.duplicate()), (15, 16));
        assert_eq!((copy.framed_instance(), copy.usage()), (17, 18));
        assert!(copy.has(0x80) && !copy.has(1));
    }
}
