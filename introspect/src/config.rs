//! The configuration, read from environment variables.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use runtime::env::{
    self, Mistakes, Reader, UnknownVariable, Vars, between, duration_between, size_between, text,
};
use runtime::listen::{self, Address};
use runtime::redis::Redis;
use runtime::telemetry::{LogConfig, TraceConfig};
use secrecy::ExposeSecret as _;
use shared::revocation::LogKeys;
use shared::token::{Algorithm, Foreign, TokenProfile, Verifier};

use crate::keys::KeyLocation;

/// nginx is on the same machine, so the best default is a Unix socket that only nginx can reach.
const SOCKET: &str = "/run/introspect/auth.sock";
/// Where health and metrics are by default.
pub const OPS_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9002);
/// The variable with the address of health and metrics.
pub const OPS_LISTEN: &str = "INTROSPECT_OPS_LISTEN";
/// Because of the prefix, browsers send the cookie to this host alone and over TLS alone.
const COOKIE: &str = "__Host-access";
/// The clocks of one site that are synchronised differ by less.
const LEEWAY: Duration = Duration::from_secs(5);
/// The lifetime of admin's tokens.
const MAX_TOKEN_LIFE: Duration = Duration::from_mins(15);
/// The time for which admin publishes a key before it signs with it.
const JWKS_REFRESH: Duration = Duration::from_mins(5);
/// Enough for 70,000 usual tokens.
const CACHE: u64 = 128 * MIB;
const DRAIN: Duration = Duration::from_secs(10);

/// In place of a type: accepts every type.
const ANY_TYPE: &str = "any";

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The whole configuration.
pub struct Config {
    /// Where nginx sends its `auth_request` subrequests.
    pub listen: Vec<Address>,
    /// Where health and metrics are.
    pub ops_listen: Vec<Address>,
    /// The Redis with the revocation log.
    pub redis: Redis,
    /// The keys that authenticate the log; without them it is believed as it is.
    pub revocation_keys: Option<LogKeys>,
    /// Where the issuer's keys come from.
    pub jwks: KeyLocation,
    /// The file in which a copy of the keys is kept.
    pub jwks_copy: Option<PathBuf>,
    /// How often the keys are fetched.
    pub jwks_refresh: Duration,
    /// How tokens are verified.
    pub verifier: Verifier,
    /// The audience that tokens must have.
    pub audience: String,
    /// The name of the cookie that may carry a token.
    pub cookie: String,
    /// How many threads decide.
    pub workers: usize,
    /// How many bytes of verified tokens are cached.
    pub cache: u64,
    /// How long connections have to end.
    pub drain: Duration,
    /// The levels and the format of the log.
    pub logs: LogConfig,
    /// Where traces go.
    pub traces: TraceConfig,
}

impl Config {
    /// Reads the variables. Opens no file and no connection.
    ///
    /// # Errors
    ///
    /// Every configuration error at once.
    pub fn from_vars(vars: &dyn Vars) -> Result<Self, Mistakes> {
        let mut reader = Reader::new(vars);
        let config = read(&mut reader);
        reader.finish(config)
    }
}

/// Variables of this program that are set but unknown. Not an error: a variable of a later version must not stop an
/// earlier one to which an operator returns.
pub fn unknown(vars: &dyn Vars) -> Vec<UnknownVariable> {
    let nothing = std::collections::HashMap::<&str, String>::new();
    let mut reader = Reader::new(&nothing);
    let _incomplete = read(&mut reader);
    env::unknown(vars, "INTROSPECT_", reader.asked())
}

fn read(reader: &mut Reader<'_>) -> Option<Config> {
    let listen = reader.or("INTROSPECT_LISTEN", vec![Address::Unix(SOCKET.into())], listen::list);
    let ops_listen = reader.or(OPS_LISTEN, vec![Address::Tcp(OPS_ADDRESS)], listen::list);
    let redis = Redis::read(reader);
    let revocation_keys = revocation_keys(reader);
    let jwks = reader.required("INTROSPECT_JWKS", KeyLocation::parse);
    let jwks_copy = reader.optional("INTROSPECT_JWKS_COPY", absolute);
    let jwks_refresh = reader.or("INTROSPECT_JWKS_REFRESH", JWKS_REFRESH, duration_between(SECOND, DAY));
    let verifier = verifier(reader);
    let audience = reader.required("INTROSPECT_AUDIENCE", text);
    let cookie = reader.or("INTROSPECT_COOKIE", COOKIE.to_owned(), cookie_name);
    let workers = reader.or("INTROSPECT_WORKERS", cores(), between(1, 256));
    let cache = reader.or("INTROSPECT_CACHE_SIZE", CACHE, size_between(MIB, 64 << 30));
    let drain = reader.or("INTROSPECT_DRAIN", DRAIN, duration_between(Duration::ZERO, HOUR));
    let logs = LogConfig::read(reader, "INTROSPECT");
    let traces = TraceConfig::read(reader, "usher-introspect");
    Some(Config {
        listen,
        ops_listen,
        redis: redis?,
        revocation_keys,
        jwks: jwks?,
        jwks_copy,
        jwks_refresh,
        verifier: verifier?,
        audience: audience?,
        cookie,
        workers,
        cache,
        drain,
        logs,
        traces,
    })
}

