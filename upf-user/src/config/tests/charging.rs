//! `[charging]`, and one row for each kind of error.

use super::*;

#[test]
fn charging_is_read_with_its_units() {
    let config = sample_and(
        r#"[charging]
snapshot_interval = "500 ms"
export = "/srv/usage"
export_rotate_size = "16 MiB"
export_rotate_after = "10 min"
export_keep = 24
export_keep_for = "48 h"
"#,
    )
    .unwrap();
    let charging = &config.charging;
    assert_eq!(charging.snapshot_interval, Duration::from_millis(500));
    let export = charging.export.as_ref().unwrap();
    assert_eq!(export.directory, Path::new("/srv/usage"));
    assert_eq!((export.rotate_size, export.keep), (16 << 20, 24));
    assert_eq!(export.rotate_after, Duration::from_secs(600));
    assert_eq!(export.keep_for, Some(Duration::from_secs(48 * 3600)));
    let line = "charging   usage is durable every 500ms, export to /srv/usage: files of 16777216 bytes or 600s, 24 kept for 172800s";
    let summary = config.summary();
    assert!(summary.lines().any(|l| l == line), "{summary}");
}

#[test]
fn usage_is_durable_every_second_and_not_exported_unless_told_otherwise() {
    let config = Config::parse(SAMPLE).unwrap();
    assert_eq!(config.charging, Charging::default());
    assert_eq!(config.charging.snapshot_interval, Duration::from_secs(1));
    assert_eq!(config.charging.export, None);
    let config = sample_and("[charging]\nexport = \"/srv/usage\"").unwrap();
    let export = config.charging.export.unwrap();
    assert_eq!((export.rotate_size, export.keep), (64 << 20, 168));
    assert_eq!(export.rotate_after, Duration::from_secs(3600));
    assert_eq!(export.keep_for, None);
}

#[test]
fn as_many_usage_records_as_sessions_unless_told_otherwise() {
    let records = |text| {
        Config::parse(&with(27, text))
            .unwrap()
            .capacity
            .usage_records
    };
    assert_eq!(records("sessions = 5000"), 5000);
    assert_eq!(records("sessions = 5000\nusage_records = 20_000"), 20_000);
    assert_eq!(records("usage_records = 16_777_216"), 16_777_216);
    for text in ["usage_records = 0", "usage_records = 16_777_217"] {
        refused(27, text, "capacity.usage_records", "write 1 to 16777216");
    }
    refused(
        27,
        "usage_records = \"few\"",
        "capacity.usage_records",
        "usage_records = 100_000",
    );
}

#[test]
fn what_cannot_be() {
    let rows = [
        (
            "snapshot_interval = \"fast\"",
            "snapshot_interval",
            "like \"1 s\"",
        ),
        (
            "snapshot_interval = \"10 ms\"",
            "snapshot_interval",
            "write 100 ms to 60 s",
        ),
        (
            "snapshot_interval = 1",
            "snapshot_interval",
            "write snapshot_interval = \"1 s\"",
        ),
        (
            "export = \"usage\"",
            "export",
            "write export = \"/var/lib/upf/usage\"",
        ),
        (
            "export_rotate_size = \"64 MB\"",
            "export_rotate_size",
            "such as \"64 MiB\"",
        ),
        (
            "export_rotate_size = \"1 KiB\"",
            "export_rotate_size",
            "write 64 KiB to 1024 GiB",
        ),
        (
            "export_rotate_size = \"99999999999999999999 B\"",
            "export_rotate_size",
            "no size",
        ),
        (
            "export_rotate_after = \"0 s\"",
            "export_rotate_after",
            "write 1 s to 8760 h",
        ),
        (
            "export_rotate_after = \"soon\"",
            "export_rotate_after",
            "like \"1 h\"",
        ),
        ("export_keep = 0", "export_keep", "write 1 to 1000000"),
        (
            "export_keep_for = \"9000 h\"",
            "export_keep_for",
            "write 1 s to 8760 h",
        ),
        ("rotate = 1", "rotate", "unknown key"),
    ];
    for (text, key, says) in rows {
        let problems = sample_and(&format!("[charging]\n{text}\n")).expect_err(text);
        let [problem] = &problems[..] else {
            panic!("{text}: {problems:?}");
        };
        assert_eq!(problem.key, format!("charging.{key}"), "{text}");
        assert_eq!(problem.line, SAMPLE.lines().count() + 2, "{text}");
        assert!(problem.message.contains(says), "{problem}");
    }
}
