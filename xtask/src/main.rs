//! The commands of this repository: `cargo xtask setup | build | run | test | bench | fuzz | vectors`.
//!
//! Each of them does the set-up that it needs first, so that a fresh clone needs no other command.

mod bench;
mod build;
mod command;
mod ebpf;
mod fuzz;
mod host;
mod packages;
mod run;
mod setup;
mod test;
mod toolchain;
mod vectors;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Set up, build, run and prove the user plane"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need, where it is missing
    Setup,
    /// Build the eBPF object, the agent (target/release/upf) and the lab
    Build,
    /// Run the agent with `--config FILE`, otherwise the lab; everything after `--` is passed on
    Run {
        /// Arguments of `upf run` or of the lab
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every test: unit, property, in-kernel and end to end (needs root)
    Test {
        /// In full length what is shortened otherwise
        #[arg(long)]
        long: bool,
        /// Arguments of the test runner, such as a part of a test's name
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure: ns per packet in the kernel, criterion figures of codec and meter (needs root)
    Bench {
        /// Arguments of the in-kernel bench
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Fuzz with cargo-fuzz: a target, or each of them
    Fuzz {
        /// pfcp_decode, pfcp_sequence, gtpu_parse or flow_description
        target: Option<String>,
        /// How long, for each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Replay a folder of messages that others made, and compare
    Vectors {
        /// The folder
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    match perform(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The chain of causes; a backtrace of a build command helps nobody.
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Setup => setup::everything().map(drop),
        Command::Build => build::everything(&setup::for_building()?),
        Command::Run { arguments } => run::agent_or_lab(&arguments),
        Command::Test { long, arguments } => test::everything(long, &arguments),
        Command::Bench { arguments } => bench::everything(&arguments),
        Command::Fuzz { target, seconds } => fuzz::targets(target.as_deref(), seconds),
        Command::Vectors { folder } => vectors::replay(&folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(words: &[&str]) -> (bool, Vec<String>) {
        let words = ["xtask", "test"].iter().chain(words);
        match Arguments::try_parse_from(words).map(|arguments| arguments.command) {
            Ok(Command::Test { long, arguments }) => (long, arguments),
            _ => panic!("not a test"),
        }
    }

    #[test]
    fn long_is_ours_and_the_rest_is_the_test_runner_s() {
        let text = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(test(&[]), (false, Vec::new()));
        assert_eq!(test(&["--long"]), (true, Vec::new()));
        assert_eq!(test(&["--long", "refills"]), (true, text(&["refills"])));
        assert_eq!(
            test(&["--long", "--", "--no-capture", "refills"]),
            (true, text(&["--no-capture", "refills"]))
        );
        assert_eq!(test(&["refills"]), (false, text(&["refills"])));
    }
}
