//! docs/requirements.md names only files and tests that exist, and counts its own rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use regex::Regex;

use crate::workspace::{ROOT, files};

/// `| PW-1 | requirement | source | status | where | tests |`.
static ROW: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^\| ([A-Z]+)-([0-9]+) \|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|([^|\n]+)\|$")
        .unwrap()
});
/// A text in backquotes.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new("`([^`]+)`").unwrap());
/// The name of a test, with the attributes before it.
static TEST: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn (\w+)\(").unwrap()
});

/// A row of a table.
struct Requirement {
    group: String,
    number: usize,
    status: String,
    /// The files that it names.
    paths: Vec<String>,
    tests: Vec<String>,
}

#[test]
fn every_file_and_test_of_a_requirement_exists() {
    let tests = tests();
    let mut wrong = Vec::new();
    for Requirement { group, number, status, paths, tests: named } in requirements(&document()) {
        let missing = paths.iter().filter(|path| !ROOT.join(path).exists());
        wrong.extend(missing.map(|path| format!("{group}-{number}: no file {path}")));
        let unknown = named.iter().filter(|name| !tests.contains(*name));
        wrong.extend(unknown.map(|name| format!("{group}-{number}: no test {name}")));
        if status == "met" && paths.is_empty() {
            wrong.push(format!("{group}-{number}: met, and names no file"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn requirements_are_numbered_and_counted() {
    let document = document();
    let requirements = requirements(&document);
    let lines = document.lines().filter(|line| line.starts_with("| ") && line.matches('|').count() == 7);
    // A head for each table.
    let heads = document.matches("| | requirement | source | status |").count();
    assert_eq!(requirements.len() + heads, lines.count(), "a row has another form");

    let mut last = BTreeMap::new();
    let mut of_status = BTreeMap::new();
    for Requirement { group, number, status, .. } in requirements {
        assert_eq!(number, last.insert(group.clone(), number).unwrap_or(0) + 1, "{group}-{number}");
        *of_status.entry(status).or_insert(0_usize) += 1;
    }
    let count = |status| of_status.remove(status).unwrap_or(0);
    let [met, partly, not_met] = ["met", "partly", "not met"].map(count);
    let sentence = format!("**{met} met, {partly} partly, {not_met} not met.**");
    assert!(document.contains(&sentence), "the page must say: {sentence}");
    assert!(of_status.is_empty(), "no status: {of_status:?}");
}

fn document() -> String {
    fs::read_to_string(ROOT.join("docs/requirements.md")).unwrap()
}

fn requirements(document: &str) -> Vec<Requirement> {
    let rows = ROW.captures_iter(document).map(|row| {
        let [group, number, _, _, status, places, tests] = row.extract().1;
        Requirement {
            group: group.to_owned(),
            number: number.parse().unwrap(),
            status: status.trim().to_owned(),
            paths: quoted(places).into_iter().filter(|text| is_path(text)).collect(),
            tests: quoted(tests),
        }
    });
    rows.collect()
}

fn quoted(cell: &str) -> Vec<String> {
    QUOTED.captures_iter(cell).map(|found| found[1].to_owned()).collect()
}

/// A path from the root; a path of the API begins with `/`, and a command has spaces.
fn is_path(text: &str) -> bool {
    text.contains('/') && !text.starts_with('/') && !text.contains(' ')
}

/// The names of all tests of the repository.
fn tests() -> BTreeSet<String> {
    let is_code = |path: &PathBuf| path.extension().is_some_and(|end| end == "rs");
    let texts = files(&ROOT).into_iter().filter(is_code).map(|path| fs::read_to_string(path).unwrap());
    texts
        .flat_map(|text| TEST.captures_iter(&text).map(|found| found[1].to_owned()).collect::<Vec<_>>())
        .collect()
}
