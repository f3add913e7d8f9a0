//! Tests of the codec as a whole. Bytes are written as TS 29.244 orders them.

pub(crate) mod bytes;
mod errors;
mod headers;
mod open5gs;
mod round_trip;
mod rule_values;
pub(crate) mod strategies;
mod values;

use super::{Decoded, decode, frames};

/// Reads the first message of a datagram.
fn decoded(datagram: &[u8]) -> Result<Decoded, super::DecodeError> {
    let frame = frames(datagram).next().unwrap().unwrap();
    decode(&frame).unwrap()
}
