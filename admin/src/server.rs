//! From sockets to requests: listening, limits, draining. Independent of what is served.

mod transport;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use runtime::listen::{Listener, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::stop::Stop;

pub use transport::{BrokenOff, Chunks, RequestHead, Service};

/// The most connections served at once, over all listeners. Further ones wait to be accepted.
const MAX_CONNECTIONS: u32 = 4096;

/// The time limit for receiving a request's head, which also limits idle connections. Longer than the 60 s
/// for which nginx keeps an idle connection, so that nginx closes it and never sends a request into a closing
/// connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest head of a request. A token may have 8 KiB, and cookies are sent in addition.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long open connections are still answered after accepting has stopped. nginx may be sending on an idle
/// connection, and does not retry a request that changes something; so each response announces that the
/// connection closes, and only connections unused for this long are closed without one.
const LINGERING: Duration = Duration::from_millis(500);

/// The pause after a failed accept, which means that the process has no free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `service` on all `listeners` until `stop`, then lets requests in progress finish for `drain`. A
/// request that arrives [within half a second](LINGERING) on an open connection is answered too, as its last.
///
/// Returns whether all requests finished.
pub async fn serve(listeners: Vec<Listener>, service: Service, stop: Stop, drain: Duration) -> bool {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let graceful = GracefulShutdown::new();
    let last = Last::default();
    let serving = Serving { service, connections, graceful: &graceful, last: last.clone() };
    let accepting = listeners.into_iter().map(|listener| serving.accept_until(listener, stop.clone()));
    futures_util::future::join_all(accepting).await;
    last.begin();
    let deadline = Instant::now() + drain;
    let all = serving.connections.acquire_many(MAX_CONNECTIONS);
    let _all_over = timeout_at(deadline.min(Instant::now() + LINGERING), all).await;
    timeout_at(deadline, graceful.shutdown()).await.is_ok()
}

/// The data that all connections share.
struct Serving<'s> {
    service: Service,
    connections: Arc<Semaphore>,
    graceful: &'s GracefulShutdown,
    last: Last,
}

/// Whether each response is the last on its connection.
#[derive(Debug, Clone, Default)]
struct Last(Arc<AtomicBool>);

impl Last {
    fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn announce<B>(&self, mut answer: http::Response<B>) -> http::Response<B> {
        if self.0.load(Ordering::Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

impl Serving<'_> {
    async fn accept_until(&self, listener: Listener, stop: Stop) {
        loop {
            let accepted = tokio::select! {
                () = stop.clone() => {
                    // Connections already accepted by the kernel would be reset with the listener.
                    while let Some(Ok((connection, permit))) = self.accept(&listener).now_or_never() {
                        self.spawn(connection, permit);
                    }
                    return;
                }
                accepted = self.accept(&listener) => accepted,
            };
            match accepted {
                Ok((connection, permit)) => self.spawn(connection, permit),
                Err(error) => {
                    tracing::error!(%error, "accept failed; raise the limit of open files (ulimit -n).");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept(&self, listener: &Listener) -> std::io::Result<(Stream, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.connections).acquire_owned().await.map_err(std::io::Error::other)?;
        Ok((listener.accept().await?, permit))
    }

    fn spawn(&self, stream: Stream, permit: OwnedSemaphorePermit) {
        let (service, peer, last) = (self.service.clone(), stream.peer(), self.last.clone());
        let service = service_fn(move |request| {
            let (answer, last) = (service.call(request, peer), last.clone());
            async move { Ok::<_, Infallible>(last.announce(answer.await)) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            // A client that has sent its request may disconnect. By default hyper then drops the request, even before
            // its handler has begun.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            // A client that disconnects or sends malformed data is not an error of this service.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "A connection ended early.");
            }
            drop(permit);
        });
    }
}
