//! Running other programs, and saying so.

use std::{
    ffi::OsStr,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .canonicalize()
        .unwrap_or_else(|_| PathBuf::from("."))
}

/// The cargo that started us, in the repository's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Prints a heading, so that the output of what follows can be told apart.
pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
    // What follows is often a child that writes to the same pipe.
    std::io::stdout().flush().ok();
}

/// Prints a line about a step.
pub(crate) fn say(text: &str) {
    println!("   {text}");
    std::io::stdout().flush().ok();
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command that shows its own progress.
pub(crate) fn show(command: &mut Command) -> Result<()> {
    let text = line(command);
    say(&format!("$ {text}"));
    let status = command
        .status()
        .with_context(|| format!("cannot start `{text}`"))?;
    if !status.success() {
        bail!("`{text}` failed ({status})");
    }
    Ok(())
}

/// Runs a command that talks too much behind a spinner; its output is shown when it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let text = line(command);
    say(&format!("$ {text}"));
    let spinner = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("   {spinner} {elapsed}").context("spinner")?);
    spinner.enable_steady_tick(Duration::from_millis(200));
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{text}`"))?;
    spinner.finish_and_clear();
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        std::io::stderr().write_all(&output.stderr)?;
        bail!("`{text}` failed ({})", output.status);
    }
    say(&format!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Whether the command runs and ends well; its output is not shown.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What the command prints, if it runs and ends well.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
