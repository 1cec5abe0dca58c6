//! Mail: the server that takes it, its sender, and the base of the links in it.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use runtime::certificates;
use runtime::env::{Reader, duration_between, text};
use secrecy::SecretString;
use url::{Host, Url};

/// The variable that turns mail on.
pub(super) const MAIL_URL: &str = "ADMIN_MAIL_URL";

/// How mail is sent. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The mail server's host name or address, which its certificate must name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: MailSecurity,
    /// The certificate authorities in PEM form; if `None`, the system trust store.
    pub ca: Option<Vec<u8>>,
    /// The user name and the password, if the server requires them.
    pub credentials: Option<(String, SecretString)>,
    /// The sender.
    pub from: Mailbox,
    /// The public base URL, with which every link begins.
    pub public_url: Url,
    /// The language of users whose language is unknown.
    pub language: Language,
    /// How long it may take to connect and to hand over one mail.
    pub timeout: Duration,
}

/// How the connection to the mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// STARTTLS, without which nothing is sent (RFC 3207).
    StartTls,
    /// Not at all.
    Plain,
}

/// A language of mails and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Russian];
}

/// The value of `ADMIN_MAIL_TLS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsChoice {
    Required,
    /// Without TLS to a server on this machine or in a private network.
    None,
    /// Without TLS to any server.
    NoneAnywhere,
}

/// A mail server as its URL says.
struct ServerUrl {
    host: Host,
    port: u16,
    has_tls: bool,
}

const FORM: &str = "must be smtp://HOST[:PORT] or smtps://HOST[:PORT], without user name, password and path";

impl MailConfig {
    /// `None` if no mail server is configured.
    pub(super) fn read(reader: &mut Reader<'_>, public_url: Option<&Url>) -> Option<Self> {
        let server = reader.optional(MAIL_URL, ServerUrl::parse);
        let choice = reader.optional("ADMIN_MAIL_TLS", TlsChoice::parse);
        let ca = reader.optional("ADMIN_MAIL_TLS_CA", certificates::read);
        let user = reader.optional("ADMIN_MAIL_USER", text);
        let password = reader.optional_secret("ADMIN_MAIL_PASSWORD");
        let from = match server {
            Some(_) => reader.required("ADMIN_MAIL_FROM", sender),
            None => reader.optional("ADMIN_MAIL_FROM", sender),
        };
        let language = reader.or("ADMIN_MAIL_LANGUAGE", Language::default(), Language::parse);
        let span = duration_between(Duration::from_secs(1), Duration::from_mins(5));
        let timeout = reader.or("ADMIN_MAIL_TIMEOUT", Duration::from_secs(30), span);
        let server = server?;
        if public_url.is_none() {
            reader.mistake(
                "ADMIN_PUBLIC_URL",
                "must be set when ADMIN_MAIL_URL is set: the base of links in mails, such as https://cinema.example",
            );
        }
        let security = server.security(choice).map_err(|why| reader.mistake("ADMIN_MAIL_TLS", why)).ok();
        if security == Some(MailSecurity::Plain) && ca.is_some() {
            reader.mistake("ADMIN_MAIL_TLS_CA", "must be set only with TLS");
        }
        let credentials = match (user, password) {
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                reader.mistake(
                    "ADMIN_MAIL_USER, ADMIN_MAIL_PASSWORD",
                    "must be set together; instead of the password, ADMIN_MAIL_PASSWORD_FILE may name a file that holds it",
                );
                None
            }
        };
        Some(Self {
            host: server.host.to_string().trim_matches(['[', ']']).to_owned(),
            port: server.port,
            security: security?,
            ca,
            credentials,
            from: from?,
            public_url: public_url?.clone(),
            language,
            timeout,
        })
    }
}

impl ServerUrl {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let url: Url = text.parse().map_err(|_| FORM)?;
        let (has_tls, usual) = match url.scheme() {
            "smtp" => (false, 587),
            "smtps" => (true, 465),
            _ => return Err(FORM),
        };
        let is_plain = url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none();
        // The URL parser knows no special form of hosts for these schemes.
        let host = url.host_str().filter(|host| is_plain && !host.is_empty()).ok_or(FORM)?;
        let host = Host::parse(host).map_err(|_| FORM)?;
        Ok(Self { host, port: url.port().unwrap_or(usual), has_tls })
    }

    fn security(&self, choice: Option<TlsChoice>) -> Result<MailSecurity, &'static str> {
        match (self.has_tls, choice) {
            (true, None | Some(TlsChoice::Required)) => Ok(MailSecurity::Tls),
            (true, Some(TlsChoice::None | TlsChoice::NoneAnywhere)) => {
                Err("must be `required` or not set, because ADMIN_MAIL_URL begins with smtps:")
            }
            (false, None | Some(TlsChoice::Required)) => Ok(MailSecurity::StartTls),
            (false, Some(TlsChoice::None)) if !self.is_near() => Err(
                "`none` is only for `localhost`, loopback addresses and private addresses; `none-anywhere` sends \
                 mails and the password without encryption to any server",
            ),
            (false, Some(TlsChoice::None | TlsChoice::NoneAnywhere)) => Ok(MailSecurity::Plain),
        }
    }

    /// Whether the server is on this machine or in a private network.
    fn is_near(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback() || address.is_private(),
            Host::Ipv6(address) => match IpAddr::V6(*address).to_canonical() {
                IpAddr::V4(address) => address.is_loopback() || address.is_private(),
                IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
            },
        }
    }
}

