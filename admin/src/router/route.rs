//! One endpoint of the route table, and how a line of the table creates it.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

use crate::api::{Operation, Problem, Request, Response};

/// Documents an endpoint.
pub(super) type Describe = fn(Operation) -> Operation;

pub(super) type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Result<Response, Problem>> + Send + Sync>;

/// One endpoint.
#[derive(Clone)]
pub struct Route {
    /// Its method; a GET route also answers HEAD.
    pub method: Method,
    /// Its path, with parameters in braces: `/api/v1/me/sessions/{sid}`.
    pub path: &'static str,
    /// Documents the endpoint.
    pub operation: Operation,
    pub(super) handler: Handler,
}

macro_rules! methods {
    ($($function:ident $method:ident,)*) => {
        $(pub(super) fn $function<F, A>(path: &'static str, handler: F, describe: Describe) -> Route
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
    pub(super) fn new<F, A>(method: Method, path: &'static str, handler: F, describe: Describe) -> Self
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
