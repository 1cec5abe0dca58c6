//! Worker threads. Each has its own runtime, so that a request never leaves its core.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use runtime::listen::DetachedStream;
use tokio::sync::mpsc::{Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

use crate::metrics::Metrics;
use crate::server::connection::{RequestHandler, Stop, serve};
use crate::server::reuse::Reuse;

/// More connections than any nginx keeps; further ones are closed at once.
const MOST_CONNECTIONS: usize = 8192;

/// The worker threads.
pub struct Workers {
    workers: Vec<Worker>,
    metrics: Arc<Metrics>,
}

struct Worker {
    queue: UnboundedSender<DetachedStream>,
    open: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// Counts a connection while it is open.
struct OpenConnection {
    count: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    reuse: Arc<Reuse>,
    /// The worker waits until every copy of this has been dropped.
    _alive: Sender<()>,
}

impl Workers {
    /// Starts a thread for each handler.
    ///
    /// # Errors
    ///
    /// When a thread or its runtime cannot be created.
    pub fn start<H: RequestHandler>(
        handlers: Vec<H>,
        stop: &Stop,
        metrics: &Arc<Metrics>,
    ) -> io::Result<Self> {
        let reuse = Arc::new(Reuse::default());
        let start = |(number, handler)| {
            Worker::start(number, handler, stop.clone(), Arc::clone(metrics), Arc::clone(&reuse))
        };
        let workers = handlers.into_iter().enumerate().map(start).collect::<io::Result<_>>()?;
        Ok(Self { workers, metrics: Arc::clone(metrics) })
    }

    /// Passes a connection to the worker that has the fewest: nginx keeps its connections for long, so that an
    /// uneven distribution would stay.
    pub fn hand(&self, stream: DetachedStream) {
        let load = |worker: &&Worker| worker.open.load(Ordering::Relaxed);
        let open: usize = self.workers.iter().map(|worker| load(&worker)).sum();
        let Some(worker) = self.workers.iter().min_by_key(load).filter(|_| open < MOST_CONNECTIONS) else {
            self.metrics.rejected.inc();
            return;
        };
        self.metrics.accepted.inc();
        worker.open.fetch_add(1, Ordering::Relaxed);
        // A worker that panicked drops the connection, and nginx tries another.
        let _handed = worker.queue.send(stream);
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
    fn start<H: RequestHandler>(
        number: usize,
        handler: H,
        stop: Stop,
        metrics: Arc<Metrics>,
        reuse: Arc<Reuse>,
    ) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (queue, streams) = unbounded_channel();
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        let thread = std::thread::Builder::new()
            .name(format!("worker-{number}"))
            .spawn(move || runtime.block_on(work(streams, handler, stop, count, metrics, reuse)))?;
        Ok(Self { queue, open, thread })
    }
}

async fn work<H: RequestHandler>(
    mut streams: UnboundedReceiver<DetachedStream>,
    handler: H,
    stop: Stop,
    count: Arc<AtomicUsize>,
    metrics: Arc<Metrics>,
    reuse: Arc<Reuse>,
) {
    let (alive, mut ended): (Sender<()>, Receiver<()>) = channel(1);
    while let Some(stream) = streams.recv().await {
        metrics.open.inc();
        let (count, metrics) = (Arc::clone(&count), Arc::clone(&metrics));
        let reuse = Arc::clone(&reuse);
        let open = OpenConnection { count, metrics, reuse, _alive: alive.clone() };
        let (handler, stop) = (handler.clone(), stop.clone());
        tokio::spawn(async move {
            let answered = match stream.attach() {
                Ok(stream) => serve(stream, handler, stop).await,
                Err(error) => {
                    tracing::debug!(%error, "Failed to move a connection to its worker.");
                    0
                }
            };
            open.metrics.connection_requests.observe(f64::from(u32::try_from(answered).unwrap_or(u32::MAX)));
            open.reuse.ended(answered, Instant::now());
        });
    }
    drop(alive);
    // Nothing is ever sent: this ends when the last connection has dropped its copy.
    let _none = ended.recv().await;
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.metrics.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

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
        type Body = Empty<Bytes>;

        fn answer(&self, _request: &Request<Incoming>) -> Response<Self::Body> {
            self.0.fetch_add(1, Ordering::SeqCst);
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
