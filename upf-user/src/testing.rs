//! For tests of this repository.

/// The environment variable that has tests run in full length.
pub const LONG_TESTS: &str = "UPF_LONG_TESTS";

/// How much a test does: `ordinary`, or `long` with `cargo xtask test --long`.
#[must_use]
pub fn amount<T>(ordinary: T, long: T) -> T {
    let is_long = std::env::var_os(LONG_TESTS).is_some_and(|value| value == "1");
    if is_long { long } else { ordinary }
}
