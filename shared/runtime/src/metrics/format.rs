//! The text formats of metrics: classic Prometheus text, and `OpenMetrics`.

use std::fmt::{self, Write as _};

use http::HeaderValue;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// A text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// The classic text format of Prometheus, which every scraper reads.
    Prometheus,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
}

impl MetricsFormat {
    /// `OpenMetrics` only if a request accepts it by name.
    pub fn accepted<'h>(accept: impl IntoIterator<Item = &'h HeaderValue>) -> Self {
        let types = accept.into_iter().filter_map(|value| value.to_str().ok());
        let names = types.flat_map(|list| list.split(',')).map(|one| one.split(';').next().unwrap_or(one));
        let mut trimmed = names.map(str::trim);
        if trimmed.any(|name| name.eq_ignore_ascii_case("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// All metrics as text.
    ///
    /// # Errors
    ///
    /// If a metric cannot be written.
    pub fn encode(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, registry)?;
        match self {
            Self::Prometheus => classic(&text),
            Self::OpenMetrics => Ok(text),
        }
    }
}

/// The same in the classic format. It differs in the lines that begin with `#`: the names of counters have their
/// suffix there too, an info is a gauge, and there are no units and no end.
fn classic(text: &str) -> Result<String, fmt::Error> {
    let mut classic = String::with_capacity(text.len());
    let mut help = "";
    for line in text.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some(described) = line.strip_prefix("# HELP ") {
            // Written with the type, which decides the name.
            help = described.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            writeln!(classic, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}")?;
        } else {
            writeln!(classic, "{line}")?;
        }
    }
    Ok(classic)
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;
    use prometheus_client::metrics::info::Info;
    use prometheus_client::registry::Unit;

    use super::*;

    fn accepted(text: &'static str) -> MetricsFormat {
        MetricsFormat::accepted([&HeaderValue::from_static(text)])
    }

    #[test]
    fn openmetrics_must_be_accepted_by_name() {
        assert_eq!(MetricsFormat::accepted([]), MetricsFormat::Prometheus);
        for plain in ["*/*", "text/plain", "application/openmetrics-textual", ""] {
            assert_eq!(accepted(plain), MetricsFormat::Prometheus, "{plain}");
        }
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for open in [prometheus, "text/plain, Application/OpenMetrics-Text"] {
            assert_eq!(accepted(open), MetricsFormat::OpenMetrics, "{open}");
        }
    }

    #[test]
    fn the_classic_format_names_each_sample_in_its_description() {
        let mut registry = Registry::default();
        registry.register("asked", "Requests", Counter::<u64>::default());
        registry.register_with_unit("memory", "Memory", Unit::Bytes, Gauge::<i64>::default());
        registry.register("build", "Version", Info::new([("version", "1")]));
        let took = Histogram::new([1.0]);
        took.observe(0.5);
        registry.register_with_unit("took", "Time", Unit::Seconds, took);
        assert_eq!(
            MetricsFormat::Prometheus.encode(&registry).unwrap(),
            "# HELP asked_total Requests.\n# TYPE asked_total counter\nasked_total 0\n\
             # HELP memory_bytes Memory.\n# TYPE memory_bytes gauge\nmemory_bytes 0\n\
             # HELP build_info Version.\n# TYPE build_info gauge\nbuild_info{version=\"1\"} 1\n\
             # HELP took_seconds Time.\n# TYPE took_seconds histogram\ntook_seconds_sum 0.5\ntook_seconds_count 1\n\
             took_seconds_bucket{le=\"1.0\"} 1\ntook_seconds_bucket{le=\"+Inf\"} 1\n"
        );
    }
}