fn revocation_keys(reader: &mut Reader<'_>) -> Option<LogKeys> {
    let text = reader.optional_secret("INTROSPECT_REVOCATION_KEYS")?;
    let keys = LogKeys::parse(text.expose_secret().trim());
    keys.map_err(|why| reader.mistake("INTROSPECT_REVOCATION_KEYS", &why.to_string())).ok()
}

fn verifier(reader: &mut Reader<'_>) -> Option<Verifier> {
    let issuer = reader.required("INTROSPECT_ISSUER", text);
    let leeway =
        reader.or("INTROSPECT_LEEWAY", LEEWAY, duration_between(Duration::ZERO, Duration::from_mins(1)));
    let max_life = reader.or("INTROSPECT_MAX_TOKEN_LIFE", MAX_TOKEN_LIFE, duration_between(SECOND, DAY));
    let (foreign, type_is_set) = foreign(reader);
    let profile = reader.or("INTROSPECT_PROFILE", TokenProfile::Usher, |name| match name {
        "usher" => Ok(TokenProfile::Usher),
        "foreign" => Ok(TokenProfile::Foreign(foreign)),
        _ => Err("must be `usher` or `foreign`"),
    });
    if matches!(profile, TokenProfile::Foreign(_)) && !type_is_set {
        // An identity token of the same issuer is signed with the same key: only its type distinguishes it.
        let why = "required if INTROSPECT_PROFILE is `foreign`: the `typ` of access tokens, or `any`";
        reader.mistake("INTROSPECT_FOREIGN_TYPE", why);
    }
    Some(Verifier { profile, issuer: issuer?, leeway: leeway.as_secs(), max_life: max_life.as_secs() })
}

/// How the tokens of another issuer are read; the defaults are the registered names. Also whether their type
/// was set, because it has no default.
fn foreign(reader: &mut Reader<'_>) -> (Foreign, bool) {
    let claim =
        |reader: &mut Reader<'_>, name: &str, default: &str| reader.or(name, default.to_owned(), text);
    let token_type = reader.optional("INTROSPECT_FOREIGN_TYPE", text);
    let type_is_set = token_type.is_some();
    let foreign = Foreign {
        algorithms: reader.or("INTROSPECT_FOREIGN_ALGORITHMS", vec![Algorithm::EdDsa], algorithms),
        token_type: token_type.filter(|name| name != ANY_TYPE),
        user_claim: claim(reader, "INTROSPECT_FOREIGN_USER_CLAIM", "sub"),
        session_claim: claim(reader, "INTROSPECT_FOREIGN_SESSION_CLAIM", "sid"),
        roles_claim: claim(reader, "INTROSPECT_FOREIGN_ROLES_CLAIM", "roles"),
    };
    (foreign, type_is_set)
}

fn algorithms(list: &str) -> Result<Vec<Algorithm>, &'static str> {
    list.split(',')
        .map(|name| Algorithm::ALL.into_iter().find(|algorithm| algorithm.is_named(name.trim())))
        .collect::<Option<_>>()
        .ok_or("must be a comma-separated list of `EdDSA`, `ES256` and `RS256`")
}

fn absolute(path: &str) -> Result<PathBuf, &'static str> {
    if path.starts_with('/') { Ok(path.into()) } else { Err("must be an absolute path") }
}

