//! The decision about a user who returns from a provider: the table of `docs/social.md`, as a function.

use uuid::Uuid;

use crate::providers::{LinkVerified, UntrustedEmail};

/// The facts about the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IdentityFacts {
    /// The user who owns the identity.
    pub(super) owner: Option<Uuid>,
    /// The signed-in user who asked to link it; `None` for a sign-in.
    pub(super) link_to: Option<Candidate>,
    /// The address of the identity.
    pub(super) email: Email,
}

/// A user who may get the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The user.
    pub(super) user: Uuid,
    /// Whether another identity of this provider is linked to the user.
    pub(super) has_other: bool,
}

/// The address of an identity. Only one that the provider vouches for is looked up: the type has no place for the owner
/// of any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Email {
    /// The identity has none.
    Absent,
    /// The provider does not vouch for it.
    Untrusted,
    /// The provider vouches for it, and no account has it.
    Free,
    /// The provider vouches for it, and it is the verified address of this account.
    Verified(Candidate),
    /// The provider vouches for it, and it is the address of this account, unverified.
    Unverified(Uuid),
}

/// The configuration of the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LinkPolicy {
    pub(super) link_verified: LinkVerified,
    pub(super) untrusted_email: UntrustedEmail,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInDecision {
    /// Sign this user in.
    SignIn(Uuid),
    /// Nothing: the identity is already linked.
    AlreadyLinked,
    /// Refuse: the identity is linked to another user.
    LinkedToOther,
    /// Refuse: another identity of this provider is linked to the user.
    HasOther,
    /// Link the identity to this user.
    Link(Uuid),
    /// Create a user without an address.
    Create,
    /// Create a user with the address.
    CreateWithEmail,
    /// Require the password of this user.
    RequirePassword(Uuid),
    /// Remove the address from this user and create a user with it.
    TransferEmail(Uuid),
    /// Refuse until the address is verified.
    RequireVerification,
}

/// Decides, and returns the number of the rule.
pub(super) fn decide(facts: IdentityFacts, policy: LinkPolicy) -> (u8, SignInDecision) {
    match (facts.link_to, facts.owner) {
        (None, Some(owner)) => (1, SignInDecision::SignIn(owner)),
        (Some(Candidate { user, .. }), Some(owner)) if owner == user => (2, SignInDecision::AlreadyLinked),
        (Some(_), Some(_)) => (3, SignInDecision::LinkedToOther),
        (Some(Candidate { has_other: true, .. }), None) => (4, SignInDecision::HasOther),
        (Some(Candidate { user, has_other: false }), None) => (4, SignInDecision::Link(user)),
        (None, None) => decide_new(facts.email, policy),
    }
}

