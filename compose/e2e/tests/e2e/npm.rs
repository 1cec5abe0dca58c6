//! Packages that tests need from npm: installed once, below the target folder, exactly as their lock files say.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use harness::programs;

/// The folder of the packages of `tests/NAME`. Installs them when they are missing or differ from the lock file.
pub(crate) fn packages(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    // Each test is a process of its own: the first installs, and the others wait for it.
    let guard = File::create(folder.join("guard")).unwrap();
    guard.lock().unwrap();
    let source = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join(file);
    let (wanted, done) = (fs::read(source("package-lock.json")).unwrap(), folder.join("installed.json"));
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    harness::folder::absent(&done).unwrap();
    for file in ["package.json", "package-lock.json", ".npmrc"] {
        fs::copy(source(file), folder.join(file)).unwrap();
    }
    // The environment is passed on purposefully: it names this machine's registry and proxy.
    let npm = std::process::Command::new(installed("npm"))
        .args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&npm.stderr);
    assert!(npm.status.success(), "npm cannot install the packages of compose/e2e/tests/{name}:\n{said}");
    fs::write(done, wanted).unwrap();
    folder
}

/// A program of Node.js.
pub(crate) fn installed(program: &str) -> PathBuf {
    let found = programs::installed(program, "nodejs").ok();
    found.unwrap_or_else(|| panic!("no {program}: install the packages nodejs (18 or newer) and npm"))
}
