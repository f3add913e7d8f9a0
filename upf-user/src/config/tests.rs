//! A sample, and one case for each kind of error.

mod bandwidth;
mod charging;

use std::time::Duration;

use super::*;

const SAMPLE: &str = r#"[node]
id = "10.100.0.2"
state = "/var/lib/upf"

[pfcp]
listen = "10.100.0.2:8805"
allow = ["10.100.0.0/24"]
connect = ["10.100.0.1:8805"]

[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2"]
mode = "auto"

[[interface]]
device = "n6"
role = "core"
network_instance = "internet"

[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/16"
ipv6 = "2001:db8:45::/48"

[capacity]
sessions = 100_000

[http]
listen = "127.0.0.1:9805"
"#;

/// The sample with one line replaced, lines counted from 1.
fn with(line: usize, text: &str) -> String {
    let lines = SAMPLE.lines().enumerate();
    let lines: Vec<_> = lines
        .map(|(i, old)| if i + 1 == line { text } else { old })
        .collect();
    lines.join("\n")
}

/// The single problem that the sample has with one line replaced.
fn problem(line: usize, text: &str) -> Problem {
    let mut problems = Config::parse(&with(line, text)).expect_err("accepted");
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[track_caller]
fn refused(line: usize, text: &str, key: &str, says: &str) {
    let problem = problem(line, text);
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (line, key),
        "{problem}"
    );
    assert!(problem.message.contains(says), "{problem}");
}

#[test]
fn the_sample_gives_typed_settings() {
    let config = Config::parse(SAMPLE).expect("the sample is right");
    assert_eq!(
        config.node.id,
        NodeName::Address("10.100.0.2".parse().unwrap())
    );
    assert_eq!(config.node.pins, Path::new("/sys/fs/bpf/upf"));
    assert_eq!(config.pfcp.listen, "10.100.0.2:8805".parse().unwrap());
    assert!(config.pfcp.allows("10.100.0.77".parse().unwrap()));
    assert!(!config.pfcp.allows("10.100.1.1".parse().unwrap()));
    assert_eq!(config.interfaces[0].role, Role::Access);
    assert_eq!(config.interfaces[0].mode, Mode::Auto);
    assert_eq!(
        config.interfaces[1].network_instance.as_deref(),
        Some("internet")
    );
    assert_eq!(
        config.pools[0].ipv6,
        Some("2001:db8:45::/48".parse().unwrap())
    );
    assert_eq!(config.capacity.sessions, 100_000);
    assert_eq!(config.http.listen, "127.0.0.1:9805".parse().unwrap());
}

#[test]
fn the_summary_names_what_matters() {
    let summary = Config::parse(SAMPLE)
        .expect("the sample is right")
        .summary();
    for part in [
        "10.100.0.2:8805",
        "n3: access, gtpu 10.1.0.2",
        "n6: core, to internet",
        "100000 sessions, 100000 limits, 100000 usage records",
    ] {
        assert!(summary.contains(part), "{part} in\n{summary}");
    }
}

#[test]
fn what_may_be_left_out_has_defaults() {
    let source = r#"
        [node]
        id = "upf1.example.org"
        [pfcp]
        listen = "[2001:db8::2]:8805"
        allow = ["2001:db8::/64"]
        [[interface]]
        device = "eth0"
        role = "both"
        gtpu = ["10.1.0.2"]
        network_instance = "internet"
    "#;
    let config = Config::parse(source).expect("complete");
    assert_eq!(
        config.node.id,
        NodeName::Fqdn("upf1.example.org".to_owned())
    );
    assert_eq!(config.node.state, Path::new("/var/lib/upf"));
    assert_eq!(config.capacity.sessions, 100_000);
    assert_eq!(config.http.listen, "127.0.0.1:9805".parse().unwrap());
    assert!(config.pools.is_empty() && config.pfcp.connect.is_empty());
    let (release, overload) = (config.pfcp.graceful_release, config.pfcp.overload_percent);
    assert_eq!((release, overload), (Duration::ZERO, 90));
}

#[test]
fn errors_name_file_line_and_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("upf.toml");
    std::fs::write(&file, with(27, "sessions = 0")).unwrap();
    let error = Config::load(&file).expect_err("accepted").to_string();
    let expected = format!(
        "{}:27: capacity.sessions: 0 sessions cannot be served; write 1 to 16777216",
        file.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn a_file_that_is_not_there() {
    let error = Config::load(Path::new("/nowhere/upf.toml"))
        .expect_err("accepted")
        .to_string();
    assert!(
        error.starts_with("/nowhere/upf.toml: No such file"),
        "{error}"
    );
    assert!(error.contains("--config"), "{error}");
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_file() {
    let source = SAMPLE
        .replace("100_000", "0")
        .replace("role = \"core\"", "role = \"cor\"");
    let problems = Config::parse(&source).expect_err("accepted");
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [18, 27], "{problems:?}");
}

#[test]
fn broken_syntax() {
    let problems = Config::parse(&with(6, "listen = 10.100.0.2:8805")).expect_err("accepted");
    assert_eq!(
        (problems[0].line, problems[0].key.as_str()),
        (6, "listen"),
        "{problems:?}"
    );
}

#[test]
fn an_unknown_key() {
    refused(
        3,
        "states = \"/x\"",
        "node.states",
        "known here are: id, state, pins",
    );
    refused(
        22,
        "dnn = \"internet\"\nnetwork_instance = \"internet\"",
        "pool[0].dnn",
        "unknown key",
    );
}

#[test]
fn an_unknown_section() {
    let source = SAMPLE.replace("[http]", "[https]");
    let problems = Config::parse(&source).expect_err("accepted");
    assert_eq!((problems[0].line, problems[0].key.as_str()), (29, "https"));
    assert!(
        problems[0].message.contains("known here are: node, pfcp"),
        "{problems:?}"
    );
}

#[test]
fn a_missing_section() {
    let problems = Config::parse("").expect_err("accepted");
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(keys, ["node", "pfcp", "interface"], "{problems:?}");
    assert!(problems[1].message.contains("add [pfcp]"), "{problems:?}");
}

#[test]
fn a_missing_key() {
    let problem = problem(2, "");
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (1, "node.id"),
        "{problem}"
    );
    assert!(
        problem.message.contains("write id = \"10.100.0.2\""),
        "{problem}"
    );
}

#[test]
fn a_value_of_the_wrong_type() {
    refused(
        11,
        "device = 3",
        "interface[0].device",
        "a whole number stands where a string",
    );
    refused(
        7,
        "allow = \"10.0.0.0/8\"",
        "pfcp.allow",
        "a string stands where a list of strings",
    );
    refused(
        7,
        "allow = [\"10.100.0.0/24\", 7]",
        "pfcp.allow",
        "write allow = [",
    );
    refused(
        27,
        "sessions = \"many\"",
        "capacity.sessions",
        "where a whole number belongs",
    );
    let problems = Config::parse("interface = 1\nnode = true").expect_err("accepted");
    let says = |key, what| {
        problems
            .iter()
            .any(|p| p.key == key && p.message.contains(what))
    };
    assert!(
        says(
            "interface",
            "a whole number stands where a list of sections"
        ),
        "{problems:?}"
    );
    assert!(
        says("node", "a boolean stands where a section belongs"),
        "{problems:?}"
    );
}

#[test]
fn a_node_id_that_is_neither_address_nor_name() {
    for id in [
        "",
        "upf",
        "10.100.0.300",
        "a b.example",
        "-x.example",
        "0.0.0.0",
        "a..b",
    ] {
        let problem = problem(2, &format!("id = \"{id}\""));
        assert_eq!((problem.line, problem.key.as_str()), (2, "node.id"), "{id}");
    }
}

#[test]
fn a_directory_that_is_not_absolute() {
    refused(
        3,
        "state = \"var/upf\"",
        "node.state",
        "write state = \"/var/lib/upf\"",
    );
    refused(3, "pins = \"bpf\"", "node.pins", "not an absolute path");
}

#[test]
fn a_listener_without_port_or_address() {
    refused(
        6,
        "listen = \"10.100.0.2\"",
        "pfcp.listen",
        "an address with a port",
    );
    refused(
        6,
        "listen = \"upf:8805\"",
        "pfcp.listen",
        "an address with a port",
    );
    refused(
        6,
        "listen = \"0.0.0.0:8805\"",
        "pfcp.listen",
        "write the address itself",
    );
    refused(6, "listen = \"10.100.0.2:0\"", "pfcp.listen", "port 8805");
    refused(
        30,
        "listen = \"9805\"",
        "http.listen",
        "an address with a port",
    );
}

#[test]
fn times_have_a_unit_and_an_end() {
    for (text, seconds) in [("10 s", 10), ("0s", 0), ("5 min", 300), ("1h", 3600)] {
        let source = with(8, &format!("graceful_release = \"{text}\""));
        let config = Config::parse(&source).expect("a time");
        assert_eq!(config.pfcp.graceful_release, Duration::from_secs(seconds));
    }
    for (text, message) in [
        ("10", "such as \"10 s\""),
        ("s", "such as \"10 s\""),
        ("-1 s", "such as \"10 s\""),
        ("1.5 s", "such as \"10 s\""),
        ("99999999999999999999 s", "such as \"10 s\""),
        ("2 h", "write at most \"3600 s\""),
    ] {
        let line = format!("graceful_release = \"{text}\"");
        refused(8, &line, "pfcp.graceful_release", message);
    }
}

#[test]
fn a_share_that_is_none() {
    for percent in ["0", "101", "-1", "9999999999"] {
        let line = format!("overload_percent = {percent}");
        refused(8, &line, "pfcp.overload_percent", "write 1 to 100");
    }
    let config = Config::parse(&with(8, "overload_percent = 75")).expect("a share");
    assert_eq!(config.pfcp.overload_percent, 75);
}

#[test]
fn nobody_allowed() {
    let problems = Config::parse(&with(7, "allow = []")).expect_err("accepted");
    assert_eq!(problems[0].key, "pfcp.allow");
    assert!(
        problems[0].message.contains("nobody may speak PFCP"),
        "{problems:?}"
    );
}

#[test]
fn a_control_plane_that_cannot_be_spoken_to() {
    refused(
        8,
        "connect = [\"10.9.0.1:8805\"]",
        "pfcp.connect",
        "add its network",
    );
    refused(
        8,
        "connect = [\"[2001:db8::1]:8805\"]",
        "pfcp.connect",
        "same family",
    );
    refused(8, "connect = [\"10.100.0.1:0\"]", "pfcp.connect", "port 0");
    refused(
        8,
        "connect = [\"smf\"]",
        "pfcp.connect",
        "an address with a port",
    );
}

#[test]
fn a_network_that_is_none() {
    refused(7, "allow = [\"ten\"]", "pfcp.allow", "not a network");
    refused(
        7,
        "allow = [\"10.100.0.1\"]",
        "pfcp.allow",
        "write \"10.100.0.1/32\"",
    );
    refused(
        7,
        "allow = [\"10.100.0.1/24\"]",
        "pfcp.allow",
        "write \"10.100.0.0/24\"",
    );
    refused(
        23,
        "ipv4 = \"10.45.0.0/33\"",
        "pool[0].ipv4",
        "not a network",
    );
    refused(
        24,
        "ipv6 = \"10.46.0.0/16\"",
        "pool[0].ipv6",
        "not a network",
    );
    refused(
        24,
        "ipv6 = \"2001:db8:45::1/48\"",
        "pool[0].ipv6",
        "host bits",
    );
}

#[test]
fn no_interface() {
    let from = SAMPLE.find("[[interface]]").unwrap();
    let to = SAMPLE.find("[capacity]").unwrap();
    let source = format!("{}{}", &SAMPLE[..from], &SAMPLE[to..]);
    let problems = Config::parse(&source).expect_err("accepted");
    assert_eq!(problems[0].key, "interface");
    assert!(
        problems[0].message.contains("[[interface]]"),
        "{problems:?}"
    );
}

#[test]
fn a_device_name_that_linux_cannot_have() {
    for name in ["", "a/b", "a b", "..", "averyveryverylongname"] {
        let problem = problem(11, &format!("device = \"{name}\""));
        assert_eq!(
            (problem.line, problem.key.as_str()),
            (11, "interface[0].device"),
            "{name}"
        );
    }
}

#[test]
fn a_device_configured_twice() {
    refused(
        17,
        "device = \"n3\"",
        "interface[1].device",
        "already configured on line 11",
    );
}

#[test]
fn a_role_or_mode_that_does_not_exist() {
    refused(
        12,
        "role = \"n3\"",
        "interface[0].role",
        "access, core or both",
    );
    refused(
        14,
        "mode = \"fast\"",
        "interface[0].mode",
        "native, generic or auto",
    );
}

#[test]
fn an_access_interface_without_gtpu_address() {
    let problem = problem(13, "");
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (10, "interface[0].gtpu")
    );
    assert!(problem.message.contains("write gtpu = "), "{problem}");
}

#[test]
fn a_gtpu_address_that_cannot_serve() {
    refused(
        13,
        "gtpu = [\"fe80::2\"]",
        "interface[0].gtpu",
        "no address of one host",
    );
    refused(
        13,
        "gtpu = [\"::ffff:10.1.0.2\"]",
        "interface[0].gtpu",
        "no address of one host",
    );
    refused(
        13,
        "gtpu = [\"224.0.0.1\"]",
        "interface[0].gtpu",
        "no address of one host",
    );
    refused(
        13,
        "gtpu = [\"10.1.0.2\", \"10.1.0.2\"]",
        "interface[0].gtpu",
        "twice",
    );
    refused(
        13,
        "gtpu = [\"10.1.0\"]",
        "interface[0].gtpu",
        "not an IP address",
    );
}

#[test]
fn gtpu_addresses_of_both_families() {
    let addresses: Vec<_> = (2..6)
        .flat_map(|n| [format!("\"10.1.0.{n}\""), format!("\"2001:db8::{n}\"")])
        .collect();
    let config = Config::parse(&with(13, &format!("gtpu = [{}]", addresses.join(", "))));
    assert_eq!(config.expect("four of each").interfaces[0].gtpu.len(), 8);
    refused(
        13,
        "gtpu = [\"2001:db8::1\", \"2001:db8::2\", \"2001:db8::3\", \"2001:db8::4\", \"2001:db8::5\"]",
        "interface[0].gtpu",
        "5 IPv6 addresses are too many",
    );
}

#[test]
fn gtpu_has_the_timers_of_the_specification_unless_told_otherwise() {
    assert_eq!(Config::parse(SAMPLE).unwrap().gtpu, Gtpu::default());
    let config = Config::parse(&with(
        28,
        "[gtpu]\necho_interval = \"2 min\"\nt3_response = \"500ms\"\nn3_requests = 3\n\
         error_indication_holdoff = \"0 s\"\nerror_indications_per_second = 10",
    ));
    let expected = Gtpu {
        echo_interval: Duration::from_secs(120),
        t3_response: Duration::from_millis(500),
        n3_requests: 3,
        error_indication_holdoff: Duration::ZERO,
        error_indications_per_second: 10,
    };
    assert_eq!(config.expect("right").gtpu, expected);
}

#[test]
fn echoes_may_be_off_and_may_come_too_often_in_labs() {
    for (interval, says) in [
        ("0 s", "no Echo Requests"),
        ("5 s", "every 5s: for labs only"),
        ("60 s", "every 60s; "),
    ] {
        let config = Config::parse(&with(
            28,
            &format!("[gtpu]\necho_interval = \"{interval}\""),
        ));
        let config = config.expect(interval);
        assert_eq!(config.gtpu.echoes_too_often(), interval == "5 s");
        assert!(config.summary().contains(says), "{}", config.summary());
    }
}

#[test]
fn gtpu_timers_that_cannot_be_kept() {
    let refused = |setting: &str, says: &str| {
        let problems = Config::parse(&with(28, &format!("[gtpu]\n{setting}")));
        let problems = problems.expect_err("accepted");
        let key = format!("gtpu.{}", setting.split(' ').next().unwrap());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(
            (problems[0].line, &problems[0].key),
            (29, &key),
            "{setting}"
        );
        assert!(problems[0].message.contains(says), "{}", problems[0]);
    };
    refused("echo_interval = \"often\"", "write one like \"60 s\"");
    refused("echo_interval = \"60\"", "write one like \"60 s\"");
    refused(
        "echo_interval = \"99999999999999999999 h\"",
        "like \"60 s\"",
    );
    refused("echo_interval = \"9999999999999999 h\"", "like \"60 s\"");
    refused(
        "echo_interval = \"100 ms\"",
        "write 1 s to 24 h, or \"0 s\" for none",
    );
    refused("echo_interval = 60", "where a string belongs");
    refused("t3_response = \"0 s\"", "write 100 ms to 60 s");
    refused("n3_requests = 0", "write 1 to 20");
    refused("error_indication_holdoff = \"25 h\"", "write 0 s to 24 h");
    refused("error_indications_per_second = -1", "write 0 to 100000");
    refused("echo = \"60 s\"", "unknown key");
}

#[test]
fn a_core_interface_without_network_instance() {
    let source = SAMPLE.replace("role = \"access\"", "role = \"both\"");
    let problems = Config::parse(&source).expect_err("accepted");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].key, "interface[0].network_instance");
}

