//! Every route, one line each, in reading order.

mod answer;
mod find;
mod under_way;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;
use warp::Filter as _;
use warp::filters::BoxedFilter;

use crate::api::{Problem, Request, Response, jwks};
use crate::context::Context;
use crate::me::{change_email, change_login, change_password, change_profile, show};
use crate::server::Peer;
use crate::sessions::{end, history, list, login, logout, logout_all, refresh};
use crate::users::register;

use answer::{Arrived, Router};

pub use under_way::UnderWay;

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One endpoint.
#[derive(Clone)]
pub struct Route {
    /// Its method; a GET answers HEAD as well.
    pub method: Method,
    /// Its path, with open parts in braces: `/api/v1/me/sessions/{sid}`.
    pub path: &'static str,
    /// What it does, for the documentation.
    pub description: &'static str,
    handler: Handler,
}

/// Every route.
#[rustfmt::skip]
pub fn routes() -> Vec<Route> {
    vec![
        post("/api/v1/auth/register", register::handle, "Make an account."),
        post("/api/v1/auth/login", login::handle, "Sign in with a password: a session and its pair of tokens."),
        post("/api/v1/auth/refresh", refresh::handle, "Exchange a refresh token for the next pair."),
        post("/api/v1/auth/logout", logout::handle, "End the session of an access or refresh token."),
        post("/api/v1/auth/logout-all", logout_all::handle, "End all of the caller's sessions, or all others."),

        get("/api/v1/me", show::handle, "The caller's profile and roles."),
        patch("/api/v1/me", change_profile::handle, "Change the caller's profile."),
        put("/api/v1/me/password", change_password::handle, "Change the password; every other session ends."),
        put("/api/v1/me/email", change_email::handle, "Change the e-mail address; every other session ends."),
        put("/api/v1/me/login", change_login::handle, "Change the login name; every other session ends."),
        get("/api/v1/me/sessions", list::handle, "The caller's sessions."),
        delete("/api/v1/me/sessions/{sid}", end::handle, "End one of the caller's sessions."),
        get("/api/v1/me/login-history", history::list::handle, "What happened to the caller's account, newest first."),

        get("/.well-known/jwks.json", jwks::show, "The public keys of access tokens (RFC 7517)."),
    ]
}

macro_rules! methods {
    ($($function:ident $method:ident,)*) => {
        $(fn $function<F, A>(path: &'static str, handler: F, description: &'static str) -> Route
        where
            F: Fn(Request) -> A + Send + Sync + 'static,
            A: Future<Output = Result<Response, Problem>> + Send + 'static,
        {
            Route::new(Method::$method, path, handler, description)
        })*
    };
}

methods! { get GET, post POST, put PUT, patch PATCH, delete DELETE, }

impl Route {
    fn new<F, A>(method: Method, path: &'static str, handler: F, description: &'static str) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self { method, path, description, handler: Arc::new(move |request| handler(request).boxed()) }
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
