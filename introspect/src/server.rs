//! Connections: taken, spread over workers, served over HTTP/1.1, limited, and ended in good order.
//!
//! Knows nothing of what is asked and answered.

mod listener;
mod workers;

use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

pub use listener::{ListenError, Listener, Stream};
pub use workers::Workers;

/// The longest head of a request that is read: nginx's buffers for one are 32 KiB at most by default.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A connection without an answered request for so long is closed. nginx keeps idle ones for 60 s at
/// most, so that it is always nginx that closes, and no request meets a connection that is just going.
const LONGEST_SILENCE: Duration = Duration::from_secs(75);
/// After a failed accept: most of them pass by themselves, and none may spin.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// Becomes true when connections are to end.
pub type Stop = watch::Receiver<bool>;

/// What answers requests, at once and without waiting for anything.
pub trait Handler: Clone + Send + 'static {
    /// The body of its answers.
    type Body: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// The answer.
    fn answer(&self, request: &Request<Incoming>) -> Response<Self::Body>;
}

/// Takes connections until told to stop, and hands each on.
pub async fn accept(listener: Listener, mut stop: Stop, mut hand_on: impl FnMut(Stream)) {
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match taken {
            Ok(stream) => hand_on(stream),
            Err(error) => {
                tracing::warn!(%error, address = %listener.address(), "A connection could not be taken.");
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

/// Serves one connection to its end. Must be called within a runtime.
pub async fn serve<H: Handler>(stream: Stream, handler: H, stop: Stop) {
    let served = match stream {
        Stream::Tcp(stream) => match tokio::net::TcpStream::from_std(stream) {
            Ok(stream) => converse(stream, handler, stop).await,
            Err(error) => Err(error.into()),
        },
        Stream::Unix(stream) => match tokio::net::UnixStream::from_std(stream) {
            Ok(stream) => converse(stream, handler, stop).await,
            Err(error) => Err(error.into()),
        },
    };
    if let Err(error) = served {
        tracing::debug!(error, "A connection ended badly.");
    }
}

/// Requests and answers in turn, until the client goes, nothing is said for long, or all is to stop.
///
/// One timer a connection, looked at once a minute: a timer a request costs more than the decision.
async fn converse<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: H,
    mut stop: Stop,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let spoke = Arc::new(AtomicBool::new(false));
    let speaks = Arc::clone(&spoke);
    let service = service_fn(move |request: Request<Incoming>| {
        speaks.store(true, Ordering::Relaxed);
        ready(Ok::<_, Infallible>(handler.answer(&request)))
    });
    let mut connection = pin!(protocol().serve_connection(TokioIo::new(stream), service));
    let mut silence = interval_at(Instant::now() + LONGEST_SILENCE, LONGEST_SILENCE);
    silence.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return Ok(ended?),
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = silence.tick() => {
                if !spoke.swap(false, Ordering::Relaxed) {
                    return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                }
            }
        }
    }
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol.auto_date_header(false).max_buf_size(MAX_HEAD_BYTES).header_read_timeout(None);
    protocol
}
