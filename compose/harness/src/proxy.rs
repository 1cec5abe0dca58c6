//! A TCP proxy that breaks connections on purpose: put it between a program and its store.
//!
//! It passes bytes on in its own threads, so that tests with and without a runtime can use it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use url::Url;

use crate::Error;
use crate::error::Doing as _;

/// Passes bytes both ways until a test changes that.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

/// The state that the threads share.
#[derive(Debug)]
struct Network {
    server: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    /// The server since the last [`Proxy::redirect`].
    redirected: Option<SocketAddr>,
    held: Held,
    /// Both ends of every connection since the last [`Proxy::cut`].
    streams: Vec<TcpStream>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Passes everything on.
    #[default]
    Open,
    /// Closes each connection as soon as it is made.
    Refusing,
    /// Keeps connections open, and passes nothing on.
    Silent,
    /// The proxy itself ends.
    Ended,
}

/// The bytes that are held back from the server.
#[derive(Debug, Default)]
struct Held {
    /// Everything that contains this word.
    word: Option<&'static str>,
    /// How often it was seen.
    seen: usize,
    /// How many of these were passed on later.
    passed: usize,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes connections on to `server`, such as `127.0.0.1:6379`.
    ///
    /// # Errors
    ///
    /// If it cannot listen, or `server` is not an address.
    pub fn start(server: &str) -> Result<Self, Error> {
        let doing = || format!("a proxy before {server} cannot listen");
        let resolved = server.to_socket_addrs().doing(doing)?.next();
        let resolved = resolved.ok_or_else(|| Error::Other(format!("{server} is not an address")))?;
        let listener = TcpListener::bind("127.0.0.1:0").doing(doing)?;
        let address = listener.local_addr().doing(doing)?;
        let (state, changed) = (Mutex::default(), Condvar::new());
        let network = Arc::new(Network { server: resolved, state, changed });
        let serving = Arc::clone(&network);
        std::thread::spawn(move || serving.serve(&listener));
        Ok(Self { address, network })
    }

    /// A proxy in front of the server of `url`, and the URL that leads through it.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn before(url: &str) -> Result<(Self, String), Error> {
        let no_server = || Error::Other(format!("{url} names no host and port"));
        let mut through = Url::parse(url).map_err(|_| no_server())?;
        let (Some(host), Some(port)) = (through.host_str(), through.port()) else { return Err(no_server()) };
        let proxy = Self::start(&format!("{host}:{port}"))?;
        let set = through.set_host(Some("127.0.0.1")).is_ok() && through.set_port(Some(proxy.port())).is_ok();
        if set { Ok((proxy, through.into())) } else { Err(no_server()) }
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it made since the last [`Self::cut`].
    pub fn connections(&self) -> usize {
        self.network.state().streams.len() / 2
    }

    /// Ends every connection; new ones are passed on.
    pub fn cut(&self) {
        self.network.state().cut();
    }

    /// Ends every connection, and each new one at once.
    pub fn refuse(&self) {
        self.network.change(|state| {
            state.mode = Mode::Refusing;
            state.cut();
        });
    }

    /// Ends every connection; new ones are passed on to another server.
    ///
    /// # Errors
    ///
    /// If `server` is not an address.
    pub fn redirect(&self, server: &str) -> Result<(), Error> {
        let resolved = server.to_socket_addrs().doing(|| format!("{server} is not an address"))?.next();
        self.network.change(|state| {
            state.redirected = resolved;
            state.cut();
        });
        Ok(())
    }

    /// Keeps every connection open and drops every byte, like a server that hangs.
    pub fn silence(&self) {
        self.network.change(|state| state.mode = Mode::Silent);
    }

    /// Holds back everything that contains `word`, and all later bytes of that connection, from the server.
    pub fn hold(&self, word: &'static str) {
        self.network.change(|state| state.held = Held { word: Some(word), ..Held::default() });
    }

    /// How often something was held back.
    pub fn held(&self) -> usize {
        self.network.state().held.seen
    }

    /// Passes on the first that is held back, and continues to hold.
    pub fn pass_one(&self) {
        self.network.change(|state| state.held.passed += 1);
    }

    /// Passes on everything that is held back.
    pub fn release(&self) {
        self.network.change(|state| state.held.word = None);
    }

