//! The servers that `up` has started: which have ended, and how they stop.

use std::path::Path;
use std::time::Duration;

use harness::nginx::Nginx;
use harness::{Admin, Error, Folder, Introspect, MailCatcher, Origin, Postgres, Process, Providers, Redis};

/// How often it is checked whether a server ended.
const LOOK: Duration = Duration::from_millis(500);

/// Everything that runs, in the order in which it must be dropped.
pub(super) struct Running {
    pub(super) nginx: Nginx,
    pub(super) origin: Origin,
    pub(super) introspect: Introspect,
    pub(super) admin: Admin,
    /// The address of the console.
    pub(super) console: String,
    pub(super) providers: Providers,
    pub(super) mail: MailCatcher,
    pub(super) redis: Redis,
    pub(super) postgres: Postgres,
    // Held so that the folder is removed at the end.
    pub(super) _sockets: Folder,
}

impl Running {
    fn processes(&self) -> [(&'static str, &Process); 8] {
        [
            ("nginx", self.nginx.process()),
            ("the cinema", self.origin.process()),
            ("introspect", self.introspect.process()),
            ("admin", self.admin.process()),
            ("providers", self.providers.process()),
            ("the mail server", self.mail.process()),
            ("Redis", self.redis.process()),
            ("PostgreSQL", self.postgres.process()),
        ]
    }

    /// The ids of the servers' processes; none for a server that has ended.
    pub(super) fn pids(&self) -> [(&'static str, String); 8] {
        [
            ("NGINX_PID", self.nginx.process()),
            ("ORIGIN_PID", self.origin.process()),
            ("INTROSPECT_PID", self.introspect.process()),
            ("ADMIN_PID", self.admin.process()),
            ("PROVIDERS_PID", self.providers.process()),
            ("MAIL_PID", self.mail.process()),
            ("REDIS_PID", self.redis.process()),
            ("POSTGRES_PID", self.postgres.process()),
        ]
        .map(|(name, process)| {
            (name, process.identity().map(|identity| identity.pid.to_string()).unwrap_or_default())
        })
    }

    /// Reports each server that has ended, once. The others keep running: a user may have killed the server to
    /// see their reaction.
    pub(super) async fn watch(&self) {
        let mut reported = Vec::new();
        loop {
            for (name, process) in self.processes() {
                if !process.is_running() && !reported.contains(&name) {
                    eprintln!("{name} has ended; its log: {}", shown(&process.launch().log));
                    reported.push(name);
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) async fn stop(&mut self) -> Result<(), Error> {
        self.nginx.stop().await?;
        self.origin.stop().await?;
        self.introspect.stop().await?;
        self.admin.stop().await?;
        self.providers.stop().await?;
        self.mail.stop().await?;
        self.redis.stop().await?;
        self.postgres.stop().await
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
