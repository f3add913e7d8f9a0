//! Vectors that are wrong themselves, each with its reason.

/// Rows, by file and name.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "pfcp-ie-payloads.tsv",
        "FailedRuleID/FailedRuleID",
        "a QER ID of two octets; it has four (TS 29.244 clause 8.2.75)",
    ),
    (
        "pfcp-ie-payloads.tsv",
        "Multiplier/Multiplier",
        "the text \"test\"; a multiplier has twelve octets (TS 29.244 clause 8.2.84)",
    ),
];

/// Messages that are no such: tests of headers, with an Application ID for a body. They are trees of IEs only.
const HEADERS: [&str; 4] = [
    "generic/Normal",
    "generic/No-SEID",
    "header/Node",
    "header/Session",
];

/// Whether a message is a header with anything behind it.
pub(super) fn is_header(row: &str) -> bool {
    HEADERS.contains(&row)
}

/// Why a row is wrong, where it is.
pub(super) fn reason(file: &str, row: &str) -> Option<&'static str> {
    let known = KNOWN.iter();
    let mut found = known.filter(|(in_file, name, _)| *in_file == file && *name == row);
    found.next().map(|(_, _, reason)| *reason)
}
