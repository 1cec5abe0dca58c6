//! Redis watched by sentinels: after a failover to another master, revoked users stay revoked.

use std::fmt::Write as _;

use harness::wait::until;
use harness::{Folder, Launch, Process, Redis, Stack, ports, programs};

use crate::people::Person;
use crate::support::LIMIT;

/// A master, its replica, and three sentinels that watch them.
struct Watched {
    master: Redis,
    replica: Redis,
    sentinels: Vec<(u16, Process)>,
    // Held so that the processes end with the test.
    _folders: Vec<Folder>,
}

impl Watched {
    async fn start() -> Self {
        let (master, replica) = (Redis::start().await.unwrap(), Redis::start().await.unwrap());
        let follow = format!("REPLICAOF 127.0.0.1 {}", master.port());
        assert_eq!(replica.command(&follow).unwrap(), "+OK");
        let (mut sentinels, mut folders) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (folder, port) = (Folder::temporary().unwrap(), ports::free().unwrap());
            sentinels.push((port, sentinel(&folder, port, master.port())));
            folders.push(folder);
        }
        let watched = Self { master, replica, sentinels, _folders: folders };
        // Until they know each other they cannot agree on a failover.
        let known = async || watched.sentinels.iter().all(|(port, _)| knows(*port));
        until("the sentinels know all", LIMIT, known).await.unwrap();
        watched
    }

    /// For `REDIS_SENTINELS`; no sentinel listens on the first address.
    fn addresses(&self) -> String {
        let mut list = format!("127.0.0.1:{}", ports::free().unwrap());
        for (port, _) in &self.sentinels {
            write!(list, ",127.0.0.1:{port}").unwrap();
        }
        list
    }
}

fn sentinel(folder: &Folder, port: u16, master: u16) -> Process {
    let config = format!(
        "port {port}\nbind 127.0.0.1\nsentinel monitor cinema 127.0.0.1 {master} 2\n\
         sentinel down-after-milliseconds cinema 500\nsentinel failover-timeout cinema 3000\n"
    );
    let config = folder.write("sentinel.conf", &config).unwrap();
    let program = programs::installed("redis-server", "redis-server").unwrap();
    let launch = Launch::new("sentinel", program, folder);
    launch.args([config.into_os_string(), "--sentinel".into()]).start().unwrap()
}

/// Whether the sentinel answers and knows the replica and both other sentinels.
fn knows(port: u16) -> bool {
    let client = std::process::Command::new("redis-cli")
        .args(["-p", &port.to_string(), "sentinel", "master", "cinema"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&client.stdout).into_owned();
    let lines: Vec<_> = told.lines().collect();
    let is = |name: &str, value: &str| lines.windows(2).any(|pair| pair == [name, value]);
    is("num-slaves", "1") && is("num-other-sentinels", "2")
}

#[tokio::test]
async fn a_new_master_has_earlier_revocations_and_gets_later_ones() {
    let mut watched = Watched::start().await;
    let addresses = watched.addresses();
    let mut builder = Stack::builder();
    for (name, value) in [("REDIS_URL", ""), ("REDIS_SENTINELS", &*addresses), ("REDIS_MASTER", "cinema")] {
        builder = builder.admin(name, value).sidecar(name, value);
    }
    let stack = builder.start().await.unwrap();
    let (person, before) = Person::signed_in(&stack).await;
    let (signed_in, after) = (person.sign_in(&stack).await, person.sign_in(&stack).await);
    before.sign_out(&stack).await;
    before.is_refused(&stack, "a sign-out with the first master").await;

    watched.master.kill().unwrap();
    after.sign_out(&stack).await;
    after.is_refused(&stack, "a sign-out while there is no master").await;
    before.is_refused(&stack, "a token that was revoked before").await;
    signed_in.is_let_in(&stack).await;

    let written = watched.replica.command("SET usher:probe 1").unwrap();
    assert_eq!(written, "+OK", "the replica has become the master");
    // With one more sentinel down, the remaining ones are asked.
    watched.sentinels[0].1.kill().unwrap();
    let mut new_sidecar = stack.another_sidecar().unwrap();
    new_sidecar.ready().await.unwrap();
    signed_in.sign_out(&stack).await;
    signed_in.is_refused(&stack, "a sign-out with the second master").await;
}
