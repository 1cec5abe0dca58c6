//! The configuration, read once from the environment. One file for each part.

mod consent;
mod database;
mod http;
mod mail;
mod ranks;
mod retention;
mod secrets;
mod tokens;

use std::time::Duration;

use runtime::env::{self, Mistakes, Reader, UnknownVariable, Vars, between, duration_between, text};
use runtime::redis::Redis;
use runtime::telemetry::{LogConfig, TraceConfig};
use url::Url;

use crate::limits::BucketLimits;
use crate::passwords::{HashConfig, HashParams};
use crate::providers::{ProviderNames, ProvidersConfig, read_public_url};

pub use consent::ConsentVersion;
pub use database::{DatabaseConfig, PATIENCE};
pub use http::{ConsoleConfig, HttpConfig, OPS_LISTEN, SharedNetworks, TrustedProxies, usual_ops_address};
pub use mail::{Language, MailConfig, MailSecurity};
pub use ranks::RankedAreas;
pub use retention::RetentionConfig;
pub use secrets::MasterKeys;
pub use tokens::{Registration, TokenConfig};

/// The complete configuration of a serving process.
#[derive(Debug, Clone)]
pub struct Config {
    /// Logging.
    pub logs: LogConfig,
    /// Tracing.
    pub traces: TraceConfig,
    /// No PostgreSQL connection.
    pub database: DatabaseConfig,
    /// Redis.
    pub redis: Redis,
    /// Listeners, proxies, draining.
    pub http: HttpConfig,
    /// The master keys, from which all other secrets are derived or with which they are sealed.
    pub master_keys: MasterKeys,
    /// Tokens, sessions, keys.
    pub tokens: TokenConfig,
    /// Who may register.
    pub registration: Registration,
    /// What new users consent to; `None` if they are not asked.
    pub consent: Option<ConsentVersion>,
    /// How often anything that can be guessed or filled may be tried.
    pub limits: BucketLimits,
    /// Whose permissions rank.
    pub ranked_areas: RankedAreas,
    /// The shortest new password, in characters.
    pub password_min: usize,
    /// Password hashing.
    pub hashing: HashConfig,
    /// Identity providers.
    pub providers: ProvidersConfig,
    /// The public base URL, if it is known: the origin of the pages.
    pub public_url: Option<Url>,
    /// Mail; `None` if none is sent.
    pub mail: Option<MailConfig>,
    /// How long data is kept.
    pub retention: RetentionConfig,
}

/// The configuration that the operator commands need, and no more, so that an error elsewhere in the configuration does not
/// stop them.
#[derive(Debug, Clone)]
pub struct CommandConfig {
    /// No PostgreSQL connection.
    pub database: DatabaseConfig,
    /// The master keys, from which all other secrets are derived or with which they are sealed.
    pub master_keys: MasterKeys,
    /// `iss`, which revocations contain.
    pub issuer: String,
    /// How long a next key must have been published before it may sign.
    pub key_publication: Duration,
    /// The shortest new password, in characters.
    pub password_min: usize,
    /// Whether the service sends mail, so that a command leaves mails for it.
    pub has_mail: bool,
    /// The configured identity providers.
    pub providers: ProviderNames,
    /// How long data is kept.
    pub retention: RetentionConfig,
}

/// The longest wait that may be configured: with twice this time a request still ends before nginx gives up.
const MAX_HASH_WAIT: Duration = Duration::from_secs(6);

impl Config {
    /// Reads the complete configuration.
    ///
    /// # Errors
    ///
    /// All errors at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    /// The names of all variables, in order. A test compares the documentation with them.
    pub fn variables() -> Vec<String> {
        let nothing = std::collections::HashMap::<&str, String>::new();
        let mut reader = Reader::new(&nothing);
        let _incomplete = Self::read(&mut reader);
        reader.asked().to_vec()
    }

    /// Variables of this program that are set but unknown. Not an error: a variable of a later version must not
    /// stop an earlier one to which an operator returns.
    pub fn unknown(vars: &dyn Vars) -> Vec<UnknownVariable> {
        // With the variables of the providers that are configured, whose names an operator chooses.
        let mut reader = Reader::new(vars);
        let _incomplete = Self::read(&mut reader);
        let known = [Self::variables(), reader.asked().to_vec()].concat();
        env::unknown(vars, "ADMIN_", &known)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        // Each part is read before the first `?`, so that an error in one hides none in another.
        let logs = LogConfig::read(reader, "ADMIN");
        let traces = TraceConfig::read(reader, "usher-admin");
        let database = DatabaseConfig::read(reader);
        let redis = Redis::read(reader);
        let http = HttpConfig::read(reader);
        let master_keys = MasterKeys::read(reader);
        let tokens = TokenConfig::read(reader);
        let limits = reader.or("ADMIN_LIMITS", BucketLimits::default(), BucketLimits::parse);
        let ranked_areas = RankedAreas::read(reader);
        let hashing = read_hashing(reader);
        let password_min = tokens::password_min(reader);
        let public_url = read_public_url(reader);
        let mail = MailConfig::read(reader, public_url.as_ref());
        let providers = ProvidersConfig::read(reader, public_url.as_ref(), mail.is_some());
        let registration = Registration::read(reader, mail.is_some());
        let consent = reader.optional("ADMIN_CONSENT_VERSION", ConsentVersion::parse);
        let retention = RetentionConfig::read(reader);
        Some(Self {
            logs,
            traces,
            database: database?,
            redis: redis?,
            http,
            master_keys: master_keys?,
            tokens: tokens?,
            registration,
            consent,
            limits,
            ranked_areas,
            password_min,
            hashing,
            providers,
            public_url,
            mail,
            retention,
        })
    }
}

