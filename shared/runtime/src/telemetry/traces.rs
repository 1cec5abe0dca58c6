//! Traces, sent by OTLP over gRPC to a receiver such as Jaeger.
//!
//! The variables are those of the OpenTelemetry specification. Without an endpoint nothing is started and a span costs
//! a nanosecond. The queue is bounded: if the receiver is unreachable, traces are dropped and nothing else is affected.

use std::fmt;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use uuid::Uuid;

use super::exporter::LoggedExporter;
use crate::certificates;
use crate::env::{Reader, between, boolean, text};

/// The beginning of an endpoint with TLS.
const TLS: &str = "https://";

/// The longest wait for the last traces when the program ends.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Which traces are sampled, and where they are sent.
#[derive(Debug, Clone)]
pub struct TraceConfig {
    /// `None`: there are no traces.
    endpoint: Option<String>,
    /// The certificate authority for TLS; if `None`, the system trust store.
    ca: Option<Vec<u8>>,
    service: String,
    attributes: Vec<KeyValue>,
    sampler: Sampler,
    queue: usize,
    delay: Duration,
    timeout: Duration,
}

/// The sender of traces cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot send traces: {0}; see OTEL_EXPORTER_OTLP_ENDPOINT")]
pub struct TracesError(String);

/// The running sender.
pub(super) struct TraceSender(SdkTracerProvider);

impl fmt::Debug for TraceSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TraceSender")
    }
}

impl TraceConfig {
    /// Reads the variables of the specification; `service` is the default of `OTEL_SERVICE_NAME`.
    pub fn read(reader: &mut Reader<'_>, service: &str) -> Self {
        let disabled = reader.or("OTEL_SDK_DISABLED", false, boolean);
        let all = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let own = reader.optional("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint);
        let ca = reader.optional("OTEL_EXPORTER_OTLP_CERTIFICATE", certificates::read);
        let own_ca = reader.optional("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", certificates::read);
        let _grpc = reader.optional("OTEL_EXPORTER_OTLP_PROTOCOL", |word| match word {
            "grpc" => Ok(()),
            _ => Err("must be grpc, the only supported protocol"),
        });
        let milliseconds = |reader: &mut Reader<'_>, name: &str, usual: u64| {
            Duration::from_millis(reader.or(name, usual, between(1, 600_000)))
        };
        let (endpoint, ca) = (own.or(all), own_ca.or(ca));
        if ca.is_some() && endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with(TLS)) {
            let why = "must be set only with TLS: use https: in OTEL_EXPORTER_OTLP_ENDPOINT";
            reader.mistake("OTEL_EXPORTER_OTLP_CERTIFICATE", why);
        }
        Self {
            endpoint: endpoint.filter(|_| !disabled),
            ca,
            service: reader.or("OTEL_SERVICE_NAME", service.to_owned(), text),
            attributes: reader.or("OTEL_RESOURCE_ATTRIBUTES", Vec::new(), attributes),
            sampler: sampler(reader),
            queue: reader.or("OTEL_BSP_MAX_QUEUE_SIZE", 2048, between(1, 1_000_000)),
            delay: milliseconds(reader, "OTEL_BSP_SCHEDULE_DELAY", 5000),
            timeout: milliseconds(reader, "OTEL_EXPORTER_OTLP_TIMEOUT", 10_000),
        }
    }

    /// Whether traces are sent.
    pub fn are_enabled(&self) -> bool {
        self.endpoint.is_some()
    }

    /// The sender, and the source of its spans; `None` if traces are not enabled.
    pub(super) fn provider(&self) -> Result<Option<(TraceSender, SdkTracer)>, TracesError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let mut builder =
            SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(self.timeout);
        if endpoint.starts_with(TLS) {
            builder = builder.with_tls_config(self.tls());
        }
        let exporter = builder.build().map_err(|error| TracesError(error.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(self.queue)
            .with_max_export_batch_size(self.queue.min(512))
            .with_scheduled_delay(self.delay)
            .build();
        #[expect(
            clippy::disallowed_methods,
            reason = "names this process in traces, and nothing depends on it"
        )]
        let instance = Uuid::now_v7().to_string();
        // Of two attributes with one name the later wins.
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.instance.id", instance))
            .with_attributes(self.attributes.clone())
            .with_service_name(self.service.clone())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(LoggedExporter::new(exporter)).with_batch_config(batches).build(),
            )
            .with_sampler(self.sampler.clone())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("usher");
        Ok(Some((TraceSender(provider), tracer)))
    }

    fn tls(&self) -> ClientTlsConfig {
        match &self.ca {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        }
    }
}

