//! The resources and their OpenAPI description.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{OpenApi, ToSchema};

use super::Service;
use super::bandwidth::{self, MAX_BODY_BYTES, MAX_BULK_BYTES, MAX_BULKS};
use super::problem::Problem;
use super::usage;
use crate::gtpu::PathKey;
use crate::session::SessionView;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Some sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// In the order of their SEIDs.
    sessions: Vec<SessionView>,
    /// Ask for the rest with `after` set to this; null where there is no more.
    next: Option<u64>,
}

/// A PFCP association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Association {
    /// Node ID of the control plane.
    pub node: String,
    /// Address and port that our requests go to.
    pub address: String,
    /// Whether it answers our heartbeats.
    pub reachable: bool,
    /// How long ago the association was set up, in seconds.
    pub age_seconds: u64,
    /// When the control plane started, in seconds since 1970 (its Recovery Time Stamp).
    pub recovery_time: u64,
}

/// The associations.
#[derive(Debug, Serialize, ToSchema)]
pub struct Associations {
    associations: Vec<Association>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Range {
    /// Only sessions after this SEID.
    after: Option<u64>,
    /// How many at most, 1 to 1000; 100 without.
    limit: Option<usize>,
}

/// A path to a GTP-U peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Path)]
pub struct PathEntry {
    /// The peer's GTP-U address.
    #[schema(value_type = String, example = "10.1.1.7")]
    pub peer: IpAddr,
    /// Ours.
    #[schema(value_type = String, example = "10.1.0.2")]
    pub local: IpAddr,
    /// Whether the peer answers our Echo Requests: `unknown`, `up` or `down`.
    #[schema(example = "up")]
    pub state: &'static str,
    /// For how long it has been so, in seconds.
    pub age_seconds: u64,
    /// Time from the last request that was answered at once to its answer, in microseconds; null where there is none.
    pub rtt_microseconds: Option<u64>,
    /// Whether sessions send to the peer.
    pub in_use: bool,
}

/// Some paths.
#[derive(Debug, Serialize, ToSchema)]
pub struct PathPage {
    /// By the peer's address, then ours.
    paths: Vec<PathEntry>,
    /// Ask for the rest with `after` set to this; null where there is no more.
    #[schema(example = "10.1.1.7,10.1.0.2")]
    next: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PathRange {
    /// Only paths after this one: the peer's address, a comma, ours.
    after: Option<String>,
    /// How many at most, 1 to 1000; 100 without.
    limit: Option<usize>,
}

pub(super) type Agent = State<Arc<dyn Service>>;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "UPF",
        description = "What the user plane does, for operators, and how fast SIMs and customers may be."
    ),
    paths(
        metrics,
        healthz,
        readyz,
        sessions,
        session,
        associations,
        paths,
        bandwidth::speed_classes,
        bandwidth::sim,
        bandwidth::put_sim,
        bandwidth::delete_sim,
        bandwidth::patch_sims,
        bandwidth::customers,
        bandwidth::customer,
        bandwidth::put_customer,
        bandwidth::delete_customer,
        usage::session_usage,
        usage::sim_usage
    )
)]
struct Description;

/// All routes.
pub fn router(service: Arc<dyn Service>) -> Router {
    let description = Description::openapi();
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/v1/sessions", get(sessions))
        .route("/v1/sessions/{seid}", get(session))
        .route("/v1/sessions/{seid}/usage", get(usage::session_usage))
        .route("/v1/sims/{imsi}/usage", get(usage::sim_usage))
        .route("/v1/associations", get(associations))
        .route("/v1/paths", get(paths))
        .merge(changes())
        .route("/openapi.json", get(async move || Json(description)))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(service)
}

/// Bandwidth. The sizes of bodies are bounded by route.
fn changes() -> Router<Arc<dyn Service>> {
    let bulks = Arc::new(Semaphore::new(MAX_BULKS));
    let bulk = async move |State(agent): Agent, request: Request| {
        bandwidth::patch_sims(&bulks, agent, request).await
    };
    Router::new()
        .route("/v1/speed-classes", get(bandwidth::speed_classes))
        .route(
            "/v1/sims/{imsi}",
            get(bandwidth::sim)
                .put(bandwidth::put_sim)
                .delete(bandwidth::delete_sim),
        )
        .route("/v1/customers", get(bandwidth::customers))
        .route(
            "/v1/customers/{id}",
            get(bandwidth::customer)
                .put(bandwidth::put_customer)
                .delete(bandwidth::delete_customer),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .route(
            "/v1/sims",
            patch(bulk).layer(DefaultBodyLimit::max(MAX_BULK_BYTES)),
        )
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", responses(
    (status = 200, description = "Prometheus text format", content_type = "text/plain", body = String),
    (status = 500, description = "The figures cannot be written", content_type = "application/problem+json", body = Problem),
))]
async fn metrics(State(agent): Agent) -> Response {
    match agent.metrics() {
        Ok(text) => ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(detail) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail).into_response(),
    }
}

