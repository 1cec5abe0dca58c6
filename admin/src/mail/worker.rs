//! Empties the outbox. Any number of admins may do so: each mail is claimed by one of them.
//!
//! A claim is a lease: if its process ends before the mail is handed over, another one claims the mail when the lease is
//! over. No transaction is open while the mail server is talked to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::backoff;
use super::compose::compose;
use super::delivery::{DeliveryError, MailServer};
use super::message::Message;
use super::outbox::{OpenedMail, Outbox, UnreadableMail};
use super::queued::QueuedMail;
use super::request::{RequestResolver, ResolvedMail};
use super::store::{self, ClaimedMail};
use super::texts::{MailSite, letter};
use crate::config::{DatabaseConfig, Language, MailConfig};
use crate::db::{Db, DbError, Dedicated, within};
use crate::metrics::MailFailure;
use crate::random::Random;
use crate::stop::Stop;

pub use super::delivery::MailServerError;

/// How many mails a process sends at the same time, so that one slow delivery does not delay the others.
const LANES: usize = 4;

/// The longest time without a look at the outbox: notifications can be lost with their connection.
const LOOK: Duration = Duration::from_secs(60);

/// The limit on one statement.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after PostgreSQL was unavailable.
const PAUSE: Duration = Duration::from_secs(2);

/// How much longer than a delivery may take a mail belongs to the process that claimed it.
const MARGIN: Duration = Duration::from_secs(60);

/// How long a mail is left that this program cannot read.
const UNREADABLE: Duration = Duration::from_mins(10);

/// How often it is tried to delete a mail that was handed over.
const DELETIONS: usize = 10;

/// Sends the mails of the outbox.
pub(crate) struct MailWorker {
    db: Db,
    database: DatabaseConfig,
    outbox: Arc<Outbox>,
    server: MailServer,
    random: Arc<dyn Random>,
    resolver: Arc<dyn RequestResolver>,
}

/// What became of an attempt.
enum Attempted {
    /// The mail left the outbox, or has its own pause.
    Done,
    /// The mail was not handed to the server, so nothing is known of that.
    NotTried,
    /// The server cannot be used.
    Outage,
}

/// How a lane goes on.
enum LaneStep {
    /// With the next mail.
    Next,
    /// After this pause.
    Rest(Duration),
    /// After this pause, or when there is a new mail.
    Wait(Duration),
}

impl MailWorker {
    /// A worker. Opens no connection.
    ///
    /// # Errors
    ///
    /// When TLS cannot be prepared.
    pub(crate) fn new(
        db: Db,
        database: DatabaseConfig,
        outbox: Arc<Outbox>,
        config: MailConfig,
        random: Arc<dyn Random>,
        resolver: Arc<dyn RequestResolver>,
    ) -> Result<Self, MailServerError> {
        let server = MailServer::new(config, outbox.abilities())?;
        Ok(Self { db, database, outbox, server, random, resolver })
    }

    /// Sends mails until `stop`; then ends the deliveries in progress.
    pub(crate) async fn run(self, stop: Stop) {
        let (wake, woken) = watch::channel(0);
        let lanes = (0..LANES).map(|_| self.lane(stop.clone(), woken.clone()));
        tokio::select! {
            _ended = join_all(lanes) => {}
            () = self.listen(wake) => {}
        }
    }

    /// Wakes the lanes after every commit that added a mail; never ends.
    async fn listen(&self, wake: watch::Sender<u64>) {
        loop {
            let connecting = Dedicated::connect(&self.database, "usher mail", "", Some(store::CHANNEL));
            match within(PATIENCE, connecting).await {
                Ok(listener) => {
                    while !listener.client().is_closed() {
                        // Also at first: a notification may have been lost before.
                        wake.send_modify(|count| *count = count.wrapping_add(1));
                        listener.notified().await;
                    }
                }
                Err(error) => tracing::warn!(%error, "Cannot listen for new mails; reconnecting."),
            }
            sleep(PAUSE).await;
        }
    }

