//! Speed classes, SIMs and customers: what they may have, and changes of it.

use std::sync::Arc;

use axum::Json;
use axum::body::HttpBody as _;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::Service;
use super::api::{Agent, checked};
use super::bodies::{
    Changed, CustomerBody, CustomerPage, CustomerRange, SimBody, SimEntry, SimsBody, SpeedClasses,
};
use super::problem::Problem;
use crate::bandwidth::{ChangeError, CustomerChange, Imsi, SimChange};
use crate::session::{CustomerView, SimView};

/// SIMs of one bulk change at most.
pub(super) const MAX_SIMS: usize = 100_000;
/// Bytes of its body: each SIM with the longest names, and blanks between them.
pub(super) const MAX_BULK_BYTES: usize = 32 << 20;
/// Bytes of the body of any other change.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;
/// Bodies of bulk changes that are in memory at a time.
pub(super) const MAX_BULKS: usize = 4;

/// Speed classes.
#[utoipa::path(get, path = "/v1/speed-classes", responses(
    (status = 200, description = "All of them", body = SpeedClasses),
))]
pub(super) async fn speed_classes(State(agent): Agent) -> Json<SpeedClasses> {
    Json(SpeedClasses {
        classes: agent.speed_classes(),
    })
}

/// One SIM: what it may have, why, and what its limits did.
#[utoipa::path(get, path = "/v1/sims/{imsi}",
    params(("imsi" = String, Path, description = "6 to 15 digits")),
    responses(
        (status = 200, description = "The SIM", body = SimView),
        (status = 400, description = "Not an IMSI", content_type = "application/problem+json", body = Problem),
        (status = 404, description = "It has no sessions and was given nothing", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn sim(
    State(agent): Agent,
    imsi: Result<Path<String>, PathRejection>,
) -> Result<Json<SimView>, Problem> {
    let imsi = imsi_of(imsi)?;
    agent.sim(imsi).map(Json).ok_or_else(|| no_sim(imsi))
}

/// Gives a SIM a speed class, a customer or both. It is in force and outlives a restart when this is answered.
#[utoipa::path(put, path = "/v1/sims/{imsi}", request_body = SimBody,
    params(("imsi" = String, Path, description = "6 to 15 digits")),
    responses(
        (status = 200, description = "The SIM as it is now", body = SimView),
        (status = 204, description = "It has no sessions and nothing of its own any more"),
        (status = 400, description = "Not an IMSI, or not such a body", content_type = "application/problem+json", body = Problem),
        (status = 409, description = "The config has no speed classes", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
        (status = 415, description = "The body is not JSON", content_type = "application/problem+json", body = Problem),
        (status = 422, description = "No such class or customer", content_type = "application/problem+json", body = Problem),
        (status = 500, description = "It was not kept, or is not in force yet", content_type = "application/problem+json", body = Problem),
        (status = 507, description = "Too many SIMs were given something", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn put_sim(
    State(agent): Agent,
    imsi: Result<Path<String>, PathRejection>,
    body: Result<Json<SimBody>, JsonRejection>,
) -> Result<Response, Problem> {
    let imsi = imsi_of(imsi)?;
    let Json(SimBody { class, customer }) = body.map_err(refused)?;
    let change = SimChange {
        imsi,
        class,
        customer,
    };
    let view = changing(agent, move |agent| {
        agent.change_sims(vec![change])?;
        Ok(agent.sim(imsi))
    });
    Ok(shown_or_gone(view.await?))
}

/// Takes back what a SIM was given: its speed class and its customer are as the config says.
#[utoipa::path(delete, path = "/v1/sims/{imsi}",
    params(("imsi" = String, Path, description = "6 to 15 digits")),
    responses(
        (status = 200, description = "The SIM as it is now; it has sessions", body = SimView),
        (status = 204, description = "It has no sessions and nothing of its own any more"),
        (status = 400, description = "Not an IMSI", content_type = "application/problem+json", body = Problem),
        (status = 404, description = "It has no sessions and was given nothing", content_type = "application/problem+json", body = Problem),
        (status = 500, description = "It was not kept, or is not in force yet", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn delete_sim(
    State(agent): Agent,
    imsi: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let imsi = imsi_of(imsi)?;
    let view = changing(agent, move |agent| {
        if agent.sim(imsi).is_none() {
            return Ok(None);
        }
        agent.change_sims(vec![SimChange::back(imsi)])?;
        Ok(Some(agent.sim(imsi)))
    });
    let view = view.await?.ok_or_else(|| no_sim(imsi))?;
    Ok(shown_or_gone(view))
}

fn shown_or_gone<T: serde::Serialize>(view: Option<T>) -> Response {
    match view {
        Some(view) => Json(view).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

pub(super) fn no_sim(imsi: Imsi) -> Problem {
    Problem::not_found(format!(
        "the SIM {imsi} has no sessions, and was given neither class nor customer"
    ))
}

/// Gives up to 100,000 SIMs speed classes, customers or both: all of them or, where one of them cannot have it, none.
#[utoipa::path(patch, path = "/v1/sims", request_body = SimsBody, responses(
    (status = 200, description = "All have it, and it is in force", body = Changed),
    (status = 400, description = "Not an IMSI, not such a body, one SIM twice, or more than 100,000", content_type = "application/problem+json", body = Problem),
    (status = 409, description = "The config has no speed classes", content_type = "application/problem+json", body = Problem),
    (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
    (status = 415, description = "The body is not JSON", content_type = "application/problem+json", body = Problem),
    (status = 422, description = "No such class or customer", content_type = "application/problem+json", body = Problem),
    (status = 500, description = "It was not kept, or is not in force for all yet", content_type = "application/problem+json", body = Problem),
    (status = 503, description = "Too many such requests at a time", content_type = "application/problem+json", body = Problem),
    (status = 507, description = "Too many SIMs were given something", content_type = "application/problem+json", body = Problem),
))]
pub(super) async fn patch_sims(
    bulks: &Semaphore,
    agent: Arc<dyn Service>,
    request: Request,
) -> Result<Json<Changed>, Problem> {
    let _place = bulks.try_acquire().map_err(|_| {
        Problem::unavailable(format!(
            "{MAX_BULKS} bulk changes are under way; send it again"
        ))
    })?;
    // Nobody has to send as much to be told.
    if request.body().size_hint().lower() > MAX_BULK_BYTES as u64 {
        return Err(too_large());
    }
    let body = Json::from_request(request, &()).await;
    let Json(SimsBody { sims }) = body.map_err(refused)?;
    let changes = changes(sims)?;
    let changed = changes.len();
    changing(agent, move |agent| agent.change_sims(changes)).await?;
    Ok(Json(Changed { changed }))
}

fn changes(sims: Vec<SimEntry>) -> Result<Vec<SimChange>, Problem> {
    let mut seen = std::collections::HashSet::with_capacity(sims.len());
    let change = |(index, entry): (usize, SimEntry)| {
        let SimEntry {
            imsi,
            class,
            customer,
        } = entry;
        let imsi: Imsi = imsi
            .parse()
            .map_err(|error| Problem::bad_request(format!("sims[{index}].imsi: {error}")))?;
        if !seen.insert(imsi) {
            let detail = format!("sims[{index}].imsi: {imsi} stands there twice");
            return Err(Problem::bad_request(detail));
        }
        Ok(SimChange {
            imsi,
            class,
            customer,
        })
    };
    sims.into_iter().enumerate().map(change).collect()
}

/// Customers, some at a time.
#[utoipa::path(get, path = "/v1/customers", params(CustomerRange), responses(
    (status = 200, description = "Customers", body = CustomerPage),
    (status = 400, description = "A bad parameter", content_type = "application/problem+json", body = Problem),
))]
pub(super) async fn customers(
    State(agent): Agent,
    range: Result<Query<CustomerRange>, QueryRejection>,
) -> Result<Json<CustomerPage>, Problem> {
    let Query(range) = range.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let limit = checked(range.limit)?;
    // One more tells whether there is a next page.
    let mut customers = agent.customers(range.after.as_deref(), limit + 1);
    let more = customers.len() > limit;
    customers.truncate(limit);
    let last = customers.last().filter(|_| more);
    let next = last.map(|last| last.customer.clone());
    Ok(Json(CustomerPage { customers, next }))
}

/// One customer: its limit, its SIMs, and what the limit did.
#[utoipa::path(get, path = "/v1/customers/{id}",
    params(("id" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The customer", body = CustomerView),
        (status = 404, description = "No such customer", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn customer(
    State(agent): Agent,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<CustomerView>, Problem> {
    let Path(id) = id.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    shown(&*agent, &id)
}

/// Changes a customer's limit; a customer that there is not is made. It is in force and outlives a restart when this is
/// answered.
#[utoipa::path(put, path = "/v1/customers/{id}", request_body = CustomerBody,
    params(("id" = String, Path, description = "1 to 63 letters, digits, dots, hyphens and underscores")),
    responses(
        (status = 200, description = "The customer as it is now", body = CustomerView),
        (status = 400, description = "Not a name, not such a body, or no such limit", content_type = "application/problem+json", body = Problem),
        (status = 413, description = "The body is too large", content_type = "application/problem+json", body = Problem),
        (status = 415, description = "The body is not JSON", content_type = "application/problem+json", body = Problem),
        (status = 500, description = "It was not kept, or is not in force yet", content_type = "application/problem+json", body = Problem),
        (status = 507, description = "Too many customers", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn put_customer(
    State(agent): Agent,
    id: Result<Path<String>, PathRejection>,
    body: Result<Json<CustomerBody>, JsonRejection>,
) -> Result<Json<CustomerView>, Problem> {
    let Path(id) = id.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let Json(body) = body.map_err(refused)?;
    let change = CustomerChange {
        uplink_bps: body.uplink_bps,
        downlink_bps: body.downlink_bps,
        depth_ms: body.depth_ms,
        ecn: body.ecn,
    };
    let name = id.clone();
    changing(Arc::clone(&agent), move |agent| {
        agent.change_customer(&name, &change)
    })
    .await?;
    shown(&*agent, &id)
}

/// Takes back the limit that a customer was given: it has that of the config. A customer that the config does not name is gone.
#[utoipa::path(delete, path = "/v1/customers/{id}",
    params(("id" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The customer as it is now; the config names it", body = CustomerView),
        (status = 204, description = "It is gone"),
        (status = 404, description = "No such customer", content_type = "application/problem+json", body = Problem),
        (status = 409, description = "SIMs were given to it, and the config does not name it", content_type = "application/problem+json", body = Problem),
        (status = 500, description = "It was not kept, or is not in force yet", content_type = "application/problem+json", body = Problem),
    ),
)]
pub(super) async fn delete_customer(
    State(agent): Agent,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = id.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    let view = changing(agent, move |agent| {
        agent.take_customer_back(&id)?;
        Ok(agent.customer(&id))
    });
    Ok(shown_or_gone(view.await?))
}

fn shown(agent: &dyn Service, id: &str) -> Result<Json<CustomerView>, Problem> {
    let view = agent.customer(id);
    view.map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no customer \"{id}\"")))
}

pub(super) fn imsi_of(path: Result<Path<String>, PathRejection>) -> Result<Imsi, Problem> {
    let Path(text) = path.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    text.parse()
        .map_err(|error| Problem::bad_request(format!("\"{text}\" is no IMSI: {error}")))
}

/// Changes wait for the disk, and take time where they are many.
async fn changing<T: Send + 'static>(
    agent: Arc<dyn Service>,
    change: impl FnOnce(&dyn Service) -> Result<T, ChangeError> + Send + 'static,
) -> Result<T, Problem> {
    let changed = tokio::task::spawn_blocking(move || change(&*agent)).await;
    match changed {
        Ok(changed) => changed.map_err(Problem::from),
        Err(error) => Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the change was not finished: {error}; send it again"),
        )),
    }
}

/// Whatever is wrong with the form of a body is a bad request.
fn refused(rejection: JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(_) | JsonRejection::JsonSyntaxError(_) => {
            Problem::bad_request(rejection.body_text())
        }
        JsonRejection::MissingJsonContentType(_) => Problem::new(
            rejection.status(),
            "the body has to be JSON; send the header content-type: application/json",
        ),
        _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => Problem::new(rejection.status(), rejection.body_text()),
    }
}

fn too_large() -> Problem {
    let detail = format!(
        "the body is too large: {MAX_BULK_BYTES} bytes at most for many SIMs, {MAX_BODY_BYTES} for anything else"
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        Self::new(status(&error), error.to_string())
    }
}

fn status(error: &ChangeError) -> StatusCode {
    match error {
        ChangeError::NoClasses | ChangeError::Assigned { .. } => StatusCode::CONFLICT,
        ChangeError::NoSuchCustomer { .. } => StatusCode::NOT_FOUND,
        ChangeError::UnknownClass { .. } | ChangeError::UnknownCustomer { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ChangeError::NoName | ChangeError::NoLimit { .. } => StatusCode::BAD_REQUEST,
        ChangeError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
        ChangeError::NotStored(_) | ChangeError::NotInForce { .. } => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        ChangeError::Sim { reason, .. } => status(reason),
    }
}
