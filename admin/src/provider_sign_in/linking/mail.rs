//! `POST /api/v1/oauth/link/mail`: asks for a code by mail, which confirms a link, proves an address that the user names, or
//! goes with declining.

use deserr::Deserr;
use http::StatusCode;
use serde_json::json;
use utoipa::ToSchema;

use super::by_code::mail_flow;
use super::show::{Pending, facts_now, find};
use crate::actor::DeviceText;
use crate::api::text::Opaque;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{MailFlow, ask_code};
use crate::provider_sign_in::flow::CodeVerifier;
use crate::provider_sign_in::link_methods::{LinkMethod, methods, needs_code_to_decline};
use crate::provider_sign_in::stored_identity::expired;
use crate::users::EmailAddress;

/// The `flow` of the problem, and, for one of `email_proof_offered`, an address.
#[derive(Deserr, ToSchema)]
#[schema(as = LinkMail)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{43}$")]
    flow: Opaque,
    /// The verifier of the app whose sign-in got the flow; without one the cookie of the browser is used.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{43,128}$")]
    code_verifier: Option<CodeVerifier>,
    /// Only for a flow of `email_proof_offered`, and required there. `name@example.org`, in any script, without quotes or
    /// spaces; at most 254 bytes.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: Option<EmailAddress>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Describes the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Providers")
        .summary("Ask for a code by mail.")
        .detail(
            "With an account that has the e-mail address, the mail goes to that address, and the code confirms the link \
             (`/oauth/link/confirm`) or goes with declining (`/oauth/link/decline`). Without one, it goes to the address that \
             the user names (`/oauth/link/prove`), and the response is the same for every address. A code has the same rules \
             as that of a sign-in by a code; send the request again for another one.",
        )
        .access(Access::Public)
        .for_people()
        .body::<Body>(json!({ "flow": "bJ3t1mR0t8nYk6w2Qv5xZ7aC9dE1fG3hI5jK7lM9nO0" }))
        .empty(202, "If the address may have a code, a mail will be sent.")
        .problems(&[
            Code::CodeExpired,
            Code::AccountDisabled,
            Code::TooManyAttempts,
            Code::MailNotConfigured,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown, over, or another client's; 403 `account_disabled`; 422
/// `validation_failed` when an address is missing or not expected, or a code is of no use; 429 `too_many_attempts`; 501
/// `mail_not_configured`; 503.
pub async fn handle(mut request: Request) -> Result<Response, Problem> {
    let body: Body = request.form()?.finish()?;
    if !request.context.outbox.is_on() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    request.client.present(body.device_token);
    let context = &request.context;
    let secret = body.flow.as_ref();
    let email = match (find(&request, secret, body.code_verifier.as_ref()).await?, body.email) {
        (Pending::Link(pending), None) => {
            let (facts, _) = facts_now(context, &pending).await?;
            if !methods(&facts).contains(&LinkMethod::Mail) && !needs_code_to_decline(&facts) {
                let sentence = "A code is of no use for this flow; use one of `methods`.";
                return Err(Problem::new(Code::ValidationFailed).field("flow", "mail_not_offered", sentence));
            }
            pending.identity(context)?.email.ok_or_else(expired)?
        }
        (Pending::Proof(_), Some(email)) => email,
        (Pending::Link(_), Some(_)) => {
            let sentence = "Is not expected: the mail goes to the address of the account.";
            return Err(Problem::new(Code::ValidationFailed).field("email", "field_not_expected", sentence));
        }
        (Pending::Proof(_), None) => {
            let sentence = "This field is required.";
            return Err(Problem::new(Code::ValidationFailed).field("email", "field_missing", sentence));
        }
        (Pending::Move(_), _) => return Err(expired()),
    };
    let flow = MailFlow {
        id: mail_flow(secret, &email),
        purpose: CodePurpose::Link,
        email,
        display_name: None,
        locale: None,
        change: None,
        began_at: context.clock.unix_seconds(),
    };
    ask_code(context, &request.actor(), LimitedRoute::CodeRequest, &flow).await?;
    Ok(Response::empty(StatusCode::ACCEPTED))
}
