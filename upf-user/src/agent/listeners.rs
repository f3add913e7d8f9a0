//! Where others reach us.

use std::sync::Arc;

use tokio::net::TcpListener;

use super::AgentError;
use super::pfcp_sockets::PfcpSockets;
use crate::config::Config;
use crate::gtpu::sockets::Sockets;
use crate::metrics::GtpuMetrics;

/// What another process may have.
pub(super) struct Listeners {
    pub(super) pfcp: PfcpSockets,
    pub(super) gtpu: Arc<Sockets>,
    pub(super) http: TcpListener,
}

impl Listeners {
    pub(super) async fn open(config: &Config) -> Result<Self, AgentError> {
        let refused = |what, address| {
            move |source| AgentError::Listen {
                what,
                address,
                source,
            }
        };
        let pfcp = config.pfcp.listen;
        let http = config.http.listen;
        let interfaces = config.interfaces.iter();
        let gtpu = interfaces.flat_map(|interface| interface.gtpu.iter().copied());
        let gtpu = Sockets::open(gtpu, GtpuMetrics::new()?)
            .map_err(|(address, source)| refused("GTP-U", address)(source))?;
        Ok(Self {
            gtpu: Arc::new(gtpu),
            pfcp: PfcpSockets::open(pfcp).map_err(refused("PFCP", pfcp))?,
            http: TcpListener::bind(http)
                .await
                .map_err(refused("HTTP", http))?,
        })
    }
}
