//! The server, which stops when it is dropped.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, body::Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

use crate::config::{Client, Config};
use crate::fault::Fault;
use crate::invalid::Invalid;
use crate::key::SigningKey;
use crate::person::Person;
use crate::provider::Provider;
use crate::reply::{Delivery, Pieces};
use crate::request::Request;
use crate::requests::Requests;
use crate::route::answer;
use crate::store::Store;

/// The most connections at the same time; further ones wait.
const CONNECTIONS: usize = 1024;
/// The most bytes of a request's headers.
const MAX_HEADERS: usize = 64 * 1024;
/// The delay of [`Fault::Slow`].
const SLOW: Duration = Duration::from_secs(2);
/// The pause after an error of `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The seven providers at one address. They stop when this is dropped.
///
/// Purposefully not Clone: its owner decides how long they run.
#[derive(Debug)]
pub struct Providers {
    store: Arc<Store>,
    accepting: JoinHandle<()>,
}

/// Why the providers did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A client or a person of the configuration is invalid.
    #[error("the configuration is invalid: {0}")]
    Config(#[from] Invalid),
    /// The listener has no address.
    #[error("the listener has no address: {0}")]
    Listener(#[from] io::Error),
    /// No signing key was generated.
    #[error("an RSA key could not be generated")]
    Key,
}

impl Providers {
    /// Starts them on a listener, within a tokio runtime, which then runs them.
    ///
    /// # Errors
    ///
    /// When the configuration is invalid, or the listener has no address.
    pub fn start(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        config.check()?;
        let url = format!("http://{}", listener.local_addr()?);
        let key = SigningKey::generate().map_err(|_| StartError::Key)?;
        let store = Arc::new(Store::new(url, key, config));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&store)));
        Ok(Self { store, accepting })
    }

    /// Their URL: `http://127.0.0.1:PORT`, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        self.store.url.clone()
    }

    /// The URL of one of them: `http://127.0.0.1:PORT/google`.
    #[must_use]
    pub fn url_of(&self, provider: Provider) -> String {
        format!("{}/{provider}", self.store.url)
    }

    /// Registers a client; one with the same provider and id is replaced.
    ///
    /// # Errors
    ///
    /// When it is invalid, or there are 10,000.
    pub fn put_client(&self, client: Client) -> Result<(), Invalid> {
        self.store.put_client(client)
    }

    /// Adds a person; one with the same provider and key is replaced, also for existing tokens.
    ///
    /// # Errors
    ///
    /// When it is invalid, or there are 10,000.
    pub fn put_person(&self, person: Person) -> Result<(), Invalid> {
        self.store.put_person(person)
    }

    /// All people who can sign in at a provider.
    #[must_use]
    pub fn people(&self, provider: Provider) -> Vec<Person> {
        self.store.people(provider)
    }

    /// Sets the fault of a provider, which has one at a time.
    pub fn set_fault(&self, provider: Provider, fault: Fault) {
        self.store.set_fault(provider, Some(fault));
    }

    /// Clears the fault of a provider.
    pub fn clear_fault(&self, provider: Provider) {
        self.store.set_fault(provider, None);
    }

    /// The number of requests to a provider.
    #[must_use]
    pub fn requests(&self, provider: Provider) -> Requests {
        self.store.requests(provider)
    }
}

impl Drop for Providers {
    /// The task owns the listener and all connections, so they end with it.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, store: Arc<Store>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let store = Arc::clone(&store);
        connections.spawn(async move {
            serve(stream, &store).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, store: &Store) {
    // Without it, only latency is worse.
    let _unset = stream.set_nodelay(true);
    let service = service_fn(async |request| respond(store, request).await);
    // A broken connection is of no interest here.
    let _broken = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The connection is closed without a response.
#[derive(Debug)]
struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fault `close`")
    }
}

impl std::error::Error for Hangup {}

async fn respond(store: &Store, request: hyper::Request<Incoming>) -> Result<Response<Pieces>, Hangup> {
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(reply) => return Ok(reply.into_response()),
    };
    match answer(store, now(), &request) {
        Delivery::Now(reply) => Ok(reply.into_response()),
        Delivery::Later(reply) => {
            tokio::time::sleep(SLOW).await;
            Ok(reply.into_response())
        }
        // hyper drops this when the client disconnects.
        Delivery::Never => std::future::pending().await,
        Delivery::Hangup => Err(Hangup),
    }
}

/// Seconds since 1970. Everything else takes the time as a parameter.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
