//! `up`: the whole system, for trying it out.

mod running;

use std::path::PathBuf;
use std::process::ExitCode;

use harness::nginx::{self, Machine, Nginx};
use harness::{
    Admin, Error, Folder, Introspect, MailCatcher, Origin, Postgres, Process, Providers, Redis, admin,
    database, introspect, mail, ports, postgres, programs, providers, random, redis,
};
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::assignments::Assignments;
use crate::progress::step;
use crate::secrets::Secrets;
use crate::state::State;
use crate::{greeting, people};

use running::Running;

/// Starts everything and keeps it running until Ctrl-C.
#[derive(Debug, clap::Args)]
pub(crate) struct Up {
    /// Where data and secrets stay between runs.
    #[arg(long)]
    state: PathBuf,
    /// The file of addresses and secrets to write while all is running.
    #[arg(long)]
    env_file: PathBuf,
    /// The script that called this, for the commands to print.
    #[arg(long)]
    launcher: PathBuf,
    /// The port of 127.0.0.1 for the gateway.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Use any free ports for the programs behind the gateway, so that several systems can run at once.
    #[arg(long, hide = true)]
    any_ports: bool,
    /// Who can register: `verify` (users who prove an address by a mail), `open` (everyone, for benchmarks), `invite` or
    /// `closed`.
    #[arg(long, default_value = "verify", value_parser = ["verify", "open", "invite", "closed"])]
    registration: String,
    /// Where to send the trace of every request, by OTLP over gRPC, such as `http://127.0.0.1:4317`.
    #[arg(long, value_name = "URL")]
    traces: Option<String>,
}

impl Up {
    pub(crate) async fn run(self) -> Result<ExitCode, Error> {
        let mut stopped = Box::pin(interrupted()?);
        let state = State::open(&self.state).await?;
        Assignments::absent(&self.env_file)?;
        self.port_must_be_free()?;
        let secrets = Secrets::kept(&state.join("secrets"))?;
        let mut running = tokio::select! {
            running = self.start(&state, &secrets) => running?,
            _ = &mut stopped => return Ok(ExitCode::SUCCESS),
        };
        let file = Assignments::write(&self.env_file, "", &self.values(&running, &secrets)?)?;
        let console = &running.console;
        println!("{}", greeting::text(&running.nginx.url(), console, &running.mail.inbox(), &self.launcher));
        tokio::select! {
            _ = &mut stopped => {}
            () = running.watch() => {}
        }
        drop(file);
        eprintln!();
        let impatient = interrupted()?;
        tokio::select! {
            ended = step("Stopping", running.stop()) => ended?,
            _ = impatient => {}
        }
        Ok(ExitCode::SUCCESS)
    }

    fn port_must_be_free(&self) -> Result<(), Error> {
        if ports::is_free(self.port) {
            return Ok(());
        }
        Err(Error::Other(format!(
            "another program listens on 127.0.0.1:{}; choose another port: ./compose/local up --port {}",
            self.port,
            self.port.wrapping_add(1)
        )))
    }

    async fn start(&self, state: &State, secrets: &Secrets) -> Result<Running, Error> {
        let sockets = state.sockets()?;
        let ledger = state.ledger();
        let postgres = step("PostgreSQL", start_postgres(state, secrets)).await?;
        let redis = redis::RedisSettings {
            folder: state.folder("redis")?,
            port: 0,
            // Only for this run: the data in Redis does not depend on it.
            password: Some(random::word()?),
            durable: true,
            ledger: ledger.clone(),
        };
        let redis = step("Redis", Redis::start_with(redis)).await?;
        let providers =
            providers::ProvidersSettings { public_url: self.url(), port: 0, ledger: ledger.clone() };
        let providers =
            step("Identity providers", Providers::start(&providers, state.folder("providers")?)).await?;
        let mail = mail::MailSettings {
            smtp_port: self.usual(1025)?,
            http_port: self.usual(8025)?,
            ledger: ledger.clone(),
        };
        let mail = step("The mail server", MailCatcher::start(&mail, state.folder("mail")?)).await?;
        let console = self.console_url()?;
        let mut settings = self.admin_settings(state, secrets, &postgres, &redis, (&providers, &mail));
        settings.env.extend([
            ("ADMIN_CONSOLE_LISTEN".to_owned(), console.replace("http://", "tcp:")),
            ("ADMIN_CONSOLE_URL".to_owned(), console.clone()),
        ]);
        let admin = step("admin", self.start_admin(state, settings)).await?;
        let made = state.join("people-are-made");
        if !made.exists() {
            step("A superuser and two demo users", people::make(&admin, secrets)).await?;
            std::fs::write(&made, "").map_err(|why| Error::Other(format!("{}: {why}", made.display())))?;
        }
        let introspect = step("introspect", self.start_introspect(state, &sockets, &admin, &redis)).await?;
        let origin = step("The cinema", Origin::start(&sockets, ledger.clone())).await?;
        let machine = Machine {
            port: self.port,
            introspect: vec![introspect.address()],
            admin: vec![admin.address()],
            origin: vec![origin.address()],
            server: PAGES.to_owned(),
            http: self.traces.as_ref().map(|_| nginx::EVERY_TRACE.to_owned()).unwrap_or_default(),
            ledger,
        };
        let nginx = step("nginx", Nginx::start_in(state.folder("nginx")?, &machine)).await?;
        Ok(Running {
            nginx,
            origin,
            introspect,
            admin,
            console,
            providers,
            mail,
            redis,
            postgres,
            _sockets: sockets,
        })
    }