#[test]
fn a_network_instance_that_is_no_name() {
    let key = "interface[0].network_instance";
    refused(
        14,
        "network_instance = \"inter net\"",
        key,
        "labels of letters",
    );
    refused(14, "network_instance = \"\"", key, "labels of letters");
}

#[test]
fn a_pool_that_no_interface_leads_to() {
    let key = "pool[0].network_instance";
    refused(
        22,
        "network_instance = \"ims\"",
        key,
        "no interface with role core leads to \"ims\"",
    );
    // The access interface of that name does not count.
    let source = with(14, "network_instance = \"ims\"").replace(
        "[[pool]]\nnetwork_instance = \"internet\"",
        "[[pool]]\nnetwork_instance = \"ims\"",
    );
    assert_eq!(Config::parse(&source).expect_err("accepted")[0].key, key);
}

#[test]
fn names_of_network_instances_have_no_case() {
    Config::parse(&with(22, "network_instance = \"Internet\"")).expect("the same network instance");
}

#[test]
fn a_pool_without_addresses() {
    let source = with(23, "").replace("ipv6 = \"2001:db8:45::/48\"", "");
    let problems = Config::parse(&source).expect_err("accepted");
    assert_eq!(
        (problems[0].line, problems[0].key.as_str()),
        (21, "pool[0].ipv4")
    );
}

