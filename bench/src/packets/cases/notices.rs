//! What the sender is told of: extension headers that have to be understood and are not (TS 29.281 clauses 5.2.1 and
//! 7.2.3), and TEIDs that nobody has (clause 7.3.1).

use super::{Case, Expected, SLOT, case, g_pdu, to_router, transmits, with_v4};
use crate::packets::frames::{from_gnb, from_gnb_v6, from_ue, gtpu};
use crate::packets::world::{QFI, World, teid};
use upf_common::abi::control_flags;
use upf_common::drop_reason::{DropReason, PuntReason};

pub(super) fn notices() -> Vec<Case> {
    let packet = from_ue(SLOT);
    let with = |extensions: &[u8]| {
        let rest = [extensions, &packet].concat();
        gtpu(0x34, 255, teid(SLOT), &rest)
    };
    let unsupported = Expected::HandedOn(
        DropReason::UnsupportedExtension,
        PuntReason::UnsupportedExtension,
    );
    let unknown = Expected::HandedOn(DropReason::UnknownTeid, PuntReason::UnknownTeid);
    let refused = |name, frame| case(name, with_v4(), frame, unsupported.clone());
    let passes = |name, extensions: &[u8]| {
        let frame = from_gnb(&with(extensions));
        case(name, with_v4(), frame, transmits(to_router(&packet)))
    };
    let tells = || World {
        control_flags: control_flags::ERROR_INDICATIONS,
        ..World::new()
    };
    let behind = [0, 0, 0, 0x85, 1, 0x10, QFI, 0x90, 1, 9, 9, 0];
    vec![
        refused(
            "an extension header that the endpoint has to understand, 0xc1",
            from_gnb(&with(&[0, 0, 0, 0xc1, 1, 9, 9, 0])),
        ),
        refused(
            "an extension header that the receiver has to understand, 0x90",
            from_gnb(&with(&[0, 0, 0, 0x90, 1, 9, 9, 0])),
        ),
        refused(
            "an extension header of that kind behind one that is understood",
            from_gnb(&with(&behind)),
        ),
        refused(
            "an extension header of that kind over IPv6",
            from_gnb_v6(&with(&[0, 0, 0, 0x90, 1, 9, 9, 0])),
        ),
        passes(
            "a PDCP PDU number, 0xc0",
            &[0, 0, 0, 0xc0, 1, 0x12, 0x34, 0],
        ),
        passes(
            "a long PDCP PDU number, 0x82",
            &[0, 0, 0, 0x82, 2, 1, 2, 3, 0, 0, 0, 0],
        ),
        passes("a Xw RAN container, 0x83", &[0, 0, 0, 0x83, 1, 9, 9, 0]),
        passes("a NR RAN container, 0x84", &[0, 0, 0, 0x84, 1, 9, 9, 0]),
        passes("a RAN container, 0x81", &[0, 0, 0, 0x81, 1, 9, 9, 0]),
        passes(
            "an unknown extension header that may be left out, 0x3f",
            &[0, 0, 0, 0x3f, 1, 9, 9, 0],
        ),
        passes(
            "an unknown extension header that others have to understand, 0x50",
            &[0, 0, 0, 0x50, 1, 9, 9, 0],
        ),
        case(
            "nobody's TEID, where the sender is told",
            tells(),
            from_gnb(&g_pdu(SLOT, &packet)),
            unknown.clone(),
        ),
        case(
            "nobody's TEID over IPv6, where the sender is told",
            tells(),
            from_gnb_v6(&g_pdu(SLOT, &packet)),
            unknown,
        ),
    ]
}