impl CommandConfig {
    /// Reads this part.
    ///
    /// # Errors
    ///
    /// All errors at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let config = Self::read(&mut reader);
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let database = DatabaseConfig::read(reader);
        let master_keys = MasterKeys::read(reader);
        let issuer = tokens::issuer(reader);
        let key_publication = tokens::key_publication(reader);
        let password_min = tokens::password_min(reader);
        // A mistake in the address of the mail server does not concern a command.
        let has_mail = reader.optional(mail::MAIL_URL, text).is_some();
        let providers = ProviderNames::read(reader);
        let retention = RetentionConfig::read(reader);
        Some(Self {
            database: database?,
            master_keys: master_keys?,
            issuer: issuer?,
            key_publication,
            password_min,
            has_mail,
            providers,
            retention,
        })
    }
}

/// Only how passwords are hashed.
///
/// # Errors
///
/// All errors at once.
pub fn hashing(vars: &dyn Vars) -> Result<HashConfig, Mistakes> {
    let mut reader = Reader::new(vars);
    let config = read_hashing(&mut reader);
    reader.finish(Some(config))
}

/// Only the master keys.
///
/// # Errors
///
/// All errors at once.
pub fn master_keys(vars: &dyn Vars) -> Result<MasterKeys, Mistakes> {
    let mut reader = Reader::new(vars);
    let keys = MasterKeys::read(&mut reader);
    reader.finish(keys)
}

/// Only the public base URL, which must be set.
///
/// # Errors
///
/// All errors at once.
pub fn public_url(vars: &dyn Vars) -> Result<Url, Mistakes> {
    let mut reader = Reader::new(vars);
    let public_url = read_public_url(&mut reader);
    if public_url.is_none() {
        reader
            .mistake("ADMIN_PUBLIC_URL", "must be set: the public base URL, such as https://cinema.example");
    }
    reader.finish(public_url)
}

