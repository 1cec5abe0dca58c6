//! Every rule on a wrong configuration: each `configurations/<rule>.conf` begins with the expected findings.
//!
//! The configurations are minimal, so that other rules find much in them; only the findings of the file's own
//! rule are compared. Whether nginx itself accepts them is not tested.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lint::lint;
use lint::rules::ALL;
use lint::way::{Protection, WayRow};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/configurations");

fn path(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join(format!("{name}.conf"))
}

/// The text of a file, with the empty line that nginx prints after it.
fn dump(path: &Path) -> String {
    std::fs::read_to_string(path).expect("each configuration is a file") + "\n"
}

#[test]
fn every_rule_finds_what_its_wrong_configuration_has() {
    for rule in ALL {
        let dump = dump(&path(rule.name));
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
        for finding in lint(&dump(&path(rule.name))).unwrap().findings {
            assert!(finding.problem.ends_with('.') && !finding.problem.contains('\n'), "{finding:?}");
        }
    }
}

/// Minimal equivalents of configurations that vouch, oauth2-proxy, authelia and authentik publish, with additions that harm nothing.
/// They have none of Usher's headers; what matters is that no way in them is open.
#[test]
fn published_configurations_have_no_open_way() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/published")).unwrap();
    for file in files.map(|entry| entry.unwrap().path()) {
        let outcome = lint(&dump(&file)).unwrap();
        let about_ways =
            |rule: &str| rule.starts_with("open-") || rule.starts_with("not-") || rule == "declared-in-vain";
        let alarms: Vec<_> = outcome.findings.iter().filter(|finding| about_ways(finding.rule)).collect();
        assert!(alarms.is_empty(), "{}: {alarms:?}", file.display());
        let asked = |way: &WayRow| matches!(way.protection, Protection::Asked { .. });
        assert!(outcome.ways.iter().any(asked), "{}", file.display());
    }
}

#[test]
fn a_large_map_and_a_large_site_are_read() {
    let entries: String = (0..250_000).map(|entry| format!("        /films/{entry} 1;\n")).collect();
    let locations: String = (0..1000)
        .map(|number| {
            format!(
                "        location /films/{number}/ {{\n            set $auth_policy \"user\";\n            auth_request /_introspect;\n            \
                 error_page 401 = @problem;\n            proxy_set_header X-Listed $listed;\n            proxy_pass http://127.0.0.1:8100;\n        }}\n"
            )
        })
        .collect();
    let dump = format!(
        "# configuration file /etc/nginx/nginx.conf:\nhttp {{\n    map $uri $listed {{\n{entries}    }}\n    server {{\n\
         location = /_introspect {{\n internal;\n proxy_pass http://unix:/run/introspect/auth.sock;\n }}\n\
         location @problem {{\n return 401;\n }}\n{locations}    }}\n}}\n\n"
    );
    let outcome = lint(&dump).unwrap();
    assert_eq!(outcome.protected, 1000);
    let asked = outcome.ways.iter().filter(|way| matches!(way.protection, Protection::Asked { .. }));
    assert!(asked.count() >= 1000);
}
