//! What is counted. One declaration a metric.

use prometheus_client::registry::Registry;

/// Every metric of the service.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        Self { registry: Registry::with_prefix("usher_admin") }
    }
}
