//! Every combination of facts and policy, against the table of `docs/social.md`.

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

fn is_new(facts: &IdentityFacts) -> bool {
    facts.owner.is_none() && !is_link(facts)
}

fn holder(facts: &IdentityFacts) -> Option<EmailHolder> {
    match facts.email {
        Email::Held(holder) => Some(holder),
        Email::Absent | Email::Untrusted | Email::Free => None,
    }
}

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
        holds: |facts| is_new(facts) && facts.email == Email::Absent,
        decision: |_, policy| match policy.untrusted_email {
            UntrustedEmail::Ask => SignInDecision::OfferProof,
            UntrustedEmail::Create | UntrustedEmail::Refuse => SignInDecision::Create,
        },
    },
    Row {
        rule: 6,
        holds: |facts| is_new(facts) && facts.email == Email::Free,
        decision: |_, _| SignInDecision::CreateWithEmail,
    },
    Row {
        rule: 7,
        holds: |facts| is_new(facts) && holder(facts).is_some_and(|holder| holder.is_verified),
        decision: |facts, policy| {
            let holder = holder(facts).unwrap();
            let may_link = !holder.candidate.has_other && !holder.is_operator;
            match policy.link_verified {
                LinkVerified::Auto if may_link => SignInDecision::Link(HOLDER),
                _ => SignInDecision::Confirm(holder),
            }
        },
    },
    Row {
        rule: 8,
        holds: |facts| is_new(facts) && holder(facts).is_some_and(|holder| !holder.is_verified),
        decision: |facts, _| {
            let holder = holder(facts).unwrap();
            match holder.is_invited && !holder.candidate.has_other && !holder.is_operator {
                true => SignInDecision::Link(HOLDER),
                false => SignInDecision::Confirm(holder),
            }
        },
    },
    Row {
        rule: 9,
        holds: |facts| is_new(facts) && facts.email == Email::Untrusted,
        decision: |_, policy| match policy.untrusted_email {
            UntrustedEmail::Create => SignInDecision::Create,
            UntrustedEmail::Ask => SignInDecision::OfferProof,
            UntrustedEmail::Refuse => SignInDecision::RequireVerification,
        },
    },
];

const BOTH: [bool; 2] = [false, true];

fn emails() -> Vec<Email> {
    let mut all = vec![Email::Absent, Email::Untrusted, Email::Free];
    for has_other in BOTH {
        for is_verified in BOTH {
            for is_operator in BOTH {
                for is_invited in BOTH {
                    let candidate = Candidate { user: HOLDER, has_other };
                    all.push(Email::Held(EmailHolder { candidate, is_verified, is_operator, is_invited }));
                }
            }
        }
    }
    all
}

/// Every combination of facts and policy.
fn cases() -> Vec<(IdentityFacts, LinkPolicy)> {
    let link = |has_other| Some(Candidate { user: CALLER, has_other });
    let mut all = Vec::new();
    for owner in [None, Some(CALLER), Some(OTHER)] {
        for link_to in [None, link(false), link(true)] {
            for email in emails() {
                for link_verified in [LinkVerified::Confirm, LinkVerified::Auto] {
                    for untrusted_email in
                        [UntrustedEmail::Create, UntrustedEmail::Ask, UntrustedEmail::Refuse]
                    {
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
    assert_eq!(cases().len(), 3 * 3 * 19 * 6);
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
        let is_found = match decide(facts, policy).1 {
            SignInDecision::Confirm(_) => true,
            SignInDecision::Link(user) => user == HOLDER,
            _ => false,
        };
        assert!(!is_found || holder(&facts).is_some(), "{facts:?}");
    }
}

/// A superuser's address may be mistyped, and be that of another person.
#[test]
fn an_operators_account_is_never_opened_by_an_address() {
    for (facts, policy) in cases() {
        if holder(&facts).is_some_and(|holder| holder.is_operator) {
            assert_ne!(decide(facts, policy).1, SignInDecision::Link(HOLDER), "{facts:?}");
        }
    }
}
