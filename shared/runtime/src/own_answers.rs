//! Replaces the responses that hyper writes by itself, to a head that it cannot read: they have neither the decision that
//! nginx needs in every response of the sidecar, nor the form of a problem.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// The end of each of these responses, which no other response has.
const END: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// The responses before that end.
const STARTS: [(StatusCode, &[u8]); 3] = [
    (StatusCode::BAD_REQUEST, b"HTTP/1.1 400 Bad Request"),
    (StatusCode::URI_TOO_LONG, b"HTTP/1.1 414 URI Too Long"),
    (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, b"HTTP/1.1 431 Request Header Fields Too Large"),
];

/// A stream that passes on everything except the responses of hyper itself.
pub struct OwnAnswers<S, F> {
    stream: TokioIo<S>,
    /// Makes the response instead, from the status that hyper chose.
    answer: F,
    /// What is left to write of it.
    instead: Option<Bytes>,
}

/// Bytes that hyper writes and that end with a response of its own.
struct Written<'b> {
    /// What comes before it: an earlier response.
    before: &'b [u8],
    status: StatusCode,
}

impl<S, F> OwnAnswers<S, F> {
    /// The stream of one connection. `answer` is called at most once, for its last response: see [`last_response`].
    pub fn new(stream: S, answer: F) -> Self {
        Self { stream: TokioIo::new(stream), answer, instead: None }
    }
}

/// A response as bytes, after which the connection is closed.
pub fn last_response(status: StatusCode, headers: &HeaderMap, body: &str) -> Bytes {
    let mut bytes = BytesMut::from(format!("HTTP/1.1 {status}\r\n").as_bytes());
    for (name, value) in headers.iter().filter(|(name, _)| *name != http::header::CONTENT_LENGTH) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    let end = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    bytes.extend_from_slice(end.as_bytes());
    bytes.freeze()
}

impl<S: AsyncRead + Unpin, F: Unpin> Read for OwnAnswers<S, F> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, into)
    }
}

/// Purposefully without vectored writes: a head is one buffer.
impl<S: AsyncWrite + Unpin, F: Fn(StatusCode) -> Bytes + Unpin> Write for OwnAnswers<S, F> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, answer, instead } = self.get_mut();
        let Some(Written { before, status }) = Written::find(bytes) else {
            return Pin::new(stream).poll_write(cx, bytes);
        };
        if !before.is_empty() {
            return Pin::new(stream).poll_write(cx, before);
        }
        let instead = instead.get_or_insert_with(|| answer(status));
        while instead.has_remaining() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, instead))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => instead.advance(written),
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<'b> Written<'b> {
    fn find(bytes: &'b [u8]) -> Option<Self> {
        let rest = bytes.strip_suffix(END)?;
        STARTS.iter().find_map(|(status, start)| {
            rest.strip_suffix(*start).map(|before| Written { before, status: *status })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderValue, Request, Response};
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// Everything that a server writes to a client that sends `request`, over a pipe of this size.
    async fn words(request: &str, pipe: usize) -> String {
        let (mut client, server) = duplex(pipe);
        let answer = |status| {
            let headers = HeaderMap::from_iter([(http::header::SERVER, HeaderValue::from_static("test"))]);
            last_response(status, &headers, "{}")
        };
        let service = service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let mut protocol = http1::Builder::new();
        protocol.auto_date_header(false).max_buf_size(8192);
        let served = protocol.serve_connection(OwnAnswers::new(server, answer), service);
        let served = tokio::spawn(served);
        let (mut reading, mut writing) = tokio::io::split(&mut client);
        let mut words = String::new();
        let sent = async {
            // The server may close before it has read everything.
            let _sent = writing.write_all(request.as_bytes()).await;
        };
        let (_, read) = tokio::join!(sent, reading.read_to_string(&mut words));
        read.unwrap();
        assert!(served.await.unwrap().is_err());
        words
    }

    #[tokio::test]
    async fn every_response_of_hyper_itself_is_replaced() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(150));
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(10_000));
        let uri = format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(70_000));
        let ours = |status: &str| {
            format!("HTTP/1.1 {status}\r\nserver: test\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}")
        };
        for (request, status) in [
            ("\0\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\nA B: c\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\na: b\x01\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/7.0\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\ntransfer-encoding: a\r\n\r\n", "400 Bad Request"),
            (&many, "431 Request Header Fields Too Large"),
            (&long, "431 Request Header Fields Too Large"),
        ] {
            for pipe in [1, 7, 64, 100_000] {
                assert_eq!(words(request, pipe).await, ours(status), "{request:.60} {pipe}");
            }
        }
        assert!(words(&uri, 100_000).await.contains("server: test"));
    }

    #[tokio::test]
    async fn responses_before_it_are_passed_on() {
        let request = "GET / HTTP/1.1\r\na: b\r\n\r\n".repeat(3) + "\0\r\n\r\n";
        for pipe in [1, 7, 64, 100_000] {
            let words = words(&request, pipe).await;
            assert_eq!(words.matches("HTTP/1.1 200 OK").count(), 3, "{words}");
            assert!(words.ends_with("connection: close\r\n\r\n{}") && words.matches("400").count() == 1);
        }
    }
}
