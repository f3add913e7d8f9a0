//! The programs around the one that is measured, and how they are timed.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aya::maps::{Array, ProgramArray};
use aya::programs::{ProgramFd, TestRun as _, TestRunOptions, Xdp};
use aya::{Ebpf, EbpfLoader};
use nix::time::{ClockId, clock_gettime};
use upf_common::forward::tables::Way;

use super::frames::{FIRST_TEID, FIRST_UE, of_first_session};
use super::product::Product;

/// Where `cargo xtask build` leaves the programs.
const OBJECT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/ebpf/bpfel-unknown-none/release/upf-bench"
);
/// Bytes of a frame that the wrapper restores.
const HEADER: usize = 96;
/// Length of frames that come back, at most.
const ROOM: usize = 512;
const XDP_DROP: u32 = 1;
const XDP_REDIRECT: u32 = 4;

/// A program behind the wrapper.
pub enum Target<'a> {
    /// The user plane.
    Product(&'a mut Product),
    /// An empty program: what remains is the wrapper's own cost.
    Empty,
    /// Route lookup, MAC addresses, redirect.
    Route,
    /// The empty program without the wrapper.
    EmptyAlone,
}

/// The loaded wrapper of one direction.
pub struct Wrapper {
    ebpf: Ebpf,
    frame: Vec<u8>,
    entry: &'static str,
}

impl Wrapper {
    /// Loads the wrapper for frames of so many sessions.
    ///
    /// # Errors
    /// When the object is not built, or the kernel does not take it.
    pub fn load(way: Way, sessions: u32) -> Result<Self> {
        let frame = of_first_session(way);
        let length = frame.len() as u32;
        let mut ebpf = EbpfLoader::new()
            .override_global("LENGTH", &length, true)
            .override_global("SESSIONS", &sessions, true)
            .override_global("FIRST_TEID", &FIRST_TEID, true)
            .override_global("FIRST_UE", &FIRST_UE.to_bits(), true)
            .load_file(Path::new(OBJECT))
            .context("loading the bench's eBPF object; `cargo xtask build` builds it")?;
        let header: [u8; HEADER] = *frame
            .first_chunk()
            .context("a frame as long as its header")?;
        let template = ebpf.map_mut("TEMPLATE").context("no map TEMPLATE")?;
        Array::<_, [u8; HEADER]>::try_from(template)?.set(0, header, 0)?;
        let entry = match way {
            Way::Uplink => "uplink",
            Way::Downlink => "downlink",
        };
        for name in [entry, "empty", "route"] {
            program(&mut ebpf, name)?.load()?;
        }
        Ok(Self { ebpf, frame, entry })
    }

    /// CPU time of one packet in nanoseconds, as the mean of so many.
    ///
    /// # Errors
    /// When the kernel refuses, or the program does anything else than it should.
    pub fn time(&mut self, target: Target<'_>, packets: u32) -> Result<f64> {
        let (entry, behind, expected) = match target {
            Target::Product(product) => (self.entry, Some(product.program()?), XDP_REDIRECT),
            Target::Empty => (self.entry, Some(self.fd("empty")?), XDP_DROP),
            Target::Route => (self.entry, Some(self.fd("route")?), XDP_REDIRECT),
            Target::EmptyAlone => ("empty", None, XDP_DROP),
        };
        if let Some(behind) = behind {
            let map = self.ebpf.map_mut("UNDER_TEST");
            let map = map.context("no map UNDER_TEST")?;
            ProgramArray::try_from(map)?.set(0, &behind, 0)?;
        }
        let mut output = [0; ROOM];
        let options = TestRunOptions {
            data_in: Some(&self.frame),
            data_out: Some(&mut output),
            repeat: packets,
            ..TestRunOptions::default()
        };
        let program = program(&mut self.ebpf, entry)?;
        let before = cpu_time()?;
        let result = program.test_run(options)?;
        let taken = cpu_time()?.saturating_sub(before);
        ensure!(
            result.return_value == expected,
            "{entry}: the XDP action is {} instead of {expected}",
            result.return_value
        );
        Ok(taken.as_nanos() as f64 / f64::from(packets))
    }

    fn fd(&mut self, name: &str) -> Result<ProgramFd> {
        Ok(program(&mut self.ebpf, name)?.fd()?.try_clone()?)
    }
}

/// What this thread has spent on a CPU.
fn cpu_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp> {
    let program = ebpf.program_mut(name);
    let program = program.with_context(|| format!("no program {name}"))?;
    Ok(program.try_into()?)
}
