//! What confirms that an identity belongs to the account that has its address, and what declining that account does. Pure.

use crate::config::Registration;

/// The facts about that account and the identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkFacts {
    /// Whether the address is verified at the account.
    pub(super) is_verified: bool,
    /// Whether the user of the account holds a permission of this service.
    pub(super) is_operator: bool,
    /// Whether another identity of the provider is linked to the account.
    pub(super) has_other: bool,
    /// Whether the account has a password.
    pub(super) has_password: bool,
    /// The other configured providers with an identity that is linked to the account.
    pub(super) providers: Vec<String>,
    /// Whether the provider is authoritative for the address.
    pub(super) is_authoritative: bool,
    /// Whether the account is in use, and a session of it objected to a recovery by the address.
    pub(super) is_objected: bool,
    /// Whether the sign-in methods of the account are frozen, so that nothing can be linked.
    pub(super) is_frozen: bool,
    /// Whether mail is sent, so that a code proves the address.
    pub(super) has_mail: bool,
    /// Who may get a new account.
    pub(super) registration: Registration,
}

/// What a user can do about a link that has to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkMethod {
    /// Enter the password of the account.
    Password,
    /// Enter a code from a mail to the address.
    Mail,
    /// Sign in with an identity at this provider that is linked to the account.
    Provider(String),
    /// Say that the account is another user's.
    Decline,
}

/// What happens when a user declines the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declined {
    /// Nothing: registration is closed.
    Closed,
    /// A user without an address is created. The account loses nothing.
    CreateWithoutEmail,
    /// The account loses the address, and nothing else, and a user with the address is created.
    TakeEmail,
}

impl LinkMethod {
    /// As it is sent.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Password => "password".to_owned(),
            Self::Mail => "mail".to_owned(),
            Self::Provider(provider) => format!("provider:{provider}"),
            Self::Decline => "decline".to_owned(),
        }
    }
}

/// What the user can do, the simplest first. No second identity of a provider can be linked, and none to a frozen account, so then
/// nothing confirms.
pub(super) fn methods(facts: &LinkFacts) -> Vec<LinkMethod> {
    let mut methods = Vec::new();
    if !facts.has_other && !facts.is_frozen {
        methods.extend(facts.has_password.then_some(LinkMethod::Password));
        methods.extend(is_confirmed_by_mail(facts).then_some(LinkMethod::Mail));
        methods.extend(facts.providers.iter().cloned().map(LinkMethod::Provider));
    }
    methods.extend((declined(facts, AddressProof::None) != Declined::Closed).then_some(LinkMethod::Decline));
    methods
}

/// How the user who declines has proved the address, besides by the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressProof {
    None,
    /// With a code from a mail.
    Code,
}

/// Whether a code from a mail to the address confirms the link. The account of an operator is never opened by mail. An
/// account in use whose address was never proven may be that of a person who mistyped it: the link takes effect later, unless
/// that person objects.
fn is_confirmed_by_mail(facts: &LinkFacts) -> bool {
    facts.has_mail && !facts.is_operator && (facts.is_verified || !facts.is_objected)
}

/// Whether declining takes a code from a mail to the address: where mail is sent, unless the provider operates the mailbox,
/// or the account is an operator's, which loses nothing and gets no code.
pub(super) fn needs_code_to_decline(facts: &LinkFacts) -> bool {
    facts.has_mail && !facts.is_authoritative && !facts.is_operator
}

/// What declining does. Only an unverified address of a user who is no operator changes hands, and only to a user whose
/// provider operates the mailbox, or who has proved the address.
pub(super) fn declined(facts: &LinkFacts, proof: AddressProof) -> Declined {
    let may_be_taken = !facts.is_verified && !facts.is_operator;
    let is_theirs = facts.is_authoritative || proof == AddressProof::Code;
    if !facts.registration.is_for_everyone() {
        Declined::Closed
    } else if may_be_taken && is_theirs {
        Declined::TakeEmail
    } else {
        Declined::CreateWithoutEmail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [bool; 2] = [false, true];
    const ALL_MODES: [Registration; 4] =
        [Registration::Verify, Registration::Open, Registration::Invite, Registration::Closed];

    /// Every combination of facts.
    fn cases() -> Vec<LinkFacts> {
        let mut all = Vec::new();
        for bits in 0_u16..256 {
            let bit = |place: u16| bits & (1 << place) != 0;
            let facts = LinkFacts {
                is_verified: bit(0),
                is_operator: bit(1),
                has_other: bit(2),
                has_password: bit(3),
                is_authoritative: bit(4),
                is_objected: bit(5),
                has_mail: bit(6),
                is_frozen: bit(7),
                providers: Vec::new(),
                registration: Registration::Open,
            };
            for has_provider in BOTH {
                for registration in ALL_MODES {
                    let providers = if has_provider { vec!["yandex".to_owned()] } else { Vec::new() };
                    all.push(LinkFacts { providers, registration, ..facts.clone() });
                }
            }
        }
        all
    }

    fn texts(facts: &LinkFacts) -> Vec<String> {
        methods(facts).iter().map(LinkMethod::text).collect()
    }

    #[test]
    fn each_method_is_offered_exactly_where_it_works() {
        assert_eq!(cases().len(), 2048);
        for facts in cases() {
            let has = |text: &str| texts(&facts).contains(&text.to_owned());
            let may_link = !facts.has_other && !facts.is_frozen;
            assert_eq!(has("password"), facts.has_password && may_link, "{facts:?}");
            assert_eq!(has("provider:yandex"), !facts.providers.is_empty() && may_link, "{facts:?}");
            assert_eq!(has("decline"), facts.registration.is_for_everyone(), "{facts:?}");
            let is_known = facts.is_verified || !facts.is_objected;
            let may_mail = facts.has_mail && !facts.is_operator && is_known;
            assert_eq!(has("mail"), may_mail && may_link, "{facts:?}");
            assert!(texts(&facts).len() <= 4);
        }
    }

    #[test]
    fn an_address_is_taken_only_if_unverified_of_no_operator_and_by_its_owner() {
        for facts in cases() {
            for proof in [AddressProof::None, AddressProof::Code] {
                let is_taken = declined(&facts, proof) == Declined::TakeEmail;
                let may_be_taken = !facts.is_verified
                    && !facts.is_operator
                    && (facts.is_authoritative || proof == AddressProof::Code)
                    && facts.registration.is_for_everyone();
                assert_eq!(is_taken, may_be_taken, "{facts:?}");
            }
        }
    }

    #[test]
    fn where_mail_is_sent_only_the_operator_of_the_mailbox_declines_without_a_code() {
        for facts in cases() {
            let expected = facts.has_mail && !facts.is_authoritative && !facts.is_operator;
            assert_eq!(needs_code_to_decline(&facts), expected, "{facts:?}");
        }
    }

    #[test]
    fn while_registration_is_open_a_user_can_always_go_on() {
        for facts in cases().iter().filter(|facts| facts.registration.is_for_everyone()) {
            assert!(!methods(facts).is_empty());
        }
    }
}
