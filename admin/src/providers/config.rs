//! The configuration of identity providers: which there are, our client at each, and how far each is trusted.

use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use super::descriptor::Descriptor;

/// Sign-in through identity providers.
#[derive(Debug, Clone, Default)]
pub struct ProvidersConfig {
    /// The pages that a browser may return to.
    pub return_to: Vec<Url>,
    /// The rule for a verified address of an existing account.
    pub link_verified: LinkVerified,
    /// The rule for an address that the provider does not vouch for.
    pub untrusted_email: UntrustedEmail,
    /// How long providers may take. No variable changes it.
    pub limits: Limits,
    /// The providers, the known ones first.
    pub all: Vec<ProviderConfig>,
}

/// The rule for a new identity whose verified address is the verified address of an account here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkVerified {
    /// The user must enter the password of that account.
    #[default]
    Confirm,
    /// The identity is linked to that account.
    Auto,
}

/// The rule for a new user whose address the provider does not vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UntrustedEmail {
    /// An account without an address is created.
    #[default]
    Create,
    /// The user is asked to sign in to an account, or to skip that; then an account without an address is created. The
    /// same for an identity that has no address.
    Ask,
    /// The sign-in is refused.
    Refuse,
}

/// How long providers may take. Parameters, so that tests need not wait for the real ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// To answer one request.
    pub request: Duration,
    /// To identify one user, all requests together; less than a request may take here.
    pub identification: Duration,
    /// Between two downloads of an OpenID provider's keys, when a token names an unknown key.
    pub key_refetch: Duration,
}

/// One provider's configuration. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct ProviderConfig {
    /// Its name in paths and tables.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The public base URL of this service, to which the provider sends browsers back.
    pub public_url: Url,
    /// Our client identifier there.
    pub client_id: String,
    /// Our client secret there.
    pub client_secret: Option<SecretString>,
    /// The scopes that are requested.
    pub scopes: String,
    /// Whether its addresses count as verified unless it marks them as unverified.
    pub trusts_email: bool,
    /// Where its endpoints are.
    pub location: Location,
    /// How it differs from other providers.
    pub descriptor: &'static Descriptor,
}

/// Where a provider's endpoints are.
#[derive(Debug, Clone)]
pub enum Location {
    /// Configured.
    Endpoints(Box<Endpoints>),
    /// In the discovery document of this issuer (OpenID Connect Discovery 1.0).
    Issuer(String),
}

/// The endpoints of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The authorization endpoint, to which browsers are sent.
    pub authorize: Url,
    /// The token endpoint, which exchanges a code for tokens.
    pub token: Url,
    /// The user info endpoint, which describes the owner of a token.
    pub user: Option<Url>,
    /// The keys of ID tokens.
    pub keys: Option<Url>,
    /// The list that is requested with the token too.
    pub list: Option<Url>,
}

const MUST_BE_URL: &str =
    "must be an `https` URL, or `http` to a loopback address, without user name, password or fragment";

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(5),
            identification: Duration::from_secs(10),
            key_refetch: Duration::from_secs(5),
        }
    }
}

/// A URL whose responses cannot be changed on the network path: it has TLS, or stays on this machine.
pub(super) fn endpoint(text: &str) -> Result<Url, &'static str> {
    let url: Url = text.parse().map_err(|_| MUST_BE_URL)?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if is_safe && is_plain && url.has_host() { Ok(url) } else { Err(MUST_BE_URL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_urls_are_endpoints() {
        for good in ["https://a.example/b?c=d", "http://127.0.0.1:1/a", "http://localhost/", "http://[::1]/"]
        {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example/",
            "ftp://127.0.0.1/",
            "https://u:p@a.example/",
            "https://a.example/#b",
            "a",
            "",
        ] {
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }
}