#[test]
fn a_pool_too_wide_or_too_narrow() {
    refused(23, "ipv4 = \"64.0.0.0/2\"", "pool[0].ipv4", "from 8 to 32");
    refused(
        24,
        "ipv6 = \"2001:db8::/80\"",
        "pool[0].ipv6",
        "from 32 to 64",
    );
}

#[test]
fn addresses_rest_as_long_as_the_pool_says() {
    let seconds = |config: &Config| config.pools[0].quarantine.as_secs();
    assert_eq!(seconds(&Config::parse(SAMPLE).expect("sample")), 30);
    let source = with(23, "ipv4 = \"10.45.0.0/16\"\nquarantine_seconds = 0");
    assert_eq!(seconds(&Config::parse(&source).expect("no quarantine")), 0);
    for wrong in ["-1", "86_401"] {
        let line = format!("quarantine_seconds = {wrong}\nipv4 = \"10.45.0.0/16\"");
        refused(23, &line, "pool[0].quarantine_seconds", "from 0 to 86400");
    }
}

#[test]
fn a_pool_that_holds_our_own_address() {
    refused(
        23,
        "ipv4 = \"10.100.0.0/16\"",
        "pool[0].ipv4",
        "holds 10.100.0.2",
    );
    refused(
        23,
        "ipv4 = \"10.1.0.0/16\"",
        "pool[0].ipv4",
        "holds 10.1.0.2",
    );
}

