//! `upf.toml`: what the operator decides.
//!
//! Reading is strict: an unknown key, a value of the wrong type and settings that contradict each
//! other are all errors, and every error names the file, the line and the key and says what to
//! write instead. All errors of a file are reported at once.

mod bandwidth;
mod charging;
mod checks;
mod gtpu;
mod marking;
mod reader;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

pub use bandwidth::Bandwidth;
pub use charging::{Charging, Export};
pub use gtpu::Gtpu;
pub use marking::Marking;
pub use reader::Problem;
use reader::{Document, Place, Section};
pub use rules::{ForwardingPolicy, PredefinedRule, RuleAction};

use crate::pfcp::node::OVERLOAD_PERCENT;

/// Most sessions that one UPF can be given: a slot's index takes 24 bits of a TEID.
pub const MAX_SESSIONS: u32 = 1 << 24;

/// Longest graceful release; systemd kills before, unless it is told to wait.
const MAX_GRACEFUL_RELEASE: Duration = Duration::from_secs(3600);
const DEFAULT_STATE: &str = "/var/lib/upf";
const DEFAULT_PINS: &str = "/sys/fs/bpf/upf";
const DEFAULT_SESSIONS: u32 = 100_000;
const DEFAULT_QUARANTINE_SECONDS: i64 = 30;
const MAX_QUARANTINE_SECONDS: i64 = 86_400;
const DEFAULT_HTTP: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9805);

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `[node]`
    pub node: Node,
    /// `[pfcp]`
    pub pfcp: Pfcp,
    /// `[[interface]]`, at least one
    pub interfaces: Vec<Interface>,
    /// `[[pool]]`, possibly none
    pub pools: Vec<Pool>,
    /// `[[predefined_rule]]`, possibly none
    pub predefined_rules: Vec<PredefinedRule>,
    /// `[[forwarding_policy]]`, possibly none
    pub forwarding_policies: Vec<ForwardingPolicy>,
    /// `[bandwidth]`, `[speed_class]`, `[customer]` and `[[customer_rule]]`
    pub bandwidth: Bandwidth,
    /// `[charging]`
    pub charging: Charging,
    /// `[[marking]]`, possibly none
    pub markings: Vec<Marking>,
    /// `[capacity]`
    pub capacity: Capacity,
    /// `[gtpu]`
    pub gtpu: Gtpu,
    /// `[http]`
    pub http: Http,
}

/// `[node]`: who we are and where we keep things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// PFCP Node ID (TS 29.244 clause 8.2.38).
    pub id: NodeName,
    /// Directory of what must outlive a reboot.
    pub state: PathBuf,
    /// Directory in a BPF file system for programs, links and maps.
    pub pins: PathBuf,
}

/// A Node ID as configured: an address or a fully qualified domain name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeName {
    /// IPv4 or IPv6 address.
    Address(IpAddr),
    /// Fully qualified domain name, without a trailing dot.
    Fqdn(String),
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Fqdn(name) => name.fmt(f),
        }
    }
}

/// `[pfcp]`: who may control us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pfcp {
    /// Our address and port; answers leave from here.
    pub listen: SocketAddr,
    /// Who may speak PFCP. Nobody else is answered.
    pub allow: Vec<IpNet>,
    /// Control planes that we set the association up with ourselves.
    pub connect: Vec<SocketAddr>,
    /// How long control planes have to release us when we are asked to end; zero where they are not asked.
    pub graceful_release: Duration,
    /// Load from which on control planes are asked for fewer requests, 1 to 100 percent.
    pub overload_percent: u8,
}

impl Pfcp {
    /// Whether a datagram from this address may be looked at.
    pub fn allows(&self, peer: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&peer))
    }
}

/// `[[interface]]`: a device of the data path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Linux device name.
    pub device: String,
    /// Which side of the UPF the device stands on.
    pub role: Role,
    /// Local GTP-U addresses.
    pub gtpu: Vec<IpAddr>,
    /// Network instance that the device leads to.
    pub network_instance: Option<String>,
    /// How the XDP program is attached.
    pub mode: Mode,
}

/// The side of the UPF that a device stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Towards gNB, eNB or SGW: GTP-U.
    Access,
    /// Towards a data network.
    Core,
    /// Both on one device.
    Both,
}

