//! The state that handlers, commands and background tasks work with.

use std::ops::Deref;
use std::sync::Arc;

use runtime::telemetry::Levels;
use shared::clock::Clock;
use tokio::sync::Semaphore;
use url::Url;

use crate::config::{Config, DatabaseConfig, MasterKeys, RankedAreas};
use crate::db::Db;
use crate::guessing::Guessing;
use crate::keys::{DerivedKeys, KeyPurpose, Keys, SealPurpose, Sealer};
use crate::mail::Outbox;
use crate::metrics::{MailMetrics, Metrics};
use crate::one_at_a_time::OwnPlaces;
use crate::passwords::Hasher;
use crate::providers::{ProviderNames, ProviderPaths, Providers};
use crate::random::Random;
use crate::redis_connection::RedisConnection;
use crate::unawaited::Unawaited;

/// How many requests may wait at the same time for another request with the same one-time value. Each also has one of
/// the places of requests in progress.
const MAX_WAITING: usize = 16;

/// How many requests may ask PostgreSQL and Redis at the same time whether a revocation has reached every sidecar; further
/// ones wait for as long as that may take.
const MAX_RECEIPTS: usize = 64;

/// How many requests of one user use PostgreSQL at the same time; further ones wait without a connection.
const OF_USER: usize = 2;

/// The dependencies of every change of the database, made by an endpoint, a command or a background task. Cheap to
/// clone.
#[derive(Clone)]
pub struct Core {
    /// No PostgreSQL connection.
    pub db: Db,
    /// The `iss` of tokens that this service issues and revokes.
    pub issuer: Arc<str>,
    /// The keys of the audit log's hash chain.
    pub audit_keys: Arc<DerivedKeys>,
    /// The keys of the tokens of links in mails.
    pub link_keys: Arc<DerivedKeys>,
    /// The keys of the tags of e-mail addresses that accounts had.
    pub former_email_keys: Arc<DerivedKeys>,
    /// Randomness and new identifiers.
    pub random: Arc<dyn Random>,
    /// The areas whose permissions rank, for users; a command may act on everyone.
    pub ranked_areas: Arc<RankedAreas>,
    /// What waits to be sent by mail.
    pub outbox: Arc<Outbox>,
    /// The configured identity providers.
    pub provider_names: Arc<ProviderNames>,
}

/// The dependencies of handlers. Cheap to clone.
///
/// Dereferences to [`Core`], so that functions that commands also call need only [`Core`].
#[derive(Clone)]
pub struct Context {
    core: Core,
    /// The configuration.
    pub config: Arc<Config>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The signing keys.
    pub keys: Keys,
    /// The keys of refresh tokens.
    pub refresh_keys: Arc<DerivedKeys>,
    /// The keys of the codes in mails.
    pub mail_code_keys: Arc<DerivedKeys>,
    /// Seals the flows and links by which an address is proven.
    pub mail_flows: Arc<Sealer>,
    /// The keys of the flows by which users keep accounts that will be erased.
    pub erasure_keys: Arc<DerivedKeys>,
    /// Redis, for short-lived state.
    pub redis: RedisConnection,
    /// The places of requests that wait for another one with the same one-time value.
    pub waiting: Arc<Semaphore>,
    /// The places of requests that wait until a revocation has reached every sidecar.
    pub receipts: Arc<Semaphore>,
    /// The order of requests that lock one session.
    pub session_places: Arc<OwnPlaces>,
    /// The order of requests of one signed-in user.
    pub user_places: Arc<OwnPlaces>,
    /// The places of work that no response waits for.
    pub unawaited: Unawaited,
    /// The page of this service to which a browser returns after a sign-in through a provider.
    pub return_page: Option<Url>,
    /// The keys of the tokens in forms.
    pub page_keys: Arc<DerivedKeys>,
    /// The identity providers.
    pub providers: Arc<Providers>,
    /// The threads that hash passwords.
    pub hasher: Hasher,
    /// The limiter of attempts, and the tokens of devices.
    pub guessing: Arc<Guessing>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Changes at run time which lines are logged.
    pub levels: Levels,
}

impl Core {
    /// A core for `database`, which leaves mails for the service if that `has_mail`. Opens no connection: the pool
    /// connects on first use.
    pub fn new(
        database: &DatabaseConfig,
        master_keys: &MasterKeys,
        issuer: &str,
        has_mail: bool,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            db: Db::new(database),
            issuer: issuer.into(),
            audit_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::Audit)),
            link_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::Links)),
            former_email_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::FormerEmails)),
            random,
            ranked_areas: Arc::default(),
            outbox: Arc::new(Outbox::new(master_keys, has_mail, MailMetrics::new())),
            provider_names: Arc::default(),
        }
    }
}

impl Context {
    /// A context for `config`. Opens no connection: the pool connects on first use.
    pub fn new(config: Config, paths: ProviderPaths, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        let (master_keys, has_mail) = (&config.master_keys, config.mail.is_some());
        let hasher = Hasher::new(config.hashing, Arc::clone(&random));
        let redis = RedisConnection::new(&config.redis);
        let metrics = Metrics::new(Arc::clone(&clock), hasher.metrics());
        let return_page = config.public_url.as_ref().and_then(|own| own.join(paths.return_page).ok());
        let providers = Providers::new(&config.providers, paths);
        let counted = (config.http.shared_networks.clone(), config.limits.clone());
        let guessing = Guessing::new(master_keys, counted, redis.clone(), metrics.limiter.clone());
        Self {
            core: Core {
                ranked_areas: Arc::new(config.ranked_areas.clone()),
                outbox: Arc::new(Outbox::new(master_keys, has_mail, metrics.mail.clone())),
                provider_names: Arc::new(providers.names()),
                ..Core::new(&config.database, master_keys, &config.tokens.issuer, has_mail, random)
            },
            keys: Keys::new(master_keys),
            refresh_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::RefreshTokens)),
            mail_code_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::MailCodes)),
            mail_flows: Arc::new(Sealer::new(master_keys, SealPurpose::MailFlows)),
            page_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::Pages)),
            return_page,
            erasure_keys: Arc::new(DerivedKeys::derive(master_keys, KeyPurpose::ErasureFlows)),
            redis,
            receipts: Arc::new(Semaphore::new(MAX_RECEIPTS)),
            session_places: Arc::new(OwnPlaces::new(1)),
            user_places: Arc::new(OwnPlaces::new(OF_USER)),
            unawaited: Unawaited::default(),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            providers: Arc::new(providers),
            hasher,
            metrics: Arc::new(metrics),
            guessing: Arc::new(guessing),
            levels: Levels::default(),
            clock,
            config: Arc::new(config),
        }
    }
}

impl Deref for Context {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}
