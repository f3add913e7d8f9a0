//! The lab, as a program; see [`bench::lab`].

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match bench::lab::run(&bench::lab::Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
