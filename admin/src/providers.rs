//! Identity providers: how each is asked who somebody is.
//!
//! What one is like is data, a file each in [`known`]; the rest asks them all in one way. Nothing here knows of users:
//! what is made of an answer is `provider_sign_in`'s affair. Nothing of what a provider gives is kept but what it says of the
//! person.

mod breaker;
mod descriptor;
mod error;
mod exchange;
mod known;
mod openid;
mod person;
mod transport;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use url::Url;

use crate::config::{Endpoints, Location, ProviderConfig, ProvidersConfig};
use breaker::{Breaker, Change};
use exchange::{Speaker, Tokens};
use openid::Memory;
use transport::{Answer, Transport};

pub use descriptor::{ClientAuth, Descriptor, Fields, IdTokens, SecondRequest, UserRequest};
pub(crate) use error::ProviderError;
pub(crate) use exchange::{Grant, Question};
pub use known::{KNOWN, OPENID};
pub(crate) use person::Person;

/// How long all the questions about one person may take together; less than a request may take here.
const IDENTIFYING: Duration = Duration::from_secs(10);

/// How many people of one provider are waited for at once, so that one that is slow leaves room for everybody else.
const MAX_AT_ONCE: usize = 64;

/// Every provider that is configured.
pub struct Providers {
    all: Vec<Provider>,
    transport: OnceLock<Transport>,
}

/// One provider.
pub(crate) struct Provider {
    config: ProviderConfig,
    redirect: String,
    breaker: Breaker,
    places: Semaphore,
    memory: Memory,
}

/// Where a provider is at the moment, and how it is spoken with.
struct Place {
    endpoints: Arc<Endpoints>,
    issuers: Vec<String>,
    auth: ClientAuth,
    names_itself: bool,
}

impl Providers {
    /// Those of `config`. Opens nothing.
    pub fn new(config: &ProvidersConfig) -> Self {
        let provider = |provider: &ProviderConfig| Provider {
            config: provider.clone(),
            redirect: format!("{}/api/v1/oauth/{}/callback", config.public_url, provider.id),
            breaker: Breaker::default(),
            places: Semaphore::new(MAX_AT_ONCE),
            memory: Memory::default(),
        };
        Self { all: config.all.iter().map(provider).collect(), transport: OnceLock::new() }
    }

    /// Makes what the providers are asked with, so that whatever is missing for it is told before it is needed.
    ///
    /// # Errors
    ///
    /// When there are providers and no HTTP client can be made, such as for want of root certificates.
    pub fn prepare(&self) -> Result<(), reqwest::Error> {
        if self.all.is_empty() || self.transport.get().is_some() {
            return Ok(());
        }
        let _made_meanwhile = self.transport.set(Transport::new()?);
        Ok(())
    }

    /// All of them, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.all.iter()
    }

    /// The one of this name.
    pub(crate) fn find(&self, id: &str) -> Option<&Provider> {
        self.all.iter().find(|provider| provider.config.id == id)
    }

    /// Where to send a person to be asked by `provider`.
    ///
    /// # Errors
    ///
    /// When the provider rests, or cannot be asked where that is.
    pub(crate) async fn authorize(
        &self,
        provider: &Provider,
        question: &Question<'_>,
    ) -> Result<Url, ProviderError> {
        let transport = self.transport()?;
        let place = match provider.config.location {
            // Nobody is asked then, so that it is no trial.
            Location::Endpoints(_) => {
                provider.breaker.look(Instant::now()).map_err(ProviderError::Resting)?;
                provider.place(transport).await?
            }
            Location::Issuer(_) => provider.ask_within_bounds(provider.place(transport)).await?,
        };
        provider.speaker(&place).authorize(question)
    }

    /// Who came back from `provider` with `grant`.
    ///
    /// # Errors
    ///
    /// When the provider does not say so.
    pub(crate) async fn identify(
        &self,
        provider: &Provider,
        grant: &Grant<'_>,
    ) -> Result<Person, ProviderError> {
        let transport = self.transport()?;
        provider.ask_within_bounds(provider.identify(transport, grant)).await
    }

    fn transport(&self) -> Result<&Transport, ProviderError> {
        self.prepare().map_err(|_| ProviderError::Unreachable("no HTTP client can be made".to_owned()))?;
        self.transport.get().ok_or_else(|| ProviderError::Unreachable("there is no HTTP client".to_owned()))
    }
}

impl Provider {
    /// Its name in paths and tables.
    pub(crate) fn id(&self) -> &str {
        &self.config.id
    }

    /// Its name for people.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Whether a person comes back with a `device_id`, which is needed.
    pub(crate) fn needs_device(&self) -> bool {
        self.config.descriptor.needs_device
    }

    /// Asks whatever `asking` asks: in one of so many places, unless the provider rests, and not for ever. Whether that
    /// was answered counts once, however many questions it was.
    async fn ask_within_bounds<T>(
        &self,
        asking: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let _place: SemaphorePermit<'_> = self.places.try_acquire().map_err(|_| ProviderError::Busy)?;
        self.breaker.begin(Instant::now()).map_err(ProviderError::Resting)?;
        let asked = timeout(IDENTIFYING, asking).await.unwrap_or(Err(ProviderError::Timeout));
        let was_answered = asked.as_ref().err().is_none_or(|error| !error.is_outage());
        match self.breaker.ended(was_answered, Instant::now()) {
            Change::None => {}
            Change::Rests => {
                tracing::warn!(provider = self.id(), "A provider does not answer; it is left alone.");
            }
            Change::Answers => tracing::info!(provider = self.id(), "A provider answers again."),
        }
        asked
    }

