//! Bit rates as they are measured.

/// Bits per second in a handy unit.
#[must_use]
pub(super) fn bits(bits: f64) -> String {
    match bits {
        1e9.. => format!("{:.2} Gbit/s", bits / 1e9),
        1e6.. => format!("{:.2} Mbit/s", bits / 1e6),
        _ => format!("{:.1} kbit/s", bits / 1e3),
    }
}
