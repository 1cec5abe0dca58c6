//! What a mail says, apart from the language.

use std::net::IpAddr;

use jiff::Timestamp;
use secrecy::SecretString;

use super::software::Software;

/// A mail that can be sent.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Something happened to the account, to its address.
    Notice(Notice),
    /// The account has another address now, to the one before.
    AddressRemoved(Notice),
    /// The same, with a link by which the change is undone.
    AddressChanged {
        /// What happened.
        notice: Notice,
        /// The token of the link.
        token: SecretString,
    },
    /// A link to set a new password.
    Reset {
        /// The token of the link.
        token: SecretString,
    },
    /// Why there is no such link.
    ResetAdvice(ResetAdvice),
    /// A link to set the first password.
    Invitation {
        /// The token of the link.
        token: SecretString,
    },
    /// A code and a link that prove the address of a new account.
    Registration {
        /// The code.
        code: SecretString,
        /// The token of the link.
        token: SecretString,
    },
    /// The address of a registration is that of an account.
    AlreadyRegistered {
        /// The token of a link to set a new password, or why there is none.
        help: Result<SecretString, ResetAdvice>,
    },
    /// A code to sign in with.
    SignInCode {
        /// The code.
        code: SecretString,
    },
    /// Why there is no such code.
    SignInAdvice(SignInAdvice),
    /// A code that proves the address while an account at an identity provider is linked or declined.
    LinkCode {
        /// The code.
        code: SecretString,
    },
    /// A code and a link that prove the new address of an account.
    EmailChange {
        /// The code.
        code: SecretString,
        /// The token of the link.
        token: SecretString,
    },
    /// The same for an address that another account has proven: the accounts can be joined.
    AccountJoin {
        /// The code.
        code: SecretString,
        /// The token of the link.
        token: SecretString,
    },
    /// The new address of an account is that of another one.
    AddressInUse,
    /// A link to an export.
    Export {
        /// The token of the link.
        token: SecretString,
    },
}

/// Why a user who asked for a code to sign in with gets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInAdvice {
    /// The account is disabled.
    Disabled,
    /// The account will be erased at this time.
    Erasing { at: Timestamp },
    /// The user holds a permission of this service, and signs in with the password.
    UsePassword,
    /// The address was never proven.
    Unproven,
    /// The account has another address since; this one can take it back.
    AddressChanged,
}

impl SignInAdvice {
    #[cfg(test)]
    const ALL: [Self; 5] = [
        Self::Disabled,
        Self::Erasing { at: Timestamp::UNIX_EPOCH },
        Self::UsePassword,
        Self::Unproven,
        Self::AddressChanged,
    ];
}

/// Why a user who asked for a link gets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResetAdvice {
    /// The account is disabled.
    Disabled,
    /// The account will be erased at this time.
    Erasing { at: Timestamp },
    /// The account is frozen.
    Frozen,
    /// The user holds a permission of this service: an operator of at least their rank must order the link.
    AskOperator,
    /// The address was never proved, and the account is in use.
    Unproven,
    /// The account has another address since; this one can take it back.
    AddressChanged,
}

impl ResetAdvice {
    #[cfg(test)]
    const ALL: [Self; 6] = [
        Self::Disabled,
        Self::Erasing { at: Timestamp::UNIX_EPOCH },
        Self::Frozen,
        Self::AskOperator,
        Self::Unproven,
        Self::AddressChanged,
    ];
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
    /// When the account will be erased, or would have been, if it is about that.
    pub(crate) erase_at: Option<Timestamp>,
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
    /// The password from before the address was proven does not count any more.
    PasswordRemoved = "password_removed",
    /// The account has another e-mail address.
    EmailChanged = "email_changed",
    /// The change of the address was undone: the account has the former one again.
    EmailRestored = "email_restored",
    /// The holder of the former address froze how the account is signed in to.
    AccountFrozen = "account_frozen",
    /// An operator ended that.
    AccountUnfrozen = "account_unfrozen",
    /// An operator set another e-mail address.
    EmailSet = "email_set",
    /// The holder of the unproven address recovers the account, which takes effect later.
    RecoveryBegun = "recovery_begun",
    /// A session of the account objected to that.
    RecoveryObjected = "recovery_objected",
    /// Another user verified the address of the account, and has it now.
    EmailClaimed = "email_claimed",
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
    /// An operator merged two accounts of one person.
    AccountsMerged = "accounts_merged",
    /// An operator assigned a role with permissions of this service.
    RightsGranted = "rights_granted",
    /// A superuser made the user a superuser.
    SuperuserGranted = "superuser_granted",
    /// The data of the account was exported.
    Exported = "exported",
    /// The account will be erased.
    ErasureBegun = "erasure_begun",
    /// The account will not be erased.
    ErasureKept = "erasure_kept",
    /// The account is erased; only by mail.
    AccountErased = "account_erased",
}

