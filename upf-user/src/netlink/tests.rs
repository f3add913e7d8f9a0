//! The watch against a real kernel, in a network namespace of the test's own.

use std::net::IpAddr;
use std::process::{Child, Command};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use super::*;

/// The far end of the cable: a process that sleeps in a namespace of its own.
struct FarEnd(Child);

impl FarEnd {
    fn start() -> Self {
        let sleep = Command::new("unshare")
            .args(["--net", "sleep", "60"])
            .spawn();
        Self(sleep.expect("`unshare` of util-linux is needed for this test"))
    }

    fn ip(&self, arguments: &str) {
        let pid = self.0.id().to_string();
        let entered = ["--target", &pid, "--net", "ip"].map(str::to_owned);
        let arguments = entered
            .into_iter()
            .chain(arguments.split(' ').map(str::to_owned));
        run("nsenter", &arguments.collect::<Vec<_>>());
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ip(arguments: &str) -> String {
    run(
        "ip",
        &arguments.split(' ').map(str::to_owned).collect::<Vec<_>>(),
    )
}

fn run(program: &str, arguments: &[String]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect(program);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {}: {errors}",
        arguments.join(" ")
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits for an event that fits; others before it are passed over.
async fn expect(events: &mut Receiver<Event>, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
    let wait = async {
        loop {
            let event = events.recv().await.expect("the watch has stopped");
            if fits(&event) {
                return event;
            }
        }
    };
    timeout(Duration::from_secs(5), wait)
        .await
        .unwrap_or_else(|_| panic!("no {what} for 5 s"))
}

/// Reads on until nothing has come for a while.
async fn drain(events: &mut Receiver<Event>) {
    while timeout(Duration::from_millis(300), events.recv())
        .await
        .is_ok()
    {}
}

#[test]
fn a_device_its_neighbours_and_its_end_are_seen() {
    let in_namespace = || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)
            .expect("this test makes a network namespace and has to run as root");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(scenario());
    };
    // A namespace belongs to its thread: a fresh one, so that no other test gets into it.
    std::thread::spawn(in_namespace).join().unwrap();
}

async fn scenario() {
    let far = FarEnd::start();
    let Started {
        watch,
        devices,
        mut events,
    } = start(vec!["n3".to_owned()]).await.unwrap();
    assert_eq!(devices, []);

    // `unshare` needs a moment before the process is in its namespace.
    tokio::time::sleep(Duration::from_millis(300)).await;
    ip("link add n3 mtu 1600 type veth peer name far");
    let appeared = expect(&mut events, "appearance", |e| {
        matches!(e, Event::Appeared(_))
    })
    .await;
    let Event::Appeared(device) = appeared else {
        unreachable!("matched above")
    };
    assert_eq!(
        (device.name.as_str(), device.mtu, device.up),
        ("n3", 1600, false)
    );
    assert_ne!(device.mac, [0; 6]);
    assert_eq!(switch_on("n3").unwrap(), [Family::Ipv4, Family::Ipv6]);

    ip(&format!("link set far netns {}", far.0.id()));
    far.ip("addr add 10.9.0.2/24 dev far");
    far.ip("link set far up");
    ip("addr add 10.9.0.1/24 dev n3");
    ip("link set n3 up");
    expect(
        &mut events,
        "carrier",
        |e| matches!(e, Event::Changed(d) if d.up),
    )
    .await;
    drain(&mut events).await;

    let address: IpAddr = "10.9.0.2".parse().unwrap();
    watch.wish(Wish::Neighbour {
        ifindex: device.index,
        address,
    });
    expect(&mut events, "resolved neighbour", |e| {
        *e == Event::NextHopsChanged
    })
    .await;
    assert!(
        ip("neigh show dev n3").contains("lladdr"),
        "{}",
        ip("neigh show dev n3")
    );
    drain(&mut events).await;

    // A peer behind a router: the router is asked for, ahead of any traffic.
    far.ip("addr add 10.9.0.3/24 dev far");
    ip("route add 10.20.0.0/16 via 10.9.0.3");
    expect(&mut events, "route", |e| *e == Event::NextHopsChanged).await;
    watch.wish(Wish::Peers(vec!["10.20.0.1".parse().unwrap()]));
    expect(&mut events, "resolved router", |e| {
        *e == Event::NextHopsChanged
    })
    .await;
    assert!(
        ip("neigh show 10.9.0.3").contains("lladdr"),
        "{}",
        ip("neigh show")
    );

    ip("link delete n3");
    expect(
        &mut events,
        "end",
        |e| matches!(e, Event::Gone(d) if d.name == "n3"),
    )
    .await;
}
