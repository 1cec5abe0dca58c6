//! The decision about a user who returns from a provider: the table of `docs/social.md`, as a function.
//!
//! What confirms a link, and what declining does, is in `link_methods`.

#[cfg(test)]
mod tests;

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
    /// The provider vouches for it, and an account has it.
    Held(EmailHolder),
}

/// The account that has the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EmailHolder {
    /// The user.
    pub(super) candidate: Candidate,
    /// Whether the address is verified there.
    pub(super) is_verified: bool,
    /// Whether the user holds a permission of this service.
    pub(super) is_operator: bool,
    /// Whether an operator invited the user to this address, and the invitation was not used yet.
    pub(super) is_invited: bool,
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
    /// Change nothing until the user confirms that this account is theirs, or declines.
    Confirm(EmailHolder),
    /// Change nothing until the user signs in to an account, or skips that.
    OfferProof,
    /// Refuse: the address is not verified.
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
    match (email, policy.untrusted_email) {
        (Email::Absent, UntrustedEmail::Ask) => (5, SignInDecision::OfferProof),
        (Email::Absent, UntrustedEmail::Create | UntrustedEmail::Refuse) => (5, SignInDecision::Create),
        (Email::Free, _) => (6, SignInDecision::CreateWithEmail),
        (Email::Held(holder), _) if holder.is_verified => (7, decide_verified(holder, policy.link_verified)),
        (Email::Held(holder), _) => (8, decide_unverified(holder)),
        (Email::Untrusted, UntrustedEmail::Create) => (9, SignInDecision::Create),
        (Email::Untrusted, UntrustedEmail::Ask) => (9, SignInDecision::OfferProof),
        (Email::Untrusted, UntrustedEmail::Refuse) => (9, SignInDecision::RequireVerification),
    }
}

/// For the unverified address of an account. Only an invitation is used without a question: until then the account has no
/// password and no other owner.
fn decide_unverified(holder: EmailHolder) -> SignInDecision {
    let Candidate { user, has_other } = holder.candidate;
    match holder.is_invited && !has_other && !holder.is_operator {
        true => SignInDecision::Link(user),
        false => SignInDecision::Confirm(holder),
    }
}

/// For the verified address of an account. That a provider vouches for an address never opens the account of an operator.
fn decide_verified(holder: EmailHolder, policy: LinkVerified) -> SignInDecision {
    let Candidate { user, has_other } = holder.candidate;
    match policy {
        LinkVerified::Auto if !has_other && !holder.is_operator => SignInDecision::Link(user),
        LinkVerified::Auto | LinkVerified::Confirm => SignInDecision::Confirm(holder),
    }
}