#[test]
fn pools_that_overlap_in_one_network_instance() {
    let second = "[[pool]]\nnetwork_instance = \"INTERNET\"\nipv4 = \"10.45.128.0/24\"";
    let problem = problem(25, second);
    assert_eq!(
        (problem.line, problem.key.as_str()),
        (27, "pool[1].ipv4"),
        "{problem}"
    );
    assert!(
        problem.message.contains("overlaps 10.45.0.0/16 on line 23"),
        "{problem}"
    );
}

#[test]
fn pools_of_different_network_instances_may_overlap() {
    let source = format!(
        "{SAMPLE}\n[[interface]]\ndevice = \"n6b\"\nrole = \"core\"\nnetwork_instance = \"ims\"\n\
         [[pool]]\nnetwork_instance = \"ims\"\nipv4 = \"10.45.0.0/16\"\n"
    );
    assert_eq!(Config::parse(&source).expect("apart").pools.len(), 2);
}

#[test]
fn a_capacity_that_cannot_be_had() {
    refused(
        27,
        "sessions = 0",
        "capacity.sessions",
        "write 1 to 16777216",
    );
    refused(27, "sessions = -1", "capacity.sessions", "-1 sessions");
    refused(
        27,
        "sessions = 16_777_217",
        "capacity.sessions",
        "cannot be served",
    );
    refused(
        27,
        "sessions = 99999999999999999999",
        "capacity.sessions",
        "too large",
    );
    assert!(Config::parse(&with(27, "sessions = 16_777_216")).is_ok());
}

