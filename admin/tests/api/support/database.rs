//! A separate database for each test.

use std::str::FromStr as _;

use admin::config::DatabaseConfig;
use admin::partitions::{AUDIT_LOG, LOGIN_HISTORY, keep};
use harness::{Database, Error};
use jiff::civil::Date;
use tokio_postgres::{Client, NoTls};

use super::store_url;

/// A database that is dropped with this value.
pub struct TestDatabase {
    /// Where it is.
    pub url: String,
    // Held for its end.
    _database: Database,
}

impl TestDatabase {
    /// Empty.
    pub async fn empty() -> Self {
        let database = Database::create(&store_url("TEST_DATABASE_URL")).await;
        Self::of(database.expect("a database can be created"))
    }

    /// With every migration applied.
    pub async fn migrated() -> Self {
        let migrate = async |url: &str| {
            admin::db::migrate(&config(url)).await.expect("the migrations apply");
            Ok(())
        };
        Self::copy_of("migrated", migrate).await
    }

    /// As after the first start of a service: also with the partitions of this month and the next ones.
    pub async fn kept() -> Self {
        let migrate = async |url: &str| {
            let config = config(url);
            admin::db::migrate(&config).await.expect("the migrations apply");
            let mut connection = admin::db::Db::new(&config).get().await.expect("a connection");
            let today = today(&connection).await;
            for table in [LOGIN_HISTORY, AUDIT_LOG] {
                keep(&mut connection, table, today).await.expect("partitions can be created");
            }
            Ok(())
        };
        Self::copy_of("kept", migrate).await
    }

    async fn copy_of(template: &str, migrate: impl AsyncFnOnce(&str) -> Result<(), Error>) -> Self {
        let database = Database::migrated(&store_url("TEST_DATABASE_URL"), template, migrate).await;
        Self::of(database.expect("a database can be created"))
    }

    fn of(database: Database) -> Self {
        Self { url: database.url().to_owned(), _database: database }
    }

    /// With the options that the service uses.
    pub fn config(&self) -> DatabaseConfig {
        config(&self.url)
    }
}

async fn today(sql: &Client) -> Date {
    let today = sql.query_one("select (now() at time zone 'utc')::date", &[]).await;
    today.expect("PostgreSQL knows the day").get(0)
}

fn config(url: &str) -> DatabaseConfig {
    let vars = std::collections::HashMap::from([("DATABASE_URL", url.to_owned())]);
    DatabaseConfig::from_vars(&vars).expect("the URL is valid")
}

/// A connection that lives as long as the client.
pub async fn connect(url: &str) -> Client {
    let config = tokio_postgres::Config::from_str(url).expect("it is a PostgreSQL URL");
    let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL for tests runs");
    tokio::spawn(connection);
    client
}
