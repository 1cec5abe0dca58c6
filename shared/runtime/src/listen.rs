//! Listening sockets, TCP and Unix: their addresses, and their connections.

mod address;
mod stream;
mod unix_socket;

use std::io;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};

use unix_socket::SocketFile;

pub use address::{Address, NotAnAddress, list};
pub use stream::{DetachedStream, Stream, is_local};
pub use unix_socket::UnixSocketError;

/// The delay after a failed accept: most failures pass by themselves, and none may use up the processor.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// A bound socket. The file of a Unix socket is removed when the listener is dropped.
pub struct Listener {
    socket: Socket,
    address: Address,
}

enum Socket {
    Tcp(TcpListener),
    /// The file is removed when it is dropped.
    Unix(UnixListener, SocketFile),
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The socket file cannot be created safely.
    #[error(transparent)]
    UnixSocket(#[from] UnixSocketError),
    /// The system refused the address.
    #[error(
        "cannot listen on {address}: {cause}; check that no other process uses the address and that this user may \
         bind it"
    )]
    Io {
        /// The address.
        address: Address,
        /// The error of the system.
        cause: io::Error,
    },
}

impl Listener {
    /// Binds. Must be called within a runtime.
    ///
    /// A Unix socket gets mode 0660 and the group of its folder, which no other user may write. The socket file of a
    /// killed process is replaced.
    ///
    /// # Errors
    ///
    /// With a sentence that says what to do.
    pub async fn bind(address: &Address) -> Result<Self, ListenError> {
        let failed = |cause| ListenError::Io { address: address.clone(), cause };
        match address {
            Address::Tcp(wanted) => {
                let socket = TcpListener::bind(wanted).await.map_err(failed)?;
                let address = Address::Tcp(socket.local_addr().map_err(failed)?);
                Ok(Self { socket: Socket::Tcp(socket), address })
            }
            Address::Unix(path) => {
                let (socket, file) = unix_socket::bind(path)?;
                let socket = UnixListener::from_std(socket).map_err(failed)?;
                Ok(Self { socket: Socket::Unix(socket, file), address: address.clone() })
            }
        }
    }

    /// Binds all of them.
    ///
    /// # Errors
    ///
    /// As [`Self::bind`], for the first that fails.
    pub async fn bind_all(addresses: &[Address]) -> Result<Vec<Self>, ListenError> {
        let mut listeners = Vec::with_capacity(addresses.len());
        for address in addresses {
            listeners.push(Self::bind(address).await?);
        }
        Ok(listeners)
    }

    /// The bound address, with the port that the system chose.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Accepts connections without end, and passes each on.
    pub async fn accept_all(&self, mut pass_on: impl FnMut(Stream)) {
        let mut failures = AcceptFailures::default();
        loop {
            pass_on(self.accept_next(&mut failures).await);
        }
    }

    /// Accepts the next connection, however often that fails before.
    pub async fn accept_next(&self, failures: &mut AcceptFailures) -> Stream {
        loop {
            match self.accept().await {
                Ok(stream) => return stream,
                Err(error) => {
                    failures.log(&error, &self.address);
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Accepts the next connection.
    ///
    /// # Errors
    ///
    /// If this one connection failed, or the process has too many open files.
    pub async fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Socket::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream, peer.ip()))
            }
            Socket::Unix(socket, _file) => Ok(Stream::Unix(socket.accept().await?.0)),
        }
    }
}

/// The kinds of failures so far. Each is logged once: without free file descriptors there would be fifty lines a second.
#[derive(Debug, Default)]
pub struct AcceptFailures(Vec<(io::ErrorKind, Option<i32>)>);

impl AcceptFailures {
    fn log(&mut self, error: &io::Error, address: &Address) {
        let kind = (error.kind(), error.raw_os_error());
        if !self.0.contains(&kind) {
            self.0.push(kind);
            tracing::warn!(%error, %address, "accept failed (logged once per kind of error)");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpStream, UnixStream};

    use super::*;

    #[tokio::test]
    async fn a_tcp_listener_knows_its_real_port_and_its_clients() {
        let listener = Listener::bind(&"tcp:127.0.0.1:0".parse().unwrap()).await.unwrap();
        let Address::Tcp(address) = listener.address() else { unreachable!("it listens on TCP") };
        let _client = TcpStream::connect(address).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().peer(), Some(address.ip()));
        let taken = Listener::bind(listener.address()).await.err().unwrap().to_string();
        assert!(taken.contains(&listener.address().to_string()), "{taken}");
    }

    #[tokio::test]
    async fn a_unix_listener_replaces_a_dead_socket_and_leaves_a_living_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let address = Address::Unix(path.clone());
        let listener = Listener::bind(&address).await.unwrap();
        assert_eq!(listener.address(), &address);
        let _client = UnixStream::connect(&path).await.unwrap();
        assert_eq!(listener.accept().await.unwrap().peer(), None);
        assert!(Listener::bind(&address).await.is_err());
    }
}
