//! What the programs take of what BPF's verifier allows, against `upf-ebpf/budget.toml`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use bench::packets::{kernel::Kernel, stack};
use serde::Deserialize;
use upf_user::datapath::bpf::object::OBJECT;

const BUDGET: &str = include_str!("../../../upf-ebpf/budget.toml");

/// The most that a program may take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    /// Instructions that the verifier goes through.
    verified_instructions: u32,
    /// Its stack, with those of the functions that it calls.
    stack_bytes: u32,
}

#[test]
fn the_programs_stay_within_their_budget() -> Result<()> {
    let budgets: BTreeMap<String, Budget> = toml::from_str(BUDGET)?;
    let mut kernel = Kernel::load()?;
    let programs = stack::programs_of(OBJECT)?;
    ensure!(
        programs.iter().eq(budgets.keys()),
        "upf-ebpf/budget.toml is about {:?}, and the programs are {programs:?}",
        budgets.keys()
    );
    let mut beyond = Vec::new();
    for (program, budget) in &budgets {
        let verified = kernel.verified_instructions(program)?;
        let verified = verified.context("this kernel does not tell (5.16 does)")?;
        let stack = stack::bytes_of(OBJECT, program)?;
        println!("{program}: {verified} instructions verified, {stack} bytes of stack");
        for (what, taken, most) in [
            (
                "instructions verified",
                verified,
                budget.verified_instructions,
            ),
            ("bytes of stack", stack, budget.stack_bytes),
        ] {
            if taken > most {
                beyond.push(format!("{program}: {taken} {what}, {most} in the budget"));
            }
        }
    }
    ensure!(
        beyond.is_empty(),
        "{}; see upf-ebpf/budget.toml",
        beyond.join("; ")
    );
    Ok(())
}
