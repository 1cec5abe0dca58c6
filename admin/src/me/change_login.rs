//! `PUT /api/v1/me/login`: sets a new login name.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{CURRENT, account_of, check_current, present_device, prove_and_change};
use crate::access::caller;
use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::passwords::Password;
use crate::sessions::{Pair, pair};
use crate::users::LoginName;
use crate::users::store::Credential;

/// A new login name, and the current password.
#[derive(Deserr, ToSchema)]
#[schema(as = LoginChange)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// Letters, digits, `.`, `_` and `-`, beginning with a letter or a digit, of one alphabet; some names are
    /// reserved, and those that look like the name of another user are taken.
    #[schema(value_type = String, min_length = 3, max_length = 64, pattern = "^[\\t-\\r ]*[^\\x00-/:-@\\[-`{-\\x7f][^\\x00-,/:-@\\[-\\^`{-\\x7f]*[\\t-\\r ]*$")]
    login: LoginName,
    /// May be omitted if the account has no password and you signed in through a provider within the last ten
    /// minutes.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    current_password: Option<Password>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    #[expect(dead_code, reason = "read before the form, because it decides how the attempt is counted")]
    device_token: Option<DeviceText>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change your login name.")
        .detail(
            "All other sessions are revoked, and the tokens of this session are replaced. If the login name does not \
            change, no session is revoked. The new access token counts as a recent sign-in if the current password \
            was sent.",
        )
        .access(Access::SignedIn)
        .body::<Body>(json!({
            "login": "anna.k", "current_password": "correct horse battery staple"
        }))
        .answer::<Pair>(
            200,
            "A new token pair for this session, which is the only session left.",
            pair::example(),
        )
        .problems(&[
            Code::CurrentPasswordWrong,
            Code::FreshAuthRequired,
            Code::AccountFrozen,
            Code::SessionExpired,
            Code::TooManyAttempts,
            Code::LoginTaken,
        ])
}

/// Handles the request. Returns a new token pair for this session, the only remaining one.
///
/// # Errors
///
/// 403 `current_password_wrong` or `fresh_auth_required`, 409 `login_taken`, 422 `validation_failed`, 429
/// `too_many_attempts`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    caller(&request).await?;
    let form = request.form()?;
    present_device(&mut request, &form);
    let (context, actor) = (&request.context, request.actor());
    let account = account_of(context, &actor).await?;
    let is_present = form.has(CURRENT);
    let (body, mut found) = form.read::<Body>();
    check_current(&mut found, &account, is_present);
    let body = found.finish(body)?;
    let new = Credential::Login(body.login);
    prove_and_change(context, &actor, &account, body.current_password.as_ref(), &new).await
}