impl Role {
    /// Whether GTP-U tunnels end here.
    pub const fn is_access(self) -> bool {
        matches!(self, Self::Access | Self::Both)
    }

    /// Whether a data network lies behind the device.
    pub const fn is_core(self) -> bool {
        matches!(self, Self::Core | Self::Both)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Access => "access",
            Self::Core => "core",
            Self::Both => "both",
        })
    }
}

/// How the XDP program is attached to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// In the driver, or not at all.
    Native,
    /// After the kernel has built its socket buffer: slower, on every device.
    Generic,
    /// Native where the driver can, generic otherwise.
    #[default]
    Auto,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Auto => "auto",
        })
    }
}

/// `[[pool]]`: UE addresses of a network instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Network instance that the addresses belong to.
    pub network_instance: String,
    /// UE IPv4 addresses.
    pub ipv4: Option<Ipv4Net>,
    /// Prefix that the UEs' /64 prefixes come from.
    pub ipv6: Option<Ipv6Net>,
    /// How long an address that we handed out is left alone when it was given back.
    pub quarantine: Duration,
}

/// `[capacity]`: what memory is set aside for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Slots, 1 to [`MAX_SESSIONS`].
    pub sessions: u32,
    /// Limits that sessions share, 1 to [`MAX_SESSIONS`]: one a SIM, a customer, and a QER with a correlation ID, a packet
    /// rate or a guarantee.
    pub limits: u32,
    /// Records of URRs whose packets are not all those of a slot, 1 to [`MAX_SESSIONS`]. As many sets of them there are.
    pub usage_records: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            sessions: DEFAULT_SESSIONS,
            limits: DEFAULT_SESSIONS,
            usage_records: DEFAULT_SESSIONS,
        }
    }
}

/// `[http]`: metrics and the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http {
    /// Address and port of the listener. Who reaches it may look at everything and change SIMs' and customers'
    /// bandwidth: it is for this host unless the operator says otherwise.
    pub listen: SocketAddr,
}

/// Why a file gives no [`Config`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or not readable.
    #[error("{}: {error}; name a readable file with --config", file.display())]
    Unreadable {
        /// The file as named by the caller.
        file: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file says something that cannot be done; every problem is listed.
    #[error("{}", list(file, problems))]
    Wrong {
        /// The file as named by the caller.
        file: PathBuf,
        /// What is wrong, in the order of the file; at least one.
        problems: Vec<Problem>,
    },
}

fn list(file: &Path, problems: &[Problem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|p| format!("{}:{p}", file.display()))
        .collect();
    lines.join("\n")
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When the file cannot be read, or with everything that is wrong in it.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        Self::parse(&text).map_err(|problems| ConfigError::Wrong {
            file: file.to_owned(),
            problems,
        })
    }

    /// Reads and checks the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        let document = Document::new(source);
        let table = document.parse();
        let config = read(&Section::root(&document, &table));
        let problems = document.into_problems();
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems),
        }
    }
}

impl Config {
    /// A few lines for people: what this config makes of the host.
    pub fn summary(&self) -> String {
        let mut lines = vec![
            format!("node       {}", self.node.id),
            format!(
                "pfcp       {}, allows {}",
                self.pfcp.listen,
                joined(&self.pfcp.allow)
            ),
        ];
        for interface in &self.interfaces {
            let Interface {
                device,
                role,
                gtpu,
                network_instance,
                mode,
            } = interface;
            let gtpu = if gtpu.is_empty() {
                String::new()
            } else {
                format!(", gtpu {}", joined(gtpu))
            };
            let leads = network_instance
                .as_deref()
                .map(|name| format!(", to {name}"));
            let leads = leads.unwrap_or_default();
            lines.push(format!(
                "interface  {device}: {role}{gtpu}{leads}, mode {mode}"
            ));
        }
        for pool in &self.pools {
            let prefixes = pool
                .ipv4
                .map(IpNet::V4)
                .into_iter()
                .chain(pool.ipv6.map(IpNet::V6));
            let prefixes: Vec<_> = prefixes.collect();
            lines.push(format!(
                "pool       {}: {}",
                pool.network_instance,
                joined(&prefixes)
            ));
        }
        for rule in &self.predefined_rules {
            lines.push(format!("rule       {rule}"));
        }
        for policy in &self.forwarding_policies {
            lines.push(format!("policy     {policy}"));
        }
        lines.extend(self.bandwidth.summary());
        lines.push(format!("charging   {}", self.charging));
        for marking in &self.markings {
            lines.push(format!("marking    {marking}"));
        }
        let Capacity {
            sessions,
            limits,
            usage_records,
        } = self.capacity;
        lines.push(format!(
            "capacity   {sessions} sessions, {limits} limits, {usage_records} usage records"
        ));
        lines.push(format!("gtpu       {}", self.gtpu));
        lines.push(format!("http       {}", self.http.listen));
        lines.join("\n")
    }
}

