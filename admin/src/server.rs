//! From sockets to requests: listening, limits, draining. Knows nothing of what is served.

mod listener;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::filters::BoxedFilter;
use warp::reply::Response;

pub use listener::{Accepted, Listener};

/// How many connections are served at once, over all listeners. Further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// How long a connection may take to send a request's head; it counts while the connection idles, too.
/// Longer than the 60 s that nginx keeps an idle connection, so that nginx is the one that closes it and
/// never sends a request into a closing one.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest head of a request. A token has at most 8 KiB, cookies come beside it.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long to wait after a failed accept, which means that the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The other end of a connection, among a request's extensions. `None` on a Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

impl Peer {
    /// Whether it is on this machine.
    pub fn is_near(self) -> bool {
        self.0.is_none_or(|address| address.to_canonical().is_loopback())
    }
}

/// A future that ends when the program shall stop; every clone of it ends then.
pub type Stop = Shared<BoxFuture<'static, ()>>;

/// Makes a [`Stop`] of any future.
pub fn stop_when(future: impl Future<Output = ()> + Send + 'static) -> Stop {
    future.boxed().shared()
}

/// Serves `filter` on all of `listeners` until `stop`, then lets requests under way finish for `drain`.
///
/// Returns whether all of them did.
pub async fn serve(
    listeners: Vec<Listener>,
    filter: BoxedFilter<(Response,)>,
    stop: Stop,
    drain: Duration,
) -> bool {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let accepting = listeners.into_iter().map(|listener| {
        accept_until(listener, filter.clone(), Arc::clone(&connections), &graceful, stop.clone())
    });
    futures_util::future::join_all(accepting).await;
    tokio::time::timeout(drain, graceful.shutdown()).await.is_ok()
}

async fn accept_until(
    listener: Listener,
    filter: BoxedFilter<(Response,)>,
    connections: Arc<Semaphore>,
    graceful: &GracefulShutdown,
    stop: Stop,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.clone() => return,
            accepted = accept(&listener, &connections) => accepted,
        };
        match accepted {
            Ok((connection, permit)) => spawn(connection, permit, filter.clone(), graceful),
            Err(error) => {
                tracing::error!(%error, "A connection could not be accepted; raise the limit of open files.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept(
    listener: &Listener,
    connections: &Arc<Semaphore>,
) -> std::io::Result<(Accepted, OwnedSemaphorePermit)> {
    let permit = Arc::clone(connections).acquire_owned().await.map_err(std::io::Error::other)?;
    Ok((listener.accept().await?, permit))
}

fn spawn(
    connection: Accepted,
    permit: OwnedSemaphorePermit,
    filter: BoxedFilter<(Response,)>,
    graceful: &GracefulShutdown,
) {
    let peer = Peer(connection.peer);
    let filter = TowerToHyperService::new(warp::service(filter));
    let service = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer);
        let answer = filter.call(request);
        async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(connection.stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that breaks off or talks nonsense is its own affair.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "A connection ended early.");
        }
        drop(permit);
    });
}
