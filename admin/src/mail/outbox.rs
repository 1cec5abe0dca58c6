//! The outbox: what waits to be handed over to the mail server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use uuid::Uuid;
use zeroize::Zeroizing;

use super::abilities::MailAbilities;
use super::mailbox::{self, MAILBOX_BYTES};
use super::message::NoticeKind;
use super::queued::{MailRequest, QueuedMail};
use super::store::{self, ClaimedMail, OutboxRow, OutboxStatus};
use crate::config::{Language, MasterKeys};
use crate::db::{Connection, DbError, Transaction};
use crate::keys::{DerivedKeys, KeyPurpose, SealError, SealPurpose, Sealer};
use crate::metrics::{MailFailure, MailMetrics};

/// How many mails may wait. Only changes of accounts cause notices, and those of one user, kind and hour are one mail.
const MOST: u64 = 100_000;

/// How many may wait when a request is added, which any client may cause: requests never take the room of notices.
const MOST_WITH_REQUEST: u64 = 10_000;

/// The outbox, and the keys of what is in it.
pub struct Outbox {
    is_on: bool,
    sealer: Sealer,
    mailboxes: DerivedKeys,
    metrics: MailMetrics,
    abilities: Arc<MailAbilities>,
    /// Whether the log says that it is full.
    is_full: AtomicBool,
    /// Whether the log says that it takes no further requests of strangers.
    refuses_requests: AtomicBool,
}

/// Who gets a mail. Purposefully without `Debug`: it holds an address.
#[derive(Clone, Copy)]
pub(crate) struct Recipient<'r> {
    /// The address as it was typed.
    pub(crate) address: &'r str,
    /// The same in lower case, by which it is unique.
    pub(crate) key: &'r str,
    /// Their language, if it is known.
    pub(crate) language: Option<Language>,
}

/// A mail to be sent.
pub(crate) struct NewMail<'m> {
    pub(crate) id: Uuid,
    pub(crate) recipient: Recipient<'m>,
    pub(crate) queued: &'m QueuedMail,
    /// The user who got a notice of this kind within this hour: then this one is sent at its end, with all others.
    pub(crate) merged_for: Option<Uuid>,
}

/// A mail as it was opened. Purposefully without `Debug`.
pub(super) struct OpenedMail {
    pub(super) address: Zeroizing<String>,
    pub(super) queued: QueuedMail,
    /// The number of the master key.
    pub(super) sealed_with: u8,
}

/// Why a row of the outbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnreadableMail {
    #[error("a mail of the outbox cannot be opened: {0}")]
    Sealed(#[from] SealError),
    #[error("a mail of the outbox is of a kind that this version does not know")]
    Unknown,
}

impl Outbox {
    /// An outbox that takes mails if mail `is_on`.
    pub fn new(masters: &MasterKeys, is_on: bool, metrics: MailMetrics) -> Self {
        NoticeKind::ALL.iter().for_each(|kind| metrics.begin(kind.word()));
        Self {
            is_on,
            sealer: Sealer::new(masters, SealPurpose::Mail),
            mailboxes: DerivedKeys::derive(masters, KeyPurpose::Mailboxes),
            metrics,
            abilities: Arc::default(),
            is_full: AtomicBool::new(false),
            refuses_requests: AtomicBool::new(false),
        }
    }

    /// Whether the mail server is known to take no mail to this address.
    pub(crate) fn cannot_reach(&self, address: &str) -> bool {
        self.is_on && self.abilities.excludes(address)
    }

    /// What the worker learns of the server.
    pub(super) fn abilities(&self) -> Arc<MailAbilities> {
        Arc::clone(&self.abilities)
    }

