//! Everything on a link, recorded by tcpdump and judged by tshark.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bench::{
    netns::{Namespace, Process},
    topology::Topology,
};
use nix::sys::signal::Signal;

const PATIENCE: Duration = Duration::from_secs(10);
/// `_ws.expert.severity`: warning, and above it error.
const WARNING: u32 = 0x0060_0000;

/// Warnings about the UE's TCP, which is not ours to judge: what it has got twice or has given up, and a checksum of zero,
/// which Linux writes as 0xffff and tshark does not like.
const OF_THE_UE_S_TCP: &str =
    "tcp.options.sack.dsack || tcp.connection.rst || tcp.checksum == 0xffff";
/// What is ours in those packets as well.
const BAD_CHECKSUM: &str = "ip.checksum.status == 0 || udp.checksum.status == 0";

/// A recording in progress.
pub(crate) struct Capture {
    tcpdump: Process,
    file: PathBuf,
    namespace: Namespace,
}

impl Capture {
    /// Records what `device` in `namespace` carries from now on.
    pub(crate) fn start(topology: &Topology, namespace: &Namespace, device: &str) -> Result<Self> {
        let file = topology
            .environment
            .directory()
            .join(format!("{device}.pcap"));
        let mut command = Command::new("tcpdump");
        command.args([
            "-i",
            device,
            "-U",
            "-s",
            "0",
            "-B",
            "16384",
            "--immediate-mode",
            "-Z",
            "root",
        ]);
        command
            .arg("-w")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let tcpdump = namespace.spawn(&mut command)?;
        let deadline = Instant::now() + PATIENCE;
        // The file's header is written when the capture is up.
        while file.metadata().map_or(0, |metadata| metadata.len()) < 24 {
            ensure!(Instant::now() < deadline, "tcpdump does not start");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            tcpdump,
            file,
            namespace: namespace.clone(),
        })
    }

    /// Ends the recording.
    pub(crate) fn end(self) -> Result<Recording> {
        // The last packets are on their way to the file.
        thread::sleep(Duration::from_millis(300));
        self.tcpdump.stop(Signal::SIGINT, PATIENCE)?;
        Ok(Recording {
            file: self.file,
            namespace: self.namespace,
        })
    }

    /// Ends the recording and judges it.
    pub(crate) fn judge(self, filter: &str, least: usize) -> Result<()> {
        self.end()?.judge(filter, least)
    }
}

/// A recording that has ended.
pub(crate) struct Recording {
    file: PathBuf,
    namespace: Namespace,
}

impl Recording {
    /// tshark must understand every packet that `filter` selects, of which there must be at least
    /// `least`, find every checksum right and warn of nothing.
    pub(crate) fn judge(&self, filter: &str, least: usize) -> Result<()> {
        let seen = self.count(filter)?;
        ensure!(seen >= least, "only {seen} packets match {filter}");
        let complaints = self.tshark(&format!(
            "({filter}) && (_ws.malformed || {BAD_CHECKSUM} \
             || _ws.expert.severity >= {WARNING} && !({OF_THE_UE_S_TCP}))"
        ))?;
        ensure!(
            complaints.is_empty(),
            "tshark complains about:\n{complaints}"
        );
        Ok(())
    }

    /// How many packets `filter` selects.
    pub(crate) fn count(&self, filter: &str) -> Result<usize> {
        Ok(self.tshark(filter)?.lines().count())
    }

    /// These fields of the packets that `filter` selects: a line each, parted by tabs, several of one packet by commas.
    pub(crate) fn fields(&self, filter: &str, fields: &[&str]) -> Result<String> {
        let names = fields.iter().flat_map(|field| ["-e", field]);
        let options = ["-T", "fields"].into_iter().chain(names);
        self.tshark_with(filter, &options.collect::<Vec<_>>())
    }

    fn tshark(&self, filter: &str) -> Result<String> {
        self.tshark_with(filter, &[])
    }

    fn tshark_with(&self, filter: &str, options: &[&str]) -> Result<String> {
        let mut command = Command::new("tshark");
        command.arg("-r").arg(&self.file).args(["-Y", filter]);
        command.args(options);
        // What iperf3 sends is random, and looks like some protocol or other now and then.
        for transport in ["tcp", "udp"] {
            command.args(["-d", &format!("{transport}.port==5201,data")]);
        }
        for preference in [
            "ip.check_checksum:true",
            "udp.check_checksum:true",
            "tcp.check_checksum:true",
            // What the UE's TCP repeats is not ours to judge.
            "tcp.analyze_sequence_numbers:false",
            "tcp.desegment_tcp_streams:false",
        ] {
            command.args(["-o", preference]);
        }
        self.namespace.output(&mut command).context("tshark")
    }
}
