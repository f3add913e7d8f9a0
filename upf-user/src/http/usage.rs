//! What sessions and SIMs have used.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::api::{Agent, no_session};
use super::bandwidth::{imsi_of, no_sim};
use super::problem::Problem;
use crate::session::{SessionUsageView, SimUsageView};

/// What a session has used: what its URRs have counted by now, and what is left of their thresholds and quotas.
#[utoipa::path(get, path = "/v1/sessions/{seid}/usage",
    params(("seid" = u64, Path, description = "Our SEID")),
    responses(
        (status = 200, description = "Its usage", body = SessionUsageView),
        (status = 400, description = "Not a SEID", content_type = "application/problem+json", body = Problem),
        (status = 404, description = "No such session", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn session_usage(
    State(agent): Agent,
    seid: Result<Path<u64>, PathRejection>,
) -> Result<Json<SessionUsageView>, Problem> {
    let Path(seid) = seid.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let usage = agent.session_usage(seid);
    usage.map(Json).ok_or_else(|| no_session(seid))
}

/// What the sessions of a SIM have used, one by one and together.
#[utoipa::path(get, path = "/v1/sims/{imsi}/usage",
    params(("imsi" = String, Path, description = "6 to 15 digits")),
    responses(
        (status = 200, description = "Its usage", body = SimUsageView),
        (status = 400, description = "Not an IMSI", content_type = "application/problem+json", body = Problem),
        (status = 404, description = "It has no sessions and was given nothing", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn sim_usage(
    State(agent): Agent,
    imsi: Result<Path<String>, PathRejection>,
) -> Result<Json<SimUsageView>, Problem> {
    let imsi = imsi_of(imsi)?;
    let usage = agent.sim_usage(imsi);
    usage.map(Json).ok_or_else(|| no_sim(imsi))
}
