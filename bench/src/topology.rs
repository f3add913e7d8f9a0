//! The network that the lab and the end-to-end tests run in, and the agent within it.
//!
//! ```text
//!   ran                      upf                        dn
//!   gnb  10.1.0.1  ───────── n3 10.1.0.2
//!        10.1.0.11 (another gNB)
//!                            n6 10.2.0.2 ──────────── n6 10.2.0.1
//!   smf  10.100.0.1 ──────── n4 10.100.0.2
//! ```

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddrV4},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::Signal;

use crate::netns::{End, Environment, Namespace, Process, veth};

/// The gNB's address on N3.
pub const GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
/// Another gNB's, in the same namespace.
pub const OTHER_GNB: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 11);
/// The UPF's address on N3.
pub const N3: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
/// The UPF's address on N6.
pub const N6: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 2);
/// A host in the data network.
pub const DN: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 1);
/// The control plane's address.
pub const SMF: Ipv4Addr = Ipv4Addr::new(10, 100, 0, 1);
/// The UPF's PFCP address.
pub const N4: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 100, 0, 2), 8805);
/// Where the agent's HTTP server listens, inside its namespace.
pub const HTTP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9805);
/// The only network instance.
pub const NETWORK_INSTANCE: &str = "internet";
/// The first address of the pool; the first UE has the one after it.
pub const POOL: Ipv4Addr = Ipv4Addr::new(10, 128, 0, 0);
/// The pool's prefix length: 8 million addresses.
pub const POOL_PREFIX: u8 = 9;

/// Patience with an agent that starts or ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an agent is told.
#[derive(Clone, Copy, Debug)]
pub struct AgentOptions<'a> {
    /// Room for so many sessions.
    pub sessions: u32,
    /// XDP mode of both devices.
    pub mode: &'a str,
    /// Control planes that it sets the association up with.
    pub connect: &'a [&'a str],
    /// How long control planes have to release it when it is asked to end.
    pub graceful_release: &'a str,
    /// Its GTP-U addresses on N3, beside [`N3`].
    pub n3: &'a [&'a str],
    /// What its log lets through; `RUST_LOG` decides where nothing is said.
    pub log: Option<&'a str>,
    /// Its config's table `[gtpu]`. As a rule no Echo Requests, which the gNBs here do not answer.
    pub gtpu: &'a str,
    /// More tables of its config.
    pub more: &'a str,
}

impl Default for AgentOptions<'_> {
    fn default() -> Self {
        Self {
            sessions: 1000,
            mode: "auto",
            connect: &[],
            graceful_release: "0 s",
            n3: &[],
            log: None,
            gtpu: "echo_interval = \"0 s\"",
            more: "",
        }
    }
}

/// The namespaces, joined.
#[derive(Debug)]
pub struct Topology {
    /// Access side: the gNBs and the control plane.
    pub ran: Namespace,
    /// The UPF.
    pub upf: Namespace,
    /// The data network.
    pub dn: Namespace,
    /// What removes them; last, so that it goes last.
    pub environment: Environment,
}

impl Topology {
    /// Builds the network in `environment`.
    ///
    /// # Errors
    /// When the system refuses a part of it.
    pub fn new(environment: Environment) -> Result<Self> {
        let ran = environment.namespace("ran")?;
        let upf = environment.namespace("upf")?;
        let dn = environment.namespace("dn")?;
        veth(
            End {
                namespace: &ran,
                device: "gnb",
                addresses: &["10.1.0.1/24", "10.1.0.11/24"],
            },
            End {
                namespace: &upf,
                device: "n3",
                addresses: &["10.1.0.2/24"],
            },
        )?;
        veth(
            End {
                namespace: &ran,
                device: "smf",
                addresses: &["10.100.0.1/24"],
            },
            End {
                namespace: &upf,
                device: "n4",
                addresses: &["10.100.0.2/24"],
            },
        )?;
        veth(
            End {
                namespace: &dn,
                device: "n6",
                addresses: &["10.2.0.1/24", "2001:db8:2::1/64"],
            },
            End {
                namespace: &upf,
                device: "n6",
                addresses: &["10.2.0.2/24", "2001:db8:2::2/64"],
            },
        )?;
        // A router: without it the kernel's own route lookup refuses on behalf of XDP.
        upf.sysctl("net.ipv4.ip_forward", "1")?;
        upf.sysctl("net.ipv6.conf.all.forwarding", "1")?;
        upf.ip("route add default via 10.2.0.1")?;
        upf.ip("-6 route add default via 2001:db8:2::1")?;
        dn.ip(&format!("route add {POOL}/{POOL_PREFIX} via 10.2.0.2"))?;
        dn.ip("-6 route add 2001:db8:45::/48 via 2001:db8:2::2")?;
        Ok(Self {
            ran,
            upf,
            dn,
            environment,
        })
    }

    /// Starts the agent, and waits until it is ready.
    ///
    /// # Errors
    /// With the end of its log when it does not get there.
    pub fn start_agent(&self, options: &AgentOptions<'_>) -> Result<Agent> {
        self.start(&self.upf, "upf", &self.config(options), options.log)
    }

