//! Everything that the providers know, behind one lock that is never held across an await.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ask::Ask;
use crate::cast::default_cast;
use crate::invalid::Invalid;
use crate::key::SigningKey;
use crate::ledger::Ledger;
use crate::play::Endpoint;
use crate::{Client, Config, Person, Provider, Requests, Trouble};

/// How long a code and an open request live, in seconds.
const TEN_MINUTES: u64 = 600;
/// How long a token lives, in seconds.
pub(crate) const AN_HOUR: u64 = 3600;
/// The most clients, and the most people.
const LIMIT: usize = 10_000;

/// What the providers know.
#[derive(Debug)]
pub(crate) struct World {
    /// Where they listen: `http://127.0.0.1:8090`.
    pub(crate) url: String,
    /// With which Google signs.
    pub(crate) key: SigningKey,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    clients: Vec<Client>,
    people: Vec<Person>,
    troubles: BTreeMap<Provider, Trouble>,
    requests: BTreeMap<Provider, Requests>,
    open: Ledger<Ask>,
    codes: Ledger<Code>,
    tokens: Ledger<Token>,
}

/// A code, and what it is bound to.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// What was asked for.
    pub(crate) ask: Ask,
    /// The key of whoever signed in.
    pub(crate) person: String,
    /// The device that must be named again (VK).
    pub(crate) device: Option<String>,
}

/// A token, and what it is good for.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// At which provider.
    pub(crate) provider: Provider,
    /// To whom it was given.
    pub(crate) client: String,
    /// The key of whoever signed in.
    pub(crate) person: String,
    /// What it opens.
    pub(crate) scopes: Vec<String>,
}

/// Whose token came, and of what it speaks.
#[derive(Debug)]
pub(crate) struct Holder {
    /// To whom it was given.
    pub(crate) client: Client,
    /// Of whom it speaks, as they are now.
    pub(crate) person: Person,
    scopes: Vec<String>,
}

impl Holder {
    /// Whether the token opens that.
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

impl World {
    /// A world in which nothing has happened.
    pub(crate) fn new(url: String, key: SigningKey, config: Config) -> Self {
        let Config { clients, mut people } = config;
        for provider in Provider::ALL {
            if people.iter().all(|person| person.provider != provider) {
                people.extend(default_cast(provider));
            }
        }
        let state = State {
            clients,
            people,
            troubles: BTreeMap::new(),
            requests: BTreeMap::new(),
            open: Ledger::new(TEN_MINUTES),
            codes: Ledger::new(TEN_MINUTES),
            tokens: Ledger::new(AN_HOUR),
        };
        Self { url, key, state: Mutex::new(state) }
    }

    /// No sentence below leaves the state half written, so a panic elsewhere has not spoilt it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a client, or registers it anew.
    pub(crate) fn put_client(&self, client: Client) -> Result<(), Invalid> {
        client.check()?;
        put(&mut self.state().clients, client, |one, other| {
            (one.provider, &one.id) == (other.provider, &other.id)
        })
    }

    /// Adds somebody, or replaces them.
    pub(crate) fn put_person(&self, person: Person) -> Result<(), Invalid> {
        person.check()?;
        put(&mut self.state().people, person, |one, other| {
            (one.provider, &one.key) == (other.provider, &other.key)
        })
    }

    /// Sets or clears the trouble of a provider.
    pub(crate) fn set_trouble(&self, provider: Provider, trouble: Option<Trouble>) {
        let troubles = &mut self.state().troubles;
        match trouble {
            Some(trouble) => troubles.insert(provider, trouble),
            None => troubles.remove(&provider),
        };
    }

    /// The trouble of a provider.
    pub(crate) fn trouble(&self, provider: Provider) -> Option<Trouble> {
        self.state().troubles.get(&provider).copied()
    }

    /// Counts a request.
    pub(crate) fn count(&self, provider: Provider, endpoint: Endpoint) {
        self.state().requests.entry(provider).or_default().count(endpoint);
    }

    /// How often a provider was asked.
    pub(crate) fn requests(&self, provider: Provider) -> Requests {
        self.state().requests.get(&provider).copied().unwrap_or_default()
    }

    /// Everybody.
    pub(crate) fn everybody(&self) -> Vec<Person> {
        self.state().people.clone()
    }

    /// Everybody at a provider.
    pub(crate) fn people(&self, provider: Provider) -> Vec<Person> {
        self.state().people.iter().filter(|person| person.provider == provider).cloned().collect()
    }

    /// One of them.
    pub(crate) fn person(&self, provider: Provider, key: &str) -> Option<Person> {
        self.state().people.iter().find(|person| person.provider == provider && person.key == key).cloned()
    }

    /// A client.
    pub(crate) fn client(&self, provider: Provider, id: &str) -> Option<Client> {
        self.state().clients.iter().find(|client| client.provider == provider && client.id == id).cloned()
    }

    /// Keeps a request until somebody decides, and names it.
    pub(crate) fn open(&self, now: u64, ask: Ask) -> String {
        self.state().open.put(now, ask)
    }

    /// The request of that name, once.
    pub(crate) fn close(&self, now: u64, name: &str) -> Option<Ask> {
        self.state().open.take(now, name)
    }

    /// Gives a code.
    pub(crate) fn put_code(&self, now: u64, code: Code) -> String {
        self.state().codes.put(now, code)
    }

    /// Takes a code back, once.
    pub(crate) fn take_code(&self, now: u64, code: &str) -> Option<Code> {
        self.state().codes.take(now, code)
    }

    /// Gives a token.
    pub(crate) fn put_token(&self, now: u64, token: Token) -> String {
        self.state().tokens.put(now, token)
    }

    /// Whose token that is, at that provider.
    pub(crate) fn holder(&self, now: u64, provider: Provider, token: &str) -> Option<Holder> {
        let token =
            self.state().tokens.get(now, token).filter(|token| token.provider == provider).cloned()?;
        let client = self.client(provider, &token.client)?;
        let person = self.person(provider, &token.person)?;
        Some(Holder { client, person, scopes: token.scopes })
    }
}

fn put<T>(all: &mut Vec<T>, new: T, same: impl Fn(&T, &T) -> bool) -> Result<(), Invalid> {
    if let Some(old) = all.iter_mut().find(|old| same(old, &new)) {
        *old = new;
    } else if all.len() < LIMIT {
        all.push(new);
    } else {
        return Err(Invalid(format!("there are {LIMIT} already")));
    }
    Ok(())
}
