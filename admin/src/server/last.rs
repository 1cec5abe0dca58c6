//! Announces the end of connections while the service stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderValue;
use http::header::CONNECTION;

/// Whether each response is the last on its connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Last(Arc<AtomicBool>);

impl Last {
    /// From now on it is.
    pub(super) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Announces in the response that the connection closes, if it is the last.
    pub(super) fn announce<B>(&self, mut answer: http::Response<B>) -> http::Response<B> {
        if self.0.load(Ordering::Relaxed) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}