impl TlsChoice {
    fn parse(word: &str) -> Result<Self, &'static str> {
        match word {
            "required" => Ok(Self::Required),
            "none" => Ok(Self::None),
            "none-anywhere" => Ok(Self::NoneAnywhere),
            _ => Err("must be `required`, `none` or `none-anywhere`"),
        }
    }
}

impl Language {
    fn parse(word: &str) -> Result<Self, &'static str> {
        match word {
            "en" => Ok(Self::English),
            "ru" => Ok(Self::Russian),
            _ => Err("must be `en` or `ru`"),
        }
    }
}

fn sender(text: &str) -> Result<Mailbox, &'static str> {
    text.parse().map_err(|_| "must be an e-mail address, or `Name <address>`")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const SENDER: (&str, &str) = ("ADMIN_MAIL_FROM", "Cinema <no-reply@cinema.example>");

    fn read(vars: &[(&'static str, &str)]) -> Result<Option<MailConfig>, String> {
        let vars: HashMap<_, _> = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let mut reader = Reader::new(&vars);
        let public_url: Url = "https://cinema.example".parse().unwrap();
        let mail = MailConfig::read(&mut reader, Some(&public_url));
        reader.finish(Some(mail)).map_err(|mistakes| mistakes.to_string())
    }

    fn security(url: &str, choice: Option<&str>) -> Result<MailSecurity, String> {
        let choice = choice.map(|choice| ("ADMIN_MAIL_TLS", choice));
        let vars: Vec<_> = [("ADMIN_MAIL_URL", url), SENDER].into_iter().chain(choice).collect();
        read(&vars).map(|mail| mail.unwrap().security)
    }

    #[test]
    fn without_a_server_there_is_no_mail() {
        assert!(read(&[]).unwrap().is_none());
        assert!(read(&[SENDER]).unwrap().is_none());
    }

    #[test]
    fn the_usual_ports_are_those_of_submission() {
        for (url, host, port) in [
            ("smtp://mail.example", "mail.example", 587),
            ("smtps://mail.example/", "mail.example", 465),
            ("smtps://[2001:db8::1]:1465", "2001:db8::1", 1465),
        ] {
            let mail = read(&[("ADMIN_MAIL_URL", url), SENDER]).unwrap().unwrap();
            assert_eq!((mail.host.as_str(), mail.port), (host, port));
        }
    }

    #[test]
    fn a_connection_has_tls_unless_the_server_is_near_or_the_operator_says_otherwise() {
        assert_eq!(security("smtp://mail.example", None), Ok(MailSecurity::StartTls));
        assert_eq!(security("smtp://127.0.0.1:25", None), Ok(MailSecurity::StartTls));
        assert_eq!(security("smtps://mail.example", None), Ok(MailSecurity::Tls));
        for near in ["127.0.0.1", "localhost", "10.1.2.3", "[::1]", "[fd00::1]", "[::ffff:192.168.0.1]"] {
            let url = format!("smtp://{near}:25");
            assert_eq!(security(&url, Some("none")), Ok(MailSecurity::Plain), "{near}");
        }
        for far in ["mail.example", "203.0.113.1", "[2001:db8::1]", "mailpit"] {
            let url = format!("smtp://{far}:25");
            assert!(security(&url, Some("none")).unwrap_err().contains("none-anywhere"), "{far}");
            assert_eq!(security(&url, Some("none-anywhere")), Ok(MailSecurity::Plain), "{far}");
        }
        assert!(security("smtps://127.0.0.1", Some("none")).is_err());
    }

    #[test]
    fn every_mistake_names_its_variable() {
        let url = ("ADMIN_MAIL_URL", "smtp://mail.example");
        for (vars, named) in [
            (vec![("ADMIN_MAIL_URL", "mail.example")], "ADMIN_MAIL_URL"),
            (vec![("ADMIN_MAIL_URL", "smtp://u:s3cret@mail.example")], "ADMIN_MAIL_URL"),
            (vec![("ADMIN_MAIL_URL", "http://mail.example")], "ADMIN_MAIL_URL"),
            (vec![url], "ADMIN_MAIL_FROM"),
            (vec![url, ("ADMIN_MAIL_FROM", "Cinema")], "ADMIN_MAIL_FROM"),
            (vec![url, SENDER, ("ADMIN_MAIL_USER", "usher")], "ADMIN_MAIL_USER, ADMIN_MAIL_PASSWORD"),
            (vec![url, SENDER, ("ADMIN_MAIL_PASSWORD", "s3cret")], "ADMIN_MAIL_USER, ADMIN_MAIL_PASSWORD"),
            (vec![url, SENDER, ("ADMIN_MAIL_TLS", "off")], "ADMIN_MAIL_TLS"),
            (vec![url, SENDER, ("ADMIN_MAIL_LANGUAGE", "de")], "ADMIN_MAIL_LANGUAGE"),
            (vec![url, SENDER, ("ADMIN_MAIL_TIMEOUT", "0s")], "ADMIN_MAIL_TIMEOUT"),
        ] {
            let mistakes = read(&vars).unwrap_err();
            assert!(mistakes.contains(&format!("{named}: ")) && !mistakes.contains("s3cret"), "{mistakes}");
        }
    }

    proptest! {
        #[test]
        fn any_url_and_any_sender_are_read_without_panic(text: String, host in "smtps?://[!-~]{0,40}") {
            let _either = (ServerUrl::parse(&text).is_ok(), ServerUrl::parse(&host).is_ok(), sender(&text).is_ok());
        }
    }
}
