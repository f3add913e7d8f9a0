//! PFD management: what an application looks like on the wire.

use crate::pfcp::ie::NodeId;

/// PFD Management Request (clause 7.4.3.1). The PFDs of an application that is named are replaced; a request
/// without any application takes all away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PfdManagementRequest {
    /// Application ID's PFDs.
    pub applications: Vec<ApplicationPfds>,
    /// The control plane's node, where it names itself.
    pub node_id: Option<NodeId>,
}

/// Application ID's PFDs (clause 7.4.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationPfds {
    /// Application ID.
    pub application_id: String,
    /// PFD Contexts, each with its PFD Contents; none takes the application's PFDs away.
    pub contexts: Vec<Vec<PfdContents>>,
}

/// PFD Contents (clause 8.2.39).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PfdContents {
    /// Flow Description and Additional Flow Descriptions.
    pub flow_descriptions: Vec<String>,
    /// URL and Additional URLs.
    pub urls: Vec<String>,
    /// Domain Name and Domain Name Protocol, and the additional ones.
    pub domain_names: Vec<(String, Option<String>)>,
    /// Custom PFD Content.
    pub custom: Option<Vec<u8>>,
}
