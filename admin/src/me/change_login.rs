//! `PUT /api/v1/me/login`: sets a new login name.

use serde::Deserialize;

use super::credentials::{change, prove};
use crate::access::caller;
use crate::api::{Code, Problem, Request, Response};
use crate::users::store::Credential;
use crate::users::{Login, LoginError, Password};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    login: String,
    current_password: Password,
}

/// Answers the request: a new pair for this session, the only one that is left.
///
/// # Errors
///
/// 401 `invalid_credentials`, 409 `login_taken`, 422 `validation_failed`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let body: Body = request.json()?;
    let login: Login = body.login.parse().map_err(|error: LoginError| {
        Problem::new(Code::ValidationFailed).field("login", error.code(), format!("{error}."))
    })?;
    let mut place = request.context.hasher.reserve()?;
    let (_, verified) = prove(&request, caller, &mut place, &body.current_password).await?;
    drop(place);
    change(&request, caller, &verified, &Credential::Login(login)).await
}
