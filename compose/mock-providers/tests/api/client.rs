//! A plain HTTP/1.1 client: a request a connection, every byte as the test wrote it.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::form_urlencoded::{Serializer, parse};

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Delivery {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// The member at a JSON pointer; null when there is none.
    pub(crate) fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get("location").unwrap_or_else(|| panic!("no location: {self:?}"))
    }

    /// The parameters of the address that the answer redirects to.
    pub(crate) fn callback(&self) -> HashMap<String, String> {
        assert_eq!(self.status, 303, "{self:?}");
        let query = self.location().split_once('?').unwrap().1;
        parse(query.as_bytes()).into_owned().collect()
    }
}

/// Sends a request and reads its answer. `Err` when the connection ends without one.
pub(crate) async fn try_send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Delivery, std::io::Error> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    parsed(&String::from_utf8_lossy(&bytes)).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// The same for a request that is answered.
pub(crate) async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Delivery {
    try_send(method, url, headers, body).await.unwrap()
}

pub(crate) async fn get(url: &str, headers: &[(&str, &str)]) -> Delivery {
    send("GET", url, headers, "").await
}

/// Posts a form.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Delivery {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    send("POST", url, &[headers, &form].concat(), &form_of(pairs)).await
}

pub(crate) fn form_of(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn parsed(text: &str) -> Option<Delivery> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
    let body = if chunked { joined(body)? } else { body.to_owned() };
    Some(Delivery { status, headers, body })
}

fn joined(mut chunks: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body += rest.get(..size)?;
        chunks = rest.get(size + 2..)?;
    }
}
