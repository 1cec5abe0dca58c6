//! `POST /api/v1/auth/email/resend`: asks for another mail with a code of the same flow.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::ask::{AskedFlow, ask_code};
use super::check::expired;
use super::flow::{EXAMPLE_FLOW, FlowText, MailFlow};
use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;

/// A flow.
#[derive(Deserr, ToSchema)]
#[schema(as = CodeResend)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// From the response to the first request for a code.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{40,1200}$", min_length = 40, max_length = 1200)]
    flow: FlowText,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Ask for another code of the same flow.")
        .detail(
            "For a flow of a registration, of a sign-in by a code, or of another address. The last three codes of a flow are valid. The response \
            is the same for every address, and mails have the same bounds as those of the first request.",
        )
        .access(Access::Public)
        .body::<Body>(json!({ "flow": EXAMPLE_FLOW }))
        .answer::<AskedFlow>(202, "If the address may have a code, a mail will be sent.", AskedFlow::example())
        .problems(&[
            Code::TooManyAttempts,
            Code::CodeExpired,
            Code::RegistrationClosed,
            Code::MailNotConfigured,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 410 `code_expired` when the flow is unknown or over; 403 `registration_closed`; 422 `validation_failed`; 429
/// `too_many_attempts`; 501 `mail_not_configured`; 503.
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
    let now = context.clock.unix_seconds();
    let mut flow = MailFlow::open(&body.flow, &context.mail_flows, now).ok_or_else(expired)?;
    // A flow that had too many wrong codes takes no other one, so the next code gets a flow of its own.
    if context.guessing.is_flow_over(&flow.id.to_string(), now).await {
        flow.id = context.random.id();
    }
    let route = match flow.purpose {
        CodePurpose::Registration if !context.config.registration.is_for_everyone() => {
            return Err(Problem::new(Code::RegistrationClosed));
        }
        CodePurpose::Registration => LimitedRoute::Registration,
        CodePurpose::SignIn | CodePurpose::EmailChange => LimitedRoute::CodeRequest,
        // Such a flow belongs to a sign-in through a provider, and is never sealed.
        CodePurpose::Link => return Err(expired()),
    };
    ask_code(context, &request.actor(), route, &flow).await?;
    AskedFlow::of(context, &flow, now)
}
