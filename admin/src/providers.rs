//! Identity providers, as their OAuth client: where browsers are sent, and who the user is who returns.
//!
//! How one provider differs from another is data, a file each in [`known`]; the code is the same for all. Nothing here
//! knows of accounts: what an [`identity::Identity`] means is for `provider_sign_in` to decide. Nothing that a provider sends is
//! kept, except its description of the user.

mod breaker;
mod client;
mod config;
mod descriptor;
mod discovery;
mod error;
mod fetched;
mod id_token_keys;
mod identity;
mod known;
mod mail_domains;
mod metadata;
mod microsoft;
mod names;
mod paths;
mod provider;
mod transport;
mod variables;

use transport::Transport;

pub(crate) use client::{AuthorizationRequest, CodeGrant};
pub use config::{Limits, LinkVerified, ProvidersConfig, UntrustedEmail};
pub(crate) use error::ProviderError;
pub use known::KNOWN;
pub(crate) use known::same_mailbox;
pub use names::ProviderNames;
pub use paths::ProviderPaths;
pub(crate) use provider::Provider;
pub(crate) use variables::{public_url, read_public_url};

/// Every configured provider.
pub struct Providers {
    all: Vec<Provider>,
    paths: ProviderPaths,
    transport: Transport,
}

impl Providers {
    /// Those of `config`. Opens nothing.
    pub fn new(config: &ProvidersConfig, paths: ProviderPaths) -> Self {
        let transport = Transport::new(config.limits);
        let provider = |one| Provider::new(one, config.limits, &paths, transport.clone());
        let all = config.all.iter().map(provider).collect();
        Self { all, paths, transport }
    }

    /// The paths of the API that concern them.
    pub(crate) fn paths(&self) -> &ProviderPaths {
        &self.paths
    }

    /// Creates the HTTP client of all providers, so that whatever it lacks is reported before it is needed.
    ///
    /// # Errors
    ///
    /// When a provider is configured and no HTTP client can be created, for example without root certificates.
    pub fn prepare(&self) -> Result<(), reqwest::Error> {
        if self.all.is_empty() { Ok(()) } else { self.transport.prepare() }
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.all.iter()
    }

    /// Their names.
    pub(crate) fn names(&self) -> ProviderNames {
        self.all.iter().map(|provider| (provider.id().to_owned(), provider.name().to_owned())).collect()
    }

    /// The one with this name.
    pub(crate) fn find(&self, id: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.id() == id)
    }

    /// The name for people of the one with this name; of one that is no longer configured, this name itself.
    pub(crate) fn name_of<'p>(&'p self, id: &'p str) -> &'p str {
        self.find(id).map_or(id, Provider::name)
    }
}
