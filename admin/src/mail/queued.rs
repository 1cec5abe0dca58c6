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
    /// The same, with a link by which the change is undone.
    AddressChanged {
        /// What happened.
        notice: Notice,
        /// The token of the link.
        token: LinkText,
    },
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
    /// The holder of the address asks for a code.
    Code(CodeRequest),
    /// A user asked for an export.
    Export {
        /// The user.
        user: Uuid,
    },
}

/// A request for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeRequest {
    /// What it is for.
    pub(crate) purpose: CodePurpose,
    /// The flow in which it is used.
    pub(crate) flow: Uuid,
    /// Whether it must be long, because codes of the address were guessed.
    pub(crate) is_long: bool,
    /// The token of the link beside it, if there is one.
    pub(crate) link: Option<LinkText>,
    /// The user whose new address it proves.
    pub(crate) user: Option<Uuid>,
}

/// The token of a link. Its `Debug` prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct LinkText(pub(crate) String);

impl std::fmt::Debug for LinkText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkText")
    }
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodePurpose {
    /// A new account with the address.
    Registration,
    /// A sign-in to the account that has the address.
    SignIn,
    /// An account at a provider, which is linked or declined.
    Link,
    /// The new address of an account.
    EmailChange,
}

impl CodePurpose {
    const ALL: [Self; 4] = [Self::Registration, Self::SignIn, Self::Link, Self::EmailChange];

    /// The stored form.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::SignIn => "sign_in",
            Self::Link => "link",
            Self::EmailChange => "email_change",
        }
    }

    /// By its stored form.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word)
    }
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
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erase_at: Option<i64>,
    /// The token of the link by which it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    /// Whether an operator did it, where the stored kind of mail does not say so.
    #[serde(default)]
    is_of_operator: bool,
}

/// What is stored of a request beside its kind.
#[derive(Serialize, Deserialize)]
struct StoredRequest {
    user: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<StoredCode>,
}

/// What is stored of a request for a code beside its purpose.
#[derive(Serialize, Deserialize)]
struct StoredCode {
    flow: Uuid,
    is_long: bool,
    link: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<Uuid>,
}

const ADDRESS_REMOVED: &str = "address_removed";
const ADDRESS_CHANGED: &str = "address_changed";
const RESET: &str = "reset_requested";
const OPERATOR_RESET: &str = "operator_reset_requested";
const INVITATION: &str = "invitation_requested";
const REGISTRATION_CODE: &str = "registration_requested";
const SIGN_IN_CODE: &str = "sign_in_code_requested";
const LINK_CODE: &str = "link_code_requested";
const EMAIL_CHANGE_CODE: &str = "email_change_requested";

/// How long a code may wait for the mail server: as long as it is valid afterwards.
const CODE_LIFE: Duration = Duration::from_mins(10);
const EXPORT: &str = "export_requested";

impl QueuedMail {
    /// The stored kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.kind.word(),
            Self::AddressRemoved(_) => ADDRESS_REMOVED,
            Self::AddressChanged { .. } => ADDRESS_CHANGED,
            Self::Request(MailRequest::Reset) => RESET,
            Self::Request(MailRequest::OperatorReset { .. }) => OPERATOR_RESET,
            Self::Request(MailRequest::Invitation { .. }) => INVITATION,
            Self::Request(MailRequest::Code(request)) => match request.purpose {
                CodePurpose::Registration => REGISTRATION_CODE,
                CodePurpose::SignIn => SIGN_IN_CODE,
                CodePurpose::Link => LINK_CODE,
                CodePurpose::EmailChange => EMAIL_CHANGE_CODE,
            },
            Self::Request(MailRequest::Export { .. }) => EXPORT,
        }
    }

    /// How long it is of use.
    pub(super) fn life(&self) -> Duration {
        match self {
            // The link of a change lives as long: a mail with a dead one is of no use.
            Self::Notice(_) | Self::AddressRemoved(_) | Self::AddressChanged { .. } => {
                Duration::from_hours(72)
            }
            Self::Request(MailRequest::Reset | MailRequest::Export { .. }) => Duration::from_hours(1),
            Self::Request(MailRequest::OperatorReset { .. } | MailRequest::Invitation { .. }) => {
                Duration::from_hours(24)
            }
            Self::Request(MailRequest::Code(_)) => CODE_LIFE,
        }
    }

    /// The parameters as JSON, to be sealed.
    pub(super) fn parameters(&self) -> Zeroizing<Vec<u8>> {
        let json = match self {
            Self::Notice(notice) | Self::AddressRemoved(notice) => {
                serde_json::to_vec(&StoredNotice::of(notice))
            }
            Self::AddressChanged { notice, token } => {
                serde_json::to_vec(&StoredNotice { undo: Some(token.0.clone()), ..StoredNotice::of(notice) })
            }
            Self::Request(request) => serde_json::to_vec(&StoredRequest::of(request)),
        };
        Zeroizing::new(json.expect("the parameters have no map"))
    }

    /// An entry of the outbox; `None` for a kind or parameters of another version of this program.
    pub(super) fn of_stored(kind: &str, parameters: &[u8]) -> Option<Self> {
        let user = || json::from_slice::<StoredRequest>(parameters).ok()?.user;
        let code = |purpose| StoredRequest::code(parameters, purpose).map(MailRequest::Code);
        Some(match kind {
            RESET => Self::Request(MailRequest::Reset),
            OPERATOR_RESET => Self::Request(MailRequest::OperatorReset { user: user()? }),
            INVITATION => Self::Request(MailRequest::Invitation { user: user()? }),
            REGISTRATION_CODE => Self::Request(code(CodePurpose::Registration)?),
            SIGN_IN_CODE => Self::Request(code(CodePurpose::SignIn)?),
            LINK_CODE => Self::Request(code(CodePurpose::Link)?),
            EMAIL_CHANGE_CODE => Self::Request(code(CodePurpose::EmailChange)?),
            EXPORT => Self::Request(MailRequest::Export { user: user()? }),
            ADDRESS_CHANGED => {
                let stored: StoredNotice = json::from_slice(parameters).ok()?;
                let token = LinkText(stored.undo.clone()?);
                Self::AddressChanged { notice: stored.notice(NoticeKind::EmailChanged)?, token }
            }
            ADDRESS_REMOVED => {
                Self::AddressRemoved(StoredNotice::read(parameters, NoticeKind::EmailChanged)?)
            }
            _ => Self::Notice(StoredNotice::read(parameters, NoticeKind::of_word(kind)?)?),
        })
    }
}

