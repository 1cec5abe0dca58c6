//! `origin`, the cinema behind the gateway.

use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use harness::programs;
use harness::wait::until;
use rustix::process::{Pid, Signal, kill_process};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_signal_stops_the_origin_which_ends_by_itself() {
    for signal in [Signal::TERM, Signal::INT] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("origin.sock");
        let mut command = Command::new(programs::ours("launcher").unwrap());
        let mut origin = command.args(["origin", "--listen"]).arg(&socket).spawn().unwrap();
        until("the origin", LIMIT, async || UnixStream::connect(&socket).is_ok()).await.unwrap();
        kill_process(Pid::from_child(&origin), signal).unwrap();
        // Not by the signal, which the first process of a container would ignore.
        assert_eq!(origin.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}
