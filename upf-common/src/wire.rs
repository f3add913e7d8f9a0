//! wire

/// The unfolded sum of the 16-bit words of the outer IPv4 header that are the same in every packet to a
/// peer: version and IHL 0x45, ToS 0, identification 0, DF, TTL 64, protocol 17 (UDP) and both addresses, with
/// total length and checksum 0 (RFC 791, RFC 1071).
#[must_use]
pub const fn outer_ipv4_checksum_base(local: [u8; 4], remote: [u8; 4]) -> u32 {
    const VERSION_IHL_TOS: u32 = 0x4500;
    const DONT_FRAGMENT: u32 = 0x4000;
    const TTL_64_UDP: u32 = 0x4011;
    VERSION_IHL_TOS + DONT_FRAGMENT + TTL_64_UDP + words(local) + words(remote)
}

const fn words(bytes: [u8; 4]) -> u32 {
    u16::from_be_bytes([bytes[0], bytes[1]]) as u32
        + u16::from_be_bytes([bytes[2], bytes[3]]) as u32
}
