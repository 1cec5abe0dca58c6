//! `POST /api/v1/auth/reauthenticate`: proves the password again, for actions that require a recent sign-in.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{account_of, permit, prove};
use crate::access::caller;
use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::passwords::Password;
use crate::sessions::{AccessToken, pair, prove_again};

/// The current password.
#[derive(Deserr, ToSchema)]
#[schema(as = Reauthentication)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Prove the password again.")
        .detail(
            "For actions that require a recent sign-in. The new access token counts as a recent sign-in for ten \
            minutes. The refresh token does not change. Access tokens from a refresh have the `auth_time` of the \
            sign-in again.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({ "password": "correct horse battery staple" }))
        .answer::<AccessToken>(200, "An access token of the same session.", pair::access_example())
        .problems(&[Code::CurrentPasswordWrong, Code::SessionExpired, Code::TooManyAttempts])
}

/// Handles the request. An account without a password gets the answer of a wrong one.
///
/// # Errors
///
/// 403 `current_password_wrong`; 429 `too_many_attempts`; 401; 422; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|access| access.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<AccessToken, Problem> {
    let caller = caller(&request).await?;
    let body: Body = request.form()?.finish()?;
    request.client.present(body.device_token);
    let (context, actor) = (&request.context, request.actor());
    let account = account_of(context, &actor).await?;
    let permit = permit(context, &actor, &account).await?;
    let (verified, permit) = prove(context, &actor, permit, &account, Some(&body.password)).await?;
    permit.succeeded().await;
    let verified = verified.ok_or_else(|| Problem::new(Code::CurrentPasswordWrong))?;
    prove_again(context, caller, &verified).await
}
