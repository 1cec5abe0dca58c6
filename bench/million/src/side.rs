//! One of the two databases, with its admin and the users of this run.

use std::time::{Duration, Instant};

use harness::accounts::{PASSWORD, Pair};
use harness::admin::AdminSettings;
use harness::http::Client;
use harness::wait::Pauses;
use harness::{Admin, Folder, Postgres, Redis, database};
use serde_json::json;
use tokio::sync::Mutex;
use tokio_postgres::NoTls;

use crate::failure::BenchError;

/// How long the relay may take to publish what was inserted.
const PUBLISHED: Duration = Duration::from_secs(120);

/// A database, its admin, an operator and a viewer.
pub(crate) struct Side {
    pub(crate) client: Client,
    /// A superuser, who signed in just now.
    pub(crate) operator: String,
    /// The first tokens of a user.
    pub(crate) viewer: Pair,
    /// The newest refresh token of a further session of that user.
    pub(crate) refresh: Mutex<String>,
    /// The path of the last page of that user's login history.
    pub(crate) last_page: String,
    /// That user.
    pub(crate) user: String,
    url: String,
    _admin: Admin,
}

const FIRST_PAGE: &str = "/api/v1/me/login-history?limit=100";

/// The master key of this run, which ends with it.
const MASTER_KEYS: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";

impl Side {
    /// Creates and migrates a database, and starts an admin for it.
    pub(crate) async fn start(postgres: &Postgres, redis: &Redis, name: &str) -> Result<Self, BenchError> {
        database::ensure(&postgres.url(), name).await?;
        let url = postgres.url_of(name);
        let settings = AdminSettings {
            database: url.clone(),
            redis: redis.url(),
            master_keys: MASTER_KEYS.to_owned(),
            issuer: "https://cinema.example".to_owned(),
            audience: "cinema".to_owned(),
            // Nothing that is measured here is to be limited.
            env: vec![("ADMIN_REGISTRATION".to_owned(), "open".to_owned())],
            port: 0,
            ops_port: 0,
            migrate: true,
            ledger: None,
        };
        let admin = Admin::start(&settings, Folder::temporary()?).await?;
        admin.command(&["superuser", "create", "root@example.org"], &format!("{PASSWORD}\n"))?;
        let client = Client::new(&admin.url(""));
        let operator = client.sign_in("root@example.org").await.access;
        let viewer = client.new_user("viewer@example.org").await;
        let refresh = Mutex::new(client.sign_in("viewer@example.org").await.refresh);
        let user = client.get("/api/v1/me").bearer(&viewer.access).send().await.expect(200).field("/user_id");
        let last_page = FIRST_PAGE.to_owned();
        Ok(Self { client, operator, viewer, refresh, last_page, user, url, _admin: admin })
    }

    /// A connection to the database.
    pub(crate) async fn sql(&self) -> Result<tokio_postgres::Client, BenchError> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Waits until the relay has published all revocations, so that it does not work while times are measured.
    pub(crate) async fn await_published(&self) -> Result<(), BenchError> {
        let (sql, begun, mut pauses) = (self.sql().await?, Instant::now(), Pauses::default());
        let left = "select count(*) from auth.revocations where published_epoch is null";
        while sql.query_one(left, &[]).await?.try_get::<_, i64>(0)? > 0 {
            if begun.elapsed() > PUBLISHED {
                return Err("the revocations were not published in time".into());
            }
            pauses.pause().await;
        }
        Ok(())
    }

    /// Proves the operator's password again: what operators do needs a recent proof.
    ///
    /// # Errors
    ///
    /// If the answer has no token.
    pub(crate) async fn renew(&mut self) -> Result<(), BenchError> {
        let body = json!({ "password": PASSWORD });
        let call = self.client.post("/api/v1/auth/reauthenticate").bearer(&self.operator).json(&body);
        let reply = call.send().await;
        let token = reply.field("/access_token");
        if token.is_empty() {
            return Err(
                format!("the operator's password was not accepted: {} {}", reply.status, reply.text).into()
            );
        }
        self.operator = token;
        Ok(())
    }

    /// Walks to the last page of the viewer's login history.
    pub(crate) async fn find_last_page(&mut self) {
        loop {
            let page = self.client.get(&self.last_page).bearer(&self.viewer.access).send().await.expect(200);
            match page.field("/next_cursor") {
                cursor if cursor.is_empty() => return,
                cursor => self.last_page = format!("{FIRST_PAGE}&cursor={cursor}"),
            }
        }
    }
}
