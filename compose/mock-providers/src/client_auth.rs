//! Client authentication at the token endpoint (RFC 6749, section 2.3).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use hyper::header::AUTHORIZATION;

use crate::authorization_header;
use crate::config::Client;
use crate::context::Context;
use crate::params::Params;
use crate::stub::ClientAuth;
use crate::token_error::{ErrorKind, TokenError};

/// The client of a token request, or why it is not authenticated.
pub(crate) fn authenticate(
    allowed: &ClientAuth,
    cx: &Context<'_>,
    form: &Params,
) -> Result<Client, TokenError> {
    let refuse = |why: &str| TokenError::new(ErrorKind::Client, why);
    let (in_body, secret_in_body) = (form.get("client_id"), form.get("client_secret"));
    if cx.request.headers.contains_key(AUTHORIZATION) {
        if !allowed.basic {
            return Err(refuse("the client must authenticate in the body, not in Authorization"));
        }
        if secret_in_body.is_some() {
            return Err(refuse("the secret must be either in Authorization or in the body, not in both"));
        }
        let basic = authorization_header::of_scheme(&cx.request.headers, "Basic")
            .and_then(authorization_header::basic);
        let (id, secret) = basic.ok_or_else(|| refuse("Authorization must be well-formed Basic"))?;
        if in_body.is_some_and(|other| other != id) {
            return Err(refuse("client_id differs from Authorization"));
        }
        return known(cx, &id, Some(&secret));
    }
    if !allowed.body {
        return Err(refuse("the client must authenticate with Authorization: Basic, not in the body"));
    }
    let id = in_body.ok_or_else(|| refuse("client_id is missing"))?;
    if secret_in_body.is_none() && !allowed.public {
        return Err(refuse("client_secret is missing"));
    }
    known(cx, id, secret_in_body)
}

fn known(cx: &Context<'_>, id: &str, secret: Option<&str>) -> Result<Client, TokenError> {
    let client = cx.store.client(cx.provider, id);
    let client = client.ok_or_else(|| TokenError::new(ErrorKind::Client, "the client is not registered"))?;
    let fits = |secret: &str| verify_slices_are_equal(secret.as_bytes(), client.secret.as_bytes()).is_ok();
    match secret {
        Some(secret) if !fits(secret) => Err(TokenError::new(ErrorKind::Client, "the secret is wrong")),
        _ => Ok(client),
    }
}
