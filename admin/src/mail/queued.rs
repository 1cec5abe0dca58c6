//! What the outbox holds: a mail that can be sent, or a request that its worker answers first.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::message::{Notice, NoticeKind};
use super::software::Software;

/// An entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueuedMail {
    /// Something happened to the account, to its address.
    Notice(Notice),
    /// The account has another address now, to the one before.
    AddressRemoved(Notice),
    /// A request, which becomes a mail or nothing when the worker comes to it.
    Request(MailRequest),
}

/// A request for a mail. What becomes of it is decided outside of any request of a client, so that no response depends on
/// whether an account exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailRequest {
    /// The holder of the address asks for a link to set a new password.
    Reset,
    /// An operator orders such a link for a user.
    OperatorReset {
        /// The user.
        user: Uuid,
    },
    /// An operator invites a user to set the first password.
    Invitation {
        /// The user.
        user: Uuid,
    },
}

/// What is stored of a notice beside its kind.
#[derive(Serialize, Deserialize)]
struct StoredNotice {
    /// Seconds since 1970.
    at: i64,
    browser: Option<String>,
    system: Option<String>,
    network: Option<IpAddr>,
    provider: Option<String>,
    /// Whether an operator did it, where the stored kind of mail does not say so.
    #[serde(default)]
    is_of_operator: bool,
}

/// What is stored of a request beside its kind.
#[derive(Serialize, Deserialize)]
struct StoredRequest {
    user: Option<Uuid>,
}

const ADDRESS_REMOVED: &str = "address_removed";
const RESET: &str = "reset_requested";
const OPERATOR_RESET: &str = "operator_reset_requested";
const INVITATION: &str = "invitation_requested";

impl QueuedMail {
    /// The stored kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.kind.word(),
            Self::AddressRemoved(_) => ADDRESS_REMOVED,
            Self::Request(MailRequest::Reset) => RESET,
            Self::Request(MailRequest::OperatorReset { .. }) => OPERATOR_RESET,
            Self::Request(MailRequest::Invitation { .. }) => INVITATION,
        }
    }

    /// How long it is of use.
    pub(super) fn life(&self) -> Duration {
        match self {
            Self::Notice(_) | Self::AddressRemoved(_) => Duration::from_hours(72),
            Self::Request(MailRequest::Reset) => Duration::from_hours(1),
            Self::Request(MailRequest::OperatorReset { .. } | MailRequest::Invitation { .. }) => {
                Duration::from_hours(24)
            }
        }
    }

    /// The parameters as JSON, to be sealed.
    pub(super) fn parameters(&self) -> Zeroizing<Vec<u8>> {
        let json = match self {
            Self::Notice(notice) | Self::AddressRemoved(notice) => {
                serde_json::to_vec(&StoredNotice::of(notice))
            }
            Self::Request(request) => serde_json::to_vec(&StoredRequest { user: request.user() }),
        };
        Zeroizing::new(json.expect("the parameters have no map"))
    }

    /// An entry of the outbox; `None` for a kind or parameters of another version of this program.
    pub(super) fn of_stored(kind: &str, parameters: &[u8]) -> Option<Self> {
        let user = || json::from_slice::<StoredRequest>(parameters).ok()?.user;
        Some(match kind {
            RESET => Self::Request(MailRequest::Reset),
            OPERATOR_RESET => Self::Request(MailRequest::OperatorReset { user: user()? }),
            INVITATION => Self::Request(MailRequest::Invitation { user: user()? }),
            ADDRESS_REMOVED => {
                Self::AddressRemoved(StoredNotice::read(parameters, NoticeKind::EmailChanged)?)
            }
            _ => Self::Notice(StoredNotice::read(parameters, NoticeKind::of_word(kind)?)?),
        })
    }
}

impl MailRequest {
    fn user(&self) -> Option<Uuid> {
        match self {
            Self::Reset => None,
            Self::OperatorReset { user } | Self::Invitation { user } => Some(*user),
        }
    }
}

impl StoredNotice {
    fn of(notice: &Notice) -> Self {
        let (browser, system) = notice.software.words();
        Self {
            at: notice.at.as_second(),
            browser: browser.map(str::to_owned),
            system: system.map(str::to_owned),
            network: notice.network,
            provider: notice.provider.clone(),
            is_of_operator: notice.kind == NoticeKind::EmailSet,
        }
    }

    fn read(parameters: &[u8], kind: NoticeKind) -> Option<Notice> {
        let stored: Self = json::from_slice(parameters).ok()?;
        Some(Notice {
            kind: if stored.is_of_operator { NoticeKind::EmailSet } else { kind },
            at: Timestamp::from_second(stored.at).ok()?,
            software: Software::of_words(stored.browser.as_deref(), stored.system.as_deref()),
            network: stored.network,
            provider: stored.provider,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mail::message::tests::notices;

    /// One entry of each kind.
    pub(in crate::mail) fn all() -> Vec<QueuedMail> {
        let user = Uuid::from_u128(7);
        let requests =
            [MailRequest::Reset, MailRequest::OperatorReset { user }, MailRequest::Invitation { user }];
        let of = |kind| notices().into_iter().find(|notice| notice.kind == kind).unwrap();
        let removed =
            [NoticeKind::EmailChanged, NoticeKind::EmailSet].map(|kind| QueuedMail::AddressRemoved(of(kind)));
        let notices = notices().into_iter().map(QueuedMail::Notice);
        notices.chain(removed).chain(requests.map(QueuedMail::Request)).collect()
    }

    #[test]
    fn every_entry_is_the_same_after_it_was_stored() {
        for queued in all() {
            assert_eq!(QueuedMail::of_stored(queued.kind(), &queued.parameters()), Some(queued));
        }
    }

    #[test]
    fn a_kind_of_another_version_is_unknown() {
        let parameters = all()[0].parameters();
        assert_eq!(QueuedMail::of_stored("of_the_next_release", &parameters), None);
        assert_eq!(QueuedMail::of_stored(INVITATION, b"{}"), None);
    }

    proptest! {
        #[test]
        fn any_parameters_are_read_without_panic(bytes: Vec<u8>, at: i64) {
            for kind in ["new_device", INVITATION, RESET] {
                let _either = QueuedMail::of_stored(kind, &bytes);
            }
            let json = format!("{{\"at\":{at},\"browser\":\"x\",\"system\":null,\"network\":null,\"provider\":null}}");
            let _either = QueuedMail::of_stored("new_device", json.as_bytes());
        }
    }
}
