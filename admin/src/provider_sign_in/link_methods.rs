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
    /// Who may get a new account.
    pub(super) registration: Registration,
}

/// What a user can do about a link that has to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LinkMethod {
    /// Enter the password of the account.
    Password,
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
            Self::Provider(provider) => format!("provider:{provider}"),
            Self::Decline => "decline".to_owned(),
        }
    }
}

/// What the user can do, the simplest first. No second identity of a provider can be linked, so then nothing confirms.
pub(super) fn methods(facts: &LinkFacts) -> Vec<LinkMethod> {
    let mut methods = Vec::new();
    if !facts.has_other {
        methods.extend(facts.has_password.then_some(LinkMethod::Password));
        methods.extend(facts.providers.iter().cloned().map(LinkMethod::Provider));
    }
    methods.extend((declined(facts) != Declined::Closed).then_some(LinkMethod::Decline));
    methods
}

/// What declining does. Only an unverified address of a user who is no operator changes hands, and only to a user whose
/// provider operates the mailbox.
pub(super) fn declined(facts: &LinkFacts) -> Declined {
    let may_be_taken = !facts.is_verified && !facts.is_operator;
    match facts.registration {
        Registration::Closed => Declined::Closed,
        Registration::Open if may_be_taken && facts.is_authoritative => Declined::TakeEmail,
        Registration::Open => Declined::CreateWithoutEmail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [bool; 2] = [false, true];

    /// Every combination of facts.
    fn cases() -> Vec<LinkFacts> {
        let mut all = Vec::new();
        for bits in 0_u8..32 {
            let [is_verified, is_operator, has_other, has_password, is_authoritative] =
                [1, 2, 4, 8, 16].map(|bit| bits & bit != 0);
            for has_provider in BOTH {
                for registration in [Registration::Open, Registration::Closed] {
                    let providers = if has_provider { vec!["yandex".to_owned()] } else { Vec::new() };
                    all.push(LinkFacts {
                        is_verified,
                        is_operator,
                        has_other,
                        has_password,
                        providers,
                        is_authoritative,
                        registration,
                    });
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
        assert_eq!(cases().len(), 128);
        for facts in cases() {
            let has = |text: &str| texts(&facts).contains(&text.to_owned());
            assert_eq!(has("password"), facts.has_password && !facts.has_other, "{facts:?}");
            assert_eq!(has("provider:yandex"), !facts.providers.is_empty() && !facts.has_other, "{facts:?}");
            assert_eq!(has("decline"), facts.registration == Registration::Open, "{facts:?}");
            assert!(texts(&facts).len() <= 3);
        }
    }

    #[test]
    fn an_address_is_taken_only_if_unverified_of_no_operator_and_by_its_own_mail_provider() {
        for facts in cases() {
            let is_taken = declined(&facts) == Declined::TakeEmail;
            let may_be_taken = !facts.is_verified
                && !facts.is_operator
                && facts.is_authoritative
                && facts.registration == Registration::Open;
            assert_eq!(is_taken, may_be_taken, "{facts:?}");
        }
    }

    #[test]
    fn while_registration_is_open_a_user_can_always_go_on() {
        for facts in cases().iter().filter(|facts| facts.registration == Registration::Open) {
            assert!(!methods(facts).is_empty());
        }
    }
}
