//! `cargo xtask run`: the agent with a config, the lab without.

use std::{os::unix::process::CommandExt as _, process::Command};

use anyhow::{Context as _, Result};

use crate::{build, command, host, setup};

/// Builds all, then becomes the agent or the lab: signals and the exit code are theirs.
pub(crate) fn agent_or_lab(arguments: &[String]) -> Result<()> {
    let needs_root = !arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h");
    if needs_root {
        host::require_root("loading BPF programs and making network namespaces")?;
    }
    build::everything(&setup::for_lab()?)?;
    let target = command::root().join("target/release");
    let mut program = if has_config(arguments) {
        command::heading("agent");
        let mut agent = Command::new(target.join("upf"));
        agent.arg("run");
        agent
    } else {
        command::heading("lab");
        Command::new(target.join("upf-lab"))
    };
    program.args(arguments);
    Err(program.exec()).with_context(|| format!("cannot start `{}`", command::line(&program)))
}

fn has_config(arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|argument| argument == "--config" || argument.starts_with("--config="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_means_the_agent() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(has_config(&words("--config upf.toml")));
        assert!(has_config(&words("--config=upf.toml")));
        assert!(!has_config(&words("--seconds 20 --sims 1000")));
    }
}