    /// With any free ports, for when the usual ones are in use.
    fn admin_settings(
        &self,
        state: &State,
        secrets: &Secrets,
        postgres: &Postgres,
        redis: &Redis,
        (providers, mail): (&Providers, &MailCatcher),
    ) -> admin::AdminSettings {
        let registration = ("ADMIN_REGISTRATION".to_owned(), self.registration.clone());
        let others =
            mail.admin_env().into_iter().chain(self.telemetry()).chain([many_sign_ins(), registration]);
        admin::AdminSettings {
            database: postgres.url_of(DATABASE),
            redis: redis.url(),
            master_keys: secrets.master_keys.clone(),
            issuer: self.url(),
            audience: AUDIENCE.to_owned(),
            env: providers.admin_env().into_iter().chain(others).collect(),
            port: 0,
            ops_port: 0,
            migrate: true,
            ledger: state.ledger(),
        }
    }

    async fn start_admin(&self, state: &State, settings: admin::AdminSettings) -> Result<Admin, Error> {
        let usual =
            admin::AdminSettings { port: self.usual(8001)?, ops_port: self.usual(9001)?, ..settings.clone() };
        match Admin::start(&usual, state.folder("admin")?).await {
            // Another program may have taken a port since the check.
            Err(Error::Ended { .. }) => Admin::start(&settings, state.folder("admin")?).await,
            other => other,
        }
    }

    /// The usual port if it is free, else 0 for any other.
    fn usual(&self, port: u16) -> Result<u16, Error> {
        if self.any_ports { Ok(0) } else { ports::free_or(port) }
    }

    /// The address of the console, whose port cannot be any: browsers must know it.
    fn console_url(&self) -> Result<String, Error> {
        let port = match self.usual(8010)? {
            0 => ports::free()?,
            port => port,
        };
        Ok(format!("http://127.0.0.1:{port}"))
    }

    async fn start_introspect(
        &self,
        state: &State,
        sockets: &Folder,
        admin: &Admin,
        redis: &Redis,
    ) -> Result<Introspect, Error> {
        let socket = sockets.inside("introspect")?.join("auth.sock");
        let keys = admin.sidecar_keys()?;
        let settings = |ops_port| introspect::IntrospectSettings {
            redis: redis.url(),
            jwks: admin.url(JWKS),
            issuer: self.url(),
            audience: AUDIENCE.to_owned(),
            env: self.telemetry().into_iter().chain([keys.clone()]).collect(),
            socket: Some(socket.clone()),
            ops_port,
            ledger: state.ledger(),
        };
        match Introspect::start_in(&settings(self.usual(9002)?), state.folder("introspect")?).await {
            Err(Error::Ended { .. }) => Introspect::start_in(&settings(0), state.folder("introspect")?).await,
            other => other,
        }
    }

