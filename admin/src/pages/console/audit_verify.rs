//! `/console/audit/verify`: whether the audit log was altered.

use askama::Template;
use http::StatusCode;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::access::{Right, allowed};
use crate::api::{Code, Problem, Response};
use crate::audit::{ChainPosition, VerifyError, verify};
use crate::pages::frame::{Frame, respond};

#[derive(Template)]
#[template(path = "console/audit_verify.html")]
struct AuditVerifyPage {
    frame: Frame,
    rows: i64,
    dropped: i64,
    erased: u64,
    /// The end of an intact chain.
    end: Option<String>,
    /// Where the chain is broken.
    broken: String,
}

/// Verifies the whole log.
///
/// # Errors
///
/// 403; 401; 422 for a text that is no position; 503.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Right(Right::AuditRead))?;
    let request = &operator.request;
    allowed(request, Right::AuditRead).await?;
    let since = match operator.fields.text("since") {
        "" => None,
        text => Some(text.trim().parse::<ChainPosition>().map_err(|_| Problem::new(Code::ValidationFailed))?),
    };
    let verified = verify(&request.context.db.get().await?, &request.context.audit_keys, since).await;
    let frame = operator.frame(operator.t().verify_title);
    let template = match verified {
        Ok(chain) => AuditVerifyPage {
            frame,
            rows: chain.rows,
            dropped: chain.dropped,
            erased: chain.erased,
            end: Some(chain.end.to_string()),
            broken: String::new(),
        },
        Err(VerifyError::Broken(broken)) => {
            AuditVerifyPage { frame, rows: 0, dropped: 0, erased: 0, end: None, broken: broken.to_string() }
        }
        Err(VerifyError::Database(error)) => return Err(error.into()),
    };
    Ok(respond(StatusCode::OK, &template))
}
