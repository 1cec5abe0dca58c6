//! All state of the providers, behind one lock that is never held across an await.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::authorization_request::AuthorizationRequest;
use crate::config::{Client, Config};
use crate::default_people::default_people;
use crate::endpoint::Endpoint;
use crate::expiring_map::ExpiringMap;
use crate::fault::Fault;
use crate::invalid::Invalid;
use crate::key::SigningKey;
use crate::person::Person;
use crate::provider::Provider;
use crate::requests::Requests;

/// The lifetime of a code and of an open request, in seconds.
const TEN_MINUTES: u64 = 600;
/// The lifetime of a token, in seconds.
pub(crate) const AN_HOUR: u64 = 3600;
/// The most clients, and the most people.
const LIMIT: usize = 10_000;

/// The state of the providers.
#[derive(Debug)]
pub(crate) struct Store {
    /// Their URL: `http://127.0.0.1:8090`.
    pub(crate) url: String,
    /// Google's signing key.
    pub(crate) key: SigningKey,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    clients: Vec<Client>,
    people: Vec<Person>,
    faults: BTreeMap<Provider, Fault>,
    requests: BTreeMap<Provider, Requests>,
    open: ExpiringMap<AuthorizationRequest>,
    codes: ExpiringMap<Code>,
    tokens: ExpiringMap<Token>,
}

/// A code, and the request that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// The authorization request.
    pub(crate) request: AuthorizationRequest,
    /// The key of the person who signed in.
    pub(crate) person: String,
    /// The device that the token request must repeat (VK).
    pub(crate) device: Option<String>,
}

/// A token, and what it allows.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// The provider that issued it.
    pub(crate) provider: Provider,
    /// The client to which it was issued.
    pub(crate) client: String,
    /// The key of the person who signed in.
    pub(crate) person: String,
    /// The granted scopes.
    pub(crate) scopes: Vec<String>,
}

/// The holder of a token.
#[derive(Debug)]
pub(crate) struct TokenHolder {
    /// The client to which it was issued.
    pub(crate) client: Client,
    /// The person, in the current state.
    pub(crate) person: Person,
    scopes: Vec<String>,
}

impl TokenHolder {
    /// Whether the scope was granted.
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl Store {
    /// A new store.
    pub(crate) fn new(url: String, key: SigningKey, config: Config) -> Self {
        let Config { clients, mut people } = config;
        for provider in Provider::ALL.into_iter().chain([Provider::OPENID]) {
            if people.iter().all(|person| person.provider != provider) {
                people.extend(default_people(provider));
            }
        }
        let state = State {
            clients,
            people,
            faults: BTreeMap::new(),
            requests: BTreeMap::new(),
            open: ExpiringMap::new(TEN_MINUTES),
            codes: ExpiringMap::new(TEN_MINUTES),
            tokens: ExpiringMap::new(AN_HOUR),
        };
        Self { url, key, state: Mutex::new(state) }
    }

    /// No method leaves the state half written, so it is valid even after a panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a client, or replaces it.
    pub(crate) fn put_client(&self, client: Client) -> Result<(), Invalid> {
        client.check()?;
        put(&mut self.state().clients, client, |one, other| {
            (one.provider, &one.id) == (other.provider, &other.id)
        })
    }

    /// Adds a person, or replaces it.
    pub(crate) fn put_person(&self, person: Person) -> Result<(), Invalid> {
        person.check()?;
        put(&mut self.state().people, person, |one, other| {
            (one.provider, &one.key) == (other.provider, &other.key)
        })
    }

    /// Sets or clears the fault of a provider.
    pub(crate) fn set_fault(&self, provider: Provider, fault: Option<Fault>) {
        let faults = &mut self.state().faults;
        match fault {
            Some(fault) => faults.insert(provider, fault),
            None => faults.remove(&provider),
        };
    }

    /// The fault of a provider.
    pub(crate) fn fault(&self, provider: Provider) -> Option<Fault> {
        self.state().faults.get(&provider).copied()
    }

    /// Counts a request.
    pub(crate) fn count(&self, provider: Provider, endpoint: Endpoint) {
        self.state().requests.entry(provider).or_default().count(endpoint);
    }

    /// The number of requests to a provider.
    pub(crate) fn requests(&self, provider: Provider) -> Requests {
        self.state().requests.get(&provider).copied().unwrap_or_default()
    }

    /// All people.
    pub(crate) fn all_people(&self) -> Vec<Person> {
        self.state().people.clone()
    }

    /// All people of a provider.
    pub(crate) fn people(&self, provider: Provider) -> Vec<Person> {
        self.state().people.iter().filter(|person| person.provider == provider).cloned().collect()
    }

    /// One person of a provider.
    pub(crate) fn person(&self, provider: Provider, key: &str) -> Option<Person> {
        self.state().people.iter().find(|person| person.provider == provider && person.key == key).cloned()
    }

    /// A client.
    pub(crate) fn client(&self, provider: Provider, id: &str) -> Option<Client> {
        self.state().clients.iter().find(|client| client.provider == provider && client.id == id).cloned()
    }

    /// Stores a request until the user has chosen, and returns its name.
    pub(crate) fn open(&self, now: u64, request: AuthorizationRequest) -> String {
        self.state().open.put(now, request)
    }

    /// Takes the request of that name, once.
    pub(crate) fn close(&self, now: u64, name: &str) -> Option<AuthorizationRequest> {
        self.state().open.take(now, name)
    }

    /// Issues a code.
    pub(crate) fn put_code(&self, now: u64, code: Code) -> String {
        self.state().codes.put(now, code)
    }

    /// Issues a code with this text.
    pub(crate) fn put_code_as(&self, now: u64, text: String, code: Code) -> String {
        self.state().codes.put_as(now, text.clone(), code);
        text
    }

    /// Takes a code, once.
    pub(crate) fn take_code(&self, now: u64, code: &str) -> Option<Code> {
        self.state().codes.take(now, code)
    }

    /// Issues a token.
    pub(crate) fn put_token(&self, now: u64, token: Token) -> String {
        self.state().tokens.put(now, token)
    }

    /// The holder of a token of this provider.
    pub(crate) fn holder(&self, now: u64, provider: Provider, token: &str) -> Option<TokenHolder> {
        let token =
            self.state().tokens.get(now, token).filter(|token| token.provider == provider).cloned()?;
        let client = self.client(provider, &token.client)?;
        let person = self.person(provider, &token.person)?;
        Some(TokenHolder { client, person, scopes: token.scopes })
    }
}

fn put<T>(all: &mut Vec<T>, new: T, same: impl Fn(&T, &T) -> bool) -> Result<(), Invalid> {
    if let Some(old) = all.iter_mut().find(|old| same(old, &new)) {
        *old = new;
    } else if all.len() < LIMIT {
        all.push(new);
    } else {
        return Err(Invalid(format!("the limit of {LIMIT} entries has been reached")));
    }
    Ok(())
}
