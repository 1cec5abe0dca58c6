//! `services -- COMMAND`, which every run of the tests goes through.

use std::process::{Command, Output};

use stack::programs;

/// Runs a line of shell with stores of its own.
fn run(line: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(programs::ours("stack").unwrap());
    command.arg("services").arg("--state").arg(folder.path().join("state"));
    command.arg("--env-file").arg(folder.path().join("services.env")).args(["--", "sh", "-c", line]);
    // Root's servers run as somebody else, who has to get to the state inside.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder.path(), open).unwrap();
    command.output().unwrap()
}

#[test]
fn the_command_is_told_where_the_stores_are_and_its_exit_code_counts() {
    let output = run("echo $TEST_DATABASE_URL $TEST_REDIS_URL; exit 7");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.starts_with("postgres://") && told.contains(" redis://"), "{output:?}");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn a_process_that_is_left_behind_is_named_ended_and_a_failure() {
    let output = run("setsid sleep 1234 & exit 0");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("left sleep"), "{output:?}");
}
