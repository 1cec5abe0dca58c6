//! Traces, sent by OTLP over gRPC to whoever takes them, such as Jaeger.
//!
//! The variables are those of the OpenTelemetry specification. Without an endpoint nothing is started and a span costs
//! a nanosecond. What waits to be sent is bounded: when nobody takes it, it is dropped, and nothing else suffers.

use std::fmt;
use std::time::Duration;

use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TracerProvider as _};
use opentelemetry::{Context, KeyValue, SpanId, TraceId};
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

use super::exporter::Told;
use crate::certificates;
use crate::env::{Reader, between, boolean, text};

/// The header, or the field, that says which trace something is part of (W3C Trace Context, section 3.2).
pub const TRACEPARENT: &str = "traceparent";

/// What an endpoint begins with that is asked by TLS.
const TLS: &str = "https://";

/// How long the end of the program waits for what is left to be sent.
const FAREWELL: Duration = Duration::from_secs(2);

/// Which traces are kept, and where they are sent.
#[derive(Debug, Clone)]
pub struct Traces {
    /// None: there are no traces.
    endpoint: Option<String>,
    /// Whom to trust with TLS; none: whom the system trusts.
    ca: Option<Vec<u8>>,
    service: String,
    attributes: Vec<KeyValue>,
    sampler: Sampler,
    queue: usize,
    delay: Duration,
    timeout: Duration,
}

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be sent: {0}; see OTEL_EXPORTER_OTLP_ENDPOINT")]
pub struct StartError(String);

/// What sends.
pub(super) struct Provider(SdkTracerProvider);

/// A span of another program that ours is part of (W3C Trace Context).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent(SpanContext);

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

impl Traces {
    /// Reads the variables of the specification; `service` is the name where they give none.
    pub fn read(reader: &mut Reader<'_>, service: &str) -> Self {
        let disabled = reader.or("OTEL_SDK_DISABLED", false, boolean);
        let all = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        let own = reader.optional("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint);
        let ca = reader.optional("OTEL_EXPORTER_OTLP_CERTIFICATE", certificates::read);
        let own_ca = reader.optional("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", certificates::read);
        let _grpc = reader.optional("OTEL_EXPORTER_OTLP_PROTOCOL", |word| match word {
            "grpc" => Ok(()),
            _ => Err("it is grpc, which is all that is spoken here"),
        });
        let milliseconds = |reader: &mut Reader<'_>, name: &str, usual: u64| {
            Duration::from_millis(reader.or(name, usual, between(1, 600_000)))
        };
        let (endpoint, ca) = (own.or(all), own_ca.or(ca));
        if ca.is_some() && endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with(TLS)) {
            let why = "it is for TLS, which is asked for with https: in OTEL_EXPORTER_OTLP_ENDPOINT";
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

    /// Whether there are any.
    pub fn are_wanted(&self) -> bool {
        self.endpoint.is_some()
    }

    /// What sends, and what makes spans for it. None where no traces are wanted.
    pub(super) fn provider(&self) -> Result<Option<(Provider, SdkTracer)>, StartError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let mut builder =
            SpanExporter::builder().with_tonic().with_endpoint(endpoint).with_timeout(self.timeout);
        if endpoint.starts_with(TLS) {
            builder = builder.with_tls_config(self.tls());
        }
        let exporter = builder.build().map_err(|error| StartError(error.to_string()))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(self.queue)
            .with_max_export_batch_size(self.queue.min(512))
            .with_scheduled_delay(self.delay)
            .build();
        // The later of two attributes of one name counts.
        let resource = Resource::builder_empty()
            .with_attribute(KeyValue::new("service.instance.id", Uuid::now_v7().to_string()))
            .with_attributes(self.attributes.clone())
            .with_service_name(self.service.clone())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(Told::new(exporter)).with_batch_config(batches).build(),
            )
            .with_sampler(self.sampler.clone())
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("usher");
        Ok(Some((Provider(provider), tracer)))
    }

    fn tls(&self) -> ClientTlsConfig {
        match &self.ca {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        }
    }
}

impl Provider {
    /// Sends what is left, away from the runtime's thread, which the sending itself needs.
    pub(super) async fn end(self) {
        let sending = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FAREWELL));
        // Whoever does not take it in time does not get it.
        let _sent = sending.await;
    }
}

