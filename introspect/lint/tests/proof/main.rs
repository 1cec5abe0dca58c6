//! The proof of the model: no way that a real nginx leaves open may be called closed.
//!
//! A generator makes configurations. nginx runs each of them in front of an origin and of a sidecar that allows nothing, so that
//! each request that reaches the origin came by an open way; the linter must have called this way open. Then each rule of the model
//! is taken out in turn, and some of these ways must be missing: the model has no rule that it does not need.
//!
//! A hundred configurations by default. For more, or for others:
//! `TEST_LINT_CONFIGURATIONS=5000 TEST_LINT_SEED=7 cargo nextest run -p lint -E 'test(proof)'`; another nginx is the first of `PATH`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do; clippy knows only the functions marked as tests"
)]

mod gateway;
mod grammar;
mod leaks;
mod parts;
mod programs;
mod random;

use std::collections::BTreeSet;

use lint::lint_with;
use lint::model::rule::{ModelRule, RuleSet};
use lint::way::Protection;

use crate::gateway::{Observed, observe};

/// How many configurations are tried by default.
const CONFIGURATIONS: usize = 100;

/// How many show each rule to be needed, whatever the seed.
const ENOUGH: usize = 500;

/// Repeats the same configurations.
const SEED: u64 = 2;

fn number(name: &str) -> Option<u64> {
    harness::environment::variable(name)?.parse().ok()
}

/// The open ways that the model does not call open.
fn missed(observed: &Observed, rules: RuleSet) -> BTreeSet<usize> {
    let dump = format!("# configuration file /nginx.conf:\n{}\n", observed.text);
    let outcome = lint_with(&dump, rules).unwrap();
    let lines: Vec<_> = observed.text.lines().collect();
    let is_open = |way: &usize| {
        let end = format!("# way {way}");
        let line = lines.iter().position(|line| line.ends_with(&end)).unwrap() + 1;
        let mut rows = outcome.ways.iter().filter(|row| row.line == line);
        rows.any(|row| matches!(row.protection, Protection::Open | Protection::Declared(_)))
    };
    observed.open.iter().copied().filter(|way| !is_open(way)).collect()
}

#[tokio::test]
async fn nothing_that_nginx_leaves_open_is_called_closed() {
    let count = number("TEST_LINT_CONFIGURATIONS").map_or(CONFIGURATIONS, |count| count as usize);
    let all = observe(number("TEST_LINT_SEED").unwrap_or(SEED), count).await;
    let mut called_open = (0, 0);
    for observed in &all {
        let missed = missed(observed, RuleSet::ALL);
        assert!(missed.is_empty(), "{missed:?} of\n{}", observed.text);
        let dump = format!("# configuration file /nginx.conf:\n{}\n", observed.text);
        let outcome = lint_with(&dump, RuleSet::ALL).unwrap();
        let is_found = outcome.findings.iter().any(|finding| finding.rule.starts_with("open-"));
        assert!(is_found || observed.open.is_empty(), "{}", observed.text);
        called_open.0 += usize::from(is_found);
        called_open.1 += usize::from(!observed.open.is_empty());
    }
    let ways: usize = all.iter().map(|observed| observed.open.len()).sum();
    println!(
        "{count} configurations, {ways} open ways; {} called open, {} seen open",
        called_open.0, called_open.1
    );
    let modules = gateway::modules();
    let can_occur = |rule: &ModelRule| match rule {
        ModelRule::Stream => modules.stream,
        ModelRule::AddBody | ModelRule::BodyOfAnyStatus => modules.addition,
        _ => true,
    };
    let is_caught = |rule: &ModelRule| {
        all.iter().any(|observed| !missed(observed, RuleSet::ALL.without(*rule)).is_empty())
    };
    let needed = ModelRule::ALL.into_iter().filter(can_occur);
    let idle: Vec<_> = needed.filter(|rule| !is_caught(rule)).collect();
    // A hundred configurations of another seed may lack a way that one rule alone knows.
    let is_enough = number("TEST_LINT_SEED").is_none() || count >= ENOUGH;
    assert!(idle.is_empty() || !is_enough, "nothing shows that the model needs {idle:?}");
    println!("rules that these configurations do not show to be needed: {idle:?}");
}
