//! A backup and its restore: the runbook of docs/operations.md, step by step.

use harness::http::get;
use harness::wait::until;
use harness::{Folder, Introspect, Launch, Postgres, Stack, database, programs};
use tokio_postgres::NoTls;
use url::Url;

use crate::people::{PASSWORD, Person, send};
use crate::support::{LIMIT, counter};

/// The database of a system, and the folder of its backups.
struct Kept {
    postgres: Postgres,
    folder: Folder,
}

impl Kept {
    async fn new() -> Self {
        let kept = Self { postgres: Postgres::start().await.unwrap(), folder: Folder::temporary().unwrap() };
        database::ensure(&kept.postgres.url(), "usher").await.unwrap();
        kept
    }

    fn url(&self) -> String {
        self.postgres.url_of("usher")
    }

    /// Runs one of PostgreSQL's programs on the database.
    fn run(&self, program: &str, args: &[&str]) {
        let url = Url::parse(&self.url()).unwrap();
        let port = url.port().unwrap().to_string();
        let at = ["--host=127.0.0.1", "--port", &port, "--username=postgres", "--dbname=usher"];
        let launch = Launch::new(program, programs::postgres(program).unwrap(), &self.folder);
        let launch =
            launch.args(at).args(args.iter().copied()).env([("PGPASSWORD", url.password().unwrap())]);
        launch.run("").unwrap();
    }

    fn file(&self) -> String {
        self.folder.join("usher.dump").display().to_string()
    }

    fn back_up(&self) {
        self.run("pg_dump", &["--format=custom", "--file", &self.file()]);
    }

    /// Drops the database and restores the backup into an empty one.
    async fn restore(&self) {
        let (client, connection) = tokio_postgres::connect(&self.postgres.url(), NoTls).await.unwrap();
        let asking = tokio::spawn(connection);
        client.batch_execute("drop database usher with (force)").await.unwrap();
        asking.abort();
        database::ensure(&self.postgres.url(), "usher").await.unwrap();
        self.run("pg_restore", &["--exit-on-error", "--no-owner", &self.file()]);
    }
}

/// The epoch of the log that a sidecar has read.
async fn epoch(sidecar: &Introspect) -> u64 {
    let page = get(&sidecar.ops("/metrics")).send().await.text;
    counter(&page, "usher_introspect_feed_epoch")
}

/// Waits until a sidecar reports that it has already read a later epoch, and is stale.
async fn is_stale(sidecar: &Introspect) {
    let told = async || {
        let health = send(get(&sidecar.ops("/health/ready"))).await.text;
        sidecar.process().log().contains("lower_epoch") && health.contains("\"state\":\"stale\"")
    };
    until("the sidecar is stale", LIMIT, told).await.unwrap();
}

#[tokio::test]
async fn a_restore_returns_the_backup_and_loses_later_changes() {
    let kept = Kept::new().await;
    let mut stack = Stack::builder().admin("DATABASE_URL", &kept.url()).start().await.unwrap();
    stack.admins[0].command(&["roles", "create", "subscriber", "--permission", "films:watch"], "").unwrap();
    let (person, rotated) = Person::signed_in(&stack).await;
    person.assign(&stack, "subscriber");
    let (untouched, signed_out) = (person.sign_in(&stack).await, person.sign_in(&stack).await);

    kept.back_up();
    let later_user = Person::register(&stack).await;
    let rotated = rotated.refresh(&stack).await;
    signed_out.sign_out(&stack).await;
    // The epoch of the log is now ahead of the backup, by more epochs than the restarted relay begins: one for each
    // of its starts after a kill, which follow shortly after admin's first answer.
    for _ in 0..4 {
        let before = epoch(&stack.sidecars[0]).await;
        stack.admins[0].kill().unwrap();
        stack.admins[0].start_again().await.unwrap();
        let read = async || epoch(&stack.sidecars[0]).await > before;
        until("the sidecar reads the next epoch", LIMIT, read).await.unwrap();
    }
    signed_out.is_refused(&stack, "the sign-out").await;

    // PostgreSQL and Redis lose their data.
    stack.admins[0].stop().await.unwrap();
    kept.restore().await;
    stack.redis.start_empty().await.unwrap();
    stack.admins[0].start_again().await.unwrap();
    is_stale(&stack.sidecars[0]).await;
    stack.sidecars[0].stop().await.unwrap();
    stack.sidecars[0].start_again().unwrap();
    stack.sidecars[0].ready().await.unwrap();

    untouched.is_let_in(&stack).await;
    let again = untouched.refresh(&stack).await;
    assert_eq!(again.get(&stack, "/api/v1/watch/").await.status, 200, "the role is there");
    // The token's generation is newer, by one, than the generation in the backup.
    rotated.refresh(&stack).await.is_let_in(&stack).await;
    assert_eq!(later_user.try_password(&stack, PASSWORD).await.code(), "invalid_credentials");
    // The case that the runbook warns of, and how it is repaired.
    signed_out.refresh(&stack).await.is_let_in(&stack).await;
    stack.admins[0].command(&["audit", "verify"], "").unwrap();
    stack.admins[0].command(&["sessions", "end-all", "--yes"], "").unwrap();
    again.is_refused(&stack, "everybody").await;
    person.sign_in(&stack).await.is_let_in(&stack).await;
}
