//! The server, which stops when it is dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::fault::Fault;
use crate::inbox::CaughtMail;
use crate::session::{Session, SessionEnd};
use crate::state::State;

/// The pause after an error of `accept`.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the server requires.
#[derive(Debug, Clone, Default)]
pub struct CatcherOptions {
    /// A certificate and its key in PEM form: the server offers STARTTLS.
    pub tls: Option<(String, String)>,
    /// TLS from the first byte instead of STARTTLS.
    pub implicit_tls: bool,
    /// The user and the password without which it takes no mail.
    pub credentials: Option<(String, String)>,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// The certificate or its key is invalid.
    #[error("the certificate or its key is invalid: {0}")]
    Tls(String),
}

/// A running server. Purposefully not `Clone`: its owner decides how long it runs.
#[derive(Debug)]
pub struct Catcher {
    state: Arc<State>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Catcher {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If it cannot listen, or the certificate is invalid.
    pub async fn start(options: CatcherOptions) -> Result<Self, StartError> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?, options)
    }

    /// Serves on a listener, within a tokio runtime, which then runs it.
    ///
    /// # Errors
    ///
    /// If the listener has no address, or the certificate is invalid.
    pub fn start_on(listener: TcpListener, options: CatcherOptions) -> Result<Self, StartError> {
        let CatcherOptions { tls, implicit_tls, credentials } = options;
        let acceptor = tls.map(|(certificate, key)| acceptor(&certificate, &key)).transpose()?;
        let state = Arc::new(State::new(acceptor.is_some() && !implicit_tls, credentials));
        let address = listener.local_addr()?;
        let tls = Tls { acceptor, is_implicit: implicit_tls };
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), tls));
        Ok(Self { state, address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All mails, the oldest first.
    pub fn mails(&self) -> Vec<CaughtMail> {
        self.state.inbox.all()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.state.connections()
    }

    /// Fails from now on, or not any more.
    pub fn set_fault(&self, fault: Option<Fault>) {
        self.state.set_fault(fault);
    }

    pub(crate) fn state(&self) -> &Arc<State> {
        &self.state
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// How connections are encrypted.
#[derive(Clone)]
struct Tls {
    acceptor: Option<TlsAcceptor>,
    is_implicit: bool,
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor, StartError> {
    let failed = |why: String| StartError::Tls(why);
    let certificates = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| failed(why.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|why| failed(why.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| failed(why.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|why| failed(why.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Each connection is a task; all of them end with this future.
async fn accept(listener: TcpListener, state: Arc<State>, tls: Tls) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                state.count_connection();
                let (state, tls) = (Arc::clone(&state), tls.clone());
                connections.spawn(async move { drop(serve(stream, state, tls).await) });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<State>, tls: Tls) -> io::Result<()> {
    if let Some(acceptor) = tls.acceptor.as_ref().filter(|_| tls.is_implicit) {
        let mut session = Session::new(acceptor.accept(stream).await?, state, true);
        if session.greet().await? {
            session.run().await?;
        }
        return Ok(());
    }
    let mut session = Session::new(stream, Arc::clone(&state), false);
    if !session.greet().await? {
        return Ok(());
    }
    if let (SessionEnd::StartTls(stream), Some(acceptor)) = (session.run().await?, tls.acceptor) {
        Session::new(acceptor.accept(stream).await?, state, true).run().await?;
    }
    Ok(())
}