    /// Sends one mail after the other.
    async fn lane(&self, stop: Stop, mut woken: watch::Receiver<u64>) {
        let mut outages = 0;
        while stop.clone().now_or_never().is_none() {
            woken.mark_unchanged();
            match self.turn(&mut outages).await {
                LaneStep::Next => {}
                LaneStep::Rest(pause) => drop(timeout(pause, stop.clone()).await),
                LaneStep::Wait(pause) => tokio::select! {
                    () = stop.clone() => {}
                    _new_or_no_listener = woken.changed() => {}
                    () = sleep(pause) => {}
                },
            }
        }
    }

    /// Sends one mail, if one is due, and counts the outages of the server.
    async fn turn(&self, outages: &mut u32) -> LaneStep {
        match self.take_one().await {
            Ok(Some(Attempted::Done)) => {
                if std::mem::take(outages) > 0 {
                    tracing::info!("The mail server can be used again.");
                }
                LaneStep::Next
            }
            Ok(Some(Attempted::Outage)) => {
                *outages += 1;
                LaneStep::Rest(backoff::of_server(*outages, &*self.random))
            }
            Ok(Some(Attempted::NotTried)) => LaneStep::Next,
            Ok(None) => LaneStep::Wait(self.next_due().await),
            Err(error) => {
                tracing::warn!(%error, "Cannot read the mail outbox; trying again.");
                LaneStep::Wait(PAUSE)
            }
        }
    }

    /// Claims a mail that is due and tries to send it. `None` if none is due.
    async fn take_one(&self) -> Result<Option<Attempted>, DbError> {
        let lease = self.server.config().timeout + MARGIN;
        let claimed = within(PATIENCE, async { store::claim(&self.db.get().await?, lease).await }).await?;
        let Some(mail) = claimed else { return Ok(None) };
        Ok(Some(self.attempt(&mail).await?))
    }

    /// How long to wait for the next mail.
    async fn next_due(&self) -> Duration {
        let due = within(PATIENCE, async { store::next_due(&self.db.get().await?).await }).await;
        due.map_or(PAUSE, |due| due.unwrap_or(LOOK).min(LOOK))
    }

    async fn attempt(&self, mail: &ClaimedMail) -> Result<Attempted, DbError> {
        let until = Instant::now() + mail.remaining;
        let opened = match self.outbox.open(mail) {
            Ok(opened) => opened,
            Err(error) => return self.leave_unreadable(mail, &error).await,
        };
        if mail.remaining.is_zero() {
            return self.note_failure(mail, &DeliveryError::expired()).await;
        }
        let Some(ready) = self.resolve(mail, opened).await? else {
            tracing::debug!(id = %mail.id, "A request of the outbox needs no mail.");
            self.forget(mail).await;
            return Ok(Attempted::NotTried);
        };
        match self.send(mail, &ready, until).await {
            Ok(()) => {
                self.note_sent(mail, ready.message.kind()).await;
                Ok(Attempted::Done)
            }
            Err(error) => self.note_failure(mail, &error).await,
        }
    }

    async fn leave_unreadable(
        &self,
        mail: &ClaimedMail,
        error: &UnreadableMail,
    ) -> Result<Attempted, DbError> {
        tracing::error!(id = %mail.id, %error, "A mail cannot be read; it is left in the outbox.");
        self.outbox.metrics().count_failure(MailFailure::Unreadable);
        self.postpone(mail, UNREADABLE).await?;
        Ok(Attempted::NotTried)
    }

    async fn note_sent(&self, mail: &ClaimedMail, kind: &'static str) {
        self.outbox.metrics().count_sent(kind);
        tracing::info!(id = %mail.id, kind, attempt = mail.attempts, "Sent a mail.");
        self.forget(mail).await;
    }

    /// The mail to be sent; `None` for a request that needs none.
    async fn resolve(&self, mail: &ClaimedMail, opened: OpenedMail) -> Result<Option<ResolvedMail>, DbError> {
        let language = mail.language.as_deref().and_then(Language::of_tag);
        let to_address =
            |message| Some(ResolvedMail { address: opened.address.as_str().to_owned(), language, message });
        match opened.queued {
            QueuedMail::Notice(notice) => Ok(to_address(Message::Notice(notice))),
            QueuedMail::AddressRemoved(notice) => Ok(to_address(Message::AddressRemoved(notice))),
            QueuedMail::AddressChanged { notice, token } => {
                Ok(to_address(Message::AddressChanged { notice, token: token.0.into() }))
            }
            QueuedMail::Request(request) => {
                let resolved =
                    self.resolver.resolve(&request, (mail.id, opened.sealed_with), &opened.address);
                let resolved = within(PATIENCE, resolved).await?;
                Ok(resolved.map(|found| ResolvedMail { language: found.language.or(language), ..found }))
            }
        }
    }

