//! `services -- COMMAND`, the command that runs all tests.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use harness::procfs::{self, Identity};
use harness::programs;
use harness::wait::until;
use rustix::process::Signal;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

/// Runs a shell command with its own stores.
fn run(line: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(&folder, line).output().unwrap()
}

fn command(folder: &TempDir, line: &str) -> Command {
    let mut command = Command::new(programs::ours("launcher").unwrap());
    command.arg("services").arg("--state").arg(folder.path().join("state"));
    command.arg("--env-file").arg(folder.path().join("services.env")).args(["--", "sh", "-c", line]);
    // If root starts the servers, they run as another user, who needs access to the state folder.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(folder.path(), open).unwrap();
    command
}

#[test]
fn the_command_gets_the_store_addresses_and_its_exit_code_is_returned() {
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

/// Waits for the first line that the command prints, and returns the running processes.
fn first_line_of(child: &mut Child) -> Vec<Identity> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    procfs::descendants(child.id())
}

async fn are_gone(processes: &[Identity]) {
    let gone = async || processes.iter().all(|process| !process.is_running());
    until("the end of all of it", LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn a_signal_ends_the_command_its_children_and_the_stores() {
    for signal in [Signal::TERM, Signal::HUP] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(&folder, "sleep 1234 & echo; wait");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let all = first_line_of(&mut child);
        Identity::of(child.id()).unwrap().signal(signal);
        are_gone(&all).await;
        assert!(!child.wait().unwrap().success());
    }
}

#[tokio::test]
async fn all_processes_of_a_killed_script_are_ended() {
    let folder = tempfile::tempdir().unwrap();
    let services = command(&folder, "echo; exec sleep 1234");
    // The second command keeps the shell from becoming the first.
    let mut script = Command::new("sh");
    script.args(["-c", "\"$@\"; true", "sh"]).arg(services.get_program()).args(services.get_args());
    let mut script = script.stdout(Stdio::piped()).spawn().unwrap();
    let all = first_line_of(&mut script);
    script.kill().unwrap();
    script.wait().unwrap();
    are_gone(&all).await;
}
