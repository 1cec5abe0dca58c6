//! From the authorization request to the callback: the page, the choice, the code.

use hyper::{Method, StatusCode};
use url::form_urlencoded::Serializer;

use crate::ask::Ask;
use crate::page;
use crate::play::Callback;
use crate::random;
use crate::reply::Reply;
use crate::visit::Visit;
use crate::world::Code;

/// The header by which a test chooses without a browser.
const CHOOSE: &str = "x-choose";

/// What somebody chose.
enum Choice<'a> {
    Person(&'a str),
    Refuse,
}

/// Answers `GET /{provider}/...authorize`: a page, or at once what the header `X-Choose` says.
pub(crate) fn authorize(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::GET {
        return Reply::method_not_allowed("GET");
    }
    let play = visit.play;
    let answer = Ask::read(visit).and_then(|ask| match chosen_by_header(visit)? {
        Some(choice) => callback(visit, ask, &choice),
        None => {
            let (client, action) = (ask.client.clone(), format!("/{}/_decide", play.provider));
            let request = visit.world.open(visit.now, ask);
            let people = visit.world.people(play.provider);
            Ok(page::choice(play.title, &action, &request, &client, &people))
        }
    });
    answer.unwrap_or_else(|why| page::error(play.title, &why))
}

/// Answers `POST /{provider}/_decide`, which the page sends.
pub(crate) fn decide(visit: &Visit<'_>) -> Reply {
    if visit.request.method != Method::POST {
        return Reply::method_not_allowed("POST");
    }
    decided(visit).unwrap_or_else(|why| page::error(visit.play.title, &why))
}

fn decided(visit: &Visit<'_>) -> Result<Reply, String> {
    let form = visit.request.form()?;
    let choice = match (form.get("person"), form.get("refuse")) {
        (Some(key), None) => Choice::Person(key),
        (None, Some("1")) => Choice::Refuse,
        _ => return Err("person, or refuse with the value 1, is wanted".to_owned()),
    };
    let request = form.get("request").ok_or("request is missing")?;
    let ask = visit.world.close(visit.now, request).filter(|ask| ask.provider == visit.play.provider);
    callback(visit, ask.ok_or("this page was already answered, or is older than 10 minutes")?, &choice)
}

fn chosen_by_header<'a>(visit: &'a Visit<'_>) -> Result<Option<Choice<'a>>, String> {
    let Some(value) = visit.request.headers.get(CHOOSE) else { return Ok(None) };
    match value.to_str() {
        Ok("refuse") => Ok(Some(Choice::Refuse)),
        Ok(key) => Ok(Some(Choice::Person(key))),
        Err(_) => Err("X-Choose is not ASCII".to_owned()),
    }
}

/// Sends the browser back to the client, with a code or without.
fn callback(visit: &Visit<'_>, ask: Ask, choice: &Choice<'_>) -> Result<Reply, String> {
    let (world, play) = (visit.world, visit.play);
    let device = play.device.then(random::word);
    let state = ask.state_in_callback(visit);
    let (to, scopes) = (ask.redirect_uri.clone(), ask.scopes.clone());
    let mut pairs = match choice {
        Choice::Person(key) => {
            let person = world.person(play.provider, key);
            let person = person.ok_or_else(|| format!("nobody has the key {key:?} at {}", play.provider))?;
            let code = Code { ask, person: person.key, device: device.clone() };
            vec![("code", world.put_code(visit.now, code))]
        }
        Choice::Refuse => {
            vec![("error", "access_denied".to_owned()), ("error_description", "The user refused".to_owned())]
        }
    };
    pairs.push(("state", state));
    let refused = matches!(choice, Choice::Refuse);
    let extras = Callback { visit, scopes: &scopes, device: device.as_deref(), refused };
    pairs.extend((play.callback)(&extras));
    Ok(Reply::redirect(StatusCode::SEE_OTHER, &with_query(&to, &pairs)))
}

/// Adds parameters to an address, and keeps every byte of it (RFC 6749, section 3.1.2).
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
