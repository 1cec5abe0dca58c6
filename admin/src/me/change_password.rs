//! `PUT /api/v1/me/password`: sets a new password.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{change, prove};
use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::passwords::Password;
use crate::sessions::{Pair, mint};
use crate::users::store::Credential;
use crate::users::weak_password;

/// A new password, and the current one.
#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordChange)]
#[serde(deny_unknown_fields)]
struct Body {
    /// May be omitted if the account has no password and you signed in through a provider within the last ten
    /// minutes.
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    current_password: Option<Password>,
    /// Must be hard to guess and differ from the current password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    new_password: Password,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change your password.")
        .detail("All other sessions are revoked, and the tokens of this session are replaced.")
        .access(Access::SignedIn)
        .body::<Body>(json!({
            "current_password": "correct horse battery staple",
            "new_password": "two nights at the pictures"
        }))
        .answer::<Pair>(200, "A new token pair for this session, the only remaining one.", mint::example())
        .problems(&[
            Code::InvalidCredentials,
            Code::FreshAuthRequired,
            Code::PasswordWeak,
            Code::PasswordReused,
        ])
}

/// Handles the request. Returns a new token pair for this session, the only remaining one.
///
/// # Errors
///
/// 401 `invalid_credentials`, 422 `password_weak` or `password_reused`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    caller(&request).await?;
    let (context, actor) = (&request.context, request.actor());
    let body: Body = request.json()?;
    let mut slot = context.hasher.reserve()?;
    let (account, verified) = prove(context, &actor, &mut slot, body.current_password.as_ref()).await?;
    if body.current_password.as_ref() == Some(&body.new_password) {
        return Err(Problem::new(Code::PasswordReused));
    }
    weak_password("new_password", slot.judge(&body.new_password, account.own_words).await?)?;
    let hash = slot.hash(&body.new_password).await?;
    drop(slot);
    change(context, &actor, verified.as_ref(), &Credential::Password(hash)).await
}
