//! Bytes that no HTTP client would send, and the answers to them.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::{LIMIT, Reply};

/// All answers of a service to `bytes`, after which this client sends nothing.
pub async fn answers(stream: impl AsyncRead + AsyncWrite, bytes: &[u8]) -> Vec<Reply> {
    let (reading, mut writing) = tokio::io::split(Box::pin(stream));
    let sent = async {
        // The service may close before it has read everything.
        let _cut = writing.write_all(bytes).await;
        let _cut = writing.shutdown().await;
    };
    tokio::join!(sent, until_closed(reading)).1
}

/// All answers until the service closes.
pub async fn until_closed(mut stream: impl AsyncRead + Unpin) -> Vec<Reply> {
    let mut bytes = Vec::new();
    let read = timeout(LIMIT, stream.read_to_end(&mut bytes)).await;
    let _length = read.expect("it closes").unwrap_or_else(|error| panic!("{error} after {bytes:?}"));
    let mut rest = std::str::from_utf8(&bytes).expect("it writes UTF-8");
    let mut replies = Vec::new();
    while !rest.is_empty() {
        let reply;
        (reply, rest) = parse(rest).unwrap_or_else(|| panic!("no answer: {rest}"));
        replies.push(reply);
    }
    replies
}

/// The first answer in a text, and the rest of it.
fn parse(text: &str) -> Option<(Reply, &str)> {
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?;
    let status = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    let status = status.get(..3)?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    };
    let headers = lines.map(header).collect::<Option<reqwest::header::HeaderMap>>()?;
    let length: usize =
        headers.get("content-length").map_or(Some(0), |text| text.to_str().ok()?.parse().ok())?;
    let (body, rest) = rest.split_at_checked(length)?;
    Some((Reply { status, headers, text: body.to_owned() }, rest))
}
