//! The metrics of a process, from `/proc`, with the names that all Prometheus clients use.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::process::{Resource, getrlimit};

/// Read again at every scrape. A value that the system does not provide is left out.
#[derive(Debug)]
pub(super) struct ProcessMetrics;

/// The fields of `/proc/self/stat` that become metrics (proc(5)).
#[derive(Debug, PartialEq, Eq)]
struct ProcStat {
    cpu_ticks: u64,
    /// Since the machine started.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl ProcStat {
    /// The second field, the name in parentheses, may have any characters.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let field = |number: usize| fields.split(' ').nth(number - 3)?.trim().parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)?.saturating_add(field(15)?),
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let ticks = rustix::param::clock_ticks_per_second();
        if let Some(stat) = read("/proc/self/stat").as_deref().and_then(ProcStat::parse) {
            let cpu = ConstCounter::new(seconds(stat.cpu_ticks, ticks));
            metric(
                &mut encoder,
                "process_cpu",
                Some(&Unit::Seconds),
                "CPU time used, user and system",
                &cpu,
            )?;
            let pages = rustix::param::page_size() as u64;
            let resident = gauge(stat.resident_pages.saturating_mul(pages));
            let help = "Resident memory";
            metric(&mut encoder, "process_resident_memory", Some(&Unit::Bytes), help, &resident)?;
            let help = "Virtual memory";
            let virtual_bytes = gauge(stat.virtual_bytes);
            metric(&mut encoder, "process_virtual_memory", Some(&Unit::Bytes), help, &virtual_bytes)?;
            if let Some(booted) = read("/proc/stat").as_deref().and_then(boot_time) {
                let started = ConstGauge::new(booted + seconds(stat.start_ticks, ticks));
                let help = "Start of the process, since the Unix epoch";
                metric(&mut encoder, "process_start_time", Some(&Unit::Seconds), help, &started)?;
            }
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder itself, open for this count.
            let open = gauge(files.count().saturating_sub(1) as u64);
            metric(&mut encoder, "process_open_fds", None, "Open file descriptors", &open)?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            metric(&mut encoder, "process_max_fds", None, "Limit of open file descriptors", &gauge(most))?;
        }
        Ok(())
    }
}

fn metric(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    unit: Option<&Unit>,
    help: &str,
    value: &dyn Encode,
) -> fmt::Result {
    value.encode_into(encoder, name, unit, &format!("{help}."))
}

/// A counter or a gauge.
trait Encode {
    fn encode_into(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
    ) -> fmt::Result;
}

impl<M: EncodeMetric> Encode for M {
    fn encode_into(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        unit: Option<&Unit>,
        help: &str,
    ) -> fmt::Result {
        let kind: MetricType = self.metric_type();
        self.encode(encoder.encode_descriptor(name, help, unit, kind)?)
    }
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// When the machine started, in seconds since the Unix epoch.
fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[expect(clippy::cast_precision_loss, reason = "ticks of centuries are below 2^53")]
fn seconds(ticks: u64, per_second: u64) -> f64 {
    ticks as f64 / per_second.max(1) as f64
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let line = "17 (a b) c) S 1 17 17 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 5 0 1234 99000 42 18446744073709551615";
        let stat = ProcStat { cpu_ticks: 300, start_ticks: 1234, virtual_bytes: 99_000, resident_pages: 42 };
        assert_eq!(ProcStat::parse(line), Some(stat));
        for broken in ["", "17 (a)", "17 (a) S 1", "17 (a) S x x x x x x x x x x x x x x x x x x x x x x"] {
            assert_eq!(ProcStat::parse(broken), None, "{broken}");
        }
        assert_eq!(boot_time("cpu 1 2\nbtime 1700000000\nprocesses 7\n"), Some(1_700_000_000.0));
    }
}
