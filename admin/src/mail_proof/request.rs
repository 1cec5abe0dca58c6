//! `POST /api/v1/auth/mail-code`: asks for a code to sign in with.
//!
//! **One answer.** Every address gets the same response after the same steps. Whether an account has the address, and
//! whether it may be opened by mail, is decided later, by the worker of mails.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::ask::{AskedFlow, ask_code};
use super::flow::MailFlow;
use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::users::EmailAddress;

/// The address of the account.
#[derive(Deserr, ToSchema)]
#[schema(as = CodeRequest)]
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
        .summary("Ask for a code by mail to sign in with.")
        .detail(
            "The response is the same for every address. If the proven address of an account is named, its user gets a mail \
            with a code, unless the user holds a permission of this service. A mailbox gets at most three such mails an \
            hour and eight a day, and three a day more from devices and networks that the account has used before.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "email": "anna@example.org" }))
        .answer::<AskedFlow>(202, "If an account has this address, a mail will be sent.", AskedFlow::example())
        .problems(&[Code::TooManyAttempts, Code::MailNotConfigured])
}

/// Handles the request.
///
/// # Errors
///
/// 422 `validation_failed`, 429 `too_many_attempts`, 501 `mail_not_configured`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|flow| flow.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<AskedFlow, Problem> {
    let body: Body = request.form()?.finish()?;
    if !request.context.outbox.is_on() {
        return Err(Problem::new(Code::MailNotConfigured));
    }
    request.client.present(body.device_token);
    let context = &request.context;
    let flow = MailFlow {
        id: context.random.id(),
        purpose: CodePurpose::SignIn,
        email: body.email,
        display_name: None,
        locale: None,
        change: None,
        began_at: context.clock.unix_seconds(),
    };
    ask_code(context, &request.actor(), LimitedRoute::CodeRequest, &flow).await?;
    AskedFlow::of(context, &flow, flow.began_at)
}
