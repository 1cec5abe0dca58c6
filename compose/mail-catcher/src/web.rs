//! The inbox over HTTP: a page at `/`, JSON at `/mails`; DELETE empties it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::catcher::Catcher;
use crate::page;
use crate::state::State;

impl Catcher {
    /// Shows its inbox on this listener; never ends.
    pub async fn show(&self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = listener.accept().await else { continue };
            let state = Arc::clone(self.state());
            let service = service_fn(move |request| {
                let response = respond(&state, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            connections.spawn(async move {
                let serving = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service);
                drop(serving.await);
            });
        }
    }
}

fn respond<B>(state: &State, request: &Request<B>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => {
            body(StatusCode::OK, "text/html; charset=utf-8", page::inbox(&state.inbox.all()))
        }
        (&Method::GET, "/mails") => {
            let json = serde_json::to_string_pretty(&state.inbox.all()).unwrap_or_default();
            body(StatusCode::OK, "application/json", json)
        }
        (&Method::DELETE, "/mails") => {
            state.inbox.clear();
            body(StatusCode::NO_CONTENT, "text/plain", String::new())
        }
        _ => body(
            StatusCode::NOT_FOUND,
            "text/plain",
            "The inbox is at / and, as JSON, at /mails.\n".to_owned(),
        ),
    }
}

fn body(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