    /// Whether mail is sent at all.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Puts a mail into the outbox, in the transaction that causes it, and returns whether it will be sent. Without mail
    /// it does nothing.
    ///
    /// A full outbox takes no further mail and fails nothing: the log, a metric and the health checks say so.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub(crate) async fn put(&self, tx: &Transaction<'_>, mail: &NewMail<'_>) -> Result<bool, DbError> {
        if !self.is_on {
            return Ok(false);
        }
        let kind = mail.queued.kind();
        let mailbox = mailbox::number(&self.mailboxes, mail.recipient.key);
        let name = row_name(kind, &mailbox);
        let seal = |secret: &[u8]| self.sealer.seal(&name, secret);
        let sealed = seal(mail.recipient.address.as_bytes())
            .and_then(|recipient| Ok((recipient, seal(&mail.queued.parameters())?)));
        let (recipient, parameters) = match sealed {
            Ok(sealed) => sealed,
            // A change of the account must not depend on it.
            Err(error) => {
                tracing::error!(kind, %error, "A mail is not sent.");
                self.metrics.count_failure(MailFailure::Unreadable);
                return Ok(false);
            }
        };
        let row = OutboxRow {
            id: mail.id,
            kind,
            mailbox: &mailbox,
            language: mail.recipient.language.map(Language::tag),
            recipient: &recipient,
            parameters: &parameters,
            merged_for: mail.merged_for,
            life: mail.queued.life(),
        };
        // Only this one can be caused by any client.
        let is_of_stranger = matches!(mail.queued, QueuedMail::Request(MailRequest::Reset));
        let (most, is_full) = match is_of_stranger {
            true => (MOST_WITH_REQUEST, &self.refuses_requests),
            false => (MOST, &self.is_full),
        };
        let is_queued = store::insert(tx, &row, most).await?;
        self.note(is_queued, most, is_full);
        Ok(is_queued)
    }

    /// Deletes what waits for the mailbox of this address, if there is one, and notices about the user to another one.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub(crate) async fn forget(
        &self,
        tx: &Transaction<'_>,
        user: Uuid,
        key: Option<&str>,
    ) -> Result<(), DbError> {
        let mailbox = key.map(|key| mailbox::number(&self.mailboxes, key));
        store::delete_of(tx, user, mailbox.as_ref().map(<[u8; MAILBOX_BYTES]>::as_slice)).await
    }

    /// How many mails wait, and for how long.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is unavailable.
    pub async fn status(&self, connection: &Connection) -> Result<OutboxStatus, DbError> {
        store::status(connection, MOST).await
    }

    /// The content of a claimed mail.
    pub(super) fn open(&self, mail: &ClaimedMail) -> Result<OpenedMail, UnreadableMail> {
        let name = row_name(&mail.kind, &mail.mailbox);
        let address = self.sealer.open(&name, &mail.recipient)?;
        let address = std::str::from_utf8(&address).map_err(|_| UnreadableMail::Unknown)?;
        let parameters = self.sealer.open(&name, &mail.parameters)?;
        let queued = QueuedMail::of_stored(&mail.kind, &parameters).ok_or(UnreadableMail::Unknown)?;
        let sealed_with = Sealer::number_of(&mail.parameters)?;
        Ok(OpenedMail { address: Zeroizing::new(address.to_owned()), queued, sealed_with })
    }

    pub(super) fn metrics(&self) -> &MailMetrics {
        &self.metrics
    }

    /// Counts a mail that found no room, and logs the first of several with the same limit.
    fn note(&self, is_queued: bool, limit: u64, is_full: &AtomicBool) {
        if is_queued {
            is_full.store(false, Ordering::Relaxed);
            return;
        }
        self.metrics.count_failure(MailFailure::Full);
        if !is_full.swap(true, Ordering::Relaxed) {
            tracing::error!(
                limit,
                "So many mails wait that further ones are dropped: requests for links from 10,000 on, all from 100,000 on. \
                 Check the mail server and its log lines here."
            );
        }
    }
}

/// The name of a row for its seals: what is sealed can be moved neither to another mailbox nor to another kind of mail.
fn row_name(kind: &str, mailbox: &[u8]) -> String {
    let number = mailbox.first_chunk::<MAILBOX_BYTES>().map_or(0, |bytes| u128::from_be_bytes(*bytes));
    format!("{kind} {number:032x}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::mail::queued::tests::all;

    const KEY: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";

    fn outbox() -> Outbox {
        Outbox::new(&MasterKeys::parse(KEY).unwrap(), true, MailMetrics::new())
    }

    fn claimed(outbox: &Outbox, key: &str, queued: &QueuedMail) -> ClaimedMail {
        let mailbox = mailbox::number(&outbox.mailboxes, key);
        let name = row_name(queued.kind(), &mailbox);
        ClaimedMail {
            id: Uuid::from_u128(1),
            kind: queued.kind().to_owned(),
            mailbox: mailbox.to_vec(),
            language: None,
            recipient: outbox.sealer.seal(&name, key.as_bytes()).unwrap(),
            parameters: outbox.sealer.seal(&name, &queued.parameters()).unwrap(),
            times: 1,
            attempts: 1,
            created_at: Timestamp::UNIX_EPOCH,
            remaining: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_mail_is_opened_as_it_was_put_in() {
        let outbox = outbox();
        for queued in all() {
            let opened = outbox.open(&claimed(&outbox, "anna@example.org", &queued)).ok().unwrap();
            assert_eq!((opened.address.as_str(), opened.queued), ("anna@example.org", queued));
        }
    }

    #[test]
    fn a_mail_cannot_be_turned_into_one_to_another_mailbox_or_of_another_kind() {
        let (outbox, messages) = (outbox(), all());
        let (anna, boris) = (
            claimed(&outbox, "anna@example.org", &messages[0]),
            claimed(&outbox, "boris@example.org", &messages[0]),
        );
        assert!(outbox.open(&ClaimedMail { recipient: boris.recipient.clone(), ..anna.clone() }).is_err());
        assert!(outbox.open(&ClaimedMail { kind: messages[1].kind().to_owned(), ..anna.clone() }).is_err());
        assert!(outbox.open(&ClaimedMail { mailbox: boris.mailbox, ..anna }).is_err());
    }
}
