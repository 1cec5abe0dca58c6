//! From sockets to requests: listening, draining. Independent of the routes.

mod connection;
mod last;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use runtime::listen::{Listener, Stream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::stop::Stop;

use last::Last;

pub use transport::{BrokenOff, Chunks, RequestHead, Service};

/// The most connections served at once, over all listeners. Further ones wait to be accepted.
const MAX_CONNECTIONS: u32 = 4096;

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
    let (end, ending) = watch::channel(false);
    let last = Last::default();
    let serving = Serving { service, connections, ending, last: last.clone() };
    let accepting = listeners.into_iter().map(|listener| serving.accept_until(listener, stop.clone()));
    futures_util::future::join_all(accepting).await;
    last.begin();
    let deadline = Instant::now() + drain;
    let all = || serving.connections.acquire_many(MAX_CONNECTIONS);
    // The permits are returned at once: they are acquired again below.
    let _is_over = timeout_at(deadline.min(Instant::now() + LINGERING), all()).await.is_ok();
    end.send_replace(true);
    timeout_at(deadline, all()).await.is_ok()
}

/// The data that all connections share.
struct Serving {
    service: Service,
    connections: Arc<Semaphore>,
    /// Becomes true when connections must end.
    ending: watch::Receiver<bool>,
    last: Last,
}

impl Serving {
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
        let served = connection::serve(stream, self.service.clone(), self.last.clone(), self.ending.clone());
        tokio::spawn(async move {
            // A client that disconnects or sends malformed data is not an error of this service.
            if let Err(error) = served.await {
                tracing::debug!(%error, "A connection ended early.");
            }
            drop(permit);
        });
    }
}
