//! The tests that `.config/nextest.toml` names exist: an override for a test that was renamed would act on none.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use crate::workspace::{ROOT, files, shown};

/// `test(=path)` or `test(/^path::/)`.
static NAMED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"test\((=|/\^)([\w:]+?)(?:::)?/?\)").unwrap());

#[test]
fn every_test_of_an_override_exists() {
    let config = fs::read_to_string(ROOT.join(".config/nextest.toml")).unwrap();
    let filters: Vec<&str> = config.lines().filter(|line| line.starts_with("filter = ")).collect();
    let uses: usize = filters.iter().map(|filter| filter.matches("test(").count()).sum();
    let named: Vec<(bool, String)> = filters
        .iter()
        .flat_map(|filter| NAMED.captures_iter(filter))
        .map(|found| (&found[1] == "=", found[2].to_owned()))
        .collect();
    assert_eq!(named.len(), uses, "write a filter as test(=module::name) or test(/^module::/): {filters:?}");
    assert!(!named.is_empty());
    for (is_one, path) in named {
        let (module, name) = if is_one { path.rsplit_once("::").unwrap() } else { (path.as_str(), "") };
        assert!(exists(module, name), "no test {path}");
    }
}

/// Whether a file of tests has this module path, and this function if it is named.
fn exists(module: &str, name: &str) -> bool {
    let end = format!("/{}.rs", module.replace("::", "/"));
    let function = format!("fn {name}(");
    let is_it = |path: &PathBuf| {
        let shown = format!("/{}", shown(path));
        shown.contains("/tests/") && shown.ends_with(&end)
    };
    let has_it = |path: PathBuf| name.is_empty() || fs::read_to_string(path).unwrap().contains(&function);
    files(&ROOT).into_iter().filter(is_it).any(has_it)
}
