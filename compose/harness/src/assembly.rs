//! The whole system, for the end-to-end tests.

use crate::admin::{self, Admin};
use crate::introspect::{self, Introspect};
use crate::mail::{MailCatcher, MailSettings};
use crate::nginx::{Machine, Nginx};
use crate::ports::Reserved;
use crate::providers::{self, Providers};
use crate::{Database, Error, Folder, Origin, Postgres, Redis, environment, random};

/// The issuer of a system under test.
pub const ISSUER: &str = "https://usher.test";

/// The audience of a system under test.
pub const AUDIENCE: &str = "cinema";

/// Chooses what differs from the default: one admin, one sidecar, a database on the shared server.
#[derive(Debug, Clone)]
pub struct Builder {
    admins: usize,
    sidecars: usize,
    own_postgres: bool,
    has_providers: bool,
    has_mail: bool,
    admin_env: Vec<(String, String)>,
    sidecar_env: Vec<(String, String)>,
    nginx_http: String,
    nginx_server: String,
}

/// A running system. Dropping it ends everything.
///
/// The fields are public, and in the order in which they must be dropped: each before its dependencies.
#[derive(Debug)]
pub struct Stack {
    /// The gateway.
    pub nginx: Nginx,
    /// The cinema.
    pub origin: Origin,
    /// The sidecars; nginx sends requests to all of them in turn.
    pub sidecars: Vec<Introspect>,
    /// The admins; nginx sends requests to all of them in turn.
    pub admins: Vec<Admin>,
    /// The mock identity providers, if requested.
    pub providers: Option<Providers>,
    /// The mail server that keeps every mail, if requested.
    pub mail: Option<MailCatcher>,
    /// The Redis of this system.
    pub redis: Redis,
    /// The database on the shared server; `None` if this system has its own server.
    pub database: Option<Database>,
    /// The PostgreSQL of this system, if requested.
    pub postgres: Option<Postgres>,
    sidecar: introspect::IntrospectSettings,
    // Held so that the folder is removed at the end.
    _folder: Folder,
}