/// For an identity that is linked to no user.
fn decide_new(email: Email, policy: LinkPolicy) -> (u8, SignInDecision) {
    match (email, policy.link_verified, policy.untrusted_email) {
        (Email::Absent, _, _) => (5, SignInDecision::Create),
        (Email::Free, _, _) => (6, SignInDecision::CreateWithEmail),
        (Email::Verified(Candidate { has_other: true, .. }), _, _) => (7, SignInDecision::HasOther),
        (Email::Verified(Candidate { user, .. }), LinkVerified::Auto, _) => (7, SignInDecision::Link(user)),
        (Email::Verified(Candidate { user, .. }), LinkVerified::Confirm, _) => {
            (7, SignInDecision::RequirePassword(user))
        }
        (Email::Unverified(user), _, _) => (8, SignInDecision::TransferEmail(user)),
        (Email::Untrusted, _, UntrustedEmail::Prove) => (9, SignInDecision::RequireVerification),
        (Email::Untrusted, _, UntrustedEmail::Ignore) => (9, SignInDecision::Create),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const HOLDER: Uuid = Uuid::from_u128(3);

    /// A row of the table: the condition of each column, and the decision.
    struct Row {
        rule: u8,
        holds: fn(&IdentityFacts) -> bool,
        decision: fn(&IdentityFacts, LinkPolicy) -> SignInDecision,
    }

    fn is_link(facts: &IdentityFacts) -> bool {
        facts.link_to.is_some()
    }

    const VERIFIED: Email = Email::Verified(Candidate { user: HOLDER, has_other: false });
    const VERIFIED_HAS_OTHER: Email = Email::Verified(Candidate { user: HOLDER, has_other: true });
    const UNVERIFIED: Email = Email::Unverified(HOLDER);

    /// The table, in its own order and words.
    const TABLE: [Row; 9] = [
        Row {
            rule: 1,
            holds: |facts| facts.owner.is_some() && !is_link(facts),
            decision: |facts, _| SignInDecision::SignIn(facts.owner.unwrap()),
        },
        Row {
            rule: 2,
            holds: |facts| facts.owner == Some(CALLER) && is_link(facts),
            decision: |_, _| SignInDecision::AlreadyLinked,
        },
        Row {
            rule: 3,
            holds: |facts| facts.owner == Some(OTHER) && is_link(facts),
            decision: |_, _| SignInDecision::LinkedToOther,
        },
        Row {
            rule: 4,
            holds: |facts| facts.owner.is_none() && is_link(facts),
            decision: |facts, _| match facts.link_to {
                Some(Candidate { has_other: true, .. }) => SignInDecision::HasOther,
                _ => SignInDecision::Link(CALLER),
            },
        },
        Row {
            rule: 5,
            holds: |facts| facts.owner.is_none() && !is_link(facts) && facts.email == Email::Absent,
            decision: |_, _| SignInDecision::Create,
        },
        Row {
            rule: 6,
            holds: |facts| facts.owner.is_none() && !is_link(facts) && facts.email == Email::Free,
            decision: |_, _| SignInDecision::CreateWithEmail,
        },
        Row {
            rule: 7,
            holds: |facts| {
                facts.owner.is_none()
                    && !is_link(facts)
                    && [VERIFIED, VERIFIED_HAS_OTHER].contains(&facts.email)
            },
            decision: |facts, policy| match policy.link_verified {
                _ if facts.email == VERIFIED_HAS_OTHER => SignInDecision::HasOther,
                LinkVerified::Auto => SignInDecision::Link(HOLDER),
                LinkVerified::Confirm => SignInDecision::RequirePassword(HOLDER),
            },
        },
        Row {
            rule: 8,
            holds: |facts| facts.owner.is_none() && !is_link(facts) && facts.email == UNVERIFIED,
            decision: |_, _| SignInDecision::TransferEmail(HOLDER),
        },
        Row {
            rule: 9,
            holds: |facts| facts.owner.is_none() && !is_link(facts) && facts.email == Email::Untrusted,
            decision: |_, policy| match policy.untrusted_email {
                UntrustedEmail::Prove => SignInDecision::RequireVerification,
                UntrustedEmail::Ignore => SignInDecision::Create,
            },
        },
    ];

    /// Every combination of facts and policy.
    fn cases() -> Vec<(IdentityFacts, LinkPolicy)> {
        let link = |has_other| Some(Candidate { user: CALLER, has_other });
        let mut all = Vec::new();
        for owner in [None, Some(CALLER), Some(OTHER)] {
            for link_to in [None, link(false), link(true)] {
                for email in
                    [Email::Absent, Email::Untrusted, Email::Free, VERIFIED, VERIFIED_HAS_OTHER, UNVERIFIED]
                {
                    for link_verified in [LinkVerified::Confirm, LinkVerified::Auto] {
                        for untrusted_email in [UntrustedEmail::Prove, UntrustedEmail::Ignore] {
                            let policy = LinkPolicy { link_verified, untrusted_email };
                            all.push((IdentityFacts { owner, link_to, email }, policy));
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_case_has_one_row_and_is_decided_as_the_row_says() {
        assert_eq!(cases().len(), 3 * 3 * 6 * 4);
        for (facts, policy) in cases() {
            let rows: Vec<&Row> = TABLE.iter().filter(|row| (row.holds)(&facts)).collect();
            assert_eq!(rows.len(), 1, "{facts:?}");
            let expected = (rows[0].rule, (rows[0].decision)(&facts, policy));
            assert_eq!(decide(facts, policy), expected, "{facts:?} {policy:?}");
        }
    }

    #[test]
    fn every_row_decides_some_case() {
        for row in &TABLE {
            assert!(cases().iter().any(|(facts, _)| (row.holds)(facts)), "rule {}", row.rule);
        }
    }

    #[test]
    fn no_user_is_found_by_an_address_that_is_not_vouched_for() {
        for (facts, policy) in cases() {
            let found = match decide(facts, policy).1 {
                SignInDecision::RequirePassword(user)
                | SignInDecision::TransferEmail(user)
                | SignInDecision::Link(user) => user == HOLDER,
                _ => false,
            };
            assert!(!found || matches!(facts.email, Email::Verified(_) | Email::Unverified(_)), "{facts:?}");
        }
    }
}
