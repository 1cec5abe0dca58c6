//! A separate database for each test.

use std::str::FromStr as _;

use admin::config::DatabaseConfig;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::store_url;

/// A database that is dropped with this value.
pub struct TestDatabase {
    /// Where it is.
    pub url: String,
    name: String,
}

impl TestDatabase {
    /// Empty.
    pub async fn empty() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let server = connect(&store_url("TEST_DATABASE_URL")).await;
        server.batch_execute(&format!("create database {name}")).await.expect("a database can be made");
        let mut url = url::Url::parse(&store_url("TEST_DATABASE_URL")).expect("TEST_DATABASE_URL is a URL");
        url.set_path(&name);
        Self { url: url.to_string(), name }
    }

    /// With every migration applied.
    pub async fn migrated() -> Self {
        let database = Self::empty().await;
        admin::db::migrate(&database.config()).await.expect("the migrations apply");
        database
    }

    /// With the options that the service uses.
    pub fn config(&self) -> DatabaseConfig {
        let vars = std::collections::HashMap::from([("DATABASE_URL", self.url.clone())]);
        DatabaseConfig::from_vars(&vars).expect("the URL is good")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("drop database if exists {} with (force)", self.name);
        // Dropping cannot wait, and the test's runtime may be ending: another thread with a runtime of its
        // own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let server = connect(&store_url("TEST_DATABASE_URL")).await;
                server.batch_execute(&drop).await.expect("the database can be dropped");
            });
        });
        let _left_behind = dropping.join();
    }
}

/// A connection that lives as long as the client.
pub async fn connect(url: &str) -> Client {
    let config = tokio_postgres::Config::from_str(url).expect("it is a PostgreSQL URL");
    let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL for tests runs");
    tokio::spawn(connection);
    client
}
