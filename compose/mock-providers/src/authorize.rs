//! The authorization endpoint: from the request to the callback, through the page and its choice.

use hyper::{Method, StatusCode};
use url::form_urlencoded::Serializer;

use crate::authorization_request::AuthorizationRequest;
use crate::context::{Context, TOKENS};
use crate::fault::Fault;
use crate::page;
use crate::random;
use crate::reply::Reply;
use crate::store::Code;
use crate::stub::{Callback, Stub};

/// The length of a code with [`Fault::LongCode`].
const LONG_CODE: usize = 8192;

/// The header with which a test chooses without a browser.
const CHOOSE: &str = "x-choose";

/// The parameters that a browser must never carry, besides tokens.
const SECRETS: &[&str] = &["client_secret", "code_verifier", "password"];

/// The choice of the user.
enum Choice<'a> {
    Person(&'a str),
    Refuse,
}

/// Answers `GET /{provider}/...authorize`: with a page, or at once with the choice of the header `X-Choose`.
pub(crate) fn authorize(stub: &Stub, cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let reply = read(stub, cx).and_then(|request| match chosen_by_header(cx)? {
        Some(choice) => callback(stub, cx, request, &choice),
        None => {
            let (client, action) = (request.client.clone(), format!("/{}/_decide", stub.provider));
            let request = cx.store.open(cx.now, request);
            let people = cx.store.people(stub.provider);
            Ok(page::choice(stub.title, &action, &request, &client, &people))
        }
    });
    reply.unwrap_or_else(|why| page::error(stub.title, &why))
}

/// Answers `POST /{provider}/_decide`, the form of the page.
pub(crate) fn decide(stub: &Stub, cx: &Context<'_>) -> Reply {
    if cx.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    decided(stub, cx).unwrap_or_else(|why| page::error(stub.title, &why))
}

fn decided(stub: &Stub, cx: &Context<'_>) -> Result<Reply, String> {
    let form = cx.request.form()?;
    let choice = match (form.get("person"), form.get("refuse")) {
        (Some(key), None) => Choice::Person(key),
        (None, Some("1")) => Choice::Refuse,
        _ => return Err("either `person`, or `refuse` with the value 1, is required".to_owned()),
    };
    let name = form.get("request").ok_or("request is missing")?;
    let request = cx.store.close(cx.now, name).filter(|request| request.provider == cx.provider);
    callback(stub, cx, request.ok_or("this page was already used, or is older than 10 minutes")?, &choice)
}

fn chosen_by_header<'a>(cx: &'a Context<'_>) -> Result<Option<Choice<'a>>, String> {
    let Some(value) = cx.request.headers.get(CHOOSE) else { return Ok(None) };
    match value.to_str() {
        Ok("refuse") => Ok(Some(Choice::Refuse)),
        Ok(key) => Ok(Some(Choice::Person(key))),
        Err(_) => Err("X-Choose must be ASCII".to_owned()),
    }
}

/// Reads the request as a strict provider does, or returns exactly what is wrong with it.
fn read(stub: &Stub, cx: &Context<'_>) -> Result<AuthorizationRequest, String> {
    let query = cx.request.query().map_err(|why| why.to_string())?;
    if let Some(name) = query.any_of(SECRETS).or_else(|| query.any_of(TOKENS)) {
        return Err(format!("the URL contains {name}; a secret must never pass through the browser"));
    }
    let required = |name: &str| query.get(name).ok_or_else(|| format!("{name} is missing"));
    let id = required("client_id")?;
    let provider = cx.provider;
    let client = cx.store.client(provider, id);
    let client = client.ok_or_else(|| format!("client_id {id:?} is not registered with {provider}"))?;
    let redirect_uri = required("redirect_uri")?;
    if !client.redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err(format!("redirect_uri {redirect_uri:?} does not match a registered one byte for byte"));
    }
    match required("response_type")? {
        "code" => {}
        other => return Err(format!("response_type must be `code`; got {other:?}")),
    }
    let state = required("state")?;
    let challenge = stub.pkce.challenge(&query)?;
    let mut scopes = stub.scopes.parse(query.get("scope"))?;
    if let Some(more) = query.get("optional_scope") {
        scopes.extend(stub.scopes.parse(Some(more))?);
    }
    (stub.inspect)(&query)?;
    Ok(AuthorizationRequest {
        provider,
        client: client.id,
        redirect_uri: redirect_uri.to_owned(),
        state: state.to_owned(),
        scopes,
        nonce: query.get("nonce").map(str::to_owned),
        challenge,
    })
}

/// Redirects the browser to the client, with a code or an error.
fn callback(
    stub: &Stub,
    cx: &Context<'_>,
    request: AuthorizationRequest,
    choice: &Choice<'_>,
) -> Result<Reply, String> {
    let store = cx.store;
    let device = stub.device.then(random::word);
    let state = if cx.has(Fault::WrongStateCallback) { random::word() } else { request.state.clone() };
    let (to, scopes) = (request.redirect_uri.clone(), request.scopes.clone());
    let mut pairs = match choice {
        Choice::Person(key) => {
            let person = store.person(stub.provider, key);
            let person =
                person.ok_or_else(|| format!("{} has no person with the key {key:?}", stub.provider))?;
            let code = Code { request, person: person.key, device: device.clone() };
            let code = match cx.has(Fault::LongCode) {
                true => store.put_code_as(cx.now, random::long_word(LONG_CODE), code),
                false => store.put_code(cx.now, code),
            };
            vec![("code", code)]
        }
        Choice::Refuse => {
            vec![("error", "access_denied".to_owned()), ("error_description", "The user refused".to_owned())]
        }
    };
    pairs.push(("state", state));
    let refused = matches!(choice, Choice::Refuse);
    let extras = Callback { cx, scopes: &scopes, device: device.as_deref(), refused };
    pairs.extend((stub.callback)(&extras));
    Ok(Reply::redirect(StatusCode::SEE_OTHER, &with_query(&to, &pairs)))
}

/// Adds parameters to a URL without changing any byte of it (RFC 6749, section 3.1.2).
fn with_query(address: &str, pairs: &[(&'static str, String)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{address}{joint}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_bytes() {
        let pairs = [("code", "a b".to_owned())];
        assert_eq!(with_query("http://A.example", &pairs), "http://A.example?code=a+b");
        assert_eq!(with_query("http://a.example/?", &pairs), "http://a.example/?code=a+b");
        assert_eq!(with_query("http://a.example/?x=%7e", &pairs), "http://a.example/?x=%7e&code=a+b");
    }
}