impl Builder {
    /// Sets a variable of every admin.
    #[must_use]
    pub fn admin(mut self, name: &str, value: &str) -> Self {
        self.admin_env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a variable of every sidecar.
    #[must_use]
    pub fn sidecar(mut self, name: &str, value: &str) -> Self {
        self.sidecar_env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs this many admins.
    #[must_use]
    pub fn admins(mut self, count: usize) -> Self {
        self.admins = count;
        self
    }

    /// Runs this many sidecars.
    #[must_use]
    pub fn sidecars(mut self, count: usize) -> Self {
        self.sidecars = count;
        self
    }

    /// Runs a separate PostgreSQL, which a test may stop.
    #[must_use]
    pub fn own_postgres(mut self) -> Self {
        self.own_postgres = true;
        self
    }

    /// Runs a mail server that keeps every mail. Needs [`Self::providers`], with which admin knows its public URL.
    #[must_use]
    pub fn mail(mut self) -> Self {
        self.has_mail = true;
        self
    }

    /// Runs the mock identity providers.
    #[must_use]
    pub fn providers(mut self) -> Self {
        self.has_providers = true;
        self
    }

    /// Adds lines to nginx's `http`, and to its server.
    #[must_use]
    pub fn nginx(mut self, http: &str, server: &str) -> Self {
        http.clone_into(&mut self.nginx_http);
        server.clone_into(&mut self.nginx_server);
        self
    }

    /// Starts everything and waits until all of it is ready.
    ///
    /// # Errors
    ///
    /// When something is not installed, not built, or not ready in time.
    pub async fn start(self) -> Result<Stack, Error> {
        let folder = Folder::temporary()?;
        let (postgres, database, url) = self.stores().await?;
        let redis = Redis::start().await?;
        // The address of nginx: admin and the providers redirect browsers to it.
        let port = Reserved::new()?;
        let providers = self.start_providers(port.number()).await?;
        let mail = self.start_mail().await?;
        let found = [
            providers.as_ref().map(Providers::admin_env).unwrap_or_default(),
            mail.as_ref().map(MailCatcher::admin_env).unwrap_or_default(),
        ];
        let admins = self.start_admins(&url, &redis, found.concat()).await?;
        let Some(first) = admins.first() else { return Err(Error::Other("a stack has an admin".to_owned())) };
        let sidecar = self.sidecar_settings(first, &redis)?;
        let mut sidecars = Vec::new();
        for _ in 0..self.sidecars {
            sidecars.push(Introspect::start(&sidecar).await?);
        }
        let origin = Origin::start(&folder, None).await?;
        let machine = Machine {
            port: port.number(),
            introspect: sidecars.iter().map(Introspect::address).collect(),
            admin: admins.iter().map(Admin::address).collect(),
            origin: vec![origin.address()],
            http: self.nginx_http,
            server: self.nginx_server,
            ledger: None,
        };
        drop(port);
        let nginx = Nginx::start(&machine).await?;
        Ok(Stack {
            nginx,
            origin,
            sidecars,
            admins,
            providers,
            mail,
            redis,
            database,
            postgres,
            sidecar,
            _folder: folder,
        })
    }

    async fn stores(&self) -> Result<(Option<Postgres>, Option<Database>, String), Error> {
        if self.own_postgres {
            let postgres = Postgres::start().await?;
            let url = postgres.url();
            return Ok((Some(postgres), None, url));
        }
        let server = environment::test_database_url()?;
        let database = Database::migrated(&server, "migrated", async |url| admin::migrate(url)).await?;
        let url = database.url().to_owned();
        Ok((None, Some(database), url))
    }

    async fn start_providers(&self, port: u16) -> Result<Option<Providers>, Error> {
        if !self.has_providers {
            return Ok(None);
        }
        let public_url = format!("http://127.0.0.1:{port}");
        let settings = providers::ProvidersSettings { public_url, port: 0, ledger: None };
        Ok(Some(Providers::start(&settings, Folder::temporary()?).await?))
    }

    async fn start_mail(&self) -> Result<Option<MailCatcher>, Error> {
        if !self.has_mail {
            return Ok(None);
        }
        let settings = MailSettings { smtp_port: 0, http_port: 0, ledger: None };
        Ok(Some(MailCatcher::start(&settings, Folder::temporary()?).await?))
    }

    async fn start_admins(
        &self,
        database: &str,
        redis: &Redis,
        found: Vec<(String, String)>,
    ) -> Result<Vec<Admin>, Error> {
        // A small connection pool for each of many systems that run side by side.
        let pool = vec![("ADMIN_DATABASE_CONNECTIONS".to_owned(), "8".to_owned())];
        // A test may provide its own database.
        let is_given = self.admin_env.iter().any(|(name, _)| name == "DATABASE_URL");
        let settings = admin::AdminSettings {
            database: database.to_owned(),
            redis: redis.url(),
            master_keys: format!("1:{}", random::key()?),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            env: [pool, found, self.admin_env.clone()].concat(),
            port: 0,
            ops_port: 0,
            migrate: self.own_postgres || is_given,
            ledger: None,
        };
        let mut admins = Vec::new();
        for _ in 0..self.admins {
            admins.push(Admin::start(&settings, Folder::temporary()?).await?);
        }
        Ok(admins)
    }

    fn sidecar_settings(
        &self,
        admin: &Admin,
        redis: &Redis,
    ) -> Result<introspect::IntrospectSettings, Error> {
        Ok(introspect::IntrospectSettings {
            redis: redis.url(),
            jwks: admin.url("/.well-known/jwks.json"),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            env: [vec![admin.sidecar_keys()?], self.sidecar_env.clone()].concat(),
            socket: None,
            ops_port: 0,
            ledger: None,
        })
    }
}

impl Stack {
    /// The default system, to be changed before it starts.
    pub fn builder() -> Builder {
        Builder {
            admins: 1,
            sidecars: 1,
            own_postgres: false,
            has_providers: false,
            has_mail: false,
            admin_env: Vec::new(),
            sidecar_env: Vec::new(),
            nginx_http: String::new(),
            nginx_server: String::new(),
        }
    }

    /// Starts the default system.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// The address of a path at the gateway.
    pub fn gateway(&self, path: &str) -> String {
        format!("{}{path}", self.nginx.url())
    }

    /// Starts another sidecar that nginx does not use; does not wait until it is ready.
    ///
    /// # Errors
    ///
    /// When it cannot be executed.
    pub fn another_sidecar(&self) -> Result<Introspect, Error> {
        self.another_sidecar_with(&[])
    }

    /// The same with other variables.
    ///
    /// # Errors
    ///
    /// When it cannot be executed.
    pub fn another_sidecar_with(&self, env: &[(&str, String)]) -> Result<Introspect, Error> {
        let mut settings = self.sidecar.clone();
        settings.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Introspect::start_cold(&settings, Folder::temporary()?)
    }
}