fn read_hashing(reader: &mut Reader<'_>) -> HashConfig {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let wait = duration_between(Duration::ZERO, MAX_HASH_WAIT);
    HashConfig {
        threads: reader.or("ADMIN_HASH_THREADS", cores, between(1, 1024)),
        wait: reader.or("ADMIN_HASH_WAIT", Duration::from_secs(2), wait),
        params: reader.or("ADMIN_HASH_PARAMETERS", HashParams::default(), str::parse),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn good() -> HashMap<&'static str, String> {
        let key = "uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
        HashMap::from([
            ("DATABASE_URL", "postgres://admin:s3cret@127.0.0.1/usher".to_owned()),
            ("REDIS_URL", "redis://:s3cret@127.0.0.1:6379".to_owned()),
            ("ADMIN_MASTER_KEYS", format!("1:{key}")),
            ("ADMIN_ISSUER", "https://cinema.example".to_owned()),
            ("ADMIN_AUDIENCE", "cinema".to_owned()),
        ])
    }

    #[test]
    fn the_required_variables_are_enough() {
        let config = Config::from_vars(&good()).unwrap();
        assert_eq!(config.registration, Registration::Open);
        assert_eq!(config.redis.prefix, "usher:");
        assert_eq!(config.database.connections, 16);
    }

    #[test]
    fn everyone_proves_an_address_by_default_where_mail_is_sent() {
        let mut vars = good();
        vars.insert("ADMIN_REGISTRATION", "verify".to_owned());
        let mistakes = Config::from_vars(&vars).unwrap_err().to_string();
        assert!(
            mistakes.contains("ADMIN_REGISTRATION: ") && mistakes.contains("ADMIN_MAIL_URL"),
            "{mistakes}"
        );
        vars.insert("ADMIN_MAIL_URL", "smtp://127.0.0.1:25".to_owned());
        vars.insert("ADMIN_MAIL_FROM", "no-reply@cinema.example".to_owned());
        vars.insert("ADMIN_PUBLIC_URL", "https://cinema.example".to_owned());
        for (word, registration) in [
            (None, Registration::Verify),
            (Some("verify"), Registration::Verify),
            (Some("open"), Registration::Open),
            (Some("invite"), Registration::Invite),
            (Some("closed"), Registration::Closed),
        ] {
            vars.remove("ADMIN_REGISTRATION");
            vars.extend(word.map(|word| ("ADMIN_REGISTRATION", word.to_owned())));
            assert_eq!(Config::from_vars(&vars).unwrap().registration, registration);
        }
        vars.insert("ADMIN_REGISTRATION", "maybe".to_owned());
        assert!(Config::from_vars(&vars).is_err());
    }

    #[test]
    fn the_console_needs_a_listener_and_its_address() {
        let (listen, url) =
            (("ADMIN_CONSOLE_LISTEN", "tcp:127.0.0.1:8010"), ("ADMIN_CONSOLE_URL", "https://ops.test"));
        let read = |set: &[(&'static str, &str)]| {
            let mut vars = good();
            vars.extend(set.iter().map(|(name, value)| (*name, (*value).to_owned())));
            Config::from_vars(&vars)
                .map(|config| config.http.console.is_some())
                .map_err(|all| all.to_string())
        };
        assert_eq!(read(&[]), Ok(false));
        assert_eq!(read(&[listen, url]), Ok(true));
        assert!(read(&[listen]).is_err_and(|mistakes| mistakes.starts_with("ADMIN_CONSOLE_URL: ")));
        assert!(read(&[url]).is_err_and(|mistakes| mistakes.starts_with("ADMIN_CONSOLE_LISTEN: ")));
    }

    #[test]
    fn a_provider_variable_that_is_never_read_is_reported() {
        let mut vars = good();
        vars.extend(
            ["ADMIN_OAUTH_GOGLE_CLIENT_ID", "ADMIN_OAUTH_GITHUB_SCOPES"].map(|name| (name, "a".to_owned())),
        );
        vars.insert("ADMIN_PORT", "tcp://10.0.0.1:80".to_owned());
        vars.insert("ADMIN_REGISTRATON", "closed".to_owned());
        let names: Vec<String> = Config::unknown(&vars).into_iter().map(|unknown| unknown.name).collect();
        assert_eq!(names, ["ADMIN_OAUTH_GOGLE_CLIENT_ID", "ADMIN_REGISTRATON"]);
    }

    #[test]
    fn a_command_is_stopped_by_no_mistake_that_does_not_concern_it() {
        let mut vars = good();
        vars.remove("REDIS_URL");
        vars.remove("ADMIN_AUDIENCE");
        vars.insert("ADMIN_OAUTH_GOOGLE_CLIENT_SECRET", "a".to_owned());
        assert!(Config::from_vars(&vars).is_err());
        assert_eq!(CommandConfig::from_vars(&vars).unwrap().issuer, "https://cinema.example");
        assert_eq!(CommandConfig::from_vars(&HashMap::new()).unwrap_err().lines().len(), 3);
    }

    #[test]
    fn without_any_variable_every_required_one_is_named() {
        let mistakes = Config::from_vars(&HashMap::new()).unwrap_err();
        assert_eq!(mistakes.lines().len(), 5, "{mistakes}");
    }

    #[test]
    fn no_secret_is_printed_by_debug_or_by_a_mistake() {
        let config = Config::from_vars(&good()).unwrap();
        assert!(!format!("{config:?}").contains("s3cret"));
        for name in ["DATABASE_URL", "REDIS_URL", "ADMIN_MASTER_KEYS"] {
            let mut vars = good();
            vars.insert(name, "!!s3cret!!".to_owned());
            let mistakes = Config::from_vars(&vars).unwrap_err().to_string();
            assert!(mistakes.contains(name) && !mistakes.contains("s3cret"), "{mistakes}");
        }
    }

    #[test]
    fn a_password_hash_is_never_cheaper_than_the_minimum() {
        let mut vars = good();
        vars.insert("ADMIN_HASH_PARAMETERS", "m=19455,t=2".to_owned());
        let mistakes = Config::from_vars(&vars).unwrap_err().to_string();
        assert!(mistakes.contains("ADMIN_HASH_PARAMETERS") && mistakes.contains("m=19456,t=2"), "{mistakes}");
        vars.insert("ADMIN_HASH_PARAMETERS", "m=47104,t=1".to_owned());
        assert_eq!(Config::from_vars(&vars).unwrap().hashing.params.to_string(), "m=47104,t=1");
    }

    #[test]
    fn the_documentation_lists_every_variable_and_no_other() {
        let document = include_str!("../../docs/configuration.md");
        let is_ours =
            |section: &&str| ["Both programs\n", "admin\n"].iter().any(|it| section.starts_with(it));
        let lines = document.split("\n## ").filter(is_ours).flat_map(str::lines);
        let rows = lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        // A row of the table may stand for every known provider.
        let each = |row: &str| match row.contains("<PROVIDER>") {
            true => crate::providers::KNOWN
                .iter()
                .map(|known| row.replace("<PROVIDER>", &known.id.to_ascii_uppercase()))
                .collect(),
            false => vec![row.to_owned()],
        };
        let mut documented: Vec<String> = rows.flat_map(each).collect();
        let mut names = Config::variables();
        documented.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, documented);
    }
}
