//! An HTTP client as plain as the questions that tests ask: one connection a request, nothing followed.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use url::Url;

use crate::Error;

/// How long an exchange may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A request about to be sent.
#[derive(Debug, Clone)]
pub struct Question {
    url: String,
    socket: Option<std::path::PathBuf>,
    method: Method,
    headers: Vec<(String, String)>,
    body: Bytes,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: HeaderMap,
    body: Bytes,
}

/// `GET url`.
pub fn get(url: &str) -> Question {
    question(Method::GET, url)
}

/// `POST url`.
pub fn post(url: &str) -> Question {
    question(Method::POST, url)
}

/// Any method.
pub fn question(method: Method, url: &str) -> Question {
    Question { url: url.to_owned(), socket: None, method, headers: Vec::new(), body: Bytes::new() }
}

/// Sends `bytes` as they are to an `http://` address, and returns all that comes back until the other side
/// closes or is silent for two seconds.
///
/// # Errors
///
/// When it cannot connect.
pub async fn raw(url: &str, bytes: &[u8]) -> Result<String, Error> {
    let wrong = |why: String| Error::Http { url: url.to_owned(), why };
    let mut stream = connect(&parse(url)?).await.map_err(|why| wrong(why.to_string()))?;
    stream.write_all(bytes).await.map_err(|why| wrong(why.to_string()))?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(length @ 1..)) =
        tokio::time::timeout(Duration::from_secs(2), stream.read(&mut part)).await
    {
        answer.extend(part.iter().take(length));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

impl Question {
    /// Adds a header; several of one name are all sent.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// Gives it a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    /// Gives it a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it over a Unix socket; the address then only says path and host.
    #[must_use]
    pub fn over(mut self, socket: &std::path::Path) -> Self {
        self.socket = Some(socket.to_owned());
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    ///
    /// When there is no answer within 20 seconds, or none that is HTTP.
    pub async fn send(self) -> Result<Answer, Error> {
        let url = self.url.clone();
        let wrong = |why: String| Error::Http { url, why };
        match tokio::time::timeout(LIMIT, self.exchange()).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(wrong(why.to_string())),
            Err(_) => Err(wrong(format!("no answer within {LIMIT:?}"))),
        }
    }

    async fn exchange(self) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let url = parse(&self.url)?;
        let request = self.request(&url)?;
        match &self.socket {
            Some(path) => send(UnixStream::connect(path).await?, request).await,
            None => send(connect(&url).await?, request).await,
        }
    }

    fn request(&self, url: &Url) -> Result<Request<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let host =
            format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
        let mut request =
            Request::builder().method(&self.method).uri(target).body(Full::new(self.body.clone()))?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(&host)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        Ok(request)
    }
}

impl Answer {
    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How many headers of this name there are.
    pub fn header_count(&self, name: &str) -> usize {
        self.headers.get_all(name).iter().count()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A text field of the JSON body; empty when there is none.
    pub fn field(&self, pointer: &str) -> String {
        self.json().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The problem's `code`; empty when the body is no problem.
    pub fn code(&self) -> String {
        let is_problem = self.header(CONTENT_TYPE.as_str()) == Some("application/problem+json");
        if is_problem { self.field("/code") } else { String::new() }
    }
}

fn parse(url: &str) -> Result<Url, Error> {
    Url::parse(url).map_err(|why| Error::Http { url: url.to_owned(), why: why.to_string() })
}

async fn connect(url: &Url) -> std::io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default();
    TcpStream::connect((host, url.port_or_known_default().unwrap_or(80))).await
}

async fn send<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    connection.abort();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}
