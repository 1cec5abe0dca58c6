//! The server: it listens, and ends when it is dropped.

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

use crate::invalid::Invalid;
use crate::key::SigningKey;
use crate::reply::{Answer, Pieces};
use crate::request::Request;
use crate::route::answer;
use crate::world::World;
use crate::{Client, Config, Person, Provider, Requests, Trouble};

/// The most connections at one time; more wait.
const CONNECTIONS: usize = 1024;
/// The most bytes of a request's head.
const HEAD: usize = 64 * 1024;
/// How long [`Trouble::Slow`] takes.
const SLOW: Duration = Duration::from_secs(2);
/// How long to wait when the system has no connection to give.
const BREATH: Duration = Duration::from_millis(100);

/// The seven providers, at one address. They end when this is dropped.
///
/// Purposefully not Clone: whoever holds it decides how long they live.
#[derive(Debug)]
pub struct Providers {
    world: Arc<World>,
    accepting: JoinHandle<()>,
}

/// Why the providers do not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A client or a person of the configuration cannot be.
    #[error("the configuration is refused: {0}")]
    Config(#[from] Invalid),
    /// The listener has no address.
    #[error("the listener has no address: {0}")]
    Listener(#[from] io::Error),
    /// There is no key to sign with.
    #[error("no RSA key could be made")]
    Key,
}

impl Providers {
    /// Starts them behind a listener. It must be called within a tokio runtime, which then runs them.
    ///
    /// # Errors
    ///
    /// When the configuration cannot be, or the listener has no address.
    pub fn start(listener: TcpListener, config: Config) -> Result<Self, StartError> {
        config.check()?;
        let url = format!("http://{}", listener.local_addr()?);
        let key = SigningKey::generate().map_err(|_| StartError::Key)?;
        let world = Arc::new(World::new(url, key, config));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&world)));
        Ok(Self { world, accepting })
    }

    /// Where they are: `http://127.0.0.1:PORT`, without a slash behind.
    #[must_use]
    pub fn url(&self) -> String {
        self.world.url.clone()
    }

    /// Where one of them is: `http://127.0.0.1:PORT/google`.
    #[must_use]
    pub fn url_of(&self, provider: Provider) -> String {
        format!("{}/{provider}", self.world.url)
    }

    /// Registers a client; one with the same provider and id is replaced.
    ///
    /// # Errors
    ///
    /// When no provider would register it, or there are 10 000.
    pub fn put_client(&self, client: Client) -> Result<(), Invalid> {
        self.world.put_client(client)
    }

    /// Adds a person; one with the same provider and key is replaced, and their tokens speak of the new one.
    ///
    /// # Errors
    ///
    /// When no provider could have them, or there are 10 000.
    pub fn put_person(&self, person: Person) -> Result<(), Invalid> {
        self.world.put_person(person)
    }

    /// Everybody who can sign in at a provider.
    #[must_use]
    pub fn people(&self, provider: Provider) -> Vec<Person> {
        self.world.people(provider)
    }

    /// Gives a provider a trouble, in place of the one that it has.
    pub fn set_trouble(&self, provider: Provider, trouble: Trouble) {
        self.world.set_trouble(provider, Some(trouble));
    }

    /// Takes the trouble of a provider away.
    pub fn clear_trouble(&self, provider: Provider) {
        self.world.set_trouble(provider, None);
    }

    /// How often a provider was asked.
    #[must_use]
    pub fn requests(&self, provider: Provider) -> Requests {
        self.world.requests(provider)
    }
}

impl Drop for Providers {
    /// The task owns the listener and every connection, so they end with it.
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, world: Arc<World>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let world = Arc::clone(&world);
        connections.spawn(async move {
            serve(stream, &world).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, world: &World) {
    // Only a delay is lost without it.
    let _unset = stream.set_nodelay(true);
    let service = service_fn(async |request| respond(world, request).await);
    // A connection that breaks is the business of whoever broke it.
    let _broken = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A connection ends without an answer.
#[derive(Debug)]
struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the trouble `close`")
    }
}

impl std::error::Error for Hangup {}

async fn respond(world: &World, request: hyper::Request<Incoming>) -> Result<Response<Pieces>, Hangup> {
    let request = match Request::read(request).await {
        Ok(request) => request,
        Err(reply) => return Ok(reply.into_response()),
    };
    match answer(world, now(), &request) {
        Answer::Now(reply) => Ok(reply.into_response()),
        Answer::Later(reply) => {
            tokio::time::sleep(SLOW).await;
            Ok(reply.into_response())
        }
        // hyper drops this when the client goes.
        Answer::Never => std::future::pending().await,
        Answer::Hangup => Err(Hangup),
    }
}

/// Seconds since 1970: from here on, time is a parameter.
#[expect(
    clippy::disallowed_methods,
    reason = "this crate stands alone, and this is where its time comes from"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
