//! The way to whoever takes traces, and what the log is told of it: once when they are no longer taken, once when they
//! are again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// Sends by `E`.
#[derive(Debug)]
pub(super) struct Told<E> {
    inner: E,
    is_failing: AtomicBool,
}

impl<E> Told<E> {
    pub(super) fn new(inner: E) -> Self {
        Self { inner, is_failing: AtomicBool::new(false) }
    }

    fn tell(&self, sent: &OTelSdkResult) {
        let failed = sent.is_err();
        if self.is_failing.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        match sent {
            Ok(()) => tracing::info!("Traces are taken again."),
            Err(error) => tracing::warn!(
                %error,
                "Traces are not taken and are dropped until they are; see OTEL_EXPORTER_OTLP_ENDPOINT."
            ),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Told<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.inner.export(batch).await;
        self.tell(&sent);
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
