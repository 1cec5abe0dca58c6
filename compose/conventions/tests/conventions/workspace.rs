//! Finds the crates and the other files of the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// The roots of a crate: its library, its programs, or both.
#[derive(Debug)]
pub(crate) struct Package {
    /// The name in `Cargo.toml`.
    pub(crate) name: String,
    /// `lib.rs`, if there is one.
    pub(crate) library: Option<PathBuf>,
    /// Each `main.rs`.
    pub(crate) programs: Vec<PathBuf>,
}

/// The folder of the repository; tests run in the folder of their crate.
pub(crate) static ROOT: LazyLock<PathBuf> = LazyLock::new(|| Path::new("../..").canonicalize().unwrap());

/// Every crate of the workspace that has code besides tests.
pub(crate) fn packages() -> Vec<Package> {
    let arguments = ["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(&*ROOT).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages: Vec<_> = metadata["packages"].as_array().unwrap().iter().map(package).collect();
    let has_code = |package: &Package| package.library.is_some() || !package.programs.is_empty();
    packages.into_iter().filter(has_code).collect()
}

/// The path from the repository's root, as a document would write it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(&*ROOT).unwrap_or(path).display().to_string()
}

/// Every file of the repository in `folder`, except those of git and of builds.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let is_made = [".git", "target", "node_modules"].iter().any(|made| name == *made);
        match entry.file_type().unwrap() {
            _ if is_made => {}
            kind if kind.is_dir() => found.extend(files(&entry.path())),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

fn package(metadata: &Value) -> Package {
    let targets = metadata["targets"].as_array().unwrap();
    let of_kind = |kind: &str| -> Vec<PathBuf> {
        let is = |target: &&Value| target["kind"].as_array().unwrap().iter().any(|have| have == kind);
        targets.iter().filter(is).map(|target| target["src_path"].as_str().unwrap().into()).collect()
    };
    Package {
        name: metadata["name"].as_str().unwrap().to_owned(),
        library: of_kind("lib").pop(),
        programs: of_kind("bin"),
    }
}