#[test]
fn more_than_the_tables_hold() {
    let gtpu = "gtpu = [\"10.1.0.2\", \"10.1.0.3\", \"10.1.0.4\", \"10.1.0.5\", \"10.1.0.6\"]";
    refused(13, gtpu, "interface[0].gtpu", "write at most 4");
    refused(
        24,
        "ipv6 = \"2001:db8::/32\"",
        "pool[0].ipv6",
        "write longer prefixes",
    );
    let device = |n| {
        format!("\n[[interface]]\ndevice = \"d{n}\"\nrole = \"core\"\nnetwork_instance = \"x\"")
    };
    let many: String = (0..31).map(device).collect();
    let problems = Config::parse(&format!("{SAMPLE}{many}")).expect_err("accepted");
    assert_eq!(
        (problems.len(), problems[0].key.as_str()),
        (1, "interface[32].device")
    );
    let pool =
        |n| format!("\n[[pool]]\nnetwork_instance = \"internet\"\nipv4 = \"10.46.{n}.0/24\"");
    let many: String = (0..255).map(pool).collect();
    let problems = Config::parse(&format!("{SAMPLE}{many}")).expect_err("accepted");
    assert_eq!(
        (problems.len(), problems[0].key.as_str()),
        (1, "pool[255].ipv4")
    );
}

