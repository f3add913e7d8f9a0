//! Network namespaces for the lab and the end-to-end tests.
//!
//! An [`Environment`] owns what a run makes on the host: namespaces, a directory for pins in
//! bpffs and a directory for files, all named after it. A *guardian*, a child process that waits
//! for our end of a pipe to close, removes them: when the environment is dropped, when its owner
//! panics, and also when the owner is killed by any signal. Names carry the owner's process id, so
//! that several owners get along, and what a dead owner's dead guardian left is swept by the next.
//!
//! Links, addresses and routes are set with `ip` of iproute2.

use std::{
    fs::{self, File},
    io,
    net::{SocketAddr, TcpStream, UdpSocket},
    os::{
        fd::AsFd as _,
        unix::process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    fcntl::{Flock, FlockArg},
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns},
    sys::{
        signal::{Signal, kill},
        statfs::statfs,
    },
    unistd::{Pid, Uid},
};

const PREFIX: &str = "upf-lab-";
const BPFFS: &str = "/sys/fs/bpf";
const NAMESPACES: &str = "/run/netns";
const BPF_FS_MAGIC: i64 = 0xcafe_4a11;

/// Removes everything of the name in `$1` when standard input ends.
const GUARDIAN: &str = r#"
    trap '' INT TERM HUP
    cat > /dev/null
    for namespace in /run/netns/"$1"-*; do
        [ -e "$namespace" ] || continue
        for process in $(ip netns pids "${namespace##*/}"); do kill -9 "$process"; done
        ip netns delete "${namespace##*/}"
    done
    rm -rf "$2" "$3"
"#;

/// The namespaces and directories of one run.
#[derive(Debug)]
pub struct Environment {
    name: String,
    pins: PathBuf,
    directory: PathBuf,
    guardian: Child,
    alone: Option<Flock<File>>,
}

impl Environment {
    /// An environment beside others.
    ///
    /// # Errors
    /// Without root, without `ip`, or when bpffs cannot be mounted.
    pub fn new() -> Result<Self> {
        ensure!(
            Uid::effective().is_root(),
            "network namespaces and BPF need root"
        );
        sweep();
        mount_bpffs()?;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{count}", std::process::id());
        let pins = Path::new(BPFFS).join(&name);
        let directory = std::env::temp_dir().join(&name);
        // Before there is anything to remove.
        let guardian = guardian(&name, &pins, &directory)?;
        let environment = Self {
            name,
            pins,
            directory,
            guardian,
            alone: None,
        };
        fs::create_dir(&environment.pins)
            .with_context(|| format!("cannot create {}", environment.pins.display()))?;
        fs::create_dir(&environment.directory)
            .with_context(|| format!("cannot create {}", environment.directory.display()))?;
        Ok(environment)
    }

    /// An environment that no other of its kind runs beside: for what measures rates.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn alone() -> Result<Self> {
        let path = std::env::temp_dir().join("upf-lab.lock");
        let file =
            File::create(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive)
            .map_err(|(_, error)| error)
            .with_context(|| format!("cannot lock {}", path.display()))?;
        let mut environment = Self::new()?;
        environment.alone = Some(lock);
        Ok(environment)
    }

    /// Creates a namespace for `role`, with loopback up.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn namespace(&self, role: &str) -> Result<Namespace> {
        let namespace = Namespace {
            name: format!("{}-{role}", self.name),
        };
        ip(&["netns", "add", &namespace.name])?;
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// The directory in bpffs that is this environment's.
    #[must_use]
    pub fn pins(&self) -> &Path {
        &self.pins
    }

    /// A directory for this environment's files.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the names of this environment's namespaces and directories begin with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        self.guardian.wait().ok();
    }
}

fn guardian(name: &str, pins: &Path, directory: &Path) -> Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARDIAN, "upf-lab-guardian", name])
        .args([pins, directory])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C on a terminal reaches a whole process group; this one has work to do then.
        .process_group(0)
        .spawn()
        .context("cannot start the guardian")
}

/// Removes what dead owners left.
fn sweep() {
    let names = [NAMESPACES, BPFFS]
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flat_map(|entries| entries.flatten())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect::<Vec<_>>();
    for stale in names.iter().filter_map(|name| owned_by_the_dead(name)) {
        let pins = Path::new(BPFFS).join(stale);
        let directory = std::env::temp_dir().join(stale);
        // A guardian whose owner is gone at once.
        if let Ok(mut guardian) = guardian(stale, &pins, &directory) {
            drop(guardian.stdin.take());
            guardian.wait().ok();
        }
    }
}

