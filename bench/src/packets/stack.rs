//! Bytes of stack that a BPF program takes with all the functions that it calls, as BPF's verifier counts them: it allows 512.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aya_obj::Object;
use aya_obj::generated::bpf_insn;

/// The frame pointer's register.
const FRAME: u8 = 10;
/// Classes of instructions, and what tells them apart further (RFC 9669 clause 4).
const CLASS: u8 = 0x07;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const ALU64: u8 = 0x07;
const ADD_NUMBER: u8 = ALU64;
const MOVE_REGISTER: u8 = 0xb0 | 0x08 | ALU64;
const CALL: u8 = 0x85;
/// Source register of a call of another function of the program.
const LOCAL_CALL: u8 = 1;
/// What the x86-64 JIT rounds a frame up to.
const ROUNDING: u32 = 16;

/// The programs of an object, by name.
///
/// # Errors
/// When the object cannot be read.
pub fn programs_of(object: &[u8]) -> Result<BTreeSet<String>> {
    let object = Object::parse(object).context("the eBPF object cannot be read")?;
    Ok(object.programs.into_keys().collect())
}

/// The stack of a program of an object, with the deepest chain of calls.
///
/// # Errors
/// When the object cannot be read, or has no such program.
pub fn bytes_of(object: &[u8], program: &str) -> Result<u32> {
    let mut object = Object::parse(object).context("the eBPF object cannot be read")?;
    let sections = object.functions.keys().map(|(section, _)| *section);
    let sections = sections.collect();
    object.relocate_calls(&sections)?;
    let found = object.programs.get(program);
    let found = found.with_context(|| format!("no program {program}"))?;
    let function = object.functions.get(&(found.section_index, found.address));
    let function = function.with_context(|| format!("no code of {program}"))?;
    Ok(deepest(&function.instructions))
}

/// The stack of the function that comes first, with the deepest chain of calls.
fn deepest(code: &[bpf_insn]) -> u32 {
    let calls: Vec<(usize, usize)> = (0..code.len())
        .filter_map(|at| Some((at, target(code, at)?)))
        .collect();
    let starts: BTreeSet<usize> = [0]
        .into_iter()
        .chain(calls.iter().map(|call| call.1))
        .collect();
    let start_of = |at: usize| starts.range(..=at).next_back().copied().unwrap_or_default();
    let mut callees: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, callee) in calls {
        callees.entry(start_of(at)).or_default().insert(callee);
    }
    let end_of = |start: usize| {
        let mut later = starts.range(start + 1..);
        later.next().copied().unwrap_or(code.len())
    };
    let frames = starts
        .iter()
        .map(|start| (*start, frame(&code[*start..end_of(*start)])));
    chain(0, &frames.collect(), &callees)
}

/// The verifier allows no recursion, so this ends.
fn chain(
    start: usize,
    frames: &BTreeMap<usize, u32>,
    callees: &BTreeMap<usize, BTreeSet<usize>>,
) -> u32 {
    let below = callees.get(&start).into_iter().flatten();
    let below = below.map(|callee| chain(*callee, frames, callees)).max();
    frames.get(&start).copied().unwrap_or_default() + below.unwrap_or_default()
}

/// Where a call of another function of the program leads to.
fn target(code: &[bpf_insn], at: usize) -> Option<usize> {
    let call = &code[at];
    let is_local = call.code == CALL && call.src_reg() == LOCAL_CALL;
    let target = at as i64 + 1 + i64::from(call.imm);
    is_local
        .then(|| usize::try_from(target).ok())
        .flatten()
        .filter(|target| *target < code.len())
}

/// The deepest place of a function's frame that is read, written or pointed to.
fn frame(code: &[bpf_insn]) -> u32 {
    let mut depth = 0;
    let mut is_frame = [false; 16];
    is_frame[usize::from(FRAME)] = true;
    for one in code {
        let (source, destination) = (one.src_reg(), one.dst_reg());
        let base = match one.code & CLASS {
            LDX => Some(source),
            ST | STX => Some(destination),
            _ => None,
        };
        if base == Some(FRAME) {
            depth = depth.max(below(i32::from(one.off)));
        }
        if one.code == MOVE_REGISTER {
            is_frame[usize::from(destination)] = source == FRAME;
        } else if one.code == ADD_NUMBER && is_frame[usize::from(destination)] {
            depth = depth.max(below(one.imm));
            is_frame[usize::from(destination)] = false;
        }
    }
    depth.max(1).next_multiple_of(ROUNDING)
}

fn below(offset: i32) -> u32 {
    u32::try_from(offset.saturating_neg()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instruction(code: u8, destination: u8, source: u8, off: i16, imm: i32) -> bpf_insn {
        bpf_insn {
            code,
            _bitfield_align_1: [],
            _bitfield_1: bpf_insn::new_bitfield_1(destination, source),
            off,
            imm,
        }
    }

    /// `*(u64 *)(r10 - n) = r1`
    fn store(n: i16) -> bpf_insn {
        instruction(0x7b, FRAME, 1, -n, 0)
    }

    fn call(distance: i32) -> bpf_insn {
        instruction(CALL, 0, LOCAL_CALL, 0, distance)
    }

    fn exit() -> bpf_insn {
        instruction(0x95, 0, 0, 0, 0)
    }

    #[test]
    fn a_frame_is_as_deep_as_what_is_used_of_it() {
        assert_eq!(deepest(&[exit()]), 16);
        assert_eq!(deepest(&[store(8), store(40), exit()]), 48);
        let pointer = [
            instruction(MOVE_REGISTER, 2, FRAME, 0, 0),
            instruction(ADD_NUMBER, 2, 0, 0, -100),
            // Not a pointer any more.
            instruction(MOVE_REGISTER, 2, 1, 0, 0),
            instruction(ADD_NUMBER, 2, 0, 0, -300),
            exit(),
        ];
        assert_eq!(deepest(&pointer), 112);
    }

    #[test]
    fn the_deepest_chain_of_calls_counts() {
        // 0 calls 3 and 6, 3 calls 8.
        let code = [
            call(2),
            call(4),
            exit(),
            store(32),
            call(3),
            exit(),
            store(96),
            exit(),
            store(80),
            exit(),
        ];
        assert_eq!(deepest(&code), 16 + 32 + 80);
    }
}