#[test]
fn the_example_to_deploy_is_right() {
    let config = Config::parse(include_str!("../../../deploy/upf.toml"));
    assert_eq!(config.unwrap().interfaces.len(), 2);
}

#[test]
fn the_config_of_the_readme_is_right() {
    let readme = include_str!("../../../README.md");
    let example = readme.split("```toml\n").nth(1).unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let config = Config::parse(example).unwrap();
    assert_eq!(config.bandwidth.classes.len(), 1);
    assert_eq!(config.bandwidth.rules.len(), 1);
}

/// The sample with a section behind it, which begins on line 32.
fn sample_and(section: &str) -> Result<Config, Vec<Problem>> {
    Config::parse(&format!("{SAMPLE}{section}"))
}

#[test]
fn rules_and_policies_have_names() {
    let config = sample_and(
        r#"[[predefined_rule]]
name = "gold"
precedence = 7
filters = ["permit out 17 from 192.0.2.0/24 5060 to assigned"]
uplink_kbps = 1_000
[[predefined_rule]]
name = "closed"
action = "drop"
[[forwarding_policy]]
name = "firewall"
network_instance = "Internet"
"#,
    );
    let config = config.unwrap();
    let [gold, closed] = config.predefined_rules.as_slice() else {
        panic!("{:?}", config.predefined_rules);
    };
    assert_eq!((gold.name.as_str(), gold.precedence), ("gold", Some(7)));
    assert_eq!((gold.uplink_kbps, gold.downlink_kbps), (Some(1000), None));
    assert_eq!((gold.filters.len(), gold.action), (1, RuleAction::Forward));
    assert_eq!((closed.filters.len(), closed.action), (0, RuleAction::Drop));
    assert_eq!(config.forwarding_policies[0].name, "firewall");
    let summary = config.summary();
    for line in [
        "rule       gold: forward, 1 filters",
        "policy     firewall: to Internet",
    ] {
        assert!(summary.contains(line), "{summary}");
    }
}

