//! An accepted connection.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// A connection, and the address of its client.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(TcpStream, IpAddr),
    /// Over a Unix socket.
    Unix(UnixStream),
}

/// A connection that belongs to no runtime: it can be sent to the thread of another.
#[derive(Debug)]
pub enum DetachedStream {
    /// Over TCP.
    Tcp(std::net::TcpStream, IpAddr),
    /// Over a Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

impl Stream {
    /// The client's address; `None` on a Unix socket.
    pub const fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, peer) => Some(*peer),
            Self::Unix(_) => None,
        }
    }

    /// Whether the client is on this machine.
    pub fn is_local(&self) -> bool {
        is_local(self.peer())
    }

    /// Takes the connection out of this runtime.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn detach(self) -> io::Result<DetachedStream> {
        match self {
            Self::Tcp(stream, peer) => Ok(DetachedStream::Tcp(stream.into_std()?, peer)),
            Self::Unix(stream) => stream.into_std().map(DetachedStream::Unix),
        }
    }
}

impl DetachedStream {
    /// Puts the connection into the current runtime.
    ///
    /// # Errors
    ///
    /// If the system refuses it.
    pub fn attach(self) -> io::Result<Stream> {
        match self {
            Self::Tcp(stream, peer) => Ok(Stream::Tcp(TcpStream::from_std(stream)?, peer)),
            Self::Unix(stream) => UnixStream::from_std(stream).map(Stream::Unix),
        }
    }
}

/// Whether a client is on this machine; `None` is a client on a Unix socket.
pub fn is_local(peer: Option<IpAddr>) -> bool {
    peer.is_none_or(|address| address.to_canonical().is_loopback())
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream, _) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream, _) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream, _) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream, _) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream, _) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn loopback_addresses_and_unix_sockets_are_local() {
        let local = |address: &str| is_local(Some(address.parse().unwrap()));
        assert!(local("127.0.0.1") && local("::1") && local("::ffff:127.0.0.1") && is_local(None));
        assert!(!local("10.0.0.1") && !local("::ffff:10.0.0.1"));
    }

    #[test]
    fn a_detached_stream_works_in_another_runtime() {
        let build = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (first, second) = (build(), build());
        let (mut client, server) = first.block_on(async { UnixStream::pair().unwrap() });
        let detached = first.block_on(async { Stream::Unix(server).detach().unwrap() });
        second.block_on(async { detached.attach().unwrap().write_all(b"a").await.unwrap() });
        assert_eq!(first.block_on(client.read_u8()).unwrap(), b'a');
    }
}