    async fn identify(&self, transport: &Transport, grant: &Grant<'_>) -> Result<Person, ProviderError> {
        let place = self.place(transport).await?;
        place.check_issuer(grant.issuer)?;
        let tokens = self.speaker(&place).exchange(transport, grant).await?;
        let user = match &place.endpoints.keys {
            Some(keys) => self.read_id_token(transport, &place, keys, &tokens, grant.nonce).await?,
            None => self.ask_for_user(transport, &place, &tokens).await?,
        };
        Person::read(&self.config, &user)
    }

    fn speaker<'s>(&'s self, place: &'s Place) -> Speaker<'s> {
        Speaker {
            provider: &self.config,
            endpoints: &place.endpoints,
            auth: place.auth,
            redirect: &self.redirect,
        }
    }

    async fn place(&self, transport: &Transport) -> Result<Place, ProviderError> {
        let descriptor = self.config.descriptor;
        Ok(match &self.config.location {
            Location::Endpoints(endpoints) => {
                let issuers = descriptor.id_token.as_ref().map(|tokens| tokens.issuers).unwrap_or_default();
                Place {
                    endpoints: Arc::new((**endpoints).clone()),
                    issuers: issuers.iter().map(|issuer| (*issuer).to_owned()).collect(),
                    auth: descriptor.client_auth,
                    names_itself: false,
                }
            }
            Location::Issuer(issuer) => {
                let metadata = self.memory.metadata(transport, issuer).await?;
                Place {
                    endpoints: Arc::new(metadata.endpoints.clone()),
                    issuers: vec![issuer.clone()],
                    auth: metadata.auth,
                    names_itself: metadata.names_itself,
                }
            }
        })
    }

    /// What the ID token says, and beside it, where that has no address, what is said to the access token of the
    /// same person.
    async fn read_id_token(
        &self,
        transport: &Transport,
        place: &Place,
        keys: &Url,
        tokens: &Tokens,
        nonce: &str,
    ) -> Result<Value, ProviderError> {
        let token = tokens.id().ok_or(ProviderError::Nonsense("it holds no ID token"))?;
        let issuers: Vec<&str> = place.issuers.iter().map(String::as_str).collect();
        let check = openid::check(&issuers, &self.config.client_id, nonce);
        let mut claims = self.memory.verify(transport, keys, token, check).await?;
        if claims.get("email").is_none() && place.endpoints.user.is_some() {
            let user = self.ask_for_user(transport, place, tokens).await?;
            if user.get("sub") != claims.get("sub") {
                return Err(ProviderError::Nonsense("it speaks of two people"));
            }
            // Whether an address is proved is said by whoever says the address.
            for said_of_none in ["email_verified", "hd"] {
                claims.remove(said_of_none);
            }
            for (name, value) in user.as_object().into_iter().flatten() {
                claims.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(Value::Object(claims))
    }

    async fn ask_for_user(
        &self,
        transport: &Transport,
        place: &Place,
        tokens: &Tokens,
    ) -> Result<Value, ProviderError> {
        let Some(url) = &place.endpoints.user else {
            return Err(ProviderError::Nonsense("it does not say where to ask for the person"));
        };
        let mut user = self.ask(transport, url, tokens).await?.json()?;
        let second = self.config.descriptor.second_request.as_ref().zip(place.endpoints.second.as_ref());
        if let Some((second, url)) = second {
            let answer = self.ask(transport, url, tokens).await?;
            let is_there = answer.status != http::StatusCode::NOT_FOUND;
            (second.merge)(&mut user, &if is_there { answer.json()? } else { Value::Null });
        }
        Ok(user)
    }

    /// A question with the access token, shown in the way of this provider.
    async fn ask(&self, transport: &Transport, url: &Url, tokens: &Tokens) -> Result<Answer, ProviderError> {
        let (client, token) = (transport.client(), tokens.access());
        let mut url = url.clone();
        if self.config.descriptor.proves_secret {
            let proof = self.config.client_secret.as_ref().map(|secret| proof(secret, token));
            url.query_pairs_mut().append_pair("appsecret_proof", &proof.unwrap_or_default());
        }
        let request = match self.config.descriptor.user_request {
            UserRequest::Bearer => client.get(url).bearer_auth(token),
            UserRequest::OAuth => {
                client.get(url).header(http::header::AUTHORIZATION, format!("OAuth {token}"))
            }
            UserRequest::Query => {
                url.query_pairs_mut().append_pair("access_token", token);
                client.get(url)
            }
            UserRequest::Form => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                form.append_pair("client_id", &self.config.client_id).append_pair("access_token", token);
                let form_type = "application/x-www-form-urlencoded";
                client.post(url).header(http::header::CONTENT_TYPE, form_type).body(form.finish())
            }
        };
        let request = request.header(http::header::ACCEPT, "application/json").build();
        let request = request.map_err(|_| ProviderError::Nonsense("the token cannot be shown"))?;
        transport.send(request).await
    }
}

impl Place {
    /// Asks that an answer is not another's, by what it says of itself (RFC 9207).
    fn check_issuer(&self, said: Option<&str>) -> Result<(), ProviderError> {
        let is_ours = match said {
            Some(issuer) => self.issuers.is_empty() || self.issuers.iter().any(|known| known == issuer),
            None => !self.names_itself,
        };
        if is_ours { Ok(()) } else { Err(ProviderError::Nonsense("another provider answered")) }
    }
}

/// Proof that whoever shows `token` has our secret too, in hexadecimal.
fn proof(secret: &SecretString, token: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hmac::sign(&key, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
