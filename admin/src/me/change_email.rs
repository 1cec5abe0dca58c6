//! `PUT /api/v1/me/email`: sets a new e-mail address.

use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::credentials::{change, prove};
use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response, sentence};
use crate::passwords::Password;
use crate::sessions::{Pair, mint};
use crate::users::EmailAddress;
use crate::users::store::Credential;

/// A new address, and the current password.
#[derive(Deserialize, ToSchema)]
#[schema(as = EmailChange)]
#[serde(deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces.
    #[schema(format = "idn-email", max_length = 254)]
    email: String,
    /// May be omitted if the account has no password and you signed in through a provider within the last ten
    /// minutes.
    #[schema(value_type = Option<String>, format = Password, pattern = "^[^\\x00]*$")]
    current_password: Option<Password>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Change your e-mail address.")
        .detail("All other sessions are revoked, and the tokens of this session are replaced.")
        .access(Access::SignedIn)
        .body::<Body>(json!({
            "email": "anna.k@example.org", "current_password": "correct horse battery staple"
        }))
        .answer::<Pair>(200, "A new token pair for this session, the only remaining one.", mint::example())
        .problems(&[Code::InvalidCredentials, Code::FreshAuthRequired, Code::EmailTaken])
}

/// Handles the request. Returns a new token pair for this session, the only remaining one.
///
/// # Errors
///
/// 401 `invalid_credentials`, 409 `email_taken`, 422 `validation_failed`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    caller(&request).await?;
    let (context, actor) = (&request.context, request.actor());
    let body: Body = request.json()?;
    let email: EmailAddress = body.email.parse().map_err(|error| {
        Problem::new(Code::ValidationFailed).field("email", "email_invalid", sentence(error))
    })?;
    let mut slot = context.hasher.reserve()?;
    let (_, verified) = prove(context, &actor, &mut slot, body.current_password.as_ref()).await?;
    drop(slot);
    change(context, &actor, verified.as_ref(), &Credential::Email(email)).await
}
