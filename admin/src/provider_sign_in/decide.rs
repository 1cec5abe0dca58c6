//! What becomes of somebody who comes back from a provider: the table of `docs/social.md`, as a function.

use uuid::Uuid;

use crate::config::{LinkVerified, UntrustedEmail};

/// What is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whose the account at the provider is.
    pub(super) owner: Option<Uuid>,
    /// What they came for.
    pub(super) purpose: Purpose,
    /// What the provider says of their address.
    pub(super) address: Address,
}

/// What somebody came for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To sign in.
    SignIn,
    /// To add the account to those of somebody who is signed in.
    Link {
        /// Who that is.
        user: Uuid,
        /// Whether they have another account of this provider.
        has_another: bool,
    },
}

/// An address, as a provider speaks of it. Only one that it vouches for is looked up here: there is no place for who
/// has the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    /// It gives none.
    Absent,
    /// It does not vouch for it.
    Untrusted,
    /// It vouches for it; who has it here.
    Trusted(Holder),
}

/// Who has an address here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// No one.
    Nobody,
    /// Somebody of whom it is known to be theirs.
    Proved {
        /// Who that is.
        user: Uuid,
        /// Whether they have another account of this provider.
        has_another: bool,
    },
    /// Somebody who merely typed it in.
    Unproved(Uuid),
}

/// What the operator chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) link_verified: LinkVerified,
    pub(super) untrusted_email: UntrustedEmail,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Sign this user in.
    SignIn(Uuid),
    /// Nothing: it is linked already.
    AlreadyLinked,
    /// Refuse: it is another person's.
    InUse,
    /// Refuse: they have another account of this provider.
    HasAnother,
    /// Link it to this user.
    Link(Uuid),
    /// Make a user without an address.
    Create,
    /// Make a user who has the address.
    CreateWithAddress,
    /// Ask for the password of this user.
    Confirm(Uuid),
    /// Make a user who has the address, which is taken from this one.
    TakeAddress(Uuid),
    /// Refuse until the address is proved.
    ProveAddress,
}

/// Decides, and says by which rule.
pub(super) fn decide(facts: Facts, policy: Policy) -> (u8, Decision) {
    match (facts.purpose, facts.owner) {
        (Purpose::SignIn, Some(owner)) => (1, Decision::SignIn(owner)),
        (Purpose::Link { user, .. }, Some(owner)) if owner == user => (2, Decision::AlreadyLinked),
        (Purpose::Link { .. }, Some(_)) => (3, Decision::InUse),
        (Purpose::Link { has_another: true, .. }, None) => (4, Decision::HasAnother),
        (Purpose::Link { user, has_another: false }, None) => (4, Decision::Link(user)),
        (Purpose::SignIn, None) => newcomer(facts.address, policy),
    }
}

