//! W3C Trace Context: the parent of a span, and the header that carries it (`traceparent`).

use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags};
use opentelemetry::{Context, SpanId, TraceId};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header that identifies the trace (W3C Trace Context, section 3.2).
pub const TRACEPARENT: &str = "traceparent";

/// The parent of a span, in another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent(SpanContext);

impl Parent {
    /// Reads a `traceparent` (W3C Trace Context, section 3.2). Of later versions than 00 it reads the fields of 00.
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

    /// Whether the other program samples the trace.
    pub fn is_sampled(&self) -> bool {
        self.0.is_sampled()
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> String {
        self.0.trace_id().to_string()
    }
}

/// Sets the parent of `span`. Must be called before `span` is entered.
pub fn parent(span: &Span, parent: Parent) {
    // It fails if no traces are sampled.
    let _set = span.set_parent(Context::new().with_remote_span_context(parent.0));
}

/// Renames a span that has begun.
pub fn rename(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// The id of the trace of `span`, for the log; `None` if it is not sampled.
pub fn trace_id(span: &Span) -> Option<String> {
    sampled(span).map(|context| context.trace_id().to_string())
}

/// The value of [`TRACEPARENT`] that makes other spans children of `span`; `None` if the trace is not sampled.
pub fn traceparent(span: &Span) -> Option<String> {
    sampled(span).map(|context| format!("00-{}-{}-01", context.trace_id(), context.span_id()))
}

fn sampled(span: &Span) -> Option<SpanContext> {
    let context = span.context();
    let context = context.span().span_context().clone();
    (context.is_valid() && context.is_sampled()).then_some(context)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_parent_has_the_form_of_the_standard() {
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(Parent::parse(valid).unwrap().is_sampled());
        assert!(!Parent::parse(&valid.replace("-01", "-00")).unwrap().is_sampled());
        assert!(Parent::parse(&format!("{}-later", valid.replace("00-4", "01-4"))).is_some());
        for bad in [
            "",
            "00",
            &valid.to_uppercase(),
            &valid.replace("00-4", "ff-4"),
            &format!("{valid}-x"),
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
            if let Some(parent) = Parent::parse(&text) {
                prop_assert!(text.contains(&parent.trace_id()));
            }
        }
    }
}
