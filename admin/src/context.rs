//! The state that every handler shares.

use std::sync::Arc;

use runtime::telemetry::Levels;

use crate::config::Config;
use crate::db::Db;
use crate::keys::{DerivedKeys, Keys, Purpose};
use crate::metrics::Metrics;
use crate::passwords::Hasher;
use crate::pending::Pending;
use crate::providers::Providers;

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The configuration.
    pub config: Arc<Config>,
    /// No PostgreSQL connection.
    pub db: Db,
    /// The signing keys.
    pub keys: Keys,
    /// The keys of refresh tokens.
    pub refresh_keys: Arc<DerivedKeys>,
    /// The keys of the audit log's hash chain.
    pub audit_keys: Arc<DerivedKeys>,
    /// Short-lived state in Redis.
    pub pending: Pending,
    /// The identity providers.
    pub providers: Arc<Providers>,
    /// The threads that hash passwords.
    pub hasher: Hasher,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Changes at run time which lines are logged.
    pub levels: Levels,
}

impl Context {
    /// A context for `config`. Opens no connection: the pool connects on first use.
    pub fn new(config: Config) -> Self {
        Self {
            db: Db::new(&config.database),
            keys: Keys::new(&config.master_keys),
            refresh_keys: Arc::new(DerivedKeys::derive(&config.master_keys, Purpose::RefreshTokens)),
            audit_keys: Arc::new(DerivedKeys::derive(&config.master_keys, Purpose::Audit)),
            pending: Pending::new(&config.redis),
            providers: Arc::new(Providers::new(&config.providers)),
            hasher: Hasher::new(config.hashing.threads, config.hashing.queue),
            metrics: Arc::new(Metrics::new()),
            levels: Levels::default(),
            config: Arc::new(config),
        }
    }
}
