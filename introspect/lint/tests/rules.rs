//! Every rule on a wrong configuration: each `configurations/<rule>.conf` begins with the expected findings.
//!
//! The configurations are minimal, so that other rules find much in them; only the findings of the file's own
//! rule are compared. Whether nginx itself accepts them is not tested.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lint::lint;
use lint::rules::ALL;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configurations");

fn path(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("{name}.conf"))
}

#[test]
fn every_rule_finds_what_its_wrong_configuration_has() {
    for rule in ALL {
        let dump = std::fs::read_to_string(path(rule.name)).unwrap();
        let expected = dump.lines().next().unwrap().strip_prefix("# expect: ").unwrap();
        let found = lint(&dump).unwrap().findings.into_iter().filter(|finding| finding.rule == rule.name);
        let found: Vec<_> = found.map(|finding| format!("{}:{}", finding.rule, finding.line)).collect();
        assert_eq!(found.join(" "), expected, "{}", rule.name);
    }
}

#[test]
fn every_wrong_configuration_is_a_rule_s() {
    let files = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let files: BTreeSet<_> = files.collect();
    let rules: BTreeSet<_> = ALL.iter().map(|rule| path(rule.name)).collect();
    assert_eq!(files, rules);
}

#[test]
fn a_finding_is_one_line_that_ends_with_a_full_stop() {
    for rule in ALL {
        for finding in lint(&std::fs::read_to_string(path(rule.name)).unwrap()).unwrap().findings {
            assert!(finding.problem.ends_with('.') && !finding.problem.contains('\n'), "{finding:?}");
        }
    }
}
