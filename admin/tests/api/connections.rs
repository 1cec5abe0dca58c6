//! Strangers keep every connection open: others are served all the same, and health and operators too.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use harness::http::Client;
use tokio::net::UnixStream;
use tokio::process::Command;

use crate::support::{TestDatabase, prefix, until, variables};

#[tokio::test]
async fn connections_that_are_kept_open_give_way_to_new_ones() {
    let database = TestDatabase::migrated().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    let (api, ops) = (folder.path().join("api.sock"), folder.path().join("ops.sock"));
    let mut vars = variables(&database.url, &prefix());
    vars.insert("ADMIN_LISTEN", format!("unix:{}", api.display()));
    vars.insert("ADMIN_OPS_LISTEN", format!("unix:{}", ops.display()));
    // So few files that only some tens of connections are kept.
    let mut program = Command::new("/bin/sh");
    program.args(["-c", "ulimit -n 240; exec \"$0\" serve", env!("CARGO_BIN_EXE_admin")]);
    program.env_clear().envs(&vars).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let running = program.spawn().expect("the program starts");
    let (client, operator) = (Client::over(&api), Client::over(&ops));
    let is_ready =
        async || operator.get("/health/ready").try_send().await.is_ok_and(|ready| ready.status == 200);
    until("it is ready", async || is_ready().await.then_some(())).await;

    let mut kept = Vec::new();
    for _ in 0..300 {
        kept.push(UnixStream::connect(&api).await.unwrap());
    }
    client.get("/.well-known/jwks.json").send().await.expect(200);
    assert!(is_ready().await);
    let metrics = operator.get("/metrics").send().await.expect(200).text;
    let closed = metrics
        .lines()
        .find_map(|line| line.strip_prefix("usher_admin_connections_closed_for_others_total "));
    assert!(closed.is_some_and(|closed| closed.parse::<u32>().unwrap() > 200), "{metrics}");

    let pid = rustix::process::Pid::from_raw(running.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let log = running.wait_with_output().await.unwrap();
    let log = String::from_utf8(log.stderr).unwrap();
    assert_eq!(log.matches("All connections are in use").count(), 1, "{log}");
    assert!(!log.contains("accept failed"), "{log}");
}
