//! Every route, one line each, in reading order.

mod answer;
mod document;
mod find;
mod under_way;

use std::convert::identity;
use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Method, StatusCode};
use warp::Filter as _;
use warp::filters::BoxedFilter;

use crate::api::{Operation, Problem, Request, Response, jwks};
use crate::context::Context;
use crate::me::{change_email, change_login, change_password, change_profile, show};
use crate::server::Peer;
use crate::sessions::{end, history, list, login, logout, logout_all, refresh};
use crate::users::register;

use answer::{Arrived, Router};

pub use under_way::UnderWay;

/// An endpoint's own words about itself.
type Describe = fn(Operation) -> Operation;

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One endpoint.
#[derive(Clone)]
pub struct Route {
    /// Its method; a GET answers HEAD as well.
    pub method: Method,
    /// Its path, with open parts in braces: `/api/v1/me/sessions/{sid}`.
    pub path: &'static str,
    /// What the document says of it.
    pub operation: Operation,
    handler: Handler,
}

/// Every route: those of the API, and those by which its document is read.
pub fn routes() -> Vec<Route> {
    let mut routes = operations();
    routes.extend(pages(document::of(&routes)));
    routes
}

/// Every route that the document describes.
#[rustfmt::skip]
fn operations() -> Vec<Route> {
    vec![
        post("/api/v1/auth/register", register::handle, register::describe),
        post("/api/v1/auth/login", login::handle, login::describe),
        post("/api/v1/auth/refresh", refresh::handle, refresh::describe),
        post("/api/v1/auth/logout", logout::handle, logout::describe),
        post("/api/v1/auth/logout-all", logout_all::handle, logout_all::describe),

        get("/api/v1/me", show::handle, show::describe),
        patch("/api/v1/me", change_profile::handle, change_profile::describe),
        put("/api/v1/me/password", change_password::handle, change_password::describe),
        put("/api/v1/me/email", change_email::handle, change_email::describe),
        put("/api/v1/me/login", change_login::handle, change_login::describe),
        get("/api/v1/me/sessions", list::handle, list::describe),
        delete("/api/v1/me/sessions/{sid}", end::handle, end::describe),
        get("/api/v1/me/login-history", history::list::handle, history::list::describe),

        get("/.well-known/jwks.json", jwks::show, jwks::describe),
    ]
}

/// Every route that the document does not describe.
fn pages(document: Bytes) -> Vec<Route> {
    let document = move |_| ready(Ok(Response::new(StatusCode::OK, "application/json", document.clone())));
    vec![get("/openapi.json", document, identity)]
}

macro_rules! methods {
    ($($function:ident $method:ident,)*) => {
        $(fn $function<F, A>(path: &'static str, handler: F, describe: Describe) -> Route
        where
            F: Fn(Request) -> A + Send + Sync + 'static,
            A: Future<Output = Result<Response, Problem>> + Send + 'static,
        {
            Route::new(Method::$method, path, handler, describe)
        })*
    };
}

methods! { get GET, post POST, put PUT, patch PATCH, delete DELETE, }

impl Route {
    fn new<F, A>(method: Method, path: &'static str, handler: F, describe: Describe) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self {
            method,
            path,
            operation: describe(Operation::default()),
            handler: Arc::new(move |request| handler(request).boxed()),
        }
    }
}

/// The filter that answers every request from a table of routes.
///
/// One filter, and not one a route: a rejection could not tell an unknown path from an unknown method,
/// and every problem is ours to word.
///
/// `under_way` tells when everything that came through it has ended.
pub fn filter(
    context: Context,
    routes: Vec<Route>,
    under_way: UnderWay,
) -> BoxedFilter<(warp::reply::Response,)> {
    let router = Arc::new(Router::new(context, routes, under_way));
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .and(warp::body::stream())
        .then(move |method, path: warp::path::FullPath, query, headers, peer: Option<Peer>, body| {
            let peer = peer.and_then(|peer| peer.0);
            let arrived = Arrived { method, path: path.as_str().to_owned(), query, headers, peer };
            let router = Arc::clone(&router);
            async move { router.answer(arrived, body).await }
        })
        .boxed()
}
