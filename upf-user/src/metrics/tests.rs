//! The whole exposition, and what `promtool` says about it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use upf_common::abi::{LEVEL_SETS, LevelCounters, LevelDirection, PortCounters, set_index};
use upf_common::drop_reason::DropReason;

use super::*;
use crate::gtpu::{NotSent, PathState};
use crate::reports;

struct Fixed(Option<Figures>);

impl Reading for Fixed {
    fn figures(&self) -> Option<Figures> {
        self.0.clone()
    }
}

struct Reports;

impl ReportReading for Reports {
    fn report_figures(&self) -> Option<(reports::Figures, u64)> {
        let figures = reports::Figures {
            waiting: 3,
            oldest_ms: Some(1_700_000_000_000),
            made: [("VOLTH", 5), ("QUVTI", 1)].into(),
            acknowledged: 9,
            unknown_session: 2,
            refused: 4,
            given_up: 1,
            store_failures: 6,
            export_lost: 8,
            ..reports::Figures::default()
        };
        Some((figures, 1_700_000_001_500))
    }
}

/// Every counter of the entries of one level has another number; that of level `n` of class `c` begins with `c * 400 + n * 100`.
fn levels() -> Vec<LevelCounters> {
    let counters = |index: u32| {
        let (class, set) = (index / LEVEL_SETS, index % LEVEL_SETS);
        if !set.is_power_of_two() {
            return LevelCounters::default();
        }
        let first = u64::from(class * 4 + set.trailing_zeros()) * 100;
        let direction = |first| LevelDirection {
            passed_packets: first,
            passed_bytes: first + 1,
            marked_packets: first + 2,
            marked_bytes: first + 3,
            dropped_packets: first + 4,
            dropped_bytes: first + 5,
        };
        LevelCounters {
            uplink: direction(first),
            downlink: direction(first + 10),
        }
    };
    (0..set_index(3, 0)).map(counters).collect()
}

fn sample() -> Metrics {
    let mut figures = Figures {
        copies_lost: 6,
        sessions: 2,
        slots: 3,
        capacity: 1000,
        associations: 1,
        limits: 4,
        limit_capacity: 500,
        usage_records: 12,
        usage_record_capacity: 300,
        classes: ["s1.slow".to_owned(), "gold".to_owned()].into(),
        levels: levels(),
        ..Figures::default()
    };
    figures.uplink.packets = 7;
    figures.uplink.bytes = 4200;
    figures.downlink.dropped[DropReason::RateLimited as usize] = 5;
    let counters = PortCounters {
        rx_packets: 9,
        ..PortCounters::default()
    };
    figures.devices.push(DeviceCounters {
        device: "n3".to_owned(),
        counters,
    });
    let gtpu = GtpuMetrics::new().unwrap();
    gtpu.received(&[0x30, 26]);
    gtpu.round_trip(Duration::from_millis(2));
    gtpu.set_paths([
        (PathState::Unknown, 0),
        (PathState::Up, 3),
        (PathState::Down, 1),
    ]);
    gtpu.error_not_sent(NotSent::HeldBack);
    gtpu.copy(true);
    let metrics = Metrics::new(Arc::new(Fixed(Some(figures))), &gtpu).unwrap();
    metrics.show_reports(Arc::new(Reports)).unwrap();
    metrics.pfcp.received(&[0x20, 1, 0, 4, 0, 0, 1, 0]);
    metrics.pfcp.sent(
        &[0x20, 2, 0, 4, 0, 0, 1, 0],
        Some(Duration::from_micros(300)),
    );
    metrics
}

