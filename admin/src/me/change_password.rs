//! `PUT /api/v1/me/password`: sets a new password.

use serde::Deserialize;

use super::credentials::{change, prove};
use crate::access::caller;
use crate::api::{Code, Problem, Request, Response};
use crate::users::store::Credential;
use crate::users::{Password, weak_password};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    current_password: Password,
    new_password: Password,
}

/// Answers the request: a new pair for this session, the only one that is left.
///
/// # Errors
///
/// 401 `invalid_credentials`, 422 `password_weak` or `password_reused`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let body: Body = request.json()?;
    let mut place = request.context.hasher.reserve()?;
    let (account, verified) = prove(&request, caller, &mut place, &body.current_password).await?;
    if body.new_password == body.current_password {
        return Err(Problem::new(Code::PasswordReused));
    }
    weak_password("new_password", place.judge(&body.new_password, account.own_words).await?)?;
    let hash = place.hash(&body.new_password).await?;
    drop(place);
    change(&request, caller, &verified, &Credential::Password(hash)).await
}
