//! Lines, turning over, and disks that are full.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::Export;

fn settings(directory: &Path) -> Export {
    Export {
        directory: directory.to_owned(),
        rotate_size: 64 << 20,
        rotate_after: Duration::from_secs(3600),
        keep: 168,
        keep_for: None,
    }
}

fn record(number: u64) -> UsageRecord {
    UsageRecord::new(number, Delivery::Report, &made(&cp(1), number, 1))
}

fn write(export: &mut Exporter, numbers: std::ops::RangeInclusive<u64>, now_ms: u64) {
    numbers.for_each(|number| export.add(&record(number)));
    export.flush(now_ms);
}

fn lines(file: &Path) -> Vec<UsageRecord> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> = entries
        .map(name)
        .map(|n| n.into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_line_has_what_a_bill_needs() {
    let directory = tempfile::tempdir().unwrap();
    let mut export = Exporter::open(settings(directory.path())).unwrap();
    write(&mut export, 5..=5, NOW_MS);
    let text = fs::read_to_string(directory.path().join(FILE)).unwrap();
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!({
        "record": 5, "time": "2025-11-25T12:43:42.007Z", "node": "192.0.2.1", "seid": 5, "cp_seid": 1005,
        "imsi": "001010000000001", "dnn": "internet", "ue_addresses": ["10.45.0.1", "2001:db8:45::/64"],
        "delivery": "report", "urr_id": 7, "sequence": 1, "triggers": ["VOLTH", "VOLQU"],
        "start": "2025-11-25T12:43:42Z", "end": "2025-11-25T12:44:42Z",
        "total_octets": 1_099_511_627_776_u64, "uplink_octets": 366_503_875_925_u64,
        "downlink_octets": 733_007_751_851_u64, "total_packets": 1000, "uplink_packets": 333,
        "downlink_packets": 667, "duration_seconds": 60,
    });
    assert_eq!(line, expected);
    assert_eq!(lines(&directory.path().join(FILE)), [record(5)]);
}

#[test]
fn what_was_not_measured_is_absent() {
    let mut bare = made(&cp(1), 1, 0);
    (bare.imsi, bare.dnn) = (None, None);
    bare.report = UsageReport {
        usage_information: Some(0b1001),
        trigger: UsageReportTrigger(1 << 21 | 1 << 30),
        event_time_stamps: vec![2_208_988_800],
        ..UsageReport::default()
    };
    let text = serde_json::to_string(&UsageRecord::new(1, Delivery::Answer, &bare)).unwrap();
    for absent in [
        "imsi", "dnn", "octets", "packets", "start", "duration", "null",
    ] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    let read: UsageRecord = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (read.triggers, read.delivery),
        (vec!["UPINT".to_owned()], Delivery::Answer)
    );
    assert_eq!(read.usage_information, ["BEF", "UBE"]);
    assert_eq!(read.events, ["1970-01-01T00:00:00Z"]);
}

#[test]
fn a_file_is_put_away_by_size_and_by_age_and_never_written_again() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Export {
        rotate_size: 1000,
        ..settings(directory.path())
    };
    let mut export = Exporter::open(settings).unwrap();
    // Whose name is taken gets another.
    let taken = directory.path().join("usage-20251125T124342Z-0.jsonl");
    fs::write(&taken, "mine\n").unwrap();
    write(&mut export, 1..=3, NOW_MS);
    assert_eq!(
        names(directory.path()).len(),
        2,
        "put away before the next line only"
    );
    write(&mut export, 4..=4, NOW_MS);
    let second = directory.path().join("usage-20251125T124342Z-1.jsonl");
    assert_eq!(lines(&second).len(), 3);
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine\n");
    let hour_ms = 3_600_000;
    export.flush(NOW_MS + hour_ms - 1);
    assert_eq!(lines(&directory.path().join(FILE)), [record(4)]);
    export.flush(NOW_MS + hour_ms);
    let third = directory.path().join("usage-20251125T134342Z-0.jsonl");
    assert_eq!(lines(&third), [record(4)]);
    export.flush(NOW_MS + 10 * hour_ms);
    assert_eq!(names(directory.path()).len(), 4, "an empty file stays");
}

