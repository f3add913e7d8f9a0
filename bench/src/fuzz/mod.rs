//! What the fuzz targets run: an input, and what must hold whatever it is. `fuzz/` puts it under cargo-fuzz, and the
//! `fuzz` tests put seeds and mutations of them to it.
//!
//! | module | input |
//! |---|---|
//! | [`pfcp_decode`] | a datagram |
//! | [`pfcp_sequence`] | datagrams of two control planes, and time between them |
//! | [`gtpu_parse`] | a world's number and a frame |
//! | [`flow_description`] | a text |

pub mod flow_description;
pub mod gtpu_parse;
pub mod pfcp_decode;
pub mod pfcp_sequence;

use upf_user::config::Config;
use upf_user::datapath::memory::{MemoryDatapath, Sizes};
use upf_user::session::{Sessions, SessionsConfig};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

/// A target: its name, and what takes an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 4] = [
    ("pfcp_decode", pfcp_decode::run),
    ("pfcp_sequence", pfcp_sequence::run),
    ("gtpu_parse", gtpu_parse::run),
    ("flow_description", flow_description::run),
];

const CONFIG: &str = r#"
[node]
id = "10.100.0.9"
[pfcp]
listen = "10.100.0.9:8805"
allow = ["10.100.0.0/24"]
[[interface]]
device = "n3"
role = "access"
gtpu = ["10.1.0.2", "2001:db8:1::2"]
[[interface]]
device = "n6"
role = "core"
network_instance = "internet"
[[pool]]
network_instance = "internet"
ipv4 = "10.45.0.0/22"
ipv6 = "2001:db8:45::/54"
[[predefined_rule]]
name = "gold"
precedence = 10
filters = ["permit out 17 from 192.0.2.0/24 5060 to assigned"]
uplink_kbps = 64
"#;

/// Sessions over small tables in memory, the same ones each time.
fn sessions() -> Sessions<MemoryDatapath> {
    let config = Config::parse(CONFIG).expect("a sound config");
    let config = SessionsConfig::new(&config).expect("pools that fit");
    let tables = MemoryDatapath::new(Sizes {
        slots: 512,
        blocks: config.pools.blocks(),
        peers: 8,
        lists: 64,
        limits: 512,
        usages: 512,
    });
    Sessions::with_random(config, tables, StdRng::seed_from_u64(29_244))
}
