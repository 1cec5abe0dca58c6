//! `/_control`: configuration and inspection by tests, for programs in other languages.

use hyper::header::ALLOW;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::invalid::Invalid;
use crate::provider::Provider;
use crate::reply::Reply;
use crate::request::Request;
use crate::store::Store;

/// The body of `PUT /_control/{provider}/fault`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    kind: Fault,
}

/// Answers a request whose path starts with `/_control/`; `path` is the rest.
pub(crate) fn control(store: &Store, path: &str, request: &Request) -> Reply {
    let parts: Vec<_> = path.split('/').collect();
    match *parts {
        ["people"] => people(store, request),
        ["clients"] => match request.method {
            Method::PUT => done(read(request).and_then(|client| store.put_client(client))),
            _ => not_allowed("PUT"),
        },
        [provider, "fault"] => of_provider(provider, |provider| fault(store, provider, request)),
        [provider, "requests"] => of_provider(provider, |provider| match request.method {
            Method::GET => Reply::json(StatusCode::OK, &json!(store.requests(provider))),
            _ => not_allowed("GET"),
        }),
        _ => error(
            StatusCode::NOT_FOUND,
            "unknown path; see people, clients, {provider}/fault and {provider}/requests",
        ),
    }
}

fn people(store: &Store, request: &Request) -> Reply {
    match request.method {
        Method::GET => Reply::json(StatusCode::OK, &json!(store.all_people())),
        Method::PUT => done(read(request).and_then(|person| store.put_person(person))),
        _ => not_allowed("GET, PUT"),
    }
}

fn fault(store: &Store, provider: Provider, request: &Request) -> Reply {
    match request.method {
        Method::GET => {
            let kind = store.fault(provider).map(|kind| json!({ "kind": kind }));
            Reply::json(StatusCode::OK, &kind.unwrap_or(Value::Null))
        }
        Method::PUT => done(read(request).map(|Kind { kind }| store.set_fault(provider, Some(kind)))),
        Method::DELETE => {
            store.set_fault(provider, None);
            Reply::empty(StatusCode::NO_CONTENT)
        }
        _ => not_allowed("GET, PUT, DELETE"),
    }
}

fn of_provider(name: &str, answer: impl FnOnce(Provider) -> Reply) -> Reply {
    match Provider::parse(name) {
        Some(provider) => answer(provider),
        None => {
            error(StatusCode::NOT_FOUND, &format!("{name:?} is not a provider; google is one, for example"))
        }
    }
}

/// Ignores the content type. No page of another site can send this: a browser sends a preflight request before a PUT,
/// which is not answered.
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
    error(StatusCode::METHOD_NOT_ALLOWED, &format!("the method must be {allowed}")).with(ALLOW, allowed)
}

fn error(status: StatusCode, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": why }))
}