#[test]
fn old_files_go_by_number_and_by_age() {
    let directory = tempfile::tempdir().unwrap();
    let settings = Export {
        rotate_size: 1,
        keep: 3,
        ..settings(directory.path())
    };
    fs::write(directory.path().join("usage-notes.jsonl"), "not ours").unwrap();
    let mut export = Exporter::open(settings.clone()).unwrap();
    for number in 1..=12 {
        write(&mut export, number..=number, NOW_MS);
    }
    let kept = |n: u32| format!("usage-20251125T124342Z-{n}.jsonl");
    let expected = [
        kept(10),
        kept(8),
        kept(9),
        "usage-notes.jsonl".to_owned(),
        FILE.to_owned(),
    ];
    assert_eq!(names(directory.path()), expected);
    drop(export);
    // Files of this test were written just now; a clock far ahead makes them old.
    let settings = Export {
        keep_for: Some(Duration::from_secs(60)),
        ..settings
    };
    let mut export = Exporter::open(settings).unwrap();
    let later = 4_000_000_000_000;
    export.flush(later);
    assert_eq!(names(directory.path()), ["usage-notes.jsonl", FILE]);
}

#[test]
fn a_torn_line_is_ended_and_the_last_record_known() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    let mut export = Exporter::open(settings(directory.path())).unwrap();
    assert_eq!(export.last(), 0);
    write(&mut export, 1..=3, NOW_MS);
    drop(export);
    let text = fs::read(&file).unwrap();
    fs::write(&file, &text[..text.len() - 40]).unwrap();
    let mut export = Exporter::open(settings(directory.path())).unwrap();
    assert_eq!(export.last(), 2);
    write(&mut export, 3..=4, NOW_MS);
    let records: Vec<_> = lines(&file).iter().map(|line| line.record).collect();
    assert_eq!(records, [1, 2, 3, 4]);
    let torn = fs::read_to_string(&file).unwrap();
    assert_eq!(
        torn.lines().count(),
        5,
        "the torn one has a line of its own"
    );
    // Also where the file that grows has nothing yet.
    drop(export);
    fs::rename(
        &file,
        directory.path().join("usage-20251125T124342Z-0.jsonl"),
    )
    .unwrap();
    assert_eq!(
        Exporter::open(settings(directory.path())).unwrap().last(),
        4
    );
}

#[test]
fn a_disk_that_refuses_loses_nothing_for_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let mut export = Exporter::open(settings(directory.path())).unwrap();
    // Every write to it fails for want of space.
    let file = directory.path().join(FILE);
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    drop(export);
    export = Exporter::open(settings(directory.path())).unwrap();
    write(&mut export, 1..=2, NOW_MS);
    write(&mut export, 3..=3, NOW_MS);
    let counts = export.counts();
    assert_eq!((counts.failures, counts.written, counts.lost), (2, 0, 0));
    assert!(!export.is_clear());
    fs::remove_file(&file).unwrap();
    export.flush(NOW_MS);
    assert!(export.is_clear());
    assert_eq!(export.counts().written, 3);
    assert_eq!(lines(&file), [record(1), record(2), record(3)]);
}

#[test]
fn what_waits_for_the_disk_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let mut export = Exporter::open(settings(directory.path())).unwrap();
    let one = record(1);
    for _ in 0..50_000 {
        export.add(&one);
    }
    let lost = export.counts().lost;
    assert!(lost > 1000, "{lost}");
    export.flush(NOW_MS);
    assert_eq!(export.counts().written + lost, 50_000);
    let length = fs::metadata(directory.path().join(FILE)).unwrap().len();
    assert!(length <= 16 << 20, "{length}");
}
