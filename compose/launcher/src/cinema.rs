//! A small cinema behind the gateway: a few films, a page that shows the identity headers that it received, and
//! the pages of the demo.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::page;

/// The headers that the mirror shows; empty if they were not sent.
const MIRRORED: [&str; 6] =
    ["X-User-Id", "X-User-Roles", "X-Session-Id", "X-Auth-Freshness", "X-Request-Id", "X-Forwarded-For"];

/// Serves the cinema at a Unix socket, until SIGTERM or SIGINT. As the first process of a container it would ignore both
/// otherwise.
///
/// # Errors
///
/// When it cannot listen, or cannot wait for signals.
pub(crate) async fn serve(socket: &Path) -> io::Result<()> {
    // Before the socket is there: anyone who sees it may send one.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A killed predecessor may have left its socket.
    let _absent = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        failed = accept(&listener) => failed,
    }
}

async fn accept(listener: &UnixListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service_fn(async |request: Request<Incoming>| {
            Ok::<_, std::convert::Infallible>(answer(
                request.method(),
                request.uri().path(),
                request.headers(),
            ))
        });
        // A broken connection affects only its client.
        tokio::spawn(
            async move { http1::Builder::new().serve_connection(TokioIo::new(stream), service).await },
        );
    }
}

fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let page = page::file(path);
    if let (true, Some(page::File { media_type, text })) = (reads, page) {
        return respond(StatusCode::OK, media_type, text);
    }
    let (status, mut body) = match content(path) {
        Some(body) if reads => (StatusCode::OK, body),
        Some(_) => (StatusCode::METHOD_NOT_ALLOWED, json!({})),
        None if page.is_some() => (StatusCode::METHOD_NOT_ALLOWED, json!({})),
        None => (StatusCode::NOT_FOUND, json!({})),
    };
    if let Value::Object(fields) = &mut body {
        fields.insert("received".to_owned(), mirror(headers));
    }
    respond(status, "application/json", format!("{body:#}\n"))
}

fn respond(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// The identity headers that the gateway sent. Of secrets, only whether they were sent.
fn mirror(headers: &HeaderMap) -> Value {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut seen: serde_json::Map<_, _> =
        MIRRORED.iter().map(|name| ((*name).to_owned(), Value::from(text(name)))).collect();
    let cookies = text(COOKIE.as_str());
    let names: Vec<_> = cookies.split(';').filter_map(|pair| Some(pair.split_once('=')?.0.trim())).collect();
    let underscored = headers.keys().map(HeaderName::as_str).filter(|name| name.contains('_'));
    seen.insert("Authorization".to_owned(), headers.contains_key(AUTHORIZATION).into());
    seen.insert("cookies".to_owned(), Value::from(names));
    seen.insert("names_with_underscores".to_owned(), underscored.collect::<Vec<_>>().into());
    Value::Object(seen)
}

fn content(path: &str) -> Option<Value> {
    match path {
        "/api/v1/genres/" => Some(json!({ "genres": ["Drama", "Comedy", "Science fiction", "Documentary"] })),
        "/api/v1/films/" => Some(json!({ "films": films() })),
        "/api/v1/account/" => {
            Some(json!({ "plan": "monthly", "next_payment": "2027-01-01", "currency": "EUR" }))
        }
        "/api/v1/watch/" => {
            Some(json!({ "playlist": films().iter().filter_map(stream).collect::<Vec<_>>() }))
        }
        _ => film(path),
    }
}

/// `/api/v1/films/<id>`, `/api/v1/watch/<id>` and `/api/v1/downloads/<id>`.
fn film(path: &str) -> Option<Value> {
    let (kind, id) = path.strip_prefix("/api/v1/")?.split_once('/')?;
    let film = films().into_iter().find(|film| film.get("id").and_then(Value::as_str) == Some(id))?;
    match kind {
        "films" => Some(film),
        "watch" => Some(json!({ "stream": stream(&film)?, "title": film.get("title")? })),
        "downloads" => Some(json!({ "file": format!("/files/{id}.mp4"), "title": film.get("title")? })),
        _ => None,
    }
}

fn stream(film: &Value) -> Option<String> {
    Some(format!("/streams/{}/master.m3u8", film.get("id")?.as_str()?))
}

fn films() -> Vec<Value> {
    vec![
        json!({ "id": "metropolis", "title": "Metropolis", "year": 1927, "genre": "Science fiction", "minutes": 153 }),
        json!({ "id": "the-general", "title": "The General", "year": 1926, "genre": "Comedy", "minutes": 79 }),
        json!({ "id": "nanook-of-the-north", "title": "Nanook of the North", "year": 1922,
                "genre": "Documentary", "minutes": 79 }),
        json!({ "id": "man-with-a-movie-camera", "title": "Man with a Movie Camera", "year": 1929,
                "genre": "Documentary", "minutes": 68 }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_only_by_name() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter2"));
        headers.insert(COOKIE, HeaderValue::from_static("a=hunter2; b=1"));
        headers.insert("x-user-id", HeaderValue::from_static("a-user"));
        let seen = mirror(&headers);
        assert!(!seen.to_string().contains("hunter2"));
        assert_eq!(seen.pointer("/cookies"), Some(&json!(["a", "b"])));
        assert_eq!(seen.pointer("/X-User-Id"), Some(&json!("a-user")));
    }

    #[test]
    fn a_film_is_found_by_its_id_wherever_it_is_offered() {
        for kind in ["films", "watch", "downloads"] {
            let path = &*format!("/api/v1/{kind}/metropolis");
            assert_eq!(content(path).unwrap().pointer("/title"), Some(&json!("Metropolis")), "{path}");
        }
        assert_eq!(content("/api/v1/films/nothing"), None);
    }
}
