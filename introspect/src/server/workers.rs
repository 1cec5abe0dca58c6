//! Worker threads. Each has its own runtime, so that a request never leaves its core.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use prometheus_client::metrics::gauge::Gauge;
use runtime::listen::DetachedStream;
use runtime::open_files;
use tokio::sync::mpsc::{Sender, UnboundedSender, WeakSender, channel, unbounded_channel};

use crate::metrics::Metrics;
use crate::server::connection::{RequestHandler, StopSignal, serve};
use crate::server::reuse::Reuse;

/// More connections than any nginx keeps; further ones are closed at once. Fewer if the process may not open as many files.
const MOST_CONNECTIONS: usize = 8192;

/// Files that are needed for other things: health and metrics, Redis, the keys, logs.
const RESERVED_FILES: usize = 128;

/// The worker threads.
pub struct Workers {
    workers: Vec<Worker>,
    room: usize,
    metrics: Arc<Metrics>,
}

struct Worker {
    queue: UnboundedSender<(DetachedStream, Alive)>,
    /// Counts the connections.
    alive: WeakSender<()>,
    thread: JoinHandle<()>,
}

/// One for each connection, and one for the worker, which ends with the last of them.
type Alive = Sender<()>;

/// The data that all connections of a worker share.
#[derive(Clone)]
struct WorkerState<H> {
    handler: H,
    stop: StopSignal,
    metrics: Arc<Metrics>,
    reuse: Arc<Reuse>,
}

/// Counts a connection in the metric while it is open.
struct OpenConnection(Gauge);

impl Workers {
    /// Starts a thread for each handler.
    ///
    /// # Errors
    ///
    /// When a thread or its runtime cannot be created.
    pub fn start<H: RequestHandler>(
        handlers: Vec<H>,
        stop: &StopSignal,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Self> {
        let reuse = Arc::new(Reuse::default());
        let start = |(number, handler)| {
            let (stop, metrics, reuse) = (stop.clone(), Arc::clone(metrics), Arc::clone(&reuse));
            Worker::start(number, WorkerState { handler, stop, metrics, reuse })
        };
        let workers = handlers.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        let room = open_files::room(MOST_CONNECTIONS, RESERVED_FILES);
        Ok(Self { workers, room, metrics: Arc::clone(metrics) })
    }

    /// Passes a connection to the worker that has the fewest: nginx keeps its connections for long, so that an
    /// uneven distribution would stay.
    pub fn hand(&self, stream: DetachedStream) {
        let load = |worker: &&Worker| worker.alive.strong_count();
        let open: usize = self.workers.iter().map(|worker| load(&worker)).sum();
        let worker = self.workers.iter().min_by_key(load).filter(|_| open < self.room);
        let Some((worker, alive)) = worker.and_then(|worker| Some((worker, worker.alive.upgrade()?))) else {
            self.metrics.rejected.inc();
            return;
        };
        self.metrics.accepted.inc();
        // A worker that panicked drops the connection, and nginx tries another.
        let _handed = worker.queue.send((stream, alive));
    }

    /// Waits until every connection has ended.
    pub fn join(self) {
        for Worker { queue, thread, .. } in self.workers {
            drop(queue);
            // The panic of a worker has already been reported by the panic itself.
            let _ended = thread.join();
        }
    }
}

impl Worker {
    fn start<H: RequestHandler>(number: usize, serving: WorkerState<H>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (queue, mut streams) = unbounded_channel();
        let (own, mut ended) = channel(1);
        let alive = own.downgrade();
        let work = async move {
            while let Some((stream, alive)) = streams.recv().await {
                tokio::spawn(serving.clone().serve(stream, alive));
            }
            drop(own);
            // Nothing is ever sent: this ends when the last connection has dropped its own.
            let _none = ended.recv().await;
        };
        let thread = std::thread::Builder::new().name(format!("worker-{number}"));
        Ok(Self { queue, alive, thread: thread.spawn(move || runtime.block_on(work))? })
    }
}

impl<H: RequestHandler> WorkerState<H> {
    async fn serve(self, stream: DetachedStream, _alive: Alive) {
        let _open = OpenConnection::new(&self.metrics.open);
        match stream.attach() {
            Ok(stream) => {
                let answered = serve(stream, self.handler, self.stop).await;
                let requests = f64::from(u32::try_from(answered).unwrap_or(u32::MAX));
                self.metrics.connection_requests.observe(requests);
                self.reuse.ended(answered, Instant::now());
            }
            Err(error) => tracing::debug!(%error, "Failed to move a connection to its worker."),
        }
    }
}

impl OpenConnection {
    fn new(open: &Gauge) -> Self {
        open.inc();
        Self(open.clone())
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::body::Incoming;
    use tokio::sync::watch;

    use super::*;

    /// Counts what one worker answers.
    #[derive(Clone, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl RequestHandler for Counting {
        fn answer(&self, _request: &Request<Incoming>) -> Response<Empty<Bytes>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Response::new(Empty::new())
        }

        fn answer_malformed(&self) -> Response<Empty<Bytes>> {
            Response::new(Empty::new())
        }
    }

    #[test]
    fn connections_are_spread_evenly_over_the_workers() {
        let handlers = vec![Counting::default(), Counting::default(), Counting::default()];
        let (stop, stopped) = watch::channel(false);
        let workers = Workers::start(handlers.clone(), &stopped, &Arc::new(Metrics::new(3))).unwrap();
        let mut open = Vec::new();
        for _ in 0..30 {
            let (mut client, server) = UnixStream::pair().unwrap();
            server.set_nonblocking(true).unwrap();
            workers.hand(DetachedStream::Unix(server));
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert!(client.read(&mut [0; 256]).unwrap() > 0);
            open.push(client);
        }
        let answered: Vec<_> = handlers.iter().map(|handler| handler.0.load(Ordering::SeqCst)).collect();
        assert_eq!(answered, [10, 10, 10]);
        stop.send_replace(true);
        workers.join();
    }
}
