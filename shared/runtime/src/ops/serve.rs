//! Serves the operations listener over HTTP/1.1 within limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::counter::Counter;

use super::shared_metrics::SharedMetrics;
use super::{Operations, OpsRequest, answer};
use crate::connections::{Connections, ListenerConnection};
use crate::listen::{AcceptFailures, Listener, Stream};

/// The time limit for receiving a request's head, which also limits idle connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Monitoring needs a handful, and more must not use up the file descriptors that other clients need.
const MAX_CONNECTIONS: usize = 64;

/// The largest head of a request.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// What answers the requests of all connections.
#[derive(Clone)]
struct OpsAnswers<O> {
    operations: O,
    shared: Arc<SharedMetrics>,
}

/// Answers requests on all `listeners`, without end.
pub async fn serve(listeners: Vec<Listener>, operations: impl Operations) {
    let connections = Connections::new(MAX_CONNECTIONS, Counter::default());
    let answers = OpsAnswers { operations, shared: Arc::new(SharedMetrics::new()) };
    let accepting =
        listeners.into_iter().map(|listener| accept_all(listener, connections.clone(), answers.clone()));
    futures_util::future::join_all(accepting).await;
}

async fn accept_all(listener: Listener, connections: Connections, answers: OpsAnswers<impl Operations>) {
    let mut failures = AcceptFailures::default();
    loop {
        let stream = listener.accept_next(&mut failures).await;
        spawn(stream, connections.add().await, &connections, answers.clone());
    }
}

fn spawn(
    stream: Stream,
    connection: ListenerConnection,
    connections: &Connections,
    answers: OpsAnswers<impl Operations>,
) {
    let number = connection.number();
    let task = tokio::spawn(converse(stream, connection, answers));
    connections.set_task(number, task.abort_handle());
}

async fn converse(stream: Stream, connection: ListenerConnection, answers: OpsAnswers<impl Operations>) {
    let is_local = stream.is_local();
    connection.mark_served();
    let connection = Arc::new(connection);
    let service = service_fn(|request: Request<Incoming>| {
        let (answers, connection) = (answers.clone(), Arc::clone(&connection));
        async move {
            let _in_use = connection.begin_use();
            // Other connections come first, so that one with many requests in a row delays none.
            tokio::task::yield_now().await;
            let (head, _) = request.into_parts();
            let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
            let request = OpsRequest { method: head.method, path, query, headers: head.headers, is_local };
            let response = answer(&answers.operations, &answers.shared, &request).await;
            Ok::<_, Infallible>(response.map(Full::new))
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "A connection to the operations listener ended early.");
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::super::NotReadyReason;
    use super::*;
    use crate::listen::Address;
    use crate::telemetry::Levels;

    #[derive(Clone, Default)]
    struct Always {
        registry: Arc<Registry>,
        levels: Levels,
    }

    impl Operations for Always {
        async fn not_ready(&self) -> Vec<NotReadyReason> {
            Vec::new()
        }

        async fn observe(&self) {}

        fn registry(&self) -> &Registry {
            &self.registry
        }

        fn levels(&self) -> &Levels {
            &self.levels
        }
    }

    async fn start() -> std::net::SocketAddr {
        let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().unwrap()).await.unwrap();
        let Address::Tcp(address) = *listener.address() else { unreachable!("it listens on TCP") };
        tokio::spawn(serve(vec![listener], Always::default()));
        address
    }

    const LIVE: &[u8] = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

    /// Whether the connection answers a request.
    async fn is_live(stream: &mut TcpStream) -> bool {
        let mut answer = Vec::new();
        let _sent = stream.write_all(LIVE).await;
        while !answer.ends_with(b"}\n") {
            match stream.read_buf(&mut answer).await {
                Ok(0) | Err(_) => return false,
                Ok(_) => {}
            }
        }
        answer.starts_with(b"HTTP/1.1 200 OK")
    }

    /// Whether the server closes the connection within this time.
    async fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
        let mut rest = Vec::new();
        timeout(within, stream.read_to_end(&mut rest)).await.is_ok()
    }

    #[tokio::test]
    async fn the_connection_that_has_been_unused_for_longest_gives_way() {
        let address = start().await;
        let mut oldest = TcpStream::connect(address).await.unwrap();
        assert!(is_live(&mut oldest).await);
        let mut used = TcpStream::connect(address).await.unwrap();
        let mut idle = Vec::new();
        for _ in 0..200 {
            let mut new = TcpStream::connect(address).await.unwrap();
            assert!(is_live(&mut new).await && is_live(&mut used).await);
            idle.push(new);
        }
        // Far sooner than it is closed for being idle.
        assert!(is_closed(&mut oldest, HEAD_TIMEOUT / 4).await && !is_live(&mut oldest).await);
        assert!(is_live(&mut used).await && is_live(idle.last_mut().unwrap()).await);
    }

    #[tokio::test]
    async fn of_a_burst_of_health_checks_none_is_dropped() {
        let address = start().await;
        // All are connected before the server accepts the first one, as many as the kernel keeps.
        let burst: Vec<_> = (0..120).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let checks = burst.into_iter().map(|stream| async {
            stream.set_nonblocking(true).unwrap();
            is_live(&mut TcpStream::from_std(stream).unwrap()).await
        });
        assert!(futures_util::future::join_all(checks).await.into_iter().all(|is_answered| is_answered));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_and_unfinished_connections_are_closed() {
        let address = start().await;
        for sent in [&b""[..], b"GET / HTTP/1.1\r\nHost:", LIVE] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent).await.unwrap();
            assert!(is_closed(&mut stream, 2 * HEAD_TIMEOUT).await, "{sent:?}");
        }
    }

    #[tokio::test]
    async fn many_requests_in_a_row_delay_no_other_connection() {
        let address = start().await;
        let mut busy = TcpStream::connect(address).await.unwrap();
        let metrics = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10_000);
        let (mut reading, mut writing) = busy.split();
        let flood = async {
            let _cut = writing.write_all(metrics.as_bytes()).await;
            let mut answers = Vec::new();
            let _read = reading.read_to_end(&mut answers).await;
            answers.len()
        };
        let asked = async {
            for _ in 0..20 {
                assert!(is_live(&mut TcpStream::connect(address).await.unwrap()).await);
            }
        };
        // The other connections are answered before the flood has been.
        tokio::select! {
            biased;
            () = asked => {}
            length = flood => panic!("the flood came first, with {length} bytes"),
        }
    }
}
