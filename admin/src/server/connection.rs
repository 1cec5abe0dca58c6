//! One connection, served over HTTP/1.1 within limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use runtime::connections::ListenerConnection;
use runtime::listen::Stream;
use runtime::own_answers::OwnAnswers;
use tokio::sync::watch;

use super::last::Last;
use super::transport::Service;

/// The time limit for receiving a request's head, which also limits idle connections. Longer than the 60 s
/// for which nginx keeps an idle connection, so that nginx closes it and never sends a request into a closing
/// connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The largest head of a request. nginx's buffers for one are 65 KiB in the shipped configuration; to them nginx adds its
/// own headers.
const MAX_HEAD_BYTES: usize = 160 * 1024;

/// The most header fields of a request: as many as current versions of nginx accept.
const MAX_HEADER_FIELDS: usize = 1000;

/// Serves one connection to its end. Every response is one of `service`, also to a head that hyper cannot read.
pub(super) async fn serve(
    stream: Stream,
    (service, connection): (Service, Arc<ListenerConnection>),
    last: Last,
    mut ending: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let peer = stream.peer();
    let unreadable = service.clone();
    let stream = OwnAnswers::new(stream, move |status| unreadable.answer_unreadable(status, peer));
    let service = service_fn(move |request| {
        let (answer, last) = (service.call(request, peer), last.clone());
        let in_use = connection.begin_use();
        async move {
            let answer = last.announce(answer.await);
            drop(in_use);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = protocol().serve_connection(stream, service);
    let mut is_ending = false;
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut connection => break ended,
            _ = ending.wait_for(|ending| *ending), if !is_ending => {
                is_ending = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if ended.as_ref().is_err_and(hyper::Error::is_parse_version_h2) {
        // A client that has disconnected needs no answer.
        let _sent = connection.into_parts().io.refuse_http2().await;
    }
    ended
}

fn protocol() -> http1::Builder {
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADER_FIELDS)
        // A client that has sent its request may disconnect. By default hyper then drops the request, even before
        // its handler has begun.
        .half_close(true);
    protocol
}