    /// Starts an agent of that name with this config in another namespace, and waits until it is ready.
    ///
    /// # Errors
    /// With the end of its log when it does not get there.
    pub fn start(
        &self,
        namespace: &Namespace,
        name: &str,
        config: &str,
        log: Option<&str>,
    ) -> Result<Agent> {
        let directory = self.environment.directory();
        let config_path = directory.join(format!("{name}.toml"));
        fs::write(&config_path, config)?;
        let log_path = directory.join(format!("{name}.log"));
        let filter = log;
        let log = File::options().create(true).append(true).open(&log_path)?;
        let mut command = Command::new(agent_binary()?);
        command.arg("run").arg("--config").arg(&config_path);
        command.args(filter.iter().flat_map(|filter| ["--log", filter]));
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = namespace.spawn(&mut command)?;
        let mut agent = Agent {
            process,
            log: log_path,
            namespace: namespace.clone(),
        };
        agent.wait_until_ready()?;
        Ok(agent)
    }

    fn config(&self, options: &AgentOptions<'_>) -> String {
        let AgentOptions {
            sessions,
            mode,
            connect,
            graceful_release,
            n3,
            gtpu,
            more,
            ..
        } = options;
        let n3 = [N3.to_string()]
            .into_iter()
            .chain(n3.iter().map(|&text| text.to_owned()));
        let n3 = n3.collect::<Vec<_>>();
        let pins = self.environment.pins().join("upf");
        let state = self.environment.directory().join("state");
        format!(
            r#"[node]
id = "{n4_ip}"
state = {state:?}
pins = {pins:?}

[pfcp]
listen = "{N4}"
allow = ["10.100.0.0/24"]
connect = {connect:?}
graceful_release = {graceful_release:?}

[[interface]]
device = "n3"
role = "access"
gtpu = {n3:?}
mode = "{mode}"

[[interface]]
device = "n6"
role = "core"
mode = "{mode}"
network_instance = "{NETWORK_INSTANCE}"

[[pool]]
network_instance = "{NETWORK_INSTANCE}"
ipv4 = "{POOL}/{POOL_PREFIX}"
ipv6 = "2001:db8:45::/48"

[capacity]
sessions = {sessions}

[gtpu]
{gtpu}

[http]
listen = "{HTTP}"

{more}
"#,
            n4_ip = N4.ip(),
        )
    }
}

/// `upf` beside this program, or in the workspace's release directory for tests.
fn agent_binary() -> Result<PathBuf> {
    let beside = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("upf"));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/upf");
    let candidates = beside.into_iter().chain([built]);
    candidates
        .into_iter()
        .find(|path| path.is_file())
        .context("no agent at target/release/upf: run `cargo xtask build`")
}

/// A running agent; killed when dropped.
#[derive(Debug)]
pub struct Agent {
    process: Process,
    log: PathBuf,
    namespace: Namespace,
}

impl Agent {
    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait()? {
                bail!("the agent ended at once ({status}):\n{}", self.log());
            }
            if self.get("/readyz").is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the agent is not ready after {PATIENCE:?}:\n{}", self.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the agent answers to `GET path`.
    ///
    /// # Errors
    /// When it does not answer, or not with success.
    pub fn get(&self, path: &str) -> Result<String> {
        self.request("GET", path, "")
    }

    /// What the agent answers to `PUT path` with this JSON.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn put(&self, path: &str, json: &str) -> Result<String> {
        self.request("PUT", path, json)
    }

    /// What the agent answers to `PATCH path` with this JSON.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn patch(&self, path: &str, json: &str) -> Result<String> {
        self.request("PATCH", path, json)
    }

    fn request(&self, method: &str, path: &str, json: &str) -> Result<String> {
        let mut stream = self.namespace.tcp(HTTP.into())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: upf\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            json.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).context("no answer")?;
        let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
        let status = head.lines().next().unwrap_or_default();
        let is_success = status.starts_with("HTTP/1.1 2");
        ensure!(is_success, "{method} {path}: {status}: {body}");
        if head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked")
        {
            return unchunked(body).context("broken chunks");
        }
        Ok(body.to_owned())
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it as an operator does.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(self) -> Result<ExitStatus> {
        self.process.stop(Signal::SIGTERM, PATIENCE)
    }

    /// Ends it as the kernel's out-of-memory killer does.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn kill(self) -> Result<()> {
        self.process.kill()
    }

    /// Whether it still runs.
    ///
    /// # Errors
    /// With its log if it does not.
    pub fn check(&mut self) -> Result<()> {
        match self.process.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the agent ended ({status}):\n{}", self.log()),
        }
    }
}

fn unchunked(mut body: &str) -> Option<String> {
    let mut text = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(text);
        }
        text.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

/// One sample of a Prometheus text page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// What stands between the braces, as it stands there.
    pub labels: &'a str,
    /// The value.
    pub value: f64,
}

impl<'a> Sample<'a> {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&'a str> {
        self.labels.split(',').find_map(|label| {
            label
                .trim()
                .strip_prefix(name)?
                .strip_prefix("=\"")?
                .strip_suffix('"')
        })
    }
}

/// The samples of a Prometheus text page.
pub fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            Some(Sample {
                name,
                labels: labels.strip_suffix('}')?,
                value: value.parse().ok()?,
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_samples_are_read() {
        let page = "# HELP a b\n# TYPE a counter\na{direction=\"uplink\",reason=\"x\"} 3\nb 0.5\n";
        let samples = samples(page).collect::<Vec<_>>();
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].label("reason"), Some("x"));
        assert_eq!(samples[0].value, 3.0);
        assert_eq!(
            samples[1],
            Sample {
                name: "b",
                labels: "",
                value: 0.5
            }
        );
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(
            unchunked("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").unwrap(),
            "abcd"
        );
        assert_eq!(unchunked("3\r\nab"), None);
    }
}
