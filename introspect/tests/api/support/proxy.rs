//! A proxy before Redis, to break the network on purpose.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::{redis_url, wait_until};

/// Passes bytes on, until told otherwise.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    refusing: AtomicBool,
    silent: AtomicBool,
    held: Mutex<Held>,
    released: Condvar,
    streams: Mutex<Vec<TcpStream>>,
}

/// What is kept from the server.
#[derive(Default)]
struct Held {
    /// All that has this word in it.
    word: Option<&'static str>,
    /// How often it was seen.
    seen: usize,
    /// How many of these were passed on all the same.
    passed: usize,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                shared.pass(client.unwrap());
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Ends every connection; new ones are taken.
    pub(crate) fn cut(&self) {
        for stream in self.state.streams.lock().unwrap().drain(..) {
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends every connection, and takes no new ones.
    pub(crate) fn refuse(&self) {
        self.state.refusing.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Swallows every byte from now on, as a server that hangs does.
    pub(crate) fn hang(&self) {
        self.state.silent.store(true, Ordering::SeqCst);
    }

    /// Keeps whatever has `word` in it, and what follows on its connection, from the server until it is released.
    pub(crate) fn hold(&self, word: &'static str) {
        *self.state.held.lock().unwrap() = Held { word: Some(word), ..Held::default() };
    }

    /// Waits until something was held so often.
    #[track_caller]
    pub(crate) fn wait_held(&self, times: usize) {
        wait_until("something is held", || self.state.held.lock().unwrap().seen >= times);
    }

    /// Passes on the first that is held, and goes on holding.
    pub(crate) fn pass_one(&self) {
        self.state.held.lock().unwrap().passed += 1;
        self.state.released.notify_all();
    }

    /// Passes on what is held.
    pub(crate) fn release(&self) {
        self.state.held.lock().unwrap().word = None;
        self.state.released.notify_all();
    }

    /// As at first. Connections that lost bytes are ended.
    pub(crate) fn restore(&self) {
        self.state.refusing.store(false, Ordering::SeqCst);
        self.state.silent.store(false, Ordering::SeqCst);
        self.cut();
        self.release();
    }

    /// Waits until a sidecar has both its connections.
    pub(crate) fn wait_connected(&self) {
        wait_until("two connections", || self.state.streams.lock().unwrap().len() >= 4);
    }
}

impl State {
    fn pass(self: &Arc<Self>, client: TcpStream) {
        if self.refusing.load(Ordering::SeqCst) {
            return;
        }
        let url = redis_url();
        let server = TcpStream::connect(url.trim_start_matches("redis://").trim_end_matches('/')).unwrap();
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            self.streams.lock().unwrap().push(stream.try_clone().unwrap());
        }
        let pairs = [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)];
        for (from, to) in pairs {
            let state = Arc::clone(self);
            std::thread::spawn(move || state.copy(from, to));
        }
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            self.pause_at(&bytes[..count]);
            if !self.silent.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ended = to.shutdown(Shutdown::Both);
    }
    fn pause_at(&self, bytes: &[u8]) {
        let has = |word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        let mut held = self.held.lock().unwrap();
        if held.word.is_some_and(has) {
            held.seen += 1;
            let number = held.seen;
            let waits = |held: &mut Held| held.word.is_some() && held.passed < number;
            drop(self.released.wait_while(held, waits).unwrap());
        }
    }
}
