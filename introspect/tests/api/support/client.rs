//! HTTP/1.1 byte by byte, so that tests see what nginx would see.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use runtime::listen::Address;

use super::PATIENCE;

/// One connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    unread: Vec<u8>,
}

/// One response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

impl Client {
    pub(crate) fn connect(address: &Address) -> Self {
        Self::try_connect(address).expect("the sidecar takes connections")
    }

    pub(crate) fn try_connect(address: &Address) -> std::io::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        };
        Ok(Self { stream, unread: Vec::new() })
    }

    /// The subrequest of nginx.
    pub(crate) fn ask(&mut self, headers: &[(&str, &str)]) -> Answer {
        let mut request = "GET /_introspect HTTP/1.1\r\nHost: introspect\r\n".to_owned();
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.send(request.as_bytes());
        self.answer()
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path)
    }

    pub(crate) fn call(&mut self, method: &str, path: &str) -> Answer {
        self.send(format!("{method} {path} HTTP/1.1\r\nHost: introspect\r\n\r\n").as_bytes());
        self.answer()
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next response; its body has the length in `Content-Length`.
    pub(crate) fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            assert!(self.fill() > 0, "closed in the middle of: {:?}", String::from_utf8_lossy(&self.unread));
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        let headers: Vec<_> = lines.map(header).collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length: usize = length.map_or(0, |(_, length)| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.fill() > 0, "closed in the middle of a body");
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Answer { status, headers, body }
    }

    /// Whether the sidecar has closed the connection, with nothing more to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && self.fill() == 0
    }

    /// Sends bytes that the sidecar may refuse, and returns everything that it sends until it closes.
    pub(crate) fn last_words(&mut self, bytes: &[u8]) -> String {
        // The sidecar may close before it has read everything.
        let _sent = self.stream.write_all(bytes);
        while self.fill() > 0 {}
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    fn fill(&mut self) -> usize {
        let mut bytes = [0; 16 * 1024];
        match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.unread.extend_from_slice(&bytes[..count]);
                count
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no answer in time: {error}"),
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice in {self:?}");
        value.map(|(_, value)| &**value)
    }

    pub(crate) fn challenge(&self) -> &str {
        self.header("www-authenticate").unwrap_or("")
    }

    /// The decision in the response: every response has one.
    #[track_caller]
    pub(crate) fn decision(&self) -> &str {
        self.header("x-auth-decision").expect("every response carries the decision")
    }

    /// 204 with this user.
    #[track_caller]
    pub(crate) fn is_allowed_as(&self, user: &str) {
        assert_eq!((self.status, self.header("x-user-id")), (204, Some(user)), "{self:?}");
        assert_eq!(self.decision(), "allow");
    }

    /// 204 without any identity.
    #[track_caller]
    pub(crate) fn is_allowed_anonymously(&self) {
        assert_eq!((self.status, self.decision()), (204, "allow"), "{self:?}");
        for name in ["x-user-id", "x-user-roles", "x-session-id"] {
            assert_eq!(self.header(name), None);
        }
    }

    /// 401 with this code, and a challenge that describes the token as invalid.
    #[track_caller]
    pub(crate) fn is_unauthorized(&self, code: &str) {
        assert_eq!((self.status, self.decision()), (401, code), "{self:?}");
        assert!(self.challenge().contains("error=\"invalid_token\", error_description="), "{self:?}");
        assert_eq!(self.header("content-length"), Some("0"));
    }

    /// 403 for a missing right.
    #[track_caller]
    pub(crate) fn is_insufficient(&self) {
        assert_eq!((self.status, self.decision()), (403, "insufficient_scope"), "{self:?}");
        let challenge = "Bearer realm=\"cinema\", error=\"insufficient_scope\", error_description=";
        assert!(self.challenge().starts_with(challenge), "{self:?}");
        assert_eq!(self.header("content-length"), Some("0"));
    }

    /// 403 without a challenge: the error is in nginx's configuration, not in the request.
    #[track_caller]
    pub(crate) fn is_forbidden(&self) {
        assert_eq!((self.status, self.challenge()), (403, ""), "{self:?}");
        assert_eq!(self.decision(), "forbidden");
        assert_eq!(self.header("content-length"), Some("0"));
    }

    /// 404: the sidecar cannot decide, and the client may retry.
    #[track_caller]
    pub(crate) fn is_undecided(&self) {
        assert_eq!((self.status, self.header("retry-after")), (404, Some("1")), "{self:?}");
        assert_eq!(self.decision(), "dependency_unavailable");
        assert_eq!(self.header("content-length"), Some("0"));
    }
}