impl Parent {
    /// Reads a `traceparent` (W3C Trace Context, section 3.2). Of another version than 00 what version 00 has.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let fits = is_hex(version, 2)
            && version != "ff"
            && is_hex(trace, 32)
            && is_hex(span, 16)
            && is_hex(flags, 2);
        if !fits || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
        let context = SpanContext::new(trace, span, flags, true, opentelemetry::trace::TraceState::default());
        context.is_valid().then_some(Self(context))
    }

    /// Whether the trace is kept, as far as the other program knows.
    pub fn is_sampled(&self) -> bool {
        self.0.is_sampled()
    }

    /// The name of the trace.
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }
}

/// Makes `span` part of the other program's. Before it is entered.
pub fn parent(span: &Span, parent: Parent) {
    // It fails where no traces are kept.
    let _set = span.set_parent(Context::new().with_remote_span_context(parent.0));
}

/// Gives a span that has begun another name.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// The name of the trace that `span` is part of, for the log; none where it is not kept.
pub fn trace_id(span: &Span) -> Option<String> {
    kept(span).map(|context| context.trace_id().to_string())
}

/// What makes others part of the trace, under `span`, in the form of [`TRACEPARENT`]; none where it is not kept.
pub fn traceparent(span: &Span) -> Option<String> {
    kept(span).map(|context| format!("00-{}-{}-01", context.trace_id(), context.span_id()))
}

fn kept(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let context = context.span().span_context().clone();
    (context.is_valid() && context.is_sampled()).then_some(context)
}

fn endpoint(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix("http://").or_else(|| text.strip_prefix(TLS)) {
        Some(rest) if !rest.is_empty() && !rest.contains('@') => Ok(text.to_owned()),
        _ => Err("it is a URL such as http://127.0.0.1:4317, or https://collector.example:4317 for TLS"),
    }
}

/// `key=value` with commas between (the specification's resource attributes); values are percent-encoded there, which
/// is left as it is.
fn attributes(list: &str) -> Result<Vec<KeyValue>, &'static str> {
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        (!key.trim().is_empty()).then(|| KeyValue::new(key.trim().to_owned(), value.trim().to_owned()))
    };
    list.split(',').map(pair).collect::<Option<_>>().ok_or("it is key=value with commas between")
}

fn sampler(reader: &mut Reader<'_>) -> Sampler {
    let share = reader.or("OTEL_TRACES_SAMPLER_ARG", 1.0, |text| match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it is a share from 0 to 1"),
    });
    let usual = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    reader.or("OTEL_TRACES_SAMPLER", usual, |word| match word {
        "always_on" => Ok(Sampler::AlwaysOn),
        "always_off" => Ok(Sampler::AlwaysOff),
        "traceidratio" => Ok(Sampler::TraceIdRatioBased(share)),
        "parentbased_always_on" => Ok(Sampler::ParentBased(Box::new(Sampler::AlwaysOn))),
        "parentbased_always_off" => Ok(Sampler::ParentBased(Box::new(Sampler::AlwaysOff))),
        "parentbased_traceidratio" => Ok(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)))),
        _ => Err("it is always_on, always_off, traceidratio, or one of these after parentbased_"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn read(vars: &[(&'static str, &str)]) -> Result<Traces, Vec<String>> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let traces = Traces::read(&mut reader, "usher-test");
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
    fn mistakes_are_told() {
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
    fn an_authority_is_for_tls_alone() {
        let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/authority.pem");
        let with =
            |url| read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)]);
        assert!(with("https://collector:4317").unwrap().ca.is_some());
        let mistakes = with("http://collector:4317").unwrap_err();
        assert!(mistakes[0].starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE"), "{mistakes:?}");
    }

    #[test]
    fn a_parent_is_what_the_standard_says() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(Parent::parse(good).unwrap().is_sampled());
        assert!(!Parent::parse(&good.replace("-01", "-00")).unwrap().is_sampled());
        assert!(Parent::parse(&format!("{}-later", good.replace("00-4", "01-4"))).is_some());
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &good.replace("00-4", "ff-4"),
            &format!("{good}-x"),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        ] {
            assert_eq!(Parent::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_parent_or_none_without_panic(text in "\\PC{0,60}") {
            let _parent = Parent::parse(&text);
            let _verdicts = (endpoint(&text).is_ok(), attributes(&text).is_ok());
        }
    }
}