impl TraceSender {
    /// Sends the remaining traces on a blocking thread, because sending itself needs the runtime's thread.
    pub(super) async fn end(self) {
        let sending = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(SHUTDOWN_TIMEOUT));
        // A span that is not accepted in time is lost.
        let _sent = sending.await;
    }
}

fn endpoint(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix("http://").or_else(|| text.strip_prefix(TLS)) {
        Some(rest) if !rest.is_empty() && !rest.contains('@') => Ok(text.to_owned()),
        _ => Err(
            "must be a URL such as http://127.0.0.1:4317, or https://receiver.example:4317 for TLS, without user and password",
        ),
    }
}

/// `key=value`, separated by commas (the specification's resource attributes). Percent-encoding in values is kept as it
/// is.
fn attributes(list: &str) -> Result<Vec<KeyValue>, &'static str> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        (!key.trim().is_empty()).then(|| KeyValue::new(key.trim().to_owned(), value.trim().to_owned()))
    };
    list.split(',').map(pair).collect::<Option<_>>().ok_or("must be key=value pairs, separated by commas")
}

fn sampler(reader: &mut Reader<'_>) -> Sampler {
    let share = reader.or("OTEL_TRACES_SAMPLER_ARG", 1.0, |text| match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1"),
    });
    let usual = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    reader.or("OTEL_TRACES_SAMPLER", usual, |word| match word {
        "always_on" => Ok(Sampler::AlwaysOn),
        "always_off" => Ok(Sampler::AlwaysOff),
        "traceidratio" => Ok(Sampler::TraceIdRatioBased(share)),
        "parentbased_always_on" => Ok(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
        "parentbased_always_off" => Ok(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))),
        "parentbased_traceidratio" => Ok(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)))),
        _ => Err("must be always_on, always_off, traceidratio, or one of these with the prefix parentbased_"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> Result<TraceConfig, Vec<String>> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let traces = TraceConfig::read(&mut reader, "usher-test");
        reader.finish(Some(traces)).map_err(|mistakes| mistakes.lines().to_vec())
    }

    #[test]
    fn without_an_endpoint_there_are_no_traces() {
        assert_eq!(read(&[]).unwrap().endpoint, None);
        let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317");
        assert!(read(&[on]).unwrap().endpoint.is_some());
        assert_eq!(read(&[on, ("OTEL_SDK_DISABLED", "true")]).unwrap().endpoint, None);
    }

    #[test]
    fn mistakes_are_reported() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "jaeger:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:b@jaeger:4317"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
            ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "/etc/hostname"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ] {
            let mistakes = read(&[(name, value)]).unwrap_err();
            assert!(mistakes[0].starts_with(name), "{mistakes:?}");
        }
    }

    #[test]
    fn a_certificate_authority_is_for_tls_only() {
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/authority.pem");
        let with =
            |url| read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)]);
        assert!(with("https://receiver:4317").unwrap().ca.is_some());
        let mistakes = with("http://receiver:4317").unwrap_err();
        assert!(mistakes[0].starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE"), "{mistakes:?}");
    }

    proptest! {
        #[test]
        fn any_endpoint_and_attribute_is_read_without_panic(text in "\\PC{0,60}") {
            let _verdicts = (endpoint(&text).is_ok(), attributes(&text).is_ok());
        }
    }
}
