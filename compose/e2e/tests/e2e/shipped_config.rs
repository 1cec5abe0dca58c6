//! What every change of the shipped nginx files must keep and `introspect lint-nginx` cannot check: which locations
//! are public, and rules that are stricter than for other sites. Its own rules are tested in `lint_nginx.rs`.

use std::fs;
use std::path::{Path, PathBuf};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nginx");

/// The locations of the cinema that require no token.
const PUBLIC: [&str; 1] = ["/api/v1/genres/"];

/// A location: what it matches, and its directives, one a line.
struct Location {
    matches: String,
    directives: Vec<String>,
}

impl Location {
    fn includes(&self, snippet: &str) -> bool {
        self.directives.contains(&format!("include snippets/{snippet}.conf;"))
    }

    fn begins(&self, directive: &str) -> usize {
        self.directives.iter().filter(|line| line.starts_with(directive)).count()
    }
}

fn conf_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { conf_files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "conf")).collect()
}

fn directives(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// The locations of a file, and the directives outside them.
fn locations(path: &Path) -> (Vec<Location>, Vec<String>) {
    let (mut locations, mut outside, mut depth) = (Vec::<Location>::new(), Vec::new(), 0);
    for line in directives(path) {
        match (depth, line.strip_prefix("location ").and_then(|rest| rest.strip_suffix(" {"))) {
            (0, Some(matches)) => {
                locations.push(Location { matches: matches.to_owned(), directives: Vec::new() });
                depth = 1;
            }
            (0, None) => outside.push(line),
            (_, _) => {
                depth += line.matches('{').count();
                depth -= line.matches('}').count();
                locations.last_mut().unwrap().directives.push(line);
            }
        }
    }
    (locations, outside)
}

#[test]
fn a_protected_location_sets_its_policy_in_its_own_block_and_nothing_acts_before() {
    let (locations, outside) = locations(&Path::new(SHIPPED).join("cinema.conf"));
    assert!(outside.iter().all(|line| !line.contains("$auth_policy")), "a policy of the whole server");
    let protected: Vec<_> = locations.iter().filter(|location| location.includes("protect")).collect();
    assert!(protected.len() >= 3);
    for location in protected {
        assert_eq!(location.begins("set $auth_policy "), 1, "{}", location.matches);
        for early in ["return", "if ", "rewrite", "auth_request_set", "error_page"] {
            assert_eq!(location.begins(early), 0, "{early} in {}", location.matches);
        }
    }
}

#[test]
fn every_location_of_the_cinema_is_protected_or_listed_as_public() {
    let (locations, _) = locations(&Path::new(SHIPPED).join("cinema.conf"));
    for location in locations.iter().filter(|location| location.includes("origin")) {
        let known = PUBLIC.contains(&location.matches.as_str());
        assert!(location.includes("protect") != known, "{}", location.matches);
    }
}

#[test]
fn requests_are_passed_on_only_with_the_headers_of_proxy_conf() {
    let mut passes = 0;
    for file in conf_files(Path::new(SHIPPED)) {
        let lines = directives(&file);
        // The subrequest to the sidecar has its own, shorter list.
        if lines.iter().any(|line| line.starts_with("proxy_pass ")) && !file.ends_with("introspect.conf") {
            passes += 1;
            assert!(lines.contains(&"include snippets/proxy.conf;".to_owned()), "{}", file.display());
        }
    }
    assert_eq!(passes, 2, "origin.conf and admin.conf");
}

#[test]
fn the_subrequest_to_the_sidecar_carries_no_header_of_the_client() {
    let lines = directives(&Path::new(SHIPPED).join("snippets/introspect.conf"));
    assert!(lines.contains(&"proxy_pass_request_headers off;".to_owned()));
}
