//! All routes, one line each, in reading order.

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

use crate::access::{check, explain};
use crate::api::{Operation, Problem, Request, Response, apidocs, jwks};
use crate::audit;
use crate::context::Context;
use crate::me::{self, change_email, change_login, change_password, change_profile, show};
use crate::operators::{self, superuser};
use crate::provider_sign_in::{self, accounts, callback, confirm, exchange};
use crate::providers::ProviderPaths;
use crate::roles::{self, assignments, permissions};
use crate::server::Peer;
use crate::sessions::{end, history, list, login, logout, logout_all, refresh};
use crate::users::register;

use answer::{Arrived, Router};

pub use under_way::UnderWay;

/// The paths that are also sent to clients and providers.
pub const PROVIDER_PATHS: ProviderPaths = ProviderPaths {
    list: "/api/v1/auth/providers",
    login: "/api/v1/oauth/{provider}/login",
    callback: "/api/v1/oauth/{provider}/callback",
};

/// Documents an endpoint.
type Describe = fn(Operation) -> Operation;

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One endpoint.
#[derive(Clone)]
pub struct Route {
    /// Its method; a GET route also answers HEAD.
    pub method: Method,
    /// Its path, with parameters in braces: `/api/v1/me/sessions/{sid}`.
    pub path: &'static str,
    /// Documents the endpoint.
    pub operation: Operation,
    handler: Handler,
}

/// All routes: the API, and the documentation of the API.
pub fn routes() -> Vec<Route> {
    let mut routes = operations();
    routes.extend(pages(document::of(&routes)));
    routes
}

/// The OpenAPI document, as returned by `/openapi.json`.
pub fn document() -> Bytes {
    document::of(&operations())
}

/// The routes described in the OpenAPI document.
#[rustfmt::skip]
fn operations() -> Vec<Route> {
    vec![
        post("/api/v1/auth/register", register::handle, register::describe),
        post("/api/v1/auth/login", login::handle, login::describe),
        post("/api/v1/auth/refresh", refresh::handle, refresh::describe),
        post("/api/v1/auth/logout", logout::handle, logout::describe),
        post("/api/v1/auth/logout-all", logout_all::handle, logout_all::describe),

        get(PROVIDER_PATHS.list, provider_sign_in::list::handle, provider_sign_in::list::describe),
        get(PROVIDER_PATHS.login, provider_sign_in::login::handle, provider_sign_in::login::describe),
        get(PROVIDER_PATHS.callback, callback::handle_get, callback::describe_get),
        post(PROVIDER_PATHS.callback, callback::handle_post, callback::describe_post),
        post("/api/v1/oauth/exchange", exchange::handle, exchange::describe),
        post("/api/v1/oauth/link/confirm", confirm::handle, confirm::describe),

        get("/api/v1/me", show::handle, show::describe),
        patch("/api/v1/me", change_profile::handle, change_profile::describe),
        put("/api/v1/me/password", change_password::handle, change_password::describe),
        put("/api/v1/me/email", change_email::handle, change_email::describe),
        put("/api/v1/me/login", change_login::handle, change_login::describe),
        get("/api/v1/me/sessions", list::handle, list::describe),
        delete("/api/v1/me/sessions/{sid}", end::handle, end::describe),
        get("/api/v1/me/login-history", history::list::handle, history::list::describe),

        get("/api/v1/me/accounts", accounts::list::handle, accounts::list::describe),
        post("/api/v1/me/accounts/{provider}", accounts::link::handle, accounts::link::describe),
        delete("/api/v1/me/accounts/{provider}", accounts::unlink::handle, accounts::unlink::describe),

        get("/api/v1/me/permissions", me::permissions::handle, me::permissions::describe),

        get("/api/v1/roles", roles::list::handle, roles::list::describe),
        post("/api/v1/roles", roles::create::handle, roles::create::describe),
        get("/api/v1/roles/{role}", roles::show::handle, roles::show::describe),
        patch("/api/v1/roles/{role}", roles::change::handle, roles::change::describe),
        delete("/api/v1/roles/{role}", roles::delete::handle, roles::delete::describe),
        get("/api/v1/roles/{role}/permissions/{permission}", permissions::show::handle, permissions::show::describe),
        put("/api/v1/roles/{role}/permissions/{permission}", permissions::add::handle, permissions::add::describe),
        delete("/api/v1/roles/{role}/permissions/{permission}", permissions::remove::handle, permissions::remove::describe),
        get("/api/v1/permissions", permissions::list::handle, permissions::list::describe),

        get("/api/v1/users/{id}/roles", assignments::list::handle, assignments::list::describe),
        get("/api/v1/users/{id}/roles/{role}", assignments::show::handle, assignments::show::describe),
        put("/api/v1/users/{id}/roles/{role}", assignments::assign::handle, assignments::assign::describe),
        delete("/api/v1/users/{id}/roles/{role}", assignments::take::handle, assignments::take::describe),

        post("/api/v1/authz/check", check::handle, check::describe),
        post("/api/v1/authz/explain", explain::handle, explain::describe),

        get("/api/v1/admin/users", operators::list::handle, operators::list::describe),
        get("/api/v1/admin/users/{id}", operators::show::handle, operators::show::describe),
        get("/api/v1/admin/users/{id}/sessions", operators::sessions::handle, operators::sessions::describe),
        delete("/api/v1/admin/users/{id}/sessions/{sid}", operators::end_session::handle, operators::end_session::describe),
        get("/api/v1/admin/users/{id}/login-history", operators::history::handle, operators::history::describe),
        get("/api/v1/admin/users/{id}/accounts", operators::accounts::handle, operators::accounts::describe),
        post("/api/v1/admin/users/{id}/disable", operators::disable::handle, operators::disable::describe),
        post("/api/v1/admin/users/{id}/enable", operators::enable::handle, operators::enable::describe),
        post("/api/v1/admin/users/{id}/logout-all", operators::end_sessions::handle, operators::end_sessions::describe),
        put("/api/v1/admin/users/{id}/superuser", superuser::give::handle, superuser::give::describe),
        delete("/api/v1/admin/users/{id}/superuser", superuser::take::handle, superuser::take::describe),
        get("/api/v1/admin/audit", audit::list::handle, audit::list::describe),

        get("/.well-known/jwks.json", jwks::show, jwks::describe),
    ]
}

/// The routes of the documentation itself, which the OpenAPI document does not describe.
fn pages(document: Bytes) -> Vec<Route> {
    let document = move |_| ready(Ok(Response::new(StatusCode::OK, "application/json", document.clone())));
    vec![
        get("/openapi.json", document, identity),
        get("/apidocs", apidocs::redirect, identity),
        get("/apidocs/", apidocs::index, identity),
        get("/apidocs/{file}", apidocs::file, identity),
    ]
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

/// The warp filter that answers all requests from a table of routes.
///
/// One filter instead of one for each route: a warp rejection could not distinguish an unknown path from an
/// unknown method, and every problem must be in our own format.
///
/// `under_way` tracks the requests in progress.
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