/// The environment's name within `name`, where its process does not exist any more.
fn owned_by_the_dead(name: &str) -> Option<&str> {
    let (process, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let process: u32 = process.parse().ok()?;
    let count = rest.split('-').next()?;
    let environment = name.get(..PREFIX.len() + process.to_string().len() + 1 + count.len())?;
    (!Path::new("/proc").join(process.to_string()).exists()).then_some(environment)
}

fn mount_bpffs() -> Result<()> {
    let is_mounted = statfs(BPFFS).is_ok_and(|fs| fs.filesystem_type().0 == BPF_FS_MAGIC);
    if is_mounted {
        return Ok(());
    }
    mount(
        Some("bpf"),
        BPFFS,
        Some("bpf"),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("cannot mount bpffs at {BPFFS}"))
}

/// A network namespace of an [`Environment`].
#[derive(Clone, Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Its name under `/run/netns`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in the namespace, with arguments parted by spaces.
    ///
    /// # Errors
    /// With what `ip` says.
    pub fn ip(&self, arguments: &str) -> Result<String> {
        let words = ["-n", &self.name].into_iter().chain(arguments.split(' '));
        ip(&words.collect::<Vec<_>>())
    }

    /// Sets a sysctl of the namespace, such as `net.ipv4.ip_forward`.
    ///
    /// # Errors
    /// When the kernel has no such key or refuses the value.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = Path::new("/proc/sys").join(key.replace('.', "/"));
        self.run(|| fs::write(&path, value))?
            .with_context(|| format!("cannot set {key} = {value} in {}", self.name))
    }

    /// Runs `work` on a thread of its own inside the namespace. Sockets made there stay there.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let worker = scope.spawn(|| -> Result<T> {
                self.enter()?;
                Ok(work())
            });
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn enter(&self) -> Result<()> {
        setns(self.file()?, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("cannot enter {}", self.name))
    }

    fn file(&self) -> Result<File> {
        let path = Path::new(NAMESPACES).join(&self.name);
        File::open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// A UDP socket of the namespace.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn udp(&self, address: SocketAddr) -> Result<UdpSocket> {
        self.run(|| UdpSocket::bind(address))?
            .with_context(|| format!("cannot bind {address} in {}", self.name))
    }

    /// A TCP connection made from inside the namespace.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn tcp(&self, address: SocketAddr) -> Result<TcpStream> {
        self.run(|| TcpStream::connect_timeout(&address, Duration::from_secs(5)))?
            .with_context(|| format!("cannot reach {address} in {}", self.name))
    }

    /// Starts a program in the namespace. Its output goes where `command` says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Process> {
        Ok(Process {
            child: self.spawn_child(command)?,
        })
    }

    /// Starts a program in the namespace, whose end is the caller's business.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_child(&self, command: &mut Command) -> Result<Child> {
        self.prepare(command)?
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))
    }

    /// Runs a program in the namespace to its end and returns what it printed.
    ///
    /// # Errors
    /// When it cannot be started or fails, with its output.
    pub fn output(&self, command: &mut Command) -> Result<String> {
        let output = self
            .prepare(command)?
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "{command:?} failed ({}): {text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(text)
    }

    fn prepare<'a>(&self, command: &'a mut Command) -> Result<&'a mut Command> {
        let file = self.file()?;
        let enter = move || {
            setns(file.as_fd(), CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
        let command = unsafe { command.pre_exec(enter) };
        // Ctrl-C is for us; we end our children in order.
        Ok(command.process_group(0))
    }
}

fn ip(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("cannot run `ip` (package iproute2)")?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        bail!("`ip {}`: {}", arguments.join(" "), reason.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// One end of a veth pair: a device in a namespace, with an address such as `10.1.0.1/24`.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// Where the device lives.
    pub namespace: &'a Namespace,
    /// Its name there.
    pub device: &'a str,
    /// Its addresses with prefix lengths.
    pub addresses: &'a [&'a str],
}