impl StoredRequest {
    fn of(request: &MailRequest) -> Self {
        match request {
            MailRequest::Reset => Self { user: None, code: None },
            MailRequest::OperatorReset { user }
            | MailRequest::Invitation { user }
            | MailRequest::Export { user } => Self { user: Some(*user), code: None },
            MailRequest::Code(CodeRequest { flow, is_long, link, user, .. }) => {
                let link = link.as_ref().map(|link| link.0.clone());
                let code = StoredCode { flow: *flow, is_long: *is_long, link, user: *user };
                Self { user: None, code: Some(code) }
            }
        }
    }

    fn code(parameters: &[u8], purpose: CodePurpose) -> Option<CodeRequest> {
        let StoredCode { flow, is_long, link, user } = json::from_slice::<Self>(parameters).ok()?.code?;
        Some(CodeRequest { purpose, flow, is_long, link: link.map(LinkText), user })
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
            erase_at: notice.erase_at.map(Timestamp::as_second),
            undo: None,
            is_of_operator: notice.kind == NoticeKind::EmailSet,
        }
    }

    fn read(parameters: &[u8], kind: NoticeKind) -> Option<Notice> {
        json::from_slice::<Self>(parameters).ok()?.notice(kind)
    }

    fn notice(self, kind: NoticeKind) -> Option<Notice> {
        Some(Notice {
            kind: if self.is_of_operator { NoticeKind::EmailSet } else { kind },
            at: Timestamp::from_second(self.at).ok()?,
            software: Software::of_words(self.browser.as_deref(), self.system.as_deref()),
            network: self.network,
            provider: self.provider,
            erase_at: self.erase_at.and_then(|second| Timestamp::from_second(second).ok()),
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
        let code = |purpose| {
            let link = (purpose == CodePurpose::Registration).then(|| LinkText("a-token".to_owned()));
            let user = (purpose == CodePurpose::EmailChange).then_some(user);
            MailRequest::Code(CodeRequest { purpose, flow: Uuid::from_u128(8), is_long: true, link, user })
        };
        let requests = [
            MailRequest::Reset,
            MailRequest::OperatorReset { user },
            MailRequest::Invitation { user },
            MailRequest::Export { user },
        ];
        let requests = requests.into_iter().chain(CodePurpose::ALL.map(code));
        let of = |kind| notices().into_iter().find(|notice| notice.kind == kind).unwrap();
        let removed =
            [NoticeKind::EmailChanged, NoticeKind::EmailSet].map(|kind| QueuedMail::AddressRemoved(of(kind)));
        let changed = QueuedMail::AddressChanged {
            notice: of(NoticeKind::EmailChanged),
            token: LinkText("a-token".to_owned()),
        };
        let notices = notices().into_iter().map(QueuedMail::Notice);
        notices.chain(removed).chain([changed]).chain(requests.map(QueuedMail::Request)).collect()
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
            for kind in ["new_device", INVITATION, RESET, REGISTRATION_CODE, ADDRESS_CHANGED] {
                let _either = QueuedMail::of_stored(kind, &bytes);
            }
            let json = format!("{{\"at\":{at},\"browser\":\"x\",\"system\":null,\"network\":null,\"provider\":null}}");
            let _either = QueuedMail::of_stored("new_device", json.as_bytes());
        }
    }
}
