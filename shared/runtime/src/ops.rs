//! The operations listener, on which operators and orchestrators ask a program about itself. Each program knows its reasons and
//! its metrics; the paths, the forms and the limits are the same for both, and are here.
//!
//! | path | response |
//! |---|---|
//! | `/health/live` | 200 `{"status":"live"}` as long as the program runs |
//! | `/health/ready` | 200 `{"status":"ready"}`, with `"warnings":[...]` if there are some, or 503 `{"status":"not_ready","reasons":[...]}`; and what else the program says of itself |
//! | `/metrics` | the metrics, in the format that `Accept` asks for |
//! | `/log-levels` | the levels of the log as text; PUT with levels as the query changes them |

mod serve;
mod shared_metrics;
mod thread;

use std::fmt;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use prometheus_client::registry::Registry;
use shared_metrics::SharedMetrics;

use crate::metrics::MetricsFormat;
use crate::telemetry::{Levels, LevelsError};

pub use serve::serve;
pub use thread::{OpsThread, OpsThreadError};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// The state of a program, as operators see it.
pub trait Operations: Clone + Send + Sync + 'static {
    /// Why it must get no requests; empty if it is ready.
    fn not_ready(&self) -> impl Future<Output = Vec<NotReadyReason>> + Send;

    /// What an operator must see to although requests are served; asked only if it is ready.
    fn warnings(&self) -> impl Future<Output = Vec<NotReadyReason>> + Send {
        std::future::ready(Vec::new())
    }

    /// What else the responses of `/health/ready` contain.
    fn details(&self) -> Vec<(&'static str, Detail)> {
        Vec::new()
    }

    /// Sets the metrics that are read only when they are requested.
    fn observe(&self) -> impl Future<Output = ()> + Send;

    /// Its metrics.
    fn registry(&self) -> &Registry;

    /// The levels of its log.
    fn levels(&self) -> &Levels;
}

/// The endpoints of the operations listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpsEndpoint {
    /// Whether the program runs.
    Live,
    /// Whether it wants requests.
    Ready,
    /// The metrics.
    Metrics,
    /// The levels of the log.
    LogLevels,
}

/// Something that keeps a program from being ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotReadyReason {
    /// For machines: stable, `[a-z_]+`.
    pub code: &'static str,
    /// For people: what is wrong, and what helps.
    pub detail: &'static str,
}

/// The value of a further member of the response of `/health/ready`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detail {
    /// One of a few words.
    Text(&'static str),
    /// A duration.
    Seconds(f64),
}

impl NotReadyReason {
    /// The program was asked to stop, and serves only what it has begun.
    pub const DRAINING: Self = Self { code: "draining", detail: "The program is stopping." };
}

type OpsResponse = Response<Bytes>;

/// The head of a request, and whether its sender is on this machine.
struct OpsRequest {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    is_local: bool,
}

impl OpsEndpoint {
    /// The endpoint of a request, or the response 404 or 405.
    fn of(method: &Method, path: &str) -> Result<Self, Box<OpsResponse>> {
        let endpoint = match path {
            "/health/live" => Self::Live,
            "/health/ready" => Self::Ready,
            "/metrics" => Self::Metrics,
            "/log-levels" => Self::LogLevels,
            _ => {
                let paths =
                    "not found; the paths are /health/live, /health/ready, /metrics and /log-levels\n";
                return Err(Box::new(respond(StatusCode::NOT_FOUND, TEXT, paths)));
            }
        };
        let allowed = endpoint.allowed();
        if allowed.split(", ").any(|one| one == method.as_str()) {
            return Ok(endpoint);
        }
        let mut refused = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, format!("allowed: {allowed}\n"));
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        Err(Box::new(refused))
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Live | Self::Ready | Self::Metrics => "GET, HEAD",
            Self::LogLevels => "GET, HEAD, PUT",
        }
    }
}

/// The response to any request.
async fn answer(operations: &impl Operations, shared: &SharedMetrics, request: &OpsRequest) -> OpsResponse {
    match OpsEndpoint::of(&request.method, &request.path) {
        Ok(OpsEndpoint::Live) => live(),
        Ok(OpsEndpoint::Ready) => {
            let reasons = operations.not_ready().await;
            let warnings = if reasons.is_empty() { operations.warnings().await } else { Vec::new() };
            ready(&reasons, &warnings, &operations.details())
        }
        Ok(OpsEndpoint::Metrics) => {
            let format = MetricsFormat::accepted(request.headers.get_all(ACCEPT));
            let write = async || {
                operations.observe().await;
                format.encode(operations.registry())
            };
            metrics(format, shared.text(format, write).await)
        }
        Ok(OpsEndpoint::LogLevels) => {
            log_levels(operations.levels(), &request.method, &request.query, request.is_local)
        }
        Err(refused) => *refused,
    }
}

/// The program runs.
fn live() -> OpsResponse {
    respond(StatusCode::OK, JSON, "{\"status\":\"live\"}\n")
}