/// A cookie's name is a token (RFC 6265, section 4.1.1).
fn cookie_name(name: &str) -> Result<String, &'static str> {
    let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if fits { Ok(name.to_owned()) } else { Err("must be a cookie name, such as `__Host-access`") }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn least() -> HashMap<&'static str, String> {
        HashMap::from([
            ("REDIS_URL", "redis://127.0.0.1/".to_owned()),
            ("INTROSPECT_JWKS", "http://127.0.0.1/.well-known/jwks.json".to_owned()),
            ("INTROSPECT_ISSUER", "https://cinema.example".to_owned()),
            ("INTROSPECT_AUDIENCE", "cinema".to_owned()),
        ])
    }

    #[test]
    fn four_variables_are_enough() {
        let config = Config::from_vars(&least()).unwrap();
        assert_eq!(config.listen[0].to_string(), "unix:/run/introspect/auth.sock");
        assert_eq!(config.ops_listen[0].to_string(), "tcp:127.0.0.1:9002");
        assert_eq!(config.cookie, "__Host-access");
        assert_eq!(config.verifier.profile, TokenProfile::Usher);
    }

    #[test]
    fn every_mistake_is_reported_at_once_and_no_password_with_it() {
        let mut vars = least();
        vars.extend([
            ("REDIS_URL", "redis:/:hunter2@".to_owned()),
            ("INTROSPECT_LISTEN", "8002".to_owned()),
            ("INTROSPECT_COOKIE", "a b".to_owned()),
            ("INTROSPECT_WORKERS", "0".to_owned()),
            ("INTROSPECT_PROFILE", "other".to_owned()),
            ("INTROSPECT_FOREIGN_ALGORITHMS", "none".to_owned()),
        ]);
        let mistakes = Config::from_vars(&vars).err().unwrap();
        assert_eq!(mistakes.lines().len(), 6, "{mistakes}");
        assert!(!mistakes.to_string().contains("hunter2"));
    }

    #[test]
    fn a_foreign_issuer_is_described_by_variables() {
        let mut vars = least();
        vars.extend([
            ("INTROSPECT_PROFILE", "foreign".to_owned()),
            ("INTROSPECT_FOREIGN_ALGORITHMS", "RS256, ES256".to_owned()),
            ("INTROSPECT_FOREIGN_TYPE", "at+jwt".to_owned()),
            ("INTROSPECT_FOREIGN_ROLES_CLAIM", "realm_access.roles".to_owned()),
        ]);
        let config = Config::from_vars(&vars).unwrap();
        let TokenProfile::Foreign(foreign) = config.verifier.profile else { panic!("not foreign") };
        assert_eq!(foreign.algorithms, [Algorithm::Rs256, Algorithm::Es256]);
        assert_eq!(foreign.roles_claim, "realm_access.roles");
        assert_eq!(foreign.token_type.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn the_type_of_foreign_tokens_must_be_set() {
        let mut vars = least();
        vars.insert("INTROSPECT_PROFILE", "foreign".to_owned());
        let mistakes = Config::from_vars(&vars).err().unwrap();
        assert!(mistakes.to_string().starts_with("INTROSPECT_FOREIGN_TYPE: "), "{mistakes}");
        vars.insert("INTROSPECT_FOREIGN_TYPE", "any".to_owned());
        let TokenProfile::Foreign(foreign) = Config::from_vars(&vars).unwrap().verifier.profile else {
            panic!("not foreign")
        };
        assert_eq!(foreign.token_type, None);
    }

    #[test]
    fn a_variable_that_is_never_read_is_named() {
        let mut vars = least();
        vars.insert("INTROSPECT_COOKY", "session".to_owned());
        vars.insert("INTROSPECT_PORT_8002_TCP", "tcp://10.0.0.1:8002".to_owned());
        let said: Vec<String> = unknown(&vars).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["INTROSPECT_COOKY is set, but this program does not know it; did you mean INTROSPECT_COOKIE?"]
        );
    }

    #[test]
    fn the_documentation_lists_every_variable_and_no_other() {
        let document = include_str!("../../docs/configuration.md");
        let is_ours =
            |section: &&str| ["Both programs\n", "introspect\n"].iter().any(|it| section.starts_with(it));
        let lines = document.split("\n## ").filter(is_ours).flat_map(str::lines);
        let mut documented: Vec<_> =
            lines.filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let nothing: HashMap<&str, String> = HashMap::new();
        let mut reader = Reader::new(&nothing);
        let _incomplete = read(&mut reader);
        let mut names = reader.asked().to_vec();
        documented.sort_unstable();
        names.sort_unstable();
        assert_eq!(names, documented);
    }
}
