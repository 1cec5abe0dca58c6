//! Hands one message over to the mail server, by SMTP (RFC 5321).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret as _;
use url::Host;

use super::abilities::MailAbilities;
use super::compose::ComposedMail;
use crate::config::{MailConfig, MailSecurity};
use crate::metrics::MailFailure;

/// The mail server, and how to reach it.
pub(super) struct MailServer {
    config: MailConfig,
    tls: Option<TlsParameters>,
    hello: ClientId,
    abilities: Arc<MailAbilities>,
}

/// Why a message was not handed over. It has no text of the server that could quote the recipient.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(super) struct DeliveryError {
    pub(super) failure: MailFailure,
    text: String,
}

/// No connection can be secured as configured.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot prepare TLS to the mail server: {0}; check ADMIN_MAIL_TLS_CA, or the system's root certificates"
)]
pub struct MailServerError(String);

impl DeliveryError {
    /// The mail is of no use any more.
    pub(super) fn expired() -> Self {
        Self { failure: MailFailure::Expired, text: "it could not be sent while it was of use".to_owned() }
    }

    /// Nothing can be sent to its address.
    pub(super) fn no_address() -> Self {
        let text = "the address has no form that a mail server accepts".to_owned();
        Self { failure: MailFailure::Recipient, text }
    }

    /// The server took longer than `limit`.
    pub(super) fn timeout(limit: Duration) -> Self {
        Self { failure: MailFailure::Timeout, text: format!("the mail server took longer than {limit:?}") }
    }
}

impl MailServer {
    /// Reads the certificate authorities. Opens no connection.
    pub(super) fn new(config: MailConfig, abilities: Arc<MailAbilities>) -> Result<Self, MailServerError> {
        let failed = |error: Error| MailServerError(error.to_string());
        let tls = match config.security {
            MailSecurity::Plain => None,
            MailSecurity::Tls | MailSecurity::StartTls => {
                let mut parameters = TlsParametersBuilder::new(config.host.clone());
                if let Some(pem) = &config.ca {
                    let authorities = Certificate::from_pem(pem).map_err(failed)?;
                    parameters = parameters
                        .certificate_store(CertificateStore::None)
                        .add_root_certificate(authorities);
                }
                Some(parameters.build_rustls().map_err(failed)?)
            }
        };
        let hello = match config.public_url.host() {
            Some(Host::Domain(name)) => ClientId::Domain(name.to_owned()),
            Some(Host::Ipv4(address)) => ClientId::Ipv4(address),
            Some(Host::Ipv6(address)) => ClientId::Ipv6(address),
            None => ClientId::Ipv4([127, 0, 0, 1].into()),
        };
        Ok(Self { config, tls, hello, abilities })
    }

    pub(super) fn config(&self) -> &MailConfig {
        &self.config
    }

    /// Hands the message over on a connection of its own. The caller limits the time.
    pub(super) async fn send(&self, mail: &ComposedMail) -> Result<(), DeliveryError> {
        let mut connection = self.connect().await?;
        let handed_over = hand_over(&mut connection, mail).await;
        // The message is accepted or not; how the connection ends does not matter any more.
        match handed_over {
            Ok(()) => drop(connection.quit().await),
            Err(_) => connection.abort().await,
        }
        handed_over
    }

    /// Connects and signs in, and sends nothing.
    pub(super) async fn try_out(&self) -> Result<(), DeliveryError> {
        drop(self.connect().await?.quit().await);
        Ok(())
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, DeliveryError> {
        let MailConfig { host, port, security, timeout, .. } = &self.config;
        // An address must be parsed: a resolver would take a name.
        let address = host.parse::<IpAddr>().map_or_else(|_| host.clone(), |address| address.to_string());
        let wrapped = self.tls.clone().filter(|_| *security == MailSecurity::Tls);
        let connected = AsyncSmtpConnection::connect_tokio1(
            (address.as_str(), *port),
            Some(*timeout),
            &self.hello,
            wrapped,
            None,
        );
        let mut connection = connected.await.map_err(|error| of_server(&error))?;
        if let Some(tls) = self.tls.clone().filter(|_| *security == MailSecurity::StartTls) {
            connection.starttls(tls, &self.hello).await.map_err(|error| of_server(&error))?;
        }
        self.abilities.note(connection.server_info().supports_feature(Extension::SmtpUtfEight));
        if let Some((user, password)) = &self.config.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&mechanisms, &credentials).await.map_err(|error| of_server(&error))?;
        }
        Ok(connection)
    }
}

/// The commands one by one, because the meaning of a refusal depends on what was refused.
async fn hand_over(connection: &mut AsyncSmtpConnection, mail: &ComposedMail) -> Result<(), DeliveryError> {
    let mut parameters = Vec::new();
    let recipient: &str = mail.to.as_ref();
    if !recipient.is_ascii() {
        require(connection, Extension::SmtpUtfEight, "SMTPUTF8")?;
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !mail.bytes.is_ascii() {
        require(connection, Extension::EightBitMime, "8BITMIME")?;
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection
        .command(Mail::new(Some(mail.from.clone()), parameters))
        .await
        .map_err(|error| of_server(&error))?;
    connection.command(Rcpt::new(mail.to.clone(), Vec::new())).await.map_err(|error| of_mail(&error))?;
    connection.command(Data).await.map_err(|error| of_mail(&error))?;
    connection.message(&mail.bytes).await.map_err(|error| of_mail(&error))?;
    Ok(())
}

/// Without the extension the address cannot be reached through this server.
fn require(connection: &AsyncSmtpConnection, extension: Extension, name: &str) -> Result<(), DeliveryError> {
    if connection.server_info().supports_feature(extension) {
        return Ok(());
    }
    let text = format!("the mail server does not support {name}, which the recipient's address requires");
    Err(DeliveryError { failure: MailFailure::Recipient, text })
}

/// Before a recipient is named, every failure is the server's, or that of its configuration here.
fn of_server(error: &Error) -> DeliveryError {
    match error.status() {
        Some(code) => DeliveryError {
            failure: MailFailure::Server,
            text: format!(
                "the mail server refused the connection, the credentials or the sender with code {code}"
            ),
        },
        None => not_answered(error),
    }
}

/// Once a recipient is named, a permanent refusal concerns this mail alone.
fn of_mail(error: &Error) -> DeliveryError {
    match error.status() {
        Some(code) if error.is_permanent() => DeliveryError {
            failure: MailFailure::Recipient,
            text: format!("the mail server refused the recipient or the message with code {code}"),
        },
        Some(code) => DeliveryError {
            failure: MailFailure::Temporary,
            text: format!("the mail server refused the message for now with code {code}"),
        },
        None => not_answered(error),
    }
}

fn not_answered(error: &Error) -> DeliveryError {
    let failure = if error.is_timeout() { MailFailure::Timeout } else { MailFailure::Connection };
    DeliveryError { failure, text: format!("the mail server cannot be used: {error}") }
}
