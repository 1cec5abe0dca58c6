//! Every route, one line each, and what happens around each of them.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

use crate::api::{Problem, Request, Response};

type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One endpoint.
pub struct Route {
    /// Its method; a GET answers HEAD as well.
    pub method: Method,
    /// Its path, with open parts in braces: `/api/v1/me/sessions/{sid}`.
    pub path: &'static str,
    /// What it does, for the documentation.
    pub description: &'static str,
    handler: Handler,
}

/// Every route, in reading order.
pub fn routes() -> Vec<Route> {
    vec![]
}

impl Route {
    fn new<F, A>(method: Method, path: &'static str, handler: F, description: &'static str) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, Problem>> + Send + 'static,
    {
        Self { method, path, description, handler: Arc::new(move |request| handler(request).boxed()) }
    }
}