    /// Sends a mail, not after `until`.
    async fn send(
        &self,
        mail: &ClaimedMail,
        ready: &ResolvedMail,
        until: Instant,
    ) -> Result<(), DeliveryError> {
        let config = self.server.config();
        let host = config.public_url.host_str().unwrap_or_default();
        let site = MailSite { host, url: config.public_url.as_str() };
        let times = u32::try_from(mail.times).unwrap_or(1);
        let letter = letter(&ready.message, times, ready.language.unwrap_or(config.language), site);
        let composed = compose(&config.from, &ready.address, mail, &letter);
        let composed = composed.map_err(|_| DeliveryError::no_address())?;
        let remaining = until.saturating_duration_since(Instant::now());
        let limit = config.timeout.min(remaining);
        match timeout(limit, self.server.send(&composed)).await {
            Ok(sent) => sent,
            Err(_elapsed) if remaining <= config.timeout => Err(DeliveryError::expired()),
            Err(_elapsed) => Err(DeliveryError::timeout(limit)),
        }
    }

    /// Counts and logs a failure, never with the address, and decides when the mail is tried again, if at all.
    async fn note_failure(&self, mail: &ClaimedMail, error: &DeliveryError) -> Result<Attempted, DbError> {
        let failure = error.failure;
        self.outbox.metrics().count_failure(failure);
        match failure {
            MailFailure::Recipient | MailFailure::Expired => {
                log(mail, error, "A mail is given up.");
                self.forget(mail).await;
                let is_tried = failure == MailFailure::Recipient;
                Ok(if is_tried { Attempted::Done } else { Attempted::NotTried })
            }
            MailFailure::Temporary | MailFailure::Timeout | MailFailure::Full | MailFailure::Unreadable => {
                log(mail, error, "A mail is sent later.");
                let attempts = u32::try_from(mail.attempts).unwrap_or(u32::MAX);
                self.postpone(mail, backoff::of_mail(attempts, &*self.random)).await?;
                Ok(Attempted::Done)
            }
            MailFailure::Connection | MailFailure::Server => {
                log(mail, error, "The mail server cannot be used; mails wait in the outbox.");
                self.postpone(mail, backoff::of_server(1, &*self.random)).await?;
                Ok(Attempted::Outage)
            }
        }
    }

    async fn postpone(&self, mail: &ClaimedMail, pause: Duration) -> Result<(), DbError> {
        within(PATIENCE, async { store::postpone(&self.db.get().await?, mail, pause).await }).await
    }

    /// Deletes a mail that must not be sent again. If that fails for longer than the lease, it is sent again with the
    /// same `Message-ID`.
    async fn forget(&self, mail: &ClaimedMail) {
        for _ in 0..DELETIONS {
            let deleted = within(PATIENCE, async { store::delete(&self.db.get().await?, mail).await }).await;
            let Err(error) = deleted else { return };
            tracing::warn!(id = %mail.id, %error, "A mail cannot be deleted from the outbox yet.");
            sleep(PAUSE).await;
        }
    }
}

/// Connects to the mail server and signs in, and sends nothing. The sentence says why that is impossible.
pub(crate) async fn check_server(config: MailConfig) -> Result<(), String> {
    let server = MailServer::new(config, Arc::default()).map_err(|error| error.to_string())?;
    server.try_out().await.map_err(|error| error.to_string())
}

/// One line for a failure. The error has no text of the server that could quote the address.
fn log(mail: &ClaimedMail, error: &DeliveryError, message: &'static str) {
    let (kind, reason, attempt) = (mail.kind.as_str(), error.failure.label(), mail.attempts);
    tracing::warn!(id = %mail.id, kind, reason, attempt, %error, "{message}");
}
