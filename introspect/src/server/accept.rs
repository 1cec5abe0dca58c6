//! The loop that accepts connections.

use std::time::Duration;

use runtime::listen::{Listener, Stream};

use crate::server::connection::Stop;

/// The delay after a failed accept: most failures pass by themselves, and none may use up the processor.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// Accepts connections until it has to stop, and passes each to a worker. Each kind of failure is logged once:
/// without free file descriptors there would be fifty lines a second.
pub async fn accept(listener: Listener, mut stop: Stop, mut hand_on: impl FnMut(Stream)) {
    let mut failures = Vec::new();
    loop {
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match taken {
            Ok(stream) => hand_on(stream),
            Err(error) => {
                let kind = (error.kind(), error.raw_os_error());
                if !failures.contains(&kind) {
                    failures.push(kind);
                    let address = listener.address();
                    tracing::warn!(%error, %address, "accept failed (logged once per kind of error)");
                }
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}
