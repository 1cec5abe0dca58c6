//! A network between the service and a store that can be cut or silenced.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The state of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections are closed, and new ones too.
    Cut,
    /// Connections stay open, but no bytes pass.
    Silent,
}

/// A TCP address that forwards to another one while it is open.
pub struct Gate {
    /// The address to connect to instead.
    pub address: SocketAddr,
    state: Arc<watch::Sender<State>>,
}

impl Gate {
    /// An open gate to `target`, such as `127.0.0.1:5432`.
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(watch::Sender::new(State::Open));
        let watched = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(lead(client, target.clone(), watched.subscribe()));
            }
        });
        Self { address, state }
    }

    /// A gate to the server of `url`, and the URL that leads through it.
    pub async fn before(url: &str) -> (Self, String) {
        let mut url = url::Url::parse(url).expect("it is a URL");
        let host = url.host_str().expect("a host").to_owned();
        let gate = Self::to(format!("{host}:{}", url.port().expect("a port"))).await;
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(gate.address.port())).expect("a port");
        (gate, url.to_string())
    }

    /// Closes all connections and forwards none.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Keeps all connections and forwards no bytes.
    pub fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Forwards again.
    pub fn open(&self) {
        self.state.send_replace(State::Open);
    }
}

/// A connection that was ever interrupted ends when the network recovers: bytes may have been lost between
/// its two sides, as in a real network. Until then neither side notices.
async fn lead(mut client: TcpStream, target: String, mut state: watch::Receiver<State>) {
    let mut server = None;
    if *state.borrow_and_update() == State::Open {
        let Ok(stream) = TcpStream::connect(target).await else { return };
        tokio::select! {
            _ended = copy_bidirectional(&mut client, server.insert(stream)) => return,
            _changed = state.changed() => {}
        }
    }
    let _test_over = state.wait_for(|state| *state != State::Silent).await;
    drop(server);
}
