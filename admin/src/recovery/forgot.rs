//! `POST /api/v1/auth/password/forgot`: asks for a link by which a user sets a new password.
//!
//! **One answer.** Every address gets the same response after the same steps: one query, the same counters, one row of the
//! outbox. Whether an account has the address is decided later, by the worker of mails.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;

use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::guessing::LimitedRoute;
use crate::mail::MailRequest;
use crate::mail_proof::ask;
use crate::users::EmailAddress;

/// The address of the account.
#[derive(Deserr, ToSchema)]
#[schema(as = ForgottenPassword)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces; at most 254 bytes.
    #[schema(value_type = String, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: EmailAddress,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Ask for a link by mail to set a new password.")
        .detail(
            "The response is the same for every address. If an account has the address, its user gets a mail: usually \
            with a link, valid for an hour; three links are valid side by side. A mailbox gets at most three such mails \
            an hour and eight a day, and three a day more from devices and networks that the account has used before.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "email": "anna@example.org" }))
        .empty(202, "If an account has this address, a mail will be sent.")
        .problems(&[Code::TooManyAttempts, Code::MailNotConfigured])
}

/// Handles the request.
///
/// # Errors
///
/// 422 `validation_failed`, 429 `too_many_attempts`, 501 `mail_not_configured`, 503.
pub async fn handle(mut request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    if !request.context.outbox.is_on() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    request.client.present(body.device_token);
    let bounds = (LimitedRoute::Forgot, "reset");
    ask(&request.context, &request.actor(), bounds, &body.email, |_| Ok(MailRequest::Reset)).await?;
    Ok(Response::empty(StatusCode::ACCEPTED))
}
