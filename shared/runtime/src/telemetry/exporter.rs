//! An exporter of traces that logs when the receiver stops accepting them, and when it accepts them again: one line
//! each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Exports with `E`.
#[derive(Debug)]
pub(super) struct LoggedExporter<E> {
    inner: E,
    is_failing: AtomicBool,
}

impl<E> LoggedExporter<E> {
    pub(super) fn new(inner: E) -> Self {
        Self { inner, is_failing: AtomicBool::new(false) }
    }

    fn log(&self, sent: &OTelSdkResult) {
        let failed = sent.is_err();
        if self.is_failing.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        match sent {
            Ok(()) => tracing::info!("The trace receiver accepts traces again."),
            Err(error) => tracing::warn!(
                %error,
                "Failed to send traces; they are dropped until the trace receiver accepts them again. See OTEL_EXPORTER_OTLP_ENDPOINT."
            ),
        }
    }
}

impl<E: SpanExporter> SpanExporter for LoggedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.inner.export(batch).await;
        self.log(&sent);
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
