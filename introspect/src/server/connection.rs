//! One connection, served over HTTP/1.1 within limits.

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use runtime::listen::Stream;
use runtime::own_answers::OwnAnswers;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// The longest request head that is read. nginx's buffers for one are 65 KiB in the shipped configuration, all of which
/// may be credentials; to them nginx adds its own headers.
const MAX_HEAD_BYTES: usize = 160 * 1024;
/// A connection is closed after this long without a request. nginx keeps idle connections for at most 60 s, so
/// nginx always closes first, and no request arrives on a connection that is being closed.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);

/// Becomes true when connections must end.
pub type StopSignal = watch::Receiver<bool>;

/// Answers requests, at once and without waiting.
pub trait RequestHandler: Clone + Send + Unpin + 'static {
    /// The response.
    fn answer(&self, request: &Request<Incoming>) -> Response<Empty<Bytes>>;

    /// The response to bytes that are not the head of a request. It is the last one on its connection.
    fn answer_malformed(&self) -> Response<Empty<Bytes>>;
}

/// Serves one connection to its end, and returns how many requests it answered. Must be called within a runtime.
pub async fn serve<H: RequestHandler>(stream: Stream, handler: H, stop: StopSignal) -> u64 {
    let answered = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&answered);
    // Each kind of connection has its own copy of the loop, without a branch on every read and write.
    let served = match stream {
        Stream::Tcp(stream, _) => converse(stream, handler, stop, count).await,
        Stream::Unix(stream) => converse(stream, handler, stop, count).await,
    };
    if let Err(error) = served {
        tracing::debug!(error, "A connection ended with an error.");
    }
    answered.load(Ordering::Relaxed)
}

/// Serves requests one after another, until the client closes, is silent for too long, or the sidecar stops.
///
/// One timer for each connection, checked once a minute: a timer for each request would cost more than the
/// decision.
async fn converse<H: RequestHandler>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: H,
    mut stop: StopSignal,
    answered: Arc<AtomicU64>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let count = Arc::clone(&answered);
    let unreadable = handler.clone();
    let stream =
        OwnAnswers::new(stream, move |_status| unreadable.answer_malformed().map(|_empty| Bytes::new()));
    let service = service_fn(move |request: Request<Incoming>| {
        // There is no other writer, so no atomic increment is needed.
        count.store(count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        ready(Ok::<_, Infallible>(handler.answer(&request)))
    });
    let mut connection = protocol().serve_connection(stream, service);
    let mut silence = interval_at(Instant::now() + LONGEST_SILENCE, LONGEST_SILENCE);
    silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut stopping, mut before) = (false, 0);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut connection => break ended,
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
            _ = silence.tick() => {
                let now = answered.load(Ordering::Relaxed);
                if now == before {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
                before = now;
            }
        }
    };
    if ended.as_ref().is_err_and(hyper::Error::is_parse_version_h2) {
        connection.into_parts().io.refuse_http2().await?;
    }
    Ok(ended?)
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol.auto_date_header(false).max_buf_size(MAX_HEAD_BYTES).header_read_timeout(None);
    protocol
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[derive(Clone)]
    struct NoContent;

    impl RequestHandler for NoContent {
        fn answer(&self, _request: &Request<Incoming>) -> Response<Empty<Bytes>> {
            Response::new(Empty::new())
        }

        fn answer_malformed(&self) -> Response<Empty<Bytes>> {
            Response::new(Empty::new())
        }
    }

    /// Sends this many requests over a connection; returns the time from the last answer to its end.
    async fn silence_after(requests: usize, unfinished: &[u8]) -> Duration {
        let (mut client, server) = duplex(4096);
        let (_stop, stopped) = watch::channel(false);
        let served = tokio::spawn(converse(server, NoContent, stopped, Arc::default()));
        let mut answer = [0; 256];
        for _ in 0..requests {
            tokio::time::advance(Duration::from_secs(50)).await;
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            assert!(client.read(&mut answer).await.unwrap() > 0);
        }
        let last = Instant::now();
        client.write_all(unfinished).await.unwrap();
        assert_eq!(client.read(&mut answer).await.unwrap(), 0);
        assert!(served.await.unwrap().is_err());
        last.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_outlives_those_that_nginx_keeps() {
        for requests in 0..5 {
            let silence = silence_after(requests, b"").await;
            assert!(silence > Duration::from_secs(60), "{silence:?} after {requests}");
            assert!(silence <= 2 * LONGEST_SILENCE, "{silence:?} after {requests}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_does_not_keep_a_connection() {
        assert!(silence_after(1, b"GET / HT").await <= 2 * LONGEST_SILENCE);
    }
}
