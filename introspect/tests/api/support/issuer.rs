//! A small web server that publishes a key set.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Sends the same response to every request; a test can change it.
pub(crate) struct Issuer {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    pub(crate) fn start(jwks: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (current, count) = (Arc::clone(&answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let _head: Vec<_> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                count.fetch_add(1, Ordering::SeqCst);
                let answer = current.lock().unwrap().clone();
                let _sent = stream.write_all(answer.as_bytes());
            }
        });
        let issuer = Self { address, answer, asked };
        issuer.publish(jwks);
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/.well-known/jwks.json", self.address)
    }

    /// Sends this document from now on.
    pub(crate) fn publish(&self, document: &str) {
        self.answer_with(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len()));
    }

    /// Sends exactly these bytes from now on.
    pub(crate) fn answer_with(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    /// How many requests it has received.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
