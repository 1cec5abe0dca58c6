//! What a mail says, apart from the language, and its stored form.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::json;
use zeroize::Zeroizing;

use super::software::Software;

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Something happened to the account, to its address.
    Notice(Notice),
    /// The account has another address now, to the one before.
    AddressRemoved(Notice),
}

/// Something that happened to an account, which its user must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notice {
    /// What happened.
    pub(crate) kind: NoticeKind,
    /// When.
    pub(crate) at: Timestamp,
    /// The software of the client, if a client of the user did it.
    pub(crate) software: Software,
    /// The first address of the client's /24 or /48.
    pub(crate) network: Option<IpAddr>,
    /// The name of the identity provider, if it is about one.
    pub(crate) provider: Option<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// What happened to an account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum NoticeKind {
            $($(#[$doc])* $variant,)*
        }

        impl NoticeKind {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the API and in the database.
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

kinds! {
    /// The user has another password.
    PasswordChanged = "password_changed",
    /// The account has another e-mail address.
    EmailChanged = "email_changed",
    /// The account has another login name.
    LoginChanged = "login_changed",
    /// A sign-in on a device that the account was not used on before.
    NewDevice = "new_device",
    /// A session was continued from another network and by another program.
    RefreshElsewhere = "refresh_elsewhere",
    /// An account at a provider became a sign-in method.
    ProviderLinked = "provider_linked",
    /// An account at a provider is no longer a sign-in method.
    ProviderUnlinked = "provider_unlinked",
    /// An operator disabled the account.
    AccountDisabled = "account_disabled",
    /// An operator enabled the account again.
    AccountEnabled = "account_enabled",
    /// An operator ended all sessions, and unlinked what was linked recently.
    Evicted = "evicted",
    /// An operator assigned a role with permissions of this service.
    RightsGranted = "rights_granted",
    /// A superuser made the user a superuser.
    SuperuserGranted = "superuser_granted",
}

/// What is stored of a mail beside its kind.
#[derive(Serialize, Deserialize)]
struct StoredParameters {
    /// Seconds since 1970.
    at: i64,
    browser: Option<String>,
    system: Option<String>,
    network: Option<IpAddr>,
    provider: Option<String>,
}

/// The stored kind of [`Message::AddressRemoved`].
const ADDRESS_REMOVED: &str = "address_removed";

impl NoticeKind {
    /// By its name.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// Whether an operator did it, whose address and software are not shown to the user.
    pub(crate) fn is_of_operator(self) -> bool {
        match self {
            Self::AccountDisabled
            | Self::AccountEnabled
            | Self::Evicted
            | Self::RightsGranted
            | Self::SuperuserGranted => true,
            Self::PasswordChanged
            | Self::EmailChanged
            | Self::LoginChanged
            | Self::NewDevice
            | Self::RefreshElsewhere
            | Self::ProviderLinked
            | Self::ProviderUnlinked => false,
        }
    }
}

impl Message {
    /// The kind of mail, in metrics and in the outbox.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.kind.word(),
            Self::AddressRemoved(_) => ADDRESS_REMOVED,
        }
    }

    /// The parameters as JSON, to be sealed.
    pub(super) fn parameters(&self) -> Zeroizing<Vec<u8>> {
        let (Self::Notice(notice) | Self::AddressRemoved(notice)) = self;
        let (browser, system) = notice.software.words();
        let stored = StoredParameters {
            at: notice.at.as_second(),
            browser: browser.map(str::to_owned),
            system: system.map(str::to_owned),
            network: notice.network,
            provider: notice.provider.clone(),
        };
        Zeroizing::new(serde_json::to_vec(&stored).expect("the parameters have no map"))
    }

    /// A mail of the outbox; `None` for a kind or parameters of another version of this program.
    pub(super) fn of_stored(kind: &str, parameters: &[u8]) -> Option<Self> {
        let stored: StoredParameters = json::from_slice(parameters).ok()?;
        let is_removed = kind == ADDRESS_REMOVED;
        let notice = Notice {
            kind: if is_removed { NoticeKind::EmailChanged } else { NoticeKind::of_word(kind)? },
            at: Timestamp::from_second(stored.at).ok()?,
            software: Software::of_words(stored.browser.as_deref(), stored.system.as_deref()),
            network: stored.network,
            provider: stored.provider,
        };
        Some(if is_removed { Self::AddressRemoved(notice) } else { Self::Notice(notice) })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One mail of each kind.
    pub(in crate::mail) fn all() -> Vec<Message> {
        let notice = |kind| Notice {
            kind,
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            software: Software::of(Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")),
            network: Some([192, 0, 2, 0].into()),
            provider: Some("Яндекс <b>&ID".to_owned()),
        };
        let notices = NoticeKind::ALL.iter().map(|kind| Message::Notice(notice(*kind)));
        notices.chain([Message::AddressRemoved(notice(NoticeKind::EmailChanged))]).collect()
    }

    #[test]
    fn every_mail_is_the_same_after_it_was_stored() {
        for message in all() {
            assert_eq!(Message::of_stored(message.kind(), &message.parameters()), Some(message));
        }
    }

    #[test]
    fn a_kind_of_another_version_is_unknown() {
        let parameters = all()[0].parameters();
        assert_eq!(Message::of_stored("of_the_next_release", &parameters), None);
    }

    proptest! {
        #[test]
        fn any_parameters_are_read_without_panic(bytes: Vec<u8>, at: i64) {
            let _either = Message::of_stored("new_device", &bytes);
            let json = format!("{{\"at\":{at},\"browser\":\"x\",\"system\":null,\"network\":null,\"provider\":null}}");
            let _either = Message::of_stored("new_device", json.as_bytes());
        }
    }
}