    /// Passes everything on again. Connections that may have lost bytes end.
    pub fn restore(&self) {
        self.network.change(|state| {
            state.mode = Mode::Open;
            state.held.word = None;
            state.cut();
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.change(|state| {
            state.mode = Mode::Ended;
            state.held.word = None;
            state.cut();
        });
        // The listening thread notices the change by one more connection.
        let _woken = TcpStream::connect(self.address);
    }
}

impl State {
    fn cut(&mut self) {
        for stream in self.streams.drain(..) {
            let _ended_already = stream.shutdown(Shutdown::Both);
        }
    }

    fn is_silent(&mut self) -> bool {
        self.mode == Mode::Silent
    }
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        // No thread leaves it inconsistent by a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn wait_while(&self, wait: impl FnMut(&mut State) -> bool) {
        drop(self.changed.wait_while(self.state(), wait));
    }

    fn serve(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().map_while(Result::ok) {
            if self.state().mode == Mode::Ended {
                return;
            }
            let network = Arc::clone(&self);
            std::thread::spawn(move || network.lead(client));
        }
    }

    /// Passes on both directions of a connection, one in this thread and one in another.
    fn lead(self: Arc<Self>, client: TcpStream) {
        if self.state().mode != Mode::Open {
            // A client whose bytes are dropped waits, as it would for a server that hangs.
            self.wait_while(State::is_silent);
            return;
        }
        let address = self.state().redirected.unwrap_or(self.server);
        let Ok(server) = TcpStream::connect(address) else { return };
        let ends = (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
        let (Ok(kept_client), Ok(kept_server), Ok(back), Ok(forth)) = ends else { return };
        let _faster = (client.set_nodelay(true), server.set_nodelay(true));
        self.change(|state| state.streams.extend([kept_client, kept_server]));
        let network = Arc::clone(&self);
        std::thread::spawn(move || network.copy(server, back, |_| {}));
        self.copy(client, forth, |bytes| self.hold_back(bytes));
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, before: impl Fn(&[u8])) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = buffer.get(..count).unwrap_or_default();
            before(bytes);
            let passes = self.state().mode == Mode::Open;
            if passes && to.write_all(bytes).is_err() {
                break;
            }
        }
        // While nothing is passed on, neither side notices that the other has closed.
        self.wait_while(State::is_silent);
        let _ended_already = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Waits while `bytes` must be held back from the server.
    fn hold_back(&self, bytes: &[u8]) {
        let has = |word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        let mut number = 0;
        self.change(|state| {
            if state.held.word.is_some_and(has) {
                state.held.seen += 1;
                number = state.held.seen;
            }
        });
        self.wait_while(|state| state.held.word.is_some() && state.held.passed < number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A server that sends back what it receives, behind a proxy.
    fn echo() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
            }
        });
        Proxy::start(&address.to_string()).unwrap()
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Whether `word` is sent back.
    fn says(stream: &mut TcpStream, word: &str) -> bool {
        let mut answer = vec![0; word.len()];
        let told = stream.write_all(word.as_bytes()).and_then(|()| stream.read_exact(&mut answer));
        told.is_ok() && answer == word.as_bytes()
    }

    /// Whether the connection has ended, with nothing more to read.
    fn has_ended(stream: &mut TcpStream) -> bool {
        match stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    fn until(condition: impl Fn() -> bool) {
        while !condition() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn after_a_cut_only_new_connections_work() {
        let proxy = echo();
        let mut first = connect(&proxy);
        assert!(says(&mut first, "hi"));
        proxy.cut();
        assert!(has_ended(&mut first));
        assert!(says(&mut connect(&proxy), "ho"));
    }

    #[test]
    fn after_a_redirect_new_connections_reach_the_other_server() {
        let (proxy, other) = (echo(), echo());
        let mut first = connect(&proxy);
        assert!(says(&mut first, "hi"));
        proxy.redirect(&format!("127.0.0.1:{}", other.port())).unwrap();
        assert!(has_ended(&mut first));
        assert!(says(&mut connect(&proxy), "ho"));
        assert_eq!(other.connections(), 1);
    }

    #[test]
    fn nothing_connects_while_it_refuses() {
        let proxy = echo();
        let mut first = connect(&proxy);
        assert!(says(&mut first, "hi"));
        proxy.refuse();
        assert!(has_ended(&mut first) && has_ended(&mut connect(&proxy)));
        proxy.restore();
        assert!(says(&mut connect(&proxy), "ho"));
    }

    #[test]
    fn a_connection_that_lost_bytes_ends_when_the_network_works_again() {
        let proxy = echo();
        let mut before = connect(&proxy);
        assert!(says(&mut before, "hi"));
        proxy.silence();
        let mut during = connect(&proxy);
        for stream in [&mut before, &mut during] {
            stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            assert!(!says(stream, "lost") && !has_ended(stream));
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        }
        proxy.restore();
        assert!(has_ended(&mut before) && has_ended(&mut during));
        assert!(says(&mut connect(&proxy), "ho"));
    }

    #[test]
    fn held_connections_continue_one_by_one_or_all_at_once() {
        let proxy = echo();
        proxy.hold("stop");
        let waiting = |word: &'static str| {
            let mut stream = connect(&proxy);
            let seen = proxy.held();
            let thread = std::thread::spawn(move || says(&mut stream, word));
            until(|| proxy.held() > seen);
            thread
        };
        let (first, second) = (waiting("stop 1"), waiting("stop 2"));
        assert!(says(&mut connect(&proxy), "go"));
        proxy.pass_one();
        assert!(first.join().unwrap() && !second.is_finished());
        proxy.release();
        assert!(second.join().unwrap());
    }

    #[test]
    fn the_address_of_a_store_leads_through_it() {
        let (proxy, url) = Proxy::before("postgres://user:secret@127.0.0.1:5432/usher").unwrap();
        assert_eq!(url, format!("postgres://user:secret@127.0.0.1:{}/usher", proxy.port()));
        assert!(Proxy::before("nonsense").is_err());
    }
}
