//! The binary `upf`: thin, everything is in the library.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use upf_user::config::Config;
use upf_user::{agent, logging};

/// The user plane of a 4G/5G core: forwards GTP-U in XDP, driven over PFCP.
///
/// Ends with status 0 when all went well, 1 when not, and 2 when these arguments are wrong.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the agent in the foreground until SIGINT or SIGTERM. Needs root.
    Run {
        #[command(flatten)]
        file: File,
        /// What is logged, such as "info" or "info,upf_user::pfcp=debug"; without it RUST_LOG decides.
        #[arg(long, value_name = "FILTER")]
        log: Option<String>,
    },
    /// Reads the config and says what is wrong with it, file and line.
    Check {
        #[command(flatten)]
        file: File,
    },
}

#[derive(Args)]
struct File {
    /// The config file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run { file, log } => run(&file.config, log.as_deref()),
        Command::Check { file } => check(&file.config),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(file: &Path, log: Option<&str>) -> anyhow::Result<()> {
    let config = Config::load(file)?;
    logging::init(log)?;
    agent::run(config)?;
    Ok(())
}

fn check(file: &Path) -> anyhow::Result<()> {
    let config = Config::load(file)?;
    println!("{}: OK", file.display());
    println!("{}", config.summary());
    Ok(())
}

/// The error and its causes, a line each.
fn told(error: &anyhow::Error) -> String {
    let mut lines: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if lines.last().is_none_or(|last| !last.ends_with(&text)) {
            lines.push(text);
        }
    }
    lines.join("\n  because: ")
}
