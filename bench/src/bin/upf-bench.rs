//! ns per packet of the XDP program; see [`bench::figures`].

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match bench::figures::run(&bench::figures::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