/// Joins two namespaces by a veth pair, up at both ends.
///
/// Checksums are filled in by software at both ends, since XDP would see what an offload leaves
/// unfinished, and each end receives through NAPI (GRO), without which native XDP's redirect into
/// its peer is lost.
///
/// # Errors
/// When `ip` or the driver refuses.
pub fn veth(one: End<'_>, other: End<'_>) -> Result<()> {
    ip(&[
        "link",
        "add",
        one.device,
        "netns",
        &one.namespace.name,
        "type",
        "veth",
        "peer",
        "name",
        other.device,
        "netns",
        &other.namespace.name,
    ])?;
    for end in [one, other] {
        end.namespace
            .run(|| crate::offload::for_xdp(end.device))??;
        for address in end.addresses {
            // No duplicate address detection: it would hold IPv6 addresses back for a second.
            let nodad = if address.contains(':') { " nodad" } else { "" };
            end.namespace
                .ip(&format!("address add {address} dev {}{nodad}", end.device))?;
        }
        end.namespace.ip(&format!("link set {} up", end.device))?;
    }
    Ok(())
}

/// A program that runs in a namespace; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its exit status, if it has ended.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot wait")
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = Pid::from_raw(i32::try_from(self.child.id())?);
        kill(id, signal).with_context(|| format!("cannot send {signal} to {id}"))
    }

    /// Asks it to end with `signal` and waits; kills it after `patience`.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(mut self, signal: Signal, patience: Duration) -> Result<ExitStatus> {
        self.signal(signal)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("process {} does not end on {signal}", self.id())
    }

    /// Kills it as a power cut would: nothing is tidied up.
    ///
    /// # Errors
    /// When it was gone already.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("cannot kill")?;
        let status = self.child.wait().context("cannot wait")?;
        ensure!(
            status.signal() == Some(Signal::SIGKILL as i32),
            "it had ended before: {status}"
        );
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_living_are_kept() {
        let alive = format!("{PREFIX}{}-0-ran", std::process::id());
        assert_eq!(owned_by_the_dead(&alive), None);
        // Process ids end at 4 194 304.
        assert_eq!(
            owned_by_the_dead("upf-lab-4999999-3-ran"),
            Some("upf-lab-4999999-3")
        );
        assert_eq!(
            owned_by_the_dead("upf-lab-4999999-3"),
            Some("upf-lab-4999999-3")
        );
        assert_eq!(owned_by_the_dead("upf"), None);
        assert_eq!(owned_by_the_dead("upf-lab-x-1"), None);
    }

    #[test]
    fn an_environment_leaves_nothing_behind() {
        let environment = Environment::new().unwrap();
        let (one, other) = (
            environment.namespace("a").unwrap(),
            environment.namespace("b").unwrap(),
        );
        veth(
            End {
                namespace: &one,
                device: "x",
                addresses: &["10.9.0.1/24"],
            },
            End {
                namespace: &other,
                device: "y",
                addresses: &["10.9.0.2/24", "fd00::1/64"],
            },
        )
        .unwrap();
        let receiver = other.udp("10.9.0.2:9".parse().unwrap()).unwrap();
        let sender = one.udp("10.9.0.1:0".parse().unwrap()).unwrap();
        sender.send_to(b"x", "10.9.0.2:9").unwrap();
        receiver
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        assert_eq!(receiver.recv(&mut [0; 8]).unwrap(), 1);
        let mut sleeper = one.spawn(Command::new("sleep").arg("1000")).unwrap();
        fs::write(environment.directory().join("file"), "text").unwrap();

        let name = environment.name().to_owned();
        drop(environment);
        let left = [NAMESPACES, BPFFS, "/tmp"]
            .iter()
            .flat_map(|directory| fs::read_dir(directory).unwrap().flatten())
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&name))
            .map(|entry| entry.path())
            .collect::<Vec<_>>();
        assert_eq!(left, Vec::<PathBuf>::new());
        thread::sleep(Duration::from_millis(100));
        assert!(
            sleeper.try_wait().unwrap().is_some(),
            "the guardian kills what still runs"
        );
    }

    #[test]
    fn a_killed_owner_leaves_nothing_behind() {
        // The guardian's input ends with its owner, here a shell that kills itself.
        let name = format!("{PREFIX}{}-killed", std::process::id());
        let namespace = format!("{name}-a");
        ip(&["netns", "add", &namespace]).unwrap();
        let pins = Path::new("/tmp").join(format!("{name}-pins"));
        let mut guardian = guardian(&name, &pins, &pins).unwrap();
        let owner = Command::new("/bin/sh")
            .args(["-c", "kill -9 $$"])
            .stdout(Stdio::from(guardian.stdin.take().unwrap()))
            .status()
            .unwrap();
        assert_eq!(owner.signal(), Some(9));
        guardian.wait().unwrap();
        assert!(!Path::new(NAMESPACES).join(namespace).exists());
    }
}