fn joined<T: fmt::Display>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A part of the file together with where it stands, for checks across sections.
struct Placed<'a, T> {
    section: Section<'a>,
    value: T,
}

/// `None` only where a problem has been reported.
fn read(root: &Section<'_>) -> Option<Config> {
    let node = root.section("node").and_then(|section| read_node(&section));
    let pfcp = root.section("pfcp").and_then(read_pfcp);
    let interfaces: Vec<_> = root
        .sections("interface")
        .into_iter()
        .map(read_interface)
        .collect();
    let pools: Vec<_> = root.sections("pool").into_iter().map(read_pool).collect();
    let predefined_rules = rules::read_predefined_rules(root);
    let forwarding_policies = rules::read_forwarding_policies(root);
    let bandwidth = bandwidth::read(root);
    let charging = root.optional_section("charging");
    let charging = charging.map_or_else(
        || Some(Charging::default()),
        |section| charging::read(&section),
    );
    let markings = marking::read(root);
    let capacity = root.optional_section("capacity");
    let capacity = capacity.map_or(Some(Capacity::default()), |section| read_capacity(&section));
    let gtpu = root.optional_section("gtpu");
    let gtpu = gtpu.map_or(Some(Gtpu::default()), |section| gtpu::read(&section));
    let http = root.optional_section("http");
    let http = http.map_or(Some(DEFAULT_HTTP), |section| read_http(&section));
    root.finish();
    checks::at_least_one_interface(root, interfaces.len());
    let interfaces = interfaces.into_iter().collect::<Option<Vec<_>>>()?;
    let pools = pools.into_iter().collect::<Option<Vec<_>>>()?;
    let pfcp = pfcp?;
    checks::across(&pfcp, &interfaces, &pools);
    let forwarding_policies = forwarding_policies?;
    rules::check(&forwarding_policies, &interfaces);
    Some(Config {
        node: node?,
        pfcp: pfcp.value,
        interfaces: interfaces.into_iter().map(|placed| placed.value).collect(),
        pools: pools.into_iter().map(|placed| placed.value).collect(),
        predefined_rules: predefined_rules?,
        forwarding_policies: rules::values(forwarding_policies),
        bandwidth: bandwidth?,
        charging: charging?,
        markings: markings?,
        capacity: capacity?,
        gtpu: gtpu?,
        http: Http { listen: http? },
    })
}

fn read_node(section: &Section<'_>) -> Option<Node> {
    let id = section.text("id", "10.100.0.2").and_then(|text| {
        let id = checks::node_name(text);
        id.map_err(|message| section.problem("id", message)).ok()
    });
    let state = read_directory(section, "state", DEFAULT_STATE);
    let pins = read_directory(section, "pins", DEFAULT_PINS);
    section.finish();
    Some(Node {
        id: id?,
        state: state?,
        pins: pins?,
    })
}

fn read_directory(section: &Section<'_>, key: &'static str, default: &str) -> Option<PathBuf> {
    let text = section.optional_text(key, default).unwrap_or(default);
    absolute(section, key, text, default)
}

/// An absolute path.
fn absolute(
    section: &Section<'_>,
    key: &'static str,
    text: &str,
    example: &str,
) -> Option<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        return Some(path);
    }
    let message = format!(
        "\"{}\" is not an absolute path; write {key} = \"{example}\"",
        path.display()
    );
    section.problem(key, message);
    None
}

