#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bench::fuzz::gtpu_parse::run(input));
