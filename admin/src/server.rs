//! From sockets to requests: listening, draining. Independent of the routes.

mod connection;
mod last;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use prometheus_client::metrics::counter::Counter;
use runtime::connections::{Connections, ListenerConnection};
use runtime::listen::{AcceptFailures, Listener, Stream};
use runtime::open_files;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::stop::Stop;

use last::Last;

pub use transport::{BrokenOff, Chunks, RequestHead, Service};

/// The most connections served at once, over all listeners; fewer if the process may not open as many files.
const MAX_CONNECTIONS: usize = 4096;

/// Files that are needed for other things than the API and PostgreSQL: health and metrics, Redis, providers, mails, logs.
const RESERVED_FILES: usize = 192;

/// How long open connections are still answered after accepting has stopped. nginx may be sending on an idle
/// connection, and does not retry a request that changes something; so each response announces that the
/// connection closes, and only connections unused for this long are closed without one.
const LINGERING: Duration = Duration::from_millis(500);

/// Serves each of the `services` on its listeners until `stop`, then lets requests in progress finish for `drain`. A
/// request that arrives [within half a second](LINGERING) on an open connection is answered too, as its last.
///
/// Returns whether all requests finished.
pub async fn serve(
    services: Vec<(Vec<Listener>, Service)>,
    stop: Stop,
    ServerLimits { drain, database_connections, closed }: ServerLimits,
) -> bool {
    let room = open_files::room(MAX_CONNECTIONS, RESERVED_FILES + database_connections);
    let connections = Connections::new(room, closed);
    let (end, ending) = watch::channel(false);
    let last = Last::default();
    let serving = Serving { connections, ending, last: last.clone() };
    let all = services.into_iter().flat_map(|(listeners, service)| {
        listeners.into_iter().map(move |listener| (listener, service.clone()))
    });
    let accepting = all.map(|(listener, service)| serving.accept_until(listener, service, stop.clone()));
    futures_util::future::join_all(accepting).await;
    last.begin();
    let deadline = Instant::now() + drain;
    let all = || serving.connections.all_ended();
    let _is_over = timeout_at(deadline.min(Instant::now() + LINGERING), all()).await.is_ok();
    end.send_replace(true);
    timeout_at(deadline, all()).await.is_ok()
}

/// What limits the server.
pub struct ServerLimits {
    /// How long requests in progress may take after a stop.
    pub drain: Duration,
    /// The connections to PostgreSQL, each of which is an open file too.
    pub database_connections: usize,
    /// Counts connections that gave way to others.
    pub closed: Counter,
}

/// The data that all connections share.
struct Serving {
    connections: Connections,
    /// Becomes true when connections must end.
    ending: watch::Receiver<bool>,
    last: Last,
}

impl Serving {
    async fn accept_until(&self, listener: Listener, service: Service, stop: Stop) {
        let mut failures = AcceptFailures::default();
        loop {
            let stream = tokio::select! {
                () = stop.clone() => {
                    // Connections already accepted by the kernel would be reset with the listener.
                    while let Some(Ok(stream)) = listener.accept().now_or_never() {
                        self.spawn(stream, &service, self.connections.add().await);
                    }
                    return;
                }
                stream = listener.accept_next(&mut failures) => stream,
            };
            self.spawn(stream, &service, self.connections.add().await);
        }
    }

    fn spawn(&self, stream: Stream, service: &Service, connection: ListenerConnection) {
        let number = connection.number();
        let connection = Arc::new(connection);
        let served = connection::serve(
            stream,
            (service.clone(), Arc::clone(&connection)),
            self.last.clone(),
            self.ending.clone(),
        );
        let task = tokio::spawn(async move {
            connection.mark_served();
            // A client that disconnects or sends malformed data is not an error of this service.
            if let Err(error) = served.await {
                tracing::debug!(%error, "A connection ended early.");
            }
        });
        self.connections.set_task(number, task.abort_handle());
    }
}