fn read_pfcp(section: Section<'_>) -> Option<Placed<'_, Pfcp>> {
    let listen = section
        .text("listen", "10.100.0.2:8805")
        .and_then(|text| parsed(&section, "listen", text, SOCKET));
    let allow = each(&section, "allow", "10.100.0.0/24", |place, text| {
        network::<IpNet>(&section, place, text, "10.100.0.0/24")
    });
    let connect = each(&section, "connect", "10.100.0.1:8805", |place, text| {
        parsed_at(&section, place, text, SOCKET)
    });
    let graceful_release = match section.optional_text("graceful_release", "10 s") {
        Some(text) => read_duration(&section, "graceful_release", text, MAX_GRACEFUL_RELEASE),
        None => Some(Duration::ZERO),
    };
    let overload_percent = read_overload_percent(&section);
    section.finish();
    let value = Pfcp {
        listen: listen?,
        allow: allow?,
        connect: connect?,
        graceful_release: graceful_release?,
        overload_percent: overload_percent?,
    };
    Some(Placed { section, value })
}

fn read_overload_percent(section: &Section<'_>) -> Option<u8> {
    let percent = section
        .optional_integer("overload_percent", "90")
        .unwrap_or(i64::from(OVERLOAD_PERCENT));
    match u8::try_from(percent) {
        Ok(percent @ 1..=100) => Some(percent),
        _ => {
            let message = format!("{percent} is no share of what there is; write 1 to 100");
            section.problem("overload_percent", message);
            None
        }
    }
}

/// A number and a unit: `10 s`, `5 min`.
fn read_duration(
    section: &Section<'_>,
    key: &'static str,
    text: &str,
    longest: Duration,
) -> Option<Duration> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim_start() {
        "s" => Some(1),
        "min" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let seconds = unit.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    match seconds.map(Duration::from_secs) {
        Some(duration) if duration <= longest => Some(duration),
        Some(_) => {
            let message = format!(
                "\"{text}\" is too long; write at most \"{} s\"",
                longest.as_secs()
            );
            section.problem(key, message);
            None
        }
        None => {
            let message =
                format!("\"{text}\" is no time; write a number with s, min or h, such as \"10 s\"");
            section.problem(key, message);
            None
        }
    }
}

fn read_interface(section: Section<'_>) -> Option<Placed<'_, Interface>> {
    let device = section.text("device", "n3").map(str::to_owned);
    let role = section
        .text("role", "access")
        .and_then(|text| read_role(&section, text));
    let gtpu = each(&section, "gtpu", "10.1.0.2", |place, text| {
        parsed_at(&section, place, text, ADDRESS)
    });
    let network_instance = section.optional_text("network_instance", "internet");
    let mode = match section.optional_text("mode", "auto") {
        Some(text) => read_mode(&section, text),
        None => Some(Mode::default()),
    };
    section.finish();
    let value = Interface {
        device: device?,
        role: role?,
        gtpu: gtpu?,
        network_instance: network_instance.map(str::to_owned),
        mode: mode?,
    };
    Some(Placed { section, value })
}

fn read_role(section: &Section<'_>, text: &str) -> Option<Role> {
    match text {
        "access" => Some(Role::Access),
        "core" => Some(Role::Core),
        "both" => Some(Role::Both),
        _ => {
            let message = format!("\"{text}\" is no role; write access, core or both");
            section.problem("role", message);
            None
        }
    }
}

fn read_mode(section: &Section<'_>, text: &str) -> Option<Mode> {
    match text {
        "native" => Some(Mode::Native),
        "generic" => Some(Mode::Generic),
        "auto" => Some(Mode::Auto),
        _ => {
            let message = format!("\"{text}\" is no mode; write native, generic or auto");
            section.problem("mode", message);
            None
        }
    }
}

fn read_pool(section: Section<'_>) -> Option<Placed<'_, Pool>> {
    let network_instance = section
        .text("network_instance", "internet")
        .map(str::to_owned);
    let ipv4 = read_prefix::<Ipv4Net>(&section, "ipv4", "10.45.0.0/16");
    let ipv6 = read_prefix::<Ipv6Net>(&section, "ipv6", "2001:db8:45::/48");
    let quarantine = read_quarantine(&section);
    section.finish();
    let value = Pool {
        network_instance: network_instance?,
        ipv4: ipv4?,
        ipv6: ipv6?,
        quarantine: quarantine?,
    };
    Some(Placed { section, value })
}

fn read_quarantine(section: &Section<'_>) -> Option<Duration> {
    let key = "quarantine_seconds";
    let seconds = section
        .optional_integer(key, "30")
        .unwrap_or(DEFAULT_QUARANTINE_SECONDS);
    if (0..=MAX_QUARANTINE_SECONDS).contains(&seconds) {
        return Some(Duration::from_secs(seconds.unsigned_abs()));
    }
    let message =
        format!("{seconds} is out of range; write a number from 0 to {MAX_QUARANTINE_SECONDS}");
    section.problem(key, message);
    None
}

/// The outer `None` is a problem, the inner one an absent key.
fn read_prefix<N>(section: &Section<'_>, key: &'static str, example: &str) -> Option<Option<N>>
where
    N: FromStr + Into<IpNet> + Copy,
{
    match section.optional_text(key, example) {
        Some(text) => network(section, &section.place_of(key), text, example).map(Some),
        None => Some(None),
    }
}

fn read_capacity(section: &Section<'_>) -> Option<Capacity> {
    let sessions = read_count(section, "sessions", DEFAULT_SESSIONS);
    let as_many = sessions.unwrap_or(DEFAULT_SESSIONS);
    let limits = read_count(section, "limits", as_many);
    let usage_records = read_count(section, "usage_records", as_many);
    section.finish();
    Some(Capacity {
        sessions: sessions?,
        limits: limits?,
        usage_records: usage_records?,
    })
}

fn read_count(section: &Section<'_>, key: &'static str, default: u32) -> Option<u32> {
    let count = section
        .optional_integer(key, "100_000")
        .unwrap_or(i64::from(default));
    match u32::try_from(count) {
        Ok(count @ 1..=MAX_SESSIONS) => Some(count),
        _ => {
            let message = format!("{count} {key} cannot be served; write 1 to {MAX_SESSIONS}");
            section.problem(key, message);
            None
        }
    }
}

fn read_http(section: &Section<'_>) -> Option<SocketAddr> {
    let text = section.optional_text("listen", "127.0.0.1:9805");
    let listen = match text {
        Some(text) => parsed(section, "listen", text, SOCKET),
        None => Some(DEFAULT_HTTP),
    };
    section.finish();
    listen
}

/// Every text of a list through `read`, all of them even after one has failed.
fn each<T>(
    section: &Section<'_>,
    key: &'static str,
    example: &str,
    read: impl Fn(&Place, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let texts = section.texts(key, example)?;
    let values: Vec<_> = texts
        .iter()
        .map(|(place, text)| read(place, text))
        .collect();
    values.into_iter().collect()
}

/// What a text has to be, and how such a thing is written.
#[derive(Clone, Copy)]
struct Shape {
    what: &'static str,
    example: &'static str,
}

const SOCKET: Shape = Shape {
    what: "an address with a port",
    example: "10.100.0.2:8805",
};
const ADDRESS: Shape = Shape {
    what: "an IP address",
    example: "10.1.0.2",
};

fn parsed<T: FromStr>(
    section: &Section<'_>,
    key: &'static str,
    text: &str,
    shape: Shape,
) -> Option<T> {
    parsed_at(section, &section.place_of(key), text, shape)
}

fn parsed_at<T: FromStr>(
    section: &Section<'_>,
    place: &Place,
    text: &str,
    shape: Shape,
) -> Option<T> {
    let value = text.parse().ok();
    if value.is_none() {
        let Shape { what, example } = shape;
        let message = format!("\"{text}\" is not {what}; write one like \"{example}\"");
        section.problem_at(place, message);
    }
    value
}

/// A network in CIDR notation with no host bits set.
fn network<N>(section: &Section<'_>, place: &Place, text: &str, example: &str) -> Option<N>
where
    N: FromStr + Into<IpNet> + Copy,
{
    let Ok(net) = text.parse::<N>() else {
        let message = match text.parse::<IpAddr>() {
            Ok(address) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                format!("\"{text}\" has no prefix length; write \"{text}/{bits}\" or \"{example}\"")
            }
            Err(_) => format!("\"{text}\" is not a network; write one like \"{example}\""),
        };
        section.problem_at(place, message);
        return None;
    };
    let truncated = net.into().trunc();
    if truncated != net.into() {
        let message = format!("\"{text}\" has host bits set; write \"{truncated}\"");
        section.problem_at(place, message);
        return None;
    }
    Some(net)
}

/// Whether two names mean the same network instance: like APNs, whatever their case.
pub fn same_network_instance(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}
