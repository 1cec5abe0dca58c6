//! `/_control`: what a test sets up and looks at, for programs in other languages.

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::invalid::Invalid;
use crate::reply::Reply;
use crate::request::Request;
use crate::world::World;
use crate::{Provider, Trouble};

/// The body of `PUT /_control/{provider}/trouble`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    kind: Trouble,
}

/// Answers a request whose path starts with `/_control/`; `path` is the rest.
pub(crate) fn control(world: &World, path: &str, request: &Request) -> Reply {
    let parts: Vec<_> = path.split('/').collect();
    match *parts {
        ["people"] => people(world, request),
        ["clients"] => match request.method {
            Method::PUT => done(read(request).and_then(|client| world.put_client(client))),
            _ => not_allowed("PUT"),
        },
        [provider, "trouble"] => of_provider(provider, |provider| trouble(world, provider, request)),
        [provider, "requests"] => of_provider(provider, |provider| match request.method {
            Method::GET => Reply::json(StatusCode::OK, &json!(world.requests(provider))),
            _ => not_allowed("GET"),
        }),
        _ => error(
            StatusCode::NOT_FOUND,
            "people, clients, {provider}/trouble and {provider}/requests are here",
        ),
    }
}

fn people(world: &World, request: &Request) -> Reply {
    match request.method {
        Method::GET => Reply::json(StatusCode::OK, &json!(world.everybody())),
        Method::PUT => done(read(request).and_then(|person| world.put_person(person))),
        _ => not_allowed("GET, PUT"),
    }
}

fn trouble(world: &World, provider: Provider, request: &Request) -> Reply {
    match request.method {
        Method::GET => {
            let kind = world.trouble(provider).map(|kind| json!({ "kind": kind }));
            Reply::json(StatusCode::OK, &kind.unwrap_or(Value::Null))
        }
        Method::PUT => done(read(request).map(|Kind { kind }| world.set_trouble(provider, Some(kind)))),
        Method::DELETE => {
            world.set_trouble(provider, None);
            Reply::empty(StatusCode::NO_CONTENT)
        }
        _ => not_allowed("GET, PUT, DELETE"),
    }
}

fn of_provider(name: &str, answer: impl FnOnce(Provider) -> Reply) -> Reply {
    match Provider::parse(name) {
        Some(provider) => answer(provider),
        None => error(StatusCode::NOT_FOUND, &format!("{name:?} is no provider; google is one, for example")),
    }
}

/// Whatever its type is called. No page of another site can send this: a browser asks before a PUT, and is not
/// answered.
fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Invalid> {
    serde_json::from_slice(&request.body).map_err(|why| Invalid(why.to_string()))
}

fn done(result: Result<(), Invalid>) -> Reply {
    match result {
        Ok(()) => Reply::empty(StatusCode::NO_CONTENT),
        Err(why) => error(StatusCode::BAD_REQUEST, &why.to_string()),
    }
}

fn not_allowed(allowed: &'static str) -> Reply {
    error(StatusCode::METHOD_NOT_ALLOWED, &format!("{allowed} is wanted here")).with(ALLOW, allowed)
}

fn error(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": why }))
}
