//! `PUT /api/v1/me/password`: sets a new password.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{CURRENT, account_of, change, check_current, permit, present_device, prove};
use crate::access::caller;
use crate::actor::Actor;
use crate::actor::DeviceText;
use crate::api::{Access, Code, Findings, Form, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::passwords::Password;
use crate::permit::HashPermit;
use crate::sessions::{Pair, pair};
use crate::users::store::Credential;
use crate::users::{Account, add_weaknesses};

/// A new password, and the current one.
#[derive(Deserr, ToSchema)]
#[schema(as = PasswordChange)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// May be omitted if the account has no password and you signed in through a provider within the last ten
    /// minutes.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    current_password: Option<Password>,
    /// Must be hard to guess and differ from the current password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    new_password: Password,
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
        .summary("Change your password.")
        .detail("All other sessions are revoked, and the tokens of this session are replaced. The new access token counts \
            as a recent sign-in if the current password was sent.")
        .access(Access::SignedIn)
        .body::<Body>(json!({
            "current_password": "correct horse battery staple",
            "new_password": "two nights at the pictures"
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
            Code::PasswordWeak,
            Code::PasswordReused,
        ])
}

/// Handles the request. Returns a new token pair for this session, the only remaining one.
///
/// # Errors
///
/// 403 `current_password_wrong` or `fresh_auth_required`, 422 `password_weak` or `password_reused`, 429
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
    let (body, permit) = read(context, &actor, form, &account).await?;
    let (verified, mut permit) =
        prove(context, &actor, permit, &account, body.current_password.as_ref()).await?;
    let hash = permit.hash(&body.new_password).await?;
    permit.succeeded().await;
    change(context, &actor, verified.as_ref(), &Credential::Password(hash)).await
}

/// Reads the form. The new password is judged even if another field is invalid, so that all errors are reported in
/// one round.
async fn read(
    context: &Context,
    actor: &Actor,
    form: Form,
    account: &Account,
) -> Result<(Body, HashPermit), Problem> {
    let password = |name: &str| form.text(name).map(Password::new);
    let (current, new) = (password(CURRENT), password("new_password"));
    let is_present = form.has(CURRENT);
    let (body, mut found) = form.read::<Body>();
    check_current(&mut found, account, is_present);
    // Without a new password the form is invalid, and with a malformed one nothing needs to be judged.
    let Some(new) = new else { return found.finish(None) };
    if current.as_ref() == Some(&new) {
        found.add_to(Code::PasswordReused, "new_password", "password_reused", Code::PasswordReused.title());
    }
    let weaknesses = new.form_weaknesses(context.config.password_min);
    if !weaknesses.is_empty() {
        add_weaknesses(&mut found, "new_password", weaknesses);
        return found.finish(None);
    }
    let permit = permit(context, actor, account).await?;
    add_weaknesses(&mut found, "new_password", permit.judge(&new, account.own_words.clone()).await?);
    match found.finish(body) {
        Ok(body) => Ok((body, permit)),
        Err(problem) => {
            permit.spent().await;
            Err(problem)
        }
    }
}
