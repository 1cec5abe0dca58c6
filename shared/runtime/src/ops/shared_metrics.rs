//! The text of the metrics, written once for all requests that wait for it: a client that asks without end must not delay a
//! health check, and each text takes milliseconds of the thread that answers both.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::metrics::MetricsFormat;

/// The last text in each format.
pub(super) struct SharedMetrics {
    texts: Mutex<Vec<MetricsText>>,
    /// One writes; the others wait for its text.
    writing: Semaphore,
}

struct MetricsText {
    format: MetricsFormat,
    begun_at: Instant,
    text: Bytes,
}

impl SharedMetrics {
    pub(super) const fn new() -> Self {
        Self { texts: Mutex::new(Vec::new()), writing: Semaphore::const_new(1) }
    }

    /// The metrics in this format: what `write` returns, or returned for another request, if it began after this call.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub(super) async fn text(
        &self,
        format: MetricsFormat,
        write: impl AsyncFnOnce() -> Result<String, fmt::Error>,
    ) -> Result<Bytes, fmt::Error> {
        let asked_at = Instant::now();
        let _turn = self.writing.acquire().await;
        if let Some(text) = self.begun_after(asked_at, format) {
            return Ok(text);
        }
        let begun_at = Instant::now();
        let text = Bytes::from(write().await?);
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        texts.retain(|known| known.format != format);
        texts.push(MetricsText { format, begun_at, text: text.clone() });
        Ok(text)
    }

    fn begun_after(&self, asked_at: Instant, format: MetricsFormat) -> Option<Bytes> {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = texts.iter().find(|known| known.format == format && known.begun_at > asked_at);
        known.map(|known| known.text.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::future::join_all;

    use super::*;

    const CLASSIC: MetricsFormat = MetricsFormat::Prometheus;

    #[tokio::test]
    async fn a_text_is_shared_by_those_who_asked_before_it_was_begun() {
        let (shared, times) = (SharedMetrics::new(), Cell::new(0));
        let write = async || {
            tokio::task::yield_now().await;
            times.set(times.get() + 1);
            Ok(times.get().to_string())
        };

        // The first is begun before the others ask; the second serves all of them.
        let all = join_all((0..100).map(|_| shared.text(CLASSIC, write))).await;
        let texts: Vec<_> = all.into_iter().map(Result::unwrap).collect();
        assert_eq!(texts[0], "1");
        assert!(texts[1..].iter().all(|text| text == "2"), "{texts:?}");

        // Never one from before the question, and none of another format.
        assert_eq!(shared.text(CLASSIC, write).await.unwrap(), "3");
        assert_eq!(shared.text(MetricsFormat::OpenMetrics, write).await.unwrap(), "4");
        assert_eq!(shared.texts.lock().unwrap().len(), 2);
    }
}
