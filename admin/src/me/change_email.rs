//! `PUT /api/v1/me/email`: sets a new e-mail address.

use serde::Deserialize;

use super::credentials::{change, prove};
use crate::access::caller;
use crate::api::{Code, Problem, Request, Response};
use crate::users::store::Credential;
use crate::users::{EmailAddress, Password};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    email: String,
    current_password: Password,
}

/// Answers the request: a new pair for this session, the only one that is left.
///
/// # Errors
///
/// 401 `invalid_credentials`, 409 `email_taken`, 422 `validation_failed`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let body: Body = request.json()?;
    let email: EmailAddress = body.email.parse().map_err(|error| {
        Problem::new(Code::ValidationFailed).field("email", "email_invalid", format!("{error}."))
    })?;
    let mut place = request.context.hasher.reserve()?;
    let (_, verified) = prove(&request, caller, &mut place, &body.current_password).await?;
    drop(place);
    change(&request, caller, &verified, &Credential::Email(email)).await
}
