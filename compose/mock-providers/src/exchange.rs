//! The token endpoint: exchanges a code for a token (RFC 6749, section 4.1.3).

use hyper::Method;

use crate::client_auth::authenticate;
use crate::config::Client;
use crate::context::{Context, TOKENS};
use crate::params::Params;
use crate::reply::Reply;
use crate::store::{Code, Token};
use crate::stub::{Grant, Stub};
use crate::token_error::{ErrorKind, TokenError};

/// The parameters that the URL of a token request must not contain.
const SECRETS: &[&str] = &["client_secret", "code", "code_verifier"];

/// Answers a request for a token.
pub(crate) fn exchange(stub: &Stub, cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    exchanged(stub, cx).unwrap_or_else(|error| (stub.refuse)(cx.request, &error))
}

fn exchanged(stub: &Stub, cx: &Context<'_>) -> Result<Reply, TokenError> {
    let malformed = |why: String| TokenError::new(ErrorKind::Request, why);
    let form = cx.request.form().map_err(malformed)?;
    let query = cx.request.query().map_err(|why| malformed(why.to_string()))?;
    if let Some(name) = query.any_of(SECRETS).or_else(|| query.any_of(TOKENS)) {
        return Err(malformed(format!("the URL contains {name}; it must be in the body")));
    }
    let client = authenticate(&stub.client_auth, cx, &form)?;
    if let Some(missing) = stub.required.iter().find(|name| form.get(name).is_none()) {
        return Err(malformed(format!("{missing} is missing")));
    }
    // GitHub and Facebook do not require it; the default is what all others require.
    match form.get("grant_type").unwrap_or("authorization_code") {
        "authorization_code" => {}
        other => {
            return Err(TokenError::new(
                ErrorKind::GrantType,
                format!("grant_type must be `authorization_code`; got {other:?}"),
            ));
        }
    }
    let name = form.get("code").ok_or_else(|| malformed("code is missing".to_owned()))?;
    // It is used up now, even when a later check fails: a code is valid for one attempt.
    let code = cx.store.take_code(cx.now, name);
    let code =
        code.ok_or_else(|| TokenError::new(ErrorKind::Code, "the code is unknown, used or expired"))?;
    check(stub, &form, &client, &code)?;
    grant(stub, cx, &form, &client, code)
}

/// Refuses a code that was issued for another request.
fn check(stub: &Stub, form: &Params, client: &Client, code: &Code) -> Result<(), TokenError> {
    let refuse = |why: &str| TokenError::new(ErrorKind::Code, why);
    if (code.request.provider, &code.request.client) != (client.provider, &client.id) {
        return Err(refuse("the code was issued to another client"));
    }
    if form.get("redirect_uri").is_some_and(|uri| uri != code.request.redirect_uri) {
        return Err(TokenError::new(
            ErrorKind::RedirectUri,
            "redirect_uri differs from the authorization request",
        ));
    }
    let verifier = form.get("code_verifier");
    stub.pkce.check(code.request.challenge.as_deref(), verifier).map_err(refuse)?;
    if code.device.is_some() && form.get("device_id") != code.device.as_deref() {
        return Err(refuse("device_id differs from the callback"));
    }
    Ok(())
}

fn grant(
    stub: &Stub,
    cx: &Context<'_>,
    form: &Params,
    client: &Client,
    code: Code,
) -> Result<Reply, TokenError> {
    let provider = cx.provider;
    let person = cx.store.person(provider, &code.person);
    let person =
        person.ok_or_else(|| TokenError::new(ErrorKind::Code, "the person of the code no longer exists"))?;
    let token = Token {
        provider,
        client: client.id.clone(),
        person: person.key.clone(),
        scopes: code.request.scopes.clone(),
    };
    let token = cx.store.put_token(cx.now, token);
    Ok((stub.grant)(cx, &Grant { token, code, person, form }))
}