impl NoticeKind {
    /// By its name.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }

    /// Whether an operator did it, whose address and software are not shown to the user; or the user cannot undo it alone.
    pub(crate) fn is_of_operator(self) -> bool {
        match self {
            Self::EmailSet
            | Self::AccountFrozen
            | Self::AccountUnfrozen
            | Self::AccountsMerged
            | Self::AccountDisabled
            | Self::AccountEnabled
            | Self::Evicted
            | Self::RightsGranted
            | Self::SuperuserGranted
            | Self::ErasureBegun
            | Self::ErasureKept
            | Self::AccountErased => true,
            Self::PasswordChanged
            | Self::PasswordRemoved
            | Self::EmailChanged
            | Self::EmailRestored
            | Self::RecoveryBegun
            | Self::RecoveryObjected
            | Self::EmailClaimed
            | Self::LoginChanged
            | Self::NewDevice
            | Self::RefreshElsewhere
            | Self::ProviderLinked
            | Self::ProviderUnlinked
            | Self::Exported => false,
        }
    }
}

impl Message {
    /// Whether its recipient is known to have an account.
    pub(super) fn is_about_account(&self) -> bool {
        match self {
            Self::Registration { .. } | Self::LinkCode { .. } | Self::EmailChange { .. } => false,
            Self::Notice(_)
            | Self::AddressRemoved(_)
            | Self::AddressChanged { .. }
            | Self::AccountJoin { .. }
            | Self::AddressInUse
            | Self::Reset { .. }
            | Self::ResetAdvice(_)
            | Self::Invitation { .. }
            | Self::AlreadyRegistered { .. }
            | Self::SignInCode { .. }
            | Self::SignInAdvice(_)
            | Self::Export { .. } => true,
        }
    }

    /// The kind of mail, in metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Notice(notice) => notice.kind.word(),
            Self::AddressRemoved(_) => "address_removed",
            Self::AddressChanged { .. } => "address_changed",
            Self::Reset { .. } => "reset",
            Self::ResetAdvice(_) => "reset_advice",
            Self::Invitation { .. } => "invitation",
            Self::Registration { .. } => "registration",
            Self::AlreadyRegistered { .. } => "already_registered",
            Self::SignInCode { .. } => "sign_in_code",
            Self::SignInAdvice(_) => "sign_in_advice",
            Self::LinkCode { .. } => "link_code",
            Self::EmailChange { .. } => "email_change",
            Self::AccountJoin { .. } => "account_join",
            Self::AddressInUse => "address_in_use",
            Self::Export { .. } => "export",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One notice of each kind.
    pub(in crate::mail) fn notices() -> Vec<Notice> {
        let notice = |kind| Notice {
            kind,
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            software: Software::of(Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")),
            network: Some([192, 0, 2, 0].into()),
            provider: Some("Яндекс <b>&ID".to_owned()),
            erase_at: Some(Timestamp::from_second(1_801_209_600).unwrap()),
        };
        NoticeKind::ALL.iter().map(|kind| notice(*kind)).collect()
    }

    /// One mail of each kind.
    pub(in crate::mail) fn all() -> Vec<Message> {
        let token = || SecretString::from("the-token-of-the-link");
        let advice = ResetAdvice::ALL.map(Message::ResetAdvice);
        let removed = Message::AddressRemoved(notices()[2].clone());
        let links = [
            Message::Reset { token: token() },
            Message::Invitation { token: token() },
            Message::Export { token: token() },
        ];
        let code = || SecretString::from("the-code-of-the-mail");
        let codes = [
            Message::Registration { code: code(), token: token() },
            Message::AlreadyRegistered { help: Ok(token()) },
            Message::AlreadyRegistered { help: Err(ResetAdvice::AskOperator) },
            Message::SignInCode { code: code() },
            Message::LinkCode { code: code() },
            Message::EmailChange { code: code(), token: token() },
            Message::AccountJoin { code: code(), token: token() },
            Message::AddressInUse,
            Message::AddressChanged { notice: notices()[2].clone(), token: token() },
        ];
        let sign_in_advice = SignInAdvice::ALL.map(Message::SignInAdvice);
        let others = links.into_iter().chain(codes).chain(sign_in_advice);
        notices().into_iter().map(Message::Notice).chain([removed]).chain(advice).chain(others).collect()
    }

    #[test]
    fn every_kind_of_notice_has_a_word_of_its_own() {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::of_word(kind.word()), Some(*kind));
        }
    }
}
