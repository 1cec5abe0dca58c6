//! A TCP connection that breaks on purpose: put it between a program and its store.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::Error;
use crate::error::Doing as _;

/// Passes bytes both ways until told to cut.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    open: Arc<watch::Sender<bool>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes connections on to `to`.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub async fn start(to: SocketAddr) -> Result<Self, Error> {
        let doing = || "the proxy cannot listen".to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.doing(doing)?;
        let port = listener.local_addr().doing(doing)?.port();
        let open = Arc::new(watch::Sender::new(true));
        let task = tokio::spawn(serve(listener, to, Arc::clone(&open)));
        Ok(Self { port, open, task })
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection, and each new one at once, until [`Self::mend`].
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.open.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, to: SocketAddr, open: Arc<watch::Sender<bool>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(pass(stream, to, open.subscribe()));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut from: TcpStream, to: SocketAddr, mut open: watch::Receiver<bool>) {
    if !*open.borrow_and_update() {
        return;
    }
    let Ok(mut to) = TcpStream::connect(to).await else { return };
    tokio::select! {
        _ended = copy_bidirectional(&mut from, &mut to) => {}
        _cut = open.changed() => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_cut_connection_ends_and_a_mended_one_works() {
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = echo.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        let proxy = Proxy::start(to).await.unwrap();
        let mut buffer = [0; 2];

        let mut first = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        first.write_all(b"hi").await.unwrap();
        first.read_exact(&mut buffer).await.unwrap();
        proxy.cut();
        assert!(matches!(first.read(&mut buffer).await, Ok(0) | Err(_)));

        proxy.mend();
        let mut second = TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap();
        second.write_all(b"ho").await.unwrap();
        second.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"ho");
    }
}