/// Somebody whose account at the provider is not known.
fn newcomer(address: Address, policy: Policy) -> (u8, Decision) {
    match (address, policy.link_verified, policy.untrusted_email) {
        (Address::Absent, _, _) => (5, Decision::Create),
        (Address::Trusted(Holder::Nobody), _, _) => (6, Decision::CreateWithAddress),
        (Address::Trusted(Holder::Proved { has_another: true, .. }), _, _) => (7, Decision::HasAnother),
        (Address::Trusted(Holder::Proved { user, .. }), LinkVerified::Auto, _) => (7, Decision::Link(user)),
        (Address::Trusted(Holder::Proved { user, .. }), LinkVerified::Confirm, _) => {
            (7, Decision::Confirm(user))
        }
        (Address::Trusted(Holder::Unproved(user)), _, _) => (8, Decision::TakeAddress(user)),
        (Address::Untrusted, _, UntrustedEmail::Prove) => (9, Decision::ProveAddress),
        (Address::Untrusted, _, UntrustedEmail::Ignore) => (9, Decision::Create),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const HOLDER: Uuid = Uuid::from_u128(3);

    /// A row of the table: what must hold for it, each column by itself, and what it says.
    struct Row {
        rule: u8,
        holds: fn(&Facts) -> bool,
        says: fn(&Facts, Policy) -> Decision,
    }

    fn links(facts: &Facts) -> bool {
        matches!(facts.purpose, Purpose::Link { .. })
    }

    const PROVED: Address = Address::Trusted(Holder::Proved { user: HOLDER, has_another: false });
    const DOUBLED: Address = Address::Trusted(Holder::Proved { user: HOLDER, has_another: true });
    const UNPROVED: Address = Address::Trusted(Holder::Unproved(HOLDER));
    const FREE: Address = Address::Trusted(Holder::Nobody);

    /// The table, in its own order and words.
    const TABLE: [Row; 9] = [
        Row {
            rule: 1,
            holds: |facts| facts.owner.is_some() && !links(facts),
            says: |facts, _| Decision::SignIn(facts.owner.unwrap()),
        },
        Row {
            rule: 2,
            holds: |facts| facts.owner == Some(CALLER) && links(facts),
            says: |_, _| Decision::AlreadyLinked,
        },
        Row {
            rule: 3,
            holds: |facts| facts.owner == Some(OTHER) && links(facts),
            says: |_, _| Decision::InUse,
        },
        Row {
            rule: 4,
            holds: |facts| facts.owner.is_none() && links(facts),
            says: |facts, _| match facts.purpose {
                Purpose::Link { has_another: true, .. } => Decision::HasAnother,
                _ => Decision::Link(CALLER),
            },
        },
        Row {
            rule: 5,
            holds: |facts| facts.owner.is_none() && !links(facts) && facts.address == Address::Absent,
            says: |_, _| Decision::Create,
        },
        Row {
            rule: 6,
            holds: |facts| facts.owner.is_none() && !links(facts) && facts.address == FREE,
            says: |_, _| Decision::CreateWithAddress,
        },
        Row {
            rule: 7,
            holds: |facts| {
                facts.owner.is_none() && !links(facts) && [PROVED, DOUBLED].contains(&facts.address)
            },
            says: |facts, policy| match policy.link_verified {
                _ if facts.address == DOUBLED => Decision::HasAnother,
                LinkVerified::Auto => Decision::Link(HOLDER),
                LinkVerified::Confirm => Decision::Confirm(HOLDER),
            },
        },
        Row {
            rule: 8,
            holds: |facts| facts.owner.is_none() && !links(facts) && facts.address == UNPROVED,
            says: |_, _| Decision::TakeAddress(HOLDER),
        },
        Row {
            rule: 9,
            holds: |facts| facts.owner.is_none() && !links(facts) && facts.address == Address::Untrusted,
            says: |_, policy| match policy.untrusted_email {
                UntrustedEmail::Prove => Decision::ProveAddress,
                UntrustedEmail::Ignore => Decision::Create,
            },
        },
    ];

    /// Every question that there can be.
    fn questions() -> Vec<(Facts, Policy)> {
        let link = |has_another| Purpose::Link { user: CALLER, has_another };
        let mut all = Vec::new();
        for owner in [None, Some(CALLER), Some(OTHER)] {
            for purpose in [Purpose::SignIn, link(false), link(true)] {
                for address in [Address::Absent, Address::Untrusted, FREE, PROVED, DOUBLED, UNPROVED] {
                    for link_verified in [LinkVerified::Confirm, LinkVerified::Auto] {
                        for untrusted_email in [UntrustedEmail::Prove, UntrustedEmail::Ignore] {
                            let policy = Policy { link_verified, untrusted_email };
                            all.push((Facts { owner, purpose, address }, policy));
                        }
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_question_has_one_row_and_is_answered_as_the_row_says() {
        assert_eq!(questions().len(), 3 * 3 * 6 * 4);
        for (facts, policy) in questions() {
            let rows: Vec<&Row> = TABLE.iter().filter(|row| (row.holds)(&facts)).collect();
            assert_eq!(rows.len(), 1, "{facts:?}");
            let expected = (rows[0].rule, (rows[0].says)(&facts, policy));
            assert_eq!(decide(facts, policy), expected, "{facts:?} {policy:?}");
        }
    }

    #[test]
    fn every_row_answers_some_question() {
        for row in &TABLE {
            assert!(questions().iter().any(|(facts, _)| (row.holds)(facts)), "rule {}", row.rule);
        }
    }

    #[test]
    fn nobody_is_found_by_an_address_that_is_not_vouched_for() {
        for (facts, policy) in questions() {
            let found = match decide(facts, policy).1 {
                Decision::Confirm(user) | Decision::TakeAddress(user) | Decision::Link(user) => {
                    user == HOLDER
                }
                _ => false,
            };
            assert!(!found || matches!(facts.address, Address::Trusted(_)), "{facts:?}");
        }
    }
}
