//! Replays a folder of messages that others made, and says what agrees: `cargo xtask vectors DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
#[command(about = "Replay a folder of PFCP and GTP-U messages, and compare")]
struct Arguments {
    /// The folder
    folder: PathBuf,
}

fn main() -> Result<ExitCode> {
    let reports = bench::vectors::replay(&Arguments::parse().folder)?;
    for report in &reports {
        print!("{report}");
    }
    let is_clean = reports.iter().all(bench::vectors::Report::is_clean);
    println!(
        "\n{}",
        if is_clean {
            "all agree"
        } else {
            "some DISAGREE"
        }
    );
    Ok(if is_clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