#[test]
fn every_metric_is_there_with_its_labels() {
    let text = sample().render().unwrap();
    let build = format!("upf_build_info{{commit=\"{COMMIT}\",version=\"{VERSION}\"}} 1");
    for line in [
        "upf_packets_total{direction=\"uplink\"} 7",
        "upf_packets_total{direction=\"downlink\"} 0",
        "upf_bytes_total{direction=\"uplink\"} 4200",
        "upf_dropped_packets_total{direction=\"downlink\",reason=\"rate_limited\"} 5",
        "upf_dropped_packets_total{direction=\"uplink\",reason=\"unknown_teid\"} 0",
        "upf_punted_packets_total{reason=\"gtpu_signalling\"} 0",
        "upf_uncopied_packets_total 6",
        "upf_interface_packets_total{device=\"n3\",way=\"rx\"} 9",
        "upf_interface_bytes_total{device=\"n3\",way=\"tx\"} 0",
        "upf_sessions 2",
        "upf_slots 3",
        "upf_session_capacity 1000",
        "upf_pfcp_associations 1",
        "upf_limits 4",
        "upf_limit_capacity 500",
        "upf_usage_records 12",
        "upf_usage_record_capacity 300",
        "upf_usage_reports_total{trigger=\"VOLTH\"} 5",
        "upf_usage_reports_total{trigger=\"QUVTI\"} 1",
        "upf_usage_reports_total{trigger=\"PERIO\"} 0",
        "upf_usage_reports_unacknowledged 3",
        "upf_usage_reports_oldest_age_seconds 1.5",
        "upf_usage_reports_settled_total{outcome=\"acknowledged\"} 7",
        "upf_usage_reports_settled_total{outcome=\"unknown_session\"} 2",
        "upf_usage_reports_settled_total{outcome=\"given_up\"} 1",
        "upf_usage_reports_settled_total{outcome=\"turned_away\"} 0",
        "upf_usage_requests_refused_total 4",
        "upf_usage_failures_total{of=\"store\"} 6",
        "upf_usage_export_lost_total 8",
        "# TYPE upf_usage_reports_total counter",
        "# TYPE upf_usage_reports_oldest_age_seconds gauge",
        "upf_limited_packets_total{class=\"\",direction=\"uplink\",level=\"flow\",outcome=\"passed\"} 1200",
        "upf_limited_packets_total{class=\"\",direction=\"uplink\",level=\"session\",outcome=\"marked\"} 1506",
        "upf_limited_bytes_total{class=\"\",direction=\"uplink\",level=\"customer\",outcome=\"dropped\"} 2115",
        "upf_limited_packets_total{class=\"\",direction=\"downlink\",level=\"sim\",outcome=\"dropped\"} 214",
        "upf_limited_bytes_total{class=\"s1.slow\",direction=\"uplink\",level=\"sim\",outcome=\"passed\"} 601",
        "upf_limited_packets_total{class=\"gold\",direction=\"downlink\",level=\"sim\",outcome=\"marked\"} 1012",
        "upf_pfcp_messages_total{cause=\"\",type=\"heartbeat_request\",way=\"rx\"} 1",
        "upf_pfcp_request_duration_seconds_count 1",
        "upf_pfcp_denied_datagrams_total 0",
        "upf_gtpu_messages_total{type=\"error_indication\",way=\"rx\"} 1",
        "upf_gtpu_lost_messages_total 0",
        "upf_gtpu_paths{state=\"up\"} 3",
        "upf_gtpu_path_rtt_seconds_count 1",
        "upf_gtpu_suppressed_error_indications_total{reason=\"held_back\"} 1",
        "upf_gtpu_received_error_indications_total{outcome=\"reported\"} 0",
        "upf_gtpu_received_error_indications_total{outcome=\"wrong_source\"} 0",
        "upf_copies_total{outcome=\"sent\"} 1",
        "upf_copies_total{outcome=\"lost\"} 0",
        "# TYPE upf_packets_total counter",
        "# TYPE upf_sessions gauge",
        "# TYPE upf_pfcp_request_duration_seconds histogram",
        build.as_str(),
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
}

#[test]
fn figures_that_cannot_be_read_leave_the_rest_in_place() {
    let text = Metrics::new(Arc::new(Fixed(None)), &GtpuMetrics::new().unwrap())
        .unwrap()
        .render()
        .unwrap();
    assert!(!text.contains("upf_packets_total"), "{text}");
    assert!(!text.contains("upf_usage_reports"), "{text}");
    assert!(text.contains("upf_build_info"), "{text}");
}

#[test]
fn promtool_has_no_complaint() {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`promtool` of Debian's package prometheus is needed for this test");
    let text = sample().render().unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}
