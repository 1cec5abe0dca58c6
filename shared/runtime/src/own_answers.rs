//! Replaces the responses that hyper writes by itself, to a head that it cannot read: they have neither the decision that
//! nginx needs in every response of the sidecar, nor the form of a problem. Then closes the connection without losing the
//! response.

mod linger;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{Response, StatusCode, header};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use linger::Linger;

/// The end of each of these responses, which no other response has. With a date there is a line more.
const END: &[u8] = b"\r\nconnection: close\r\ncontent-length: 0\r\n";

/// The line of the date, of which only the length is known.
const DATE: (&[u8], usize) = (b"date: ", b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len());

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
    /// Whether anything was to be written.
    is_used: bool,
    /// The part of the response that is still to be written.
    instead: Option<Bytes>,
    /// The end of the connection after it.
    linger: Option<Linger>,
}

/// Bytes that hyper writes and that end with a response of its own.
struct Written<'b> {
    /// The bytes before it: an earlier response.
    before: &'b [u8],
    status: StatusCode,
    /// The line of the date, or nothing.
    date: &'b [u8],
}

impl<S, F: Fn(StatusCode) -> Response<Bytes>> OwnAnswers<S, F> {
    /// The stream of one connection. `answer` is called at most once, for its last response.
    pub fn new(stream: S, answer: F) -> Self {
        Self { stream: TokioIo::new(stream), answer, is_used: false, instead: None, linger: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, F: Fn(StatusCode) -> Response<Bytes>> OwnAnswers<S, F> {
    /// Answers the preface of HTTP/2, for which hyper ends the connection without a response
    /// ([`hyper::Error::is_parse_version_h2`]). After other requests it does nothing: a part of their responses may not
    /// have been written, and this one would seem to be the rest.
    ///
    /// # Errors
    ///
    /// When the client has disconnected.
    pub async fn refuse_http2(self) -> io::Result<()> {
        if self.is_used {
            return Ok(());
        }
        let response = last_response(&(self.answer)(StatusCode::BAD_REQUEST), b"");
        let mut stream = self.stream.into_inner();
        stream.write_all(&response).await?;
        stream.shutdown().await?;
        let mut linger = Linger::begin();
        std::future::poll_fn(|cx| linger.poll(&mut stream, cx)).await;
        Ok(())
    }
}

/// A response as bytes, after which the connection is closed. `date` is a line, or nothing.
fn last_response(response: &Response<Bytes>, date: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(format!("HTTP/1.1 {}\r\n", response.status()).as_bytes());
    for (name, value) in response.headers().iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(date);
    let length = response.body().len();
    bytes.extend_from_slice(format!("content-length: {length}\r\nconnection: close\r\n\r\n").as_bytes());
    bytes.extend_from_slice(response.body());
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
impl<S, F> Write for OwnAnswers<S, F>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Fn(StatusCode) -> Response<Bytes> + Unpin,
{
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { stream, answer, is_used, instead, linger: _ } = self.get_mut();
        *is_used = true;
        let Some(Written { before, status, date }) = Written::find(bytes) else {
            return Pin::new(stream).poll_write(cx, bytes);
        };
        if !before.is_empty() {
            return Pin::new(stream).poll_write(cx, before);
        }
        let instead = instead.get_or_insert_with(|| last_response(&answer(status), date));
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
        let Self { stream, instead, linger, .. } = self.get_mut();
        let linger = match linger {
            Some(linger) => linger,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
                if instead.is_none() {
                    return Poll::Ready(Ok(()));
                }
                linger.insert(Linger::begin())
            }
        };
        linger.poll(stream.inner_mut(), cx).map(Ok)
    }
}

impl<'b> Written<'b> {
    fn find(bytes: &'b [u8]) -> Option<Self> {
        let head = bytes.strip_suffix(b"\r\n")?;
        let (line, length) = DATE;
        let date = head.split_at_checked(head.len().wrapping_sub(length));
        let (rest, date) = date.filter(|(_, date)| date.starts_with(line)).unwrap_or((head, b""));
        let rest = rest.strip_suffix(END)?;
        STARTS.iter().find_map(|(status, start)| {
            rest.strip_suffix(*start).map(|before| Written { before, status: *status, date })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderValue, Request};
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    fn answer(status: StatusCode) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from_static(b"{}"));
        *response.status_mut() = status;
        response.headers_mut().insert(header::SERVER, HeaderValue::from_static("test"));
        response
    }

    /// Everything that a server writes to a client that sends `request`, over a pipe of this size.
    async fn words(request: &str, pipe: usize, has_date: bool) -> String {
        let (mut client, server) = duplex(pipe);
        let service = service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let mut protocol = http1::Builder::new();
        protocol.auto_date_header(has_date).max_buf_size(8192);
        let mut connection = protocol.serve_connection(OwnAnswers::new(server, answer), service);
        let served = tokio::spawn(async move {
            let ended = (&mut connection).await;
            if ended.as_ref().is_err_and(hyper::Error::is_parse_version_h2) {
                connection.into_parts().io.refuse_http2().await.unwrap();
            }
            ended
        });
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

    /// The last response with this status.
    fn ours(status: &str, date: &str) -> String {
        let head =
            format!("HTTP/1.1 {status}\r\nserver: test\r\n{date}content-length: 2\r\nconnection: close");
        format!("{head}\r\n\r\n{{}}")
    }

    #[tokio::test(start_paused = true)]
    async fn every_response_of_hyper_itself_is_replaced() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(150));
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(10_000));
        let uri = format!("GET /{} HTTP/1.1\r\n\r\n", "b".repeat(70_000));
        for (request, status) in [
            ("\0\r\n\r\n", "400 Bad Request"),
            ("GET /\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\nA B: c\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\na: b\x01\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/7.0\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n", "400 Bad Request"),
            ("GET / HTTP/1.1\r\ntransfer-encoding: a\r\n\r\n", "400 Bad Request"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 Bad Request"),
            (&many, "431 Request Header Fields Too Large"),
            (&long, "431 Request Header Fields Too Large"),
        ] {
            for pipe in [1, 7, 64, 100_000] {
                assert_eq!(words(request, pipe, false).await, ours(status, ""), "{request:.60} {pipe}");
            }
        }
        assert!(words(&uri, 100_000, false).await.contains("server: test"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_date_is_kept() {
        let words = words("\0\r\n\r\n", 64, true).await;
        let date = words.lines().find(|line| line.starts_with("date: ")).unwrap();
        assert_eq!(date.len() + 2, DATE.1);
        assert_eq!(words, ours("400 Bad Request", &format!("{date}\r\n")));
    }

    #[tokio::test(start_paused = true)]
    async fn responses_before_it_are_passed_on() {
        let request = "GET / HTTP/1.1\r\na: b\r\n\r\n".repeat(3) + "\0\r\n\r\n";
        for (pipe, has_date) in [(1, true), (7, false), (64, true), (100_000, false), (100_000, true)] {
            let words = words(&request, pipe, has_date).await;
            assert_eq!(words.matches("HTTP/1.1 200 OK").count(), 3, "{words}");
            assert!(words.ends_with("connection: close\r\n\r\n{}") && words.matches("400").count() == 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_preface_of_http2_after_a_request_ends_the_connection() {
        let request = "GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        let words = words(request, 64, false).await;
        assert!(words.starts_with("HTTP/1.1 200 OK") && !words.contains("400"), "{words}");
    }
}