#[test]
fn a_rule_or_policy_that_cannot_be() {
    let rows = [
        (
            "[[predefined_rule]]\nprecedence = 1",
            "predefined_rule[0].name",
            "missing",
        ),
        (
            "[[predefined_rule]]\nname = \"\"",
            "predefined_rule[0].name",
            "1 to 255",
        ),
        (
            "[[predefined_rule]]\nname = \"a\"\naction = \"block\"",
            "predefined_rule[0].action",
            "forward or drop",
        ),
        (
            "[[predefined_rule]]\nname = \"a\"\nfilters = [\"deny out ip from any to any\"]",
            "predefined_rule[0].filters",
            "no flow description",
        ),
        (
            "[[predefined_rule]]\nname = \"a\"\nprecedence = 4294967296",
            "predefined_rule[0].precedence",
            "out of range",
        ),
        (
            "[[predefined_rule]]\nname = \"a\"\nuplink_kbps = -1",
            "predefined_rule[0].uplink_kbps",
            "out of range",
        ),
        (
            "[[predefined_rule]]\nname = \"a\"\n[[predefined_rule]]\nname = \"a\"",
            "predefined_rule[1].name",
            "line 32 already",
        ),
        (
            "[[forwarding_policy]]\nname = \"a\"",
            "forwarding_policy[0].network_instance",
            "missing",
        ),
        (
            "[[forwarding_policy]]\nname = \"a\"\nnetwork_instance = \"nowhere\"",
            "forwarding_policy[0].network_instance",
            "no interface leads",
        ),
    ];
    for (section, key, says) in rows {
        let problems = sample_and(section).expect_err(section);
        let [problem] = problems.as_slice() else {
            panic!("{section}: {problems:?}");
        };
        assert_eq!(problem.key, key, "{problem}");
        assert!(problem.message.contains(says), "{problem}");
    }
}
