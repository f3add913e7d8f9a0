//! How much of a kind one message may have. More is refused with cause 75, so that nobody makes a message bigger in
//! memory than these allow.

/// Most PDRs of a kind (Create, Update, Remove, Created).
pub const MAX_PDRS: usize = 64;
/// Most FARs of a kind.
pub const MAX_FARS: usize = 128;
/// Most QERs of a kind, and most QER IDs in one PDR.
pub const MAX_QERS: usize = 64;
/// Most URRs of a kind, most URR IDs in one rule, and most usage reports.
pub const MAX_URRS: usize = 64;
/// Most SDF filters, those of all the message's PDRs together.
pub const MAX_SDF_FILTERS: usize = 256;
/// Most BARs, MARs and traffic endpoints of a kind.
pub const MAX_OTHER_RULES: usize = 64;
/// Most values of a kind in one group: QFIs, framed routes, predefined rules, MAC addresses, time stamps.
pub const MAX_VALUES: usize = 64;
/// Most FQ-CSIDs: one for each kind of node, and some for later kinds.
pub const MAX_FQ_CSIDS: usize = 16;
/// Most GTP-U peers in a report.
pub const MAX_PEERS: usize = 256;
/// Most applications of a PFD management request.
pub const MAX_APPLICATIONS: usize = 256;
/// Most PFD contexts of an application, and most PFD contents of a context.
pub const MAX_PFD_CONTEXTS: usize = 64;
/// Most flow descriptions, URLs and domain names, each, of PFD contents.
pub const MAX_PFD_VALUES: usize = 64;
