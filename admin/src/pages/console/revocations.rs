//! `/console/revocations`: the revocation log, how far each sidecar has read it, and what can be revoked.

use askama::Template;
use http::StatusCode;
use shared::revocation::MAX_AGE;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use super::revoke::KINDS;
use crate::api::{Problem, Response};
use crate::operators::position::{SidecarView, perform};
use crate::pages::field::FormField;
use crate::pages::frame::{Frame, respond};
use crate::pages::texts::fill;
use crate::revocations;

#[derive(Template)]
#[template(path = "console/revocations.html")]
struct RevocationsPage {
    frame: Frame,
    position: Option<String>,
    lag: String,
    sidecars: Vec<ShownSidecar>,
    kinds: Vec<(&'static str, &'static str)>,
    value: FormField,
}

/// A sidecar.
struct ShownSidecar {
    id: String,
    version: String,
    position: String,
    age: String,
    is_stale: bool,
    is_behind: bool,
}

/// Shows the page.
///
/// # Errors
///
/// 403; 401; 503 without Redis.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Superuser)?;
    let view = perform(&operator.request).await?;
    let lag = revocations::lag(&operator.request.context.db.get().await?).await?;
    let (t, end) = (operator.t(), view.position.clone());
    let template = RevocationsPage {
        frame: operator.frame(t.revocations_title),
        lag: format!("{lag:.1} {}", operator.texts().seconds),
        sidecars: view.sidecars.into_iter().map(|one| shown(&operator, one, end.as_deref())).collect(),
        position: view.position,
        kinds: KINDS.iter().map(|kind| (*kind, t.kind(kind))).collect(),
        value: FormField::text(operator.texts(), "value", t.revoke_value).hinted(t.revoke_value_hint),
    };
    Ok(respond(StatusCode::OK, &template))
}

fn shown(operator: &OperatorVisit, sidecar: SidecarView, end: Option<&str>) -> ShownSidecar {
    let t = operator.t();
    let age = sidecar.certificate_age_ms;
    let most = u64::try_from(MAX_AGE.as_millis()).unwrap_or(u64::MAX);
    ShownSidecar {
        is_behind: end.is_some_and(|end| end != sidecar.position),
        is_stale: age.is_none_or(|age| age > most),
        age: age.map_or_else(|| t.no_certificate.to_owned(), |age| fill(t.certificate_age, &age.to_string())),
        id: sidecar.id,
        version: sidecar.version,
        position: sidecar.position,
    }
}
