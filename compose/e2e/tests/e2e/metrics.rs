//! The dashboard and the alerts use only metrics that `/metrics` has, and every metric is on one of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::Stack;
use harness::http::get;
use harness::wait::until;

use crate::people::{Person, send};
use crate::support::LIMIT;

const WATCHING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../containers");

/// Suffixes that a metric's name gets from its type.
const SUFFIXES: [&str; 4] = ["_total", "_bucket", "_sum", "_count"];

/// The prefixes of all our metrics.
const PREFIXES: [&str; 3] = ["usher_admin_", "usher_introspect_", "process_"];

/// Every metric that `text` names, without suffixes.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
    ours.map(|word| bare(word).to_owned()).collect()
}

fn bare(word: &str) -> &str {
    SUFFIXES.iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word)
}

/// Every metric that a page declares, also without a value.
fn declared(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next().map(|word| bare(word).to_owned())).collect()
}

/// What Prometheus's own linter reports for a page of metrics.
fn mistakes(page: &str) -> String {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/validate/bin/promtool");
    let program = if kept.exists() { kept.as_path() } else { Path::new("promtool") };
    let mut promtool = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed; `./compose/validate --promtool` installs it");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let checked = promtool.wait_with_output().unwrap();
    [checked.stdout, checked.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat()
}

#[tokio::test]
async fn every_metric_is_watched_and_every_watched_name_is_a_metric() {
    let stack = Stack::builder().providers().start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    pair.is_let_in(&stack).await;
    // A metric with labels appears once it has been counted.
    let returned = send(get(&stack.gateway("/api/v1/oauth/github/callback?code=c&state=s"))).await;
    assert_eq!(returned.status, 400, "{}", returned.text);
    // So does the time of a purge, which begins some seconds after the start.
    let ops = stack.admins[0].ops("/metrics");
    let purged = async || send(get(&ops)).await.text.contains("purge_finished_timestamp");
    until("a purge is complete", LIMIT, purged).await.unwrap();
    let mut declares = BTreeSet::new();
    for url in [stack.admins[0].ops("/metrics"), stack.sidecars[0].ops("/metrics")] {
        let page = send(get(&url)).await.text;
        assert_eq!(mistakes(&page), "", "at {url}");
        declares.extend(declared(&page));
    }
    let read = |file: &str| fs::read_to_string(format!("{WATCHING}/{file}")).unwrap();
    let files = ["grafana/dashboards/usher.json", "prometheus/alerts.yaml"].map(read);
    let watched: BTreeSet<_> = files.iter().flat_map(|text| named(text)).collect();
    let none: Vec<_> = watched.difference(&declares).collect();
    assert!(none.is_empty(), "used by the dashboard or an alert, but not on /metrics: {none:?}");
    let unseen: Vec<_> = declares.difference(&watched).collect();
    assert!(unseen.is_empty(), "on /metrics, but neither on the dashboard nor in an alert: {unseen:?}");
}
