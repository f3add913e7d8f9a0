//! Messages built from bytes, without the encoder.

/// An IE.
pub(crate) fn tlv(kind: u16, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(value.len()).unwrap();
    [&kind.to_be_bytes(), &len.to_be_bytes(), value].concat()
}

/// A grouped IE.
pub(crate) fn group(kind: u16, children: &[Vec<u8>]) -> Vec<u8> {
    tlv(kind, &children.concat())
}

/// A message of nodes.
pub(crate) fn node_message(kind: u8, sequence: u32, ies: &[Vec<u8>]) -> Vec<u8> {
    let body = [&(sequence << 8).to_be_bytes()[..], &ies.concat()].concat();
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x20, kind][..], &len, &body].concat()
}

/// A message about a session.
pub(crate) fn session_message(kind: u8, seid: u64, sequence: u32, ies: &[Vec<u8>]) -> Vec<u8> {
    let sequence = (sequence << 8).to_be_bytes();
    let body = [&seid.to_be_bytes()[..], &sequence, &ies.concat()].concat();
    let len = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[0x21, kind][..], &len, &body].concat()
}

/// Node ID 192.0.2.1.
pub(crate) fn node_id() -> Vec<u8> {
    tlv(60, &[0, 192, 0, 2, 1])
}

/// F-SEID 0x55 at 192.0.2.1.
pub(crate) fn cp_f_seid() -> Vec<u8> {
    tlv(57, &[2, 0, 0, 0, 0, 0, 0, 0, 0x55, 192, 0, 2, 1])
}

/// Create PDR 1 from the access side, with more IEs of its PDI.
pub(crate) fn create_pdr(pdi: &[Vec<u8>]) -> Vec<u8> {
    let pdi = [&[tlv(20, &[0])], pdi].concat();
    group(1, &[tlv(56, &[0, 1]), group(2, &pdi)])
}

/// Create FAR 1, DROP.
pub(crate) fn create_far() -> Vec<u8> {
    group(3, &[tlv(108, &[0, 0, 0, 1]), tlv(44, &[1])])
}

/// Session Establishment Request with these IEs in place of the usual rules.
pub(crate) fn establishment(rules: &[Vec<u8>]) -> Vec<u8> {
    let ies = [&[node_id(), cp_f_seid()], rules].concat();
    session_message(50, 0, 1, &ies)
}

/// What Open5GS asks for at the start of a PDU session: four PDRs, a BAR and a URR.
pub(crate) fn open5gs_establishment(sequence: u32) -> Vec<u8> {
    let n3 = || tlv(22, b"\x08internet");
    let id = |kind, id: u8| tlv(kind, &[0, 0, 0, id]);
    let precedence = |value: u32| tlv(29, &value.to_be_bytes());
    let downlink = group(
        2,
        &[
            tlv(20, &[1]),
            n3(),
            tlv(93, &[0x06, 10, 45, 0, 2]),
            tlv(160, &[17]),
        ],
    );
    let uplink = group(
        2,
        &[
            tlv(20, &[0]),
            tlv(21, &[0x0f, 5]),
            n3(),
            tlv(124, &[1]),
            tlv(160, &[11]),
        ],
    );
    let advertisement = group(2, &[tlv(20, &[3]), tlv(21, &[0x07]), n3()]);
    let flow = b"permit out 58 from ff02::2/128 to assigned";
    let filter = [&[0x01, 0, 0, flow.len() as u8][..], flow].concat();
    let solicitation = group(
        2,
        &[tlv(20, &[0]), tlv(21, &[0x0f, 5]), n3(), tlv(23, &filter)],
    );
    let removal = || tlv(95, &[6]);
    let to_smf = [&[0x01, 0, 0, 0, 0, 1][..], &[192, 0, 2, 1]].concat();
    let ies = [
        node_id(),
        cp_f_seid(),
        group(
            1,
            &[
                tlv(56, &[0, 1]),
                precedence(65535),
                downlink,
                id(108, 1),
                id(81, 1),
                id(109, 1),
            ],
        ),
        group(
            1,
            &[
                tlv(56, &[0, 2]),
                precedence(65535),
                uplink,
                removal(),
                id(108, 2),
                id(109, 1),
            ],
        ),
        group(
            1,
            &[
                tlv(56, &[0, 3]),
                precedence(255),
                advertisement,
                removal(),
                id(108, 1),
            ],
        ),
        group(
            1,
            &[
                tlv(56, &[0, 4]),
                precedence(255),
                solicitation,
                removal(),
                id(108, 3),
            ],
        ),
        group(3, &[id(108, 1), tlv(44, &[0x0c, 0]), tlv(88, &[1])]),
        group(
            3,
            &[id(108, 2), tlv(44, &[2]), group(4, &[tlv(42, &[1]), n3()])],
        ),
        group(
            3,
            &[
                id(108, 3),
                tlv(44, &[2, 0]),
                group(4, &[tlv(42, &[3]), tlv(84, &to_smf)]),
            ],
        ),
        group(6, &[id(81, 1), tlv(62, &[2]), tlv(37, &[2, 0, 0])]),
        group(
            7,
            &[
                id(109, 1),
                tlv(25, &[0]),
                tlv(26, &[0, 0, 0x0f, 0x42, 0x40, 0, 0, 0x0f, 0x42, 0x40]),
                tlv(124, &[1]),
            ],
        ),
        group(85, &[tlv(88, &[1])]),
        tlv(113, &[1]),
        tlv(141, &[1, 8, 0x00, 0x01, 0x01, 0x21, 0x43, 0x65, 0x87, 0xf9]),
        tlv(159, b"\x08internet"),
        tlv(257, &[1, 0xff, 0xff, 0xff]),
    ];
    session_message(50, 0, sequence, &ies)
}
