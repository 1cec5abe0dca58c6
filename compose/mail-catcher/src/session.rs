//! One SMTP connection (RFC 5321), with STARTTLS (RFC 3207) and AUTH PLAIN and LOGIN (RFC 4954).

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

use crate::fault::Fault;
use crate::inbox::MailEnvelope;
use crate::state::State;

/// The longest command line, in bytes.
const MAX_LINE: u64 = 4096;
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 4 << 20;

/// How a connection goes on.
pub(crate) enum SessionEnd<S> {
    /// It is over.
    Closed,
    /// The client is about to negotiate TLS.
    StartTls(S),
}

/// A connection.
pub(crate) struct Session<S> {
    stream: BufReader<S>,
    state: Arc<State>,
    is_encrypted: bool,
    user: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(crate) fn new(stream: S, state: Arc<State>, is_encrypted: bool) -> Self {
        Self { stream: BufReader::new(stream), state, is_encrypted, user: None }
    }

    /// Greets the client.
    pub(crate) async fn greet(&mut self) -> io::Result<bool> {
        match self.state.fault() {
            Some(Fault::Silent) => {
                self.wait_for_the_client().await;
                Ok(false)
            }
            Some(Fault::Unavailable) => {
                self.say("421 mail-catcher is not available").await?;
                Ok(false)
            }
            _ => self.say("220 mail-catcher ESMTP").await.map(|()| true),
        }
    }

    /// Answers commands until the end of the connection.
    pub(crate) async fn run(mut self) -> io::Result<SessionEnd<S>> {
        let mut envelope = MailEnvelope::default();
        while let Some(line) = self.line().await? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" | "HELO" => self.hello().await?,
                "STARTTLS" if self.state.has_tls() && !self.is_encrypted => {
                    self.say("220 go ahead").await?;
                    return Ok(SessionEnd::StartTls(self.stream.into_inner()));
                }
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.mail(rest, &mut envelope).await?,
                "RCPT" => self.recipient(rest, &mut envelope).await?,
                "DATA" if envelope.to.is_empty() => self.say("503 name a recipient first").await?,
                "DATA" => {
                    if !self.content(std::mem::take(&mut envelope)).await? {
                        return Ok(SessionEnd::Closed);
                    }
                }
                "RSET" => {
                    envelope = MailEnvelope::default();
                    self.say("250 ok").await?;
                }
                "NOOP" => self.say("250 ok").await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Ok(SessionEnd::Closed);
                }
                _ => self.say("500 unknown command").await?,
            }
        }
        Ok(SessionEnd::Closed)
    }

    async fn hello(&mut self) -> io::Result<()> {
        let mut lines = vec!["mail-catcher", "8BITMIME"];
        if self.state.fault() != Some(Fault::AsciiOnly) {
            lines.push("SMTPUTF8");
        }
        if self.state.has_tls() && !self.is_encrypted {
            lines.push("STARTTLS");
        }
        if self.state.credentials().is_some() && self.may_authenticate() {
            lines.push("AUTH PLAIN LOGIN");
        }
        let last = lines.len() - 1;
        for (at, line) in lines.into_iter().enumerate() {
            let mark = if at == last { ' ' } else { '-' };
            self.say(&format!("250{mark}{line}")).await?;
        }
        Ok(())
    }

    /// A password is taken over TLS only, if there is TLS.
    fn may_authenticate(&self) -> bool {
        self.is_encrypted || !self.state.has_tls()
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let Some((user, password)) = self.credentials(mechanism, initial).await? else {
            return self.say("501 malformed credentials").await;
        };
        let is_right = self.state.credentials() == Some((user.as_str(), password.as_str()));
        if !is_right || !self.may_authenticate() || self.state.fault() == Some(Fault::RejectCredentials) {
            return self.say("535 wrong credentials").await;
        }
        self.user = Some(user);
        self.say("235 welcome").await
    }

    async fn credentials(&mut self, mechanism: &str, initial: &str) -> io::Result<Option<(String, String)>> {
        match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let sent =
                    if initial.is_empty() { self.challenge("").await? } else { Some(initial.to_owned()) };
                let decoded = sent.and_then(|text| decode(&text));
                Ok(decoded.and_then(|text| {
                    let mut parts = text.split('\0').skip(1);
                    Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
                }))
            }
            "LOGIN" => {
                let user = self.challenge("VXNlcm5hbWU6").await?.and_then(|text| decode(&text));
                let password = self.challenge("UGFzc3dvcmQ6").await?.and_then(|text| decode(&text));
                Ok(user.zip(password))
            }
            _ => Ok(None),
        }
    }

    async fn challenge(&mut self, text: &str) -> io::Result<Option<String>> {
        self.say(&format!("334 {text}")).await?;
        self.line().await
    }

    async fn mail(&mut self, rest: &str, envelope: &mut MailEnvelope) -> io::Result<()> {
        if self.state.credentials().is_some() && self.user.is_none() {
            return self.say("530 authentication required").await;
        }
        if self.state.fault() == Some(Fault::RejectSender) {
            return self.say("550 no such sender").await;
        }
        let Some(from) = path(rest) else { return self.say("501 malformed sender").await };
        *envelope =
            MailEnvelope { from, to: Vec::new(), is_encrypted: self.is_encrypted, user: self.user.clone() };
        self.say("250 ok").await
    }

    async fn recipient(&mut self, rest: &str, envelope: &mut MailEnvelope) -> io::Result<()> {
        let Some(to) = path(rest) else { return self.say("501 malformed recipient").await };
        match self.state.fault() {
            // Servers quote the recipient; no program may log it.
            Some(Fault::RejectRecipient) => self.say(&format!("550 5.1.1 <{to}> is unknown")).await,
            Some(Fault::DeferRecipient) => self.say(&format!("451 4.7.1 <{to}> come back later")).await,
            _ => {
                envelope.to.push(to);
                self.say("250 ok").await
            }
        }
    }

    /// Takes a message. `false` ends the connection.
    async fn content(&mut self, envelope: MailEnvelope) -> io::Result<bool> {
        self.say("354 end with a dot").await?;
        let mut message = Vec::new();
        loop {
            let mut line = Vec::new();
            self.stream.read_until(b'\n', &mut line).await?;
            if line.is_empty() || message.len() > MAX_MESSAGE {
                return Ok(false);
            }
            if line == b".\r\n" {
                break;
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        match self.state.fault() {
            Some(Fault::RejectContent) => self.say("554 rejected").await.map(|()| true),
            Some(Fault::DeferContent) => self.say("451 try later").await.map(|()| true),
            Some(Fault::SilentAfterContent) => {
                self.wait_for_the_client().await;
                Ok(false)
            }
            fault => {
                self.state.inbox.add(envelope, message);
                if fault == Some(Fault::HangUpAfterContent) {
                    return Ok(false);
                }
                self.say("250 kept").await.map(|()| true)
            }
        }
    }

    /// Answers nothing until the client hangs up.
    async fn wait_for_the_client(&mut self) {
        let mut buffer = [0; 1024];
        while matches!(self.stream.read(&mut buffer).await, Ok(1..)) {}
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        (&mut self.stream).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        let text = String::from_utf8_lossy(&line);
        Ok(text.ends_with('\n').then(|| text.trim_end().to_owned()))
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.get_mut().flush().await
    }
}

/// The address in `FROM:<...>` or `TO:<...>`.
fn path(rest: &str) -> Option<String> {
    let (_, rest) = rest.split_once('<')?;
    rest.split_once('>').map(|(address, _)| address.to_owned())
}

fn decode(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}