/// The program is ready if there is no reason against it.
fn ready(
    reasons: &[NotReadyReason],
    warnings: &[NotReadyReason],
    details: &[(&'static str, Detail)],
) -> OpsResponse {
    let list = |reasons: &[NotReadyReason]| -> serde_json::Value {
        let reasons = reasons.iter();
        reasons.map(|reason| serde_json::json!({ "code": reason.code, "detail": reason.detail })).collect()
    };
    let mut body = serde_json::Map::new();
    let status = if reasons.is_empty() {
        ("ready", StatusCode::OK)
    } else {
        ("not_ready", StatusCode::SERVICE_UNAVAILABLE)
    };
    body.insert("status".to_owned(), status.0.into());
    for (name, detail) in details {
        let value = match *detail {
            Detail::Text(text) => text.into(),
            Detail::Seconds(seconds) => seconds.into(),
        };
        body.insert((*name).to_owned(), value);
    }
    for (name, reasons) in [("reasons", reasons), ("warnings", warnings)] {
        if !reasons.is_empty() {
            body.insert(name.to_owned(), list(reasons));
        }
    }
    respond(status.1, JSON, format!("{}\n", serde_json::Value::Object(body)))
}

/// The metrics, in the format that the request accepts.
fn metrics(format: MetricsFormat, text: Result<Bytes, fmt::Error>) -> OpsResponse {
    match text {
        Ok(text) => respond(StatusCode::OK, format.content_type(), text),
        Err(error @ fmt::Error) => {
            respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("cannot write the metrics: {error}\n"))
        }
    }
}

/// The levels of the log. PUT changes them to `query`; only clients on this machine may.
fn log_levels(levels: &Levels, method: &Method, query: &str, is_local: bool) -> OpsResponse {
    if *method != Method::PUT {
        return respond(StatusCode::OK, TEXT, format!("{}\n", levels.current()));
    }
    if !is_local {
        let why = "only clients on this machine or in this pod may change the log levels\n";
        return respond(StatusCode::FORBIDDEN, TEXT, why);
    }
    match levels.change(query) {
        Ok(()) => respond(StatusCode::OK, TEXT, format!("{query}\n")),
        Err(error @ LevelsError::Malformed) => respond(StatusCode::BAD_REQUEST, TEXT, format!("{error}\n")),
        Err(error @ LevelsError::Fixed(_)) => {
            respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n"))
        }
    }
}

fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> OpsResponse {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_ready_if_there_is_no_reason_against_it() {
        assert_eq!(
            (live().status(), live().body().as_ref()),
            (StatusCode::OK, &b"{\"status\":\"live\"}\n"[..])
        );
        assert_eq!(ready(&[], &[], &[]).body(), "{\"status\":\"ready\"}\n");
        let full = NotReadyReason { code: "full", detail: "It is full." };
        let warned = ready(&[], &[full], &[]);
        assert_eq!(warned.status(), StatusCode::OK);
        let body: serde_json::Value = serde_json::from_slice(warned.body()).unwrap();
        assert_eq!(body["warnings"][0]["code"], "full");
        let detailed =
            ready(&[], &[], &[("state", Detail::Text("stale")), ("age_seconds", Detail::Seconds(2.5))]);
        let body: serde_json::Value = serde_json::from_slice(detailed.body()).unwrap();
        assert_eq!(body, serde_json::json!({ "status": "ready", "state": "stale", "age_seconds": 2.5 }));
        let response = ready(&[NotReadyReason { code: "keys", detail: "no keys yet" }], &[], &[]);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        let reasons = serde_json::json!([{ "code": "keys", "detail": "no keys yet" }]);
        assert_eq!(body, serde_json::json!({ "status": "not_ready", "reasons": reasons }));
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        assert_eq!(OpsEndpoint::of(&Method::GET, "/health/ready").unwrap(), OpsEndpoint::Ready);
        assert_eq!(OpsEndpoint::of(&Method::HEAD, "/metrics").unwrap(), OpsEndpoint::Metrics);
        assert_eq!(OpsEndpoint::of(&Method::PUT, "/log-levels").unwrap(), OpsEndpoint::LogLevels);
        let refused = |method, path| OpsEndpoint::of(&method, path).unwrap_err();
        assert_eq!(refused(Method::GET, "/").status(), StatusCode::NOT_FOUND);
        let response = refused(Method::POST, "/metrics");
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()[ALLOW], "GET, HEAD");
        assert_eq!(refused(Method::DELETE, "/log-levels").headers()[ALLOW], "GET, HEAD, PUT");
    }

    #[test]
    fn only_a_client_on_this_machine_may_change_the_log() {
        let ask = |method, is_local| log_levels(&Levels::default(), &method, "info", is_local).status();
        assert_eq!(ask(Method::PUT, false), StatusCode::FORBIDDEN);
        // Nothing is logged here, so that there is nothing to change.
        assert_eq!(ask(Method::PUT, true), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(ask(Method::GET, false), StatusCode::OK);
        let malformed = log_levels(&Levels::default(), &Method::PUT, "inof", true);
        assert_eq!(malformed.status(), StatusCode::BAD_REQUEST);
    }

    #[test]
    fn metrics_are_classic_text_unless_openmetrics_is_asked_for() {
        let mut headers = HeaderMap::new();
        let metrics = |headers: &HeaderMap| {
            let format = MetricsFormat::accepted(headers.get_all(ACCEPT));
            metrics(format, format.encode(&Registry::default()).map(Bytes::from))
        };
        let classic = metrics(&headers);
        assert_eq!(classic.headers()[CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
        headers.insert(ACCEPT, HeaderValue::from_static("application/openmetrics-text; version=1.0.0"));
        let open = metrics(&headers);
        assert!(open.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("application/openmetrics-text"));
        assert_eq!(open.body(), "# EOF\n");
    }
}