    /// For both programs.
    fn telemetry(&self) -> Vec<(String, String)> {
        self.traces.iter().map(|url| ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), url.clone())).collect()
    }

    /// The public URL of the gateway; also the issuer of its tokens.
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Values that scripts may need. Where a program has a variable for a value, the name is the same, so that
    /// a command of admin or another sidecar can be started with them.
    fn values(&self, running: &Running, secrets: &Secrets) -> Result<Vec<(String, String)>, Error> {
        let Running { nginx, origin, introspect, admin, console, providers, mail, redis, postgres, _sockets } =
            running;
        let [superuser, viewer, subscriber] = secrets.passwords.clone();
        // The programs that were built, not the copies that root makes for the servers' user.
        let program = |name: &str| programs::ours(name).map(|program| program.display().to_string());
        let log = |process: &Process| process.launch().log.display().to_string();
        let values = vec![
            ("GATEWAY_URL", nginx.url()),
            ("DATABASE_URL", postgres.url_of(DATABASE)),
            ("REDIS_URL", redis.url()),
            ("ADMIN_URL", admin.url("")),
            ("ADMIN_OPS_URL", admin.ops("")),
            ("CONSOLE_URL", console.clone()),
            ("ADMIN_LISTEN", format!("tcp:{}", admin.address())),
            ("ADMIN_OPS_LISTEN", admin.ops("").replace("http://", "tcp:")),
            ("ADMIN_ISSUER", self.url()),
            ("ADMIN_AUDIENCE", AUDIENCE.to_owned()),
            ("ADMIN_MASTER_KEYS", secrets.master_keys.clone()),
            ("INTROSPECT_SOCKET", introspect.socket().display().to_string()),
            ("INTROSPECT_LISTEN", introspect.address()),
            ("INTROSPECT_OPS_URL", introspect.ops("")),
            ("INTROSPECT_OPS_LISTEN", introspect.ops("").replace("http://", "tcp:")),
            ("INTROSPECT_JWKS", admin.url(JWKS)),
            ("INTROSPECT_ISSUER", self.url()),
            ("INTROSPECT_AUDIENCE", AUDIENCE.to_owned()),
            ("PROVIDERS_URL", providers.url("")),
            ("MAIL_INBOX_URL", mail.inbox()),
            ("ORIGIN_SOCKET", origin.address().replace("unix:", "")),
            ("SUPERUSER_EMAIL", people::SUPERUSER.to_owned()),
            ("SUPERUSER_PASSWORD", superuser),
            ("VIEWER_EMAIL", people::VIEWER.to_owned()),
            ("VIEWER_PASSWORD", viewer),
            ("SUBSCRIBER_EMAIL", people::SUBSCRIBER.to_owned()),
            ("SUBSCRIBER_PASSWORD", subscriber),
            ("LAUNCHER_PROGRAM", program("launcher")?),
            ("ADMIN_PROGRAM", program("admin")?),
            ("INTROSPECT_PROGRAM", program("introspect")?),
            ("POSTGRES_DATA", postgres.data().display().to_string()),
            ("ADMIN_LOG_FILE", log(admin.process())),
            ("INTROSPECT_LOG_FILE", log(introspect.process())),
        ];
        let values = values.into_iter().chain(running.pids()).map(|(name, value)| (name.to_owned(), value));
        Ok(values
            .chain([admin.sidecar_keys()?])
            .chain(providers.admin_env())
            .chain(mail.admin_env())
            .collect())
    }
}

/// The database that admin uses.
const DATABASE: &str = "usher";
const AUDIENCE: &str = "cinema";
/// The optional pages of the gateway.
const PAGES: &str = "    include snippets/start-page.conf;
    include snippets/apidocs.conf;";
const JWKS: &str = "/.well-known/jwks.json";

async fn start_postgres(state: &State, secrets: &Secrets) -> Result<Postgres, Error> {
    let postgres = Postgres::start_with(postgres::PostgresSettings {
        folder: state.folder("postgres")?,
        port: 0,
        password: secrets.postgres.clone(),
        durable: true,
        ledger: state.ledger(),
    })
    .await?;
    database::ensure(&postgres.url(), DATABASE).await?;
    Ok(postgres)
}

/// Completes at Ctrl-C, SIGTERM or the end of the terminal, with the signal.
pub(super) fn interrupted() -> Result<impl Future<Output = Signal>, Error> {
    let listen = |kind| signal(kind).map_err(|why| Error::Other(format!("signals cannot be awaited: {why}")));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Signal::INT,
            _ = terminate.recv() => Signal::TERM,
            _ = hangup.recv() => Signal::HUP,
        }
    })
}

/// The benchmarks sign one user in more often than an account may.
fn many_sign_ins() -> (String, String) {
    ("ADMIN_SESSIONS_PER_HOUR".to_owned(), "1000000".to_owned())
}
