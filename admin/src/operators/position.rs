//! `GET /api/v1/admin/revocations/position`: how far each sidecar has read the revocation log.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{caller, rights_of};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::revocations;

/// The end of the revocation log, and the sidecars that live.
#[derive(Serialize, ToSchema)]
#[schema(as = RevocationPosition)]
pub(crate) struct LogView {
    /// The epoch and the number of the last record; null while there is no log.
    pub(crate) position: Option<String>,
    /// The sidecars that have read the log to its end within the last five seconds.
    pub(crate) sidecars: Vec<SidecarView>,
}

/// A sidecar.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveSidecar)]
pub(crate) struct SidecarView {
    /// Its name, random at each start.
    pub(crate) id: String,
    /// Its version.
    pub(crate) version: String,
    /// The end of the log when it last read it.
    pub(crate) position: String,
    /// How old its last certificate was then, in milliseconds: revocations that were committed before it are applied. Null
    /// before the first.
    pub(crate) certificate_age_ms: Option<u64>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Operators")
        .summary("Show how far each sidecar has read the revocation log.")
        .detail("A sidecar that was cut off from Redis for five seconds is missing; it is stale.")
        .access(Access::Superuser)
        .answer::<LogView>(
            200,
            "The end of the log, and the sidecars.",
            json!({
                "position": "3-1207",
                "sidecars": [
                    { "id": "8c7f2f1d5d3a9e04", "version": "0.1.0", "position": "3-1207", "certificate_age_ms": 312 }
                ],
            }),
        )
}

/// Handles the request.
///
/// # Errors
///
/// 403 `forbidden` for all but superusers; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    Ok(Response::json(StatusCode::OK, &perform(&request).await?))
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(request: &Request) -> Result<LogView, Problem> {
    let caller = caller(request).await?;
    let context = &request.context;
    if !rights_of(&context.db.get().await?, caller.user).await?.is_superuser {
        return Err(Problem::new(Code::Forbidden).denied());
    }
    let unavailable = |error: redis::RedisError| {
        tracing::warn!(%error, "Request failed: Redis is unavailable.");
        Problem::new(Code::DependencyUnavailable)
    };
    let position = revocations::log_end(context).await.map_err(unavailable)?;
    let sidecars = revocations::live_sidecars(context).await.map_err(unavailable)?;
    let view = |sidecar: revocations::LiveSidecar| SidecarView {
        id: sidecar.name,
        version: sidecar.ack.version,
        position: sidecar.ack.position.to_string(),
        certificate_age_ms: sidecar.ack.age_ms,
    };
    Ok(LogView {
        position: position.map(|position| position.to_string()),
        sidecars: sidecars.into_iter().map(view).collect(),
    })
}
