//! The metrics that every program has, and the text formats in which metrics are written.

mod format;
mod process;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use format::MetricsFormat;

/// A registry with the metrics of this process (`process_*`), for a program to add its own to.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(process::ProcessMetrics));
    registry
}

/// Adds `build_info` to the metrics of a program: always 1, with the version as a label.
pub fn register_build_info(registry: &mut Registry, version: &'static str) {
    registry.register("build", "The version of the running program", Info::new([("version", version)]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_the_metrics_of_its_process_and_its_version() {
        let mut registry = registry();
        register_build_info(registry.sub_registry_with_prefix("usher_test"), "1.2.3");
        let text = MetricsFormat::Prometheus.encode(&registry).unwrap();
        assert!(text.contains("usher_test_build_info{version=\"1.2.3\"} 1\n"), "{text}");
        for name in [
            "process_cpu_seconds_total",
            "process_start_time_seconds",
            "process_resident_memory_bytes",
            "process_virtual_memory_bytes",
            "process_open_fds",
            "process_max_fds",
        ] {
            let sample = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            assert!(sample.unwrap().parse::<f64>().unwrap() >= 0.0, "{name}");
        }
    }
}
