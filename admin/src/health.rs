//! The operations listener: liveness, readiness, metrics and log levels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Method, StatusCode};
use runtime::telemetry::OPEN_METRICS;
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::{Filter as _, Reply as _};

use crate::api::Response;
use crate::config::PATIENCE;
use crate::context::Context;
use crate::db::{DbError, Schema, within};
use crate::metrics::Observed;
use crate::revocations;
use crate::server::Peer;

const TEXT: &str = "text/plain; charset=utf-8";

/// How many months of the login history, counting the current one, must have a partition.
const LEAST_MONTHS: i64 = 2;

/// Set when the process begins to stop, so that load balancers send no new work.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

/// The result of the readiness check, with the failed parts.
#[derive(Debug, Default, Serialize)]
struct Readiness {
    ready: bool,
    failed: Vec<&'static str>,
}

impl Draining {
    /// Marks the process as draining.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// `/health/live`, `/health/ready`, `/metrics` and `/log-levels`.
pub fn filter(context: Context, draining: Draining) -> BoxedFilter<(warp::reply::Response,)> {
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::ext::optional::<Peer>())
        .then(move |method: Method, path: FullPath, query: String, peer: Option<Peer>| {
            let (context, draining) = (context.clone(), draining.clone());
            async move {
                match path.as_str() {
                    "/log-levels" => {
                        let is_near = peer.is_some_and(Peer::is_local);
                        let (status, told) = context.levels.answer(&method, &query, is_near);
                        Response::new(status, TEXT, told.into())
                    }
                    path => answer(&context, &draining, &method, path).await,
                }
                .into_response()
            }
        })
        .boxed()
}

async fn answer(context: &Context, draining: &Draining, method: &Method, path: &str) -> Response {
    if *method != Method::GET && *method != Method::HEAD {
        return Response::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    match path {
        "/health/live" => Response::json(StatusCode::OK, &serde_json::json!({ "live": true })),
        "/health/ready" => ready(context, draining).await,
        "/metrics" => match metrics(context).await {
            Ok(text) => Response::new(StatusCode::OK, OPEN_METRICS, Bytes::from(text)),
            Err(_) => Response::empty(StatusCode::INTERNAL_SERVER_ERROR),
        },
        _ => Response::empty(StatusCode::NOT_FOUND),
    }
}

async fn metrics(context: &Context) -> Result<String, std::fmt::Error> {
    let observed = Observed {
        // Read before the next line takes a connection.
        pool: context.db.status(),
        hash_places: context.hasher.slots(),
        relay_lag: within(PATIENCE, look_at_relay(context)).await.ok(),
        lines_lost: context.levels.dropped_lines(),
    };
    context.metrics.observe(observed);
    context.metrics.encode()
}

async fn look_at_relay(context: &Context) -> Result<f64, DbError> {
    revocations::lag(&context.db.get().await?).await
}

/// Redis is purposefully not checked: without it users can still sign in and out, and revocations are
/// published later.
async fn ready(context: &Context, draining: &Draining) -> Response {
    let mut failed = Vec::new();
    if draining.is_under_way() {
        failed.push("draining");
    }
    if !context.keys.can_sign() {
        failed.push("signing_key");
    }
    if context.metrics.partitions_ahead.get() < LEAST_MONTHS {
        failed.push("partitions");
    }
    match look_at_database(context).await {
        Ok(missing) => failed.extend(missing),
        // An overloaded process is still ready: another one would be no less busy, and this one is doing its
        // work.
        Err(DbError::Busy) => {}
        Err(_away) => failed.push("database"),
    }
    let ready = failed.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Response::json(status, &Readiness { ready, failed })
}

async fn look_at_database(context: &Context) -> Result<Option<&'static str>, DbError> {
    let connection = context.db.get().await?;
    let schema = within(PATIENCE, Schema::of(&connection)).await?;
    Ok((schema != Schema::Ready).then_some("migrations"))
}