/// Whether the agent serves the control plane.
#[utoipa::path(get, path = "/healthz", responses(
    (status = 200, description = "It does", content_type = "text/plain", body = String),
    (status = 503, description = "It hangs", content_type = "application/problem+json", body = Problem),
))]
async fn healthz(State(agent): Agent) -> Result<&'static str, Problem> {
    if agent.is_alive() {
        Ok("ok\n")
    } else {
        Err(Problem::unavailable("PFCP is not served"))
    }
}

/// Whether the user plane can carry traffic.
#[utoipa::path(get, path = "/readyz", responses(
    (status = 200, description = "It can", content_type = "text/plain", body = String),
    (status = 503, description = "Something is missing", content_type = "application/problem+json", body = Problem),
))]
async fn readyz(State(agent): Agent) -> Result<&'static str, Problem> {
    let obstacles = agent.obstacles();
    if obstacles.is_empty() {
        Ok("ok\n")
    } else {
        Err(Problem::unavailable(obstacles.join("; ")))
    }
}

/// PFCP sessions, some at a time.
#[utoipa::path(get, path = "/v1/sessions", params(Range), responses(
    (status = 200, description = "Sessions", body = Page),
    (status = 400, description = "A bad parameter", content_type = "application/problem+json", body = Problem),
))]
async fn sessions(
    State(agent): Agent,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(range) = range.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = checked(range.limit)?;
    // One more tells whether there is a next page.
    let mut sessions = agent.sessions(range.after, limit + 1);
    let more = sessions.len() > limit;
    sessions.truncate(limit);
    let next = sessions.last().filter(|_| more).map(|last| last.seid);
    Ok(Json(Page { sessions, next }))
}

pub(super) fn checked(limit: Option<usize>) -> Result<usize, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_request(format!("limit is 1 to {MAX_LIMIT}")))
    }
}

/// One PFCP session.
#[utoipa::path(get, path = "/v1/sessions/{seid}",
    params(("seid" = u64, Path, description = "Our SEID")),
    responses(
        (status = 200, description = "The session", body = SessionView),
        (status = 400, description = "Not a SEID", content_type = "application/problem+json", body = Problem),
        (status = 404, description = "No such session", content_type = "application/problem+json", body = Problem),
    ),
)]
async fn session(
    State(agent): Agent,
    seid: Result<Path<u64>, PathRejection>,
) -> Result<Json<SessionView>, Problem> {
    let Path(seid) = seid.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    agent
        .session(seid)
        .map(Json)
        .ok_or_else(|| no_session(seid))
}

pub(super) fn no_session(seid: u64) -> Problem {
    Problem::not_found(format!("no session has the SEID {seid}"))
}

/// PFCP associations.
#[utoipa::path(get, path = "/v1/associations", responses(
    (status = 200, description = "All of them", body = Associations),
))]
async fn associations(State(agent): Agent) -> Json<Associations> {
    Json(Associations {
        associations: agent.associations(),
    })
}

/// Paths to GTP-U peers, some at a time.
#[utoipa::path(get, path = "/v1/paths", params(PathRange), responses(
    (status = 200, description = "Paths", body = PathPage),
    (status = 400, description = "A bad parameter", content_type = "application/problem+json", body = Problem),
))]
async fn paths(
    State(agent): Agent,
    range: Result<Query<PathRange>, QueryRejection>,
) -> Result<Json<PathPage>, Problem> {
    let Query(range) = range.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = checked(range.limit)?;
    let after = range.after.as_deref().map(path_key).transpose()?;
    let mut paths = agent.paths(after, limit + 1);
    let more = paths.len() > limit;
    paths.truncate(limit);
    let last = paths.last().filter(|_| more);
    let next = last.map(|last| format!("{},{}", last.peer, last.local));
    Ok(Json(PathPage { paths, next }))
}

fn path_key(text: &str) -> Result<PathKey, Problem> {
    let key = text.split_once(',').and_then(|(remote, local)| {
        Some(PathKey {
            remote: remote.parse().ok()?,
            local: local.parse().ok()?,
        })
    });
    key.ok_or_else(|| {
        Problem::bad_request(format!(
            "after is {text}, and not two addresses and a comma"
        ))
    })
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is no {}; see /openapi.json", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{} does not take {method}; see /openapi.json", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
