//! The token endpoint: a code becomes a token (RFC 6749, section 4.1.3).

use hyper::Method;

use crate::Client;
use crate::credentials::authenticate;
use crate::params::Params;
use crate::play::Grant;
use crate::refusal::{Fault, Refusal};
use crate::reply::Reply;
use crate::visit::{TOKENS, Visit};
use crate::world::{Code, Token};

/// What must not stand in the address of the token endpoint.
const SECRETS: &[&str] = &["client_secret", "code", "code_verifier"];

/// Answers a request for a token.
pub(crate) fn exchange(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    exchanged(visit).unwrap_or_else(|refusal| (visit.play.refuse)(visit.request, &refusal))
}

fn exchanged(visit: &Visit<'_>) -> Result<Reply, Refusal> {
    let malformed = |why: String| Refusal::new(Fault::Request, why);
    let form = visit.request.form().map_err(malformed)?;
    let query = visit.request.query().map_err(|why| malformed(why.to_string()))?;
    if let Some(name) = query.any_of(SECRETS).or_else(|| query.any_of(TOKENS)) {
        return Err(malformed(format!("{name} stands in the address; it belongs in the body")));
    }
    let client = authenticate(visit, &form)?;
    if let Some(missing) = visit.play.required.iter().find(|name| form.get(name).is_none()) {
        return Err(malformed(format!("{missing} is missing")));
    }
    // GitHub and Facebook do not ask for it, and then the default is what all others say.
    match form.get("grant_type").unwrap_or("authorization_code") {
        "authorization_code" => {}
        other => return Err(Refusal::new(Fault::GrantType, format!("grant_type {other:?} is not served"))),
    }
    let name = form.get("code").ok_or_else(|| malformed("code is missing".to_owned()))?;
    // It is gone now, even when what follows refuses: a code is for one try.
    let code = visit.world.take_code(visit.now, name);
    let code = code.ok_or_else(|| Refusal::new(Fault::Code, "the code is unknown, used or too old"))?;
    check(visit, &form, &client, &code)?;
    grant(visit, &form, &client, code)
}

/// Refuses a code that is bound to something else.
fn check(visit: &Visit<'_>, form: &Params, client: &Client, code: &Code) -> Result<(), Refusal> {
    let refuse = |why: &str| Refusal::new(Fault::Code, why);
    if (code.ask.provider, &code.ask.client) != (client.provider, &client.id) {
        return Err(refuse("the code was given to another client"));
    }
    if form.get("redirect_uri").is_some_and(|uri| uri != code.ask.redirect_uri) {
        return Err(Refusal::new(
            Fault::RedirectUri,
            "redirect_uri is not the one of the authorization request",
        ));
    }
    let verifier = form.get("code_verifier");
    visit.play.pkce.check(code.ask.challenge.as_deref(), verifier).map_err(refuse)?;
    if code.device.is_some() && form.get("device_id") != code.device.as_deref() {
        return Err(refuse("device_id is not the one of the callback"));
    }
    Ok(())
}

fn grant(visit: &Visit<'_>, form: &Params, client: &Client, code: Code) -> Result<Reply, Refusal> {
    let provider = visit.play.provider;
    let person = visit.world.person(provider, &code.person);
    let person = person.ok_or_else(|| Refusal::new(Fault::Code, "whoever signed in is gone"))?;
    let token = Token {
        provider,
        client: client.id.clone(),
        person: person.key.clone(),
        scopes: code.ask.scopes.clone(),
    };
    let token = visit.world.put_token(visit.now, token);
    Ok((visit.play.grant)(visit, &Grant { token, code, person, form }))
}
