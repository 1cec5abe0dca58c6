//! The decision: synchronous, from memory alone, without I/O and without a shared lock.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, Request, Version};
use shared::clock::Clock;
use shared::policy::Policy;
use shared::token::{TokenError, Verifier};

use crate::bearer::{self, PresentedToken, TokenSource};
use crate::freshness::{Age, Certificate};
use crate::headers;
use crate::issuer_keys::KeyGeneration;
use crate::knowledge::Knowledge;
use crate::policy_cache::PolicyCache;
use crate::refusal::Refusal;
use crate::revoked::RevocationStatus;
use crate::rights::TokenRights;
use crate::token_cache::{CachedToken, TokenCache};
use crate::verdict::{AllowedToken, Verdict};

/// Everything that a decision depends on besides the request.
pub struct Decider {
    /// How tokens are verified.
    pub verifier: Verifier,
    /// The audience that a token must have where the policy names no other.
    pub audience: String,
    /// The name of the cookie that may carry a token.
    pub cookie: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Keys, revocations and roles.
    pub known: Arc<Knowledge>,
    /// Tokens that were verified before.
    pub tokens: TokenCache,
    /// Policies that were parsed before.
    pub policies: PolicyCache,
}

/// A verdict, and how the token was recognised, for the metrics.
#[derive(Debug)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// None where no token was examined.
    pub recognised: Option<Recognised>,
}

/// How a token was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// It was in the cache.
    FromCache,
    /// It had to be verified; the verification may have failed.
    Verified,
}

impl From<Verdict> for Decision {
    /// A decision for which no token was examined.
    fn from(verdict: Verdict) -> Self {
        Self { verdict, recognised: None }
    }
}

impl Decider {
    /// Decides an `auth_request` subrequest of nginx.
    pub fn decide<B>(&self, request: &Request<B>) -> Decision {
        match self.read(request) {
            Err(refusal) => Verdict::deny(refusal).into(),
            Ok((policy, Some(token))) => self.judge(&policy, token),
            Ok((policy, None)) if policy.anonymous => Verdict::Allow { whose: None }.into(),
            Ok((_, None)) => Verdict::deny(Refusal::TokenMissing).into(),
        }
    }

    /// The policy of the location, and the token of the request.
    fn read<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Result<(Arc<Policy>, Option<PresentedToken<'r>>), Refusal> {
        if !is_subrequest(request) {
            return Err(Refusal::UnfitRequest);
        }
        let policy = self.policy(request.headers())?;
        let token = bearer::find(request.headers(), &policy, &self.cookie)?;
        Ok((policy, token))
    }

    fn policy(&self, headers: &HeaderMap) -> Result<Arc<Policy>, Refusal> {
        let mut values = headers.get_all(headers::POLICY).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => {
                self.policies.find(value.as_bytes()).map_err(|_| Refusal::PolicyMalformed)
            }
            _ => Err(Refusal::PolicyMissing),
        }
    }

    fn judge(&self, policy: &Policy, presented: PresentedToken<'_>) -> Decision {
        let mut decision = self.judge_token(policy, presented.raw);
        let is_forgiven = policy.anonymous && presented.source == TokenSource::Cookie;
        if is_forgiven && matches!(decision.verdict, Verdict::Deny { .. }) {
            // The browser sent the cookie by itself, so the request counts as one without a token.
            decision.verdict = Verdict::Allow { whose: None };
        }
        decision
    }

    fn judge_token(&self, policy: &Policy, raw: &[u8]) -> Decision {
        let certificate = self.known.freshness.certificate();
        let keys = self.known.keys.current();
        if !self.known.can_decide(&keys) {
            return Verdict::deny(Refusal::NotReady).into();
        }
        let now = self.clock.unix_seconds();
        let (token, recognised) = self.recognise(raw, &keys, now);
        let verdict = match token {
            Err(refusal) => Verdict::deny(refusal),
            Ok(token) => match self.admit(&token, policy, certificate, now) {
                Ok(age) => Verdict::Allow { whose: Some(AllowedToken { token, age }) },
                Err(refusal) => Verdict::Deny { refusal, whose: Some(token) },
            },
        };
        Decision { verdict, recognised: Some(recognised) }
    }

    /// Whether the token is valid now and meets the policy of the location, and how old the knowledge behind it is.
    ///
    /// A revocation that is known refuses whatever its age. What is not known to be revoked, and what its roles grant,
    /// is as old as the certificate, which was taken before any of it was read.
    fn admit(
        &self,
        cached: &CachedToken,
        policy: &Policy,
        certificate: Certificate,
        now: u64,
    ) -> Result<Age, Refusal> {
        let token = &cached.token;
        if token.is_expired(now, self.verifier.leeway) {
            return Err(Refusal::Expired);
        }
        match self.known.revoked.status(token, &cached.marks) {
            RevocationStatus::NotRevoked => {}
            RevocationStatus::RefreshNeeded => return Err(Refusal::RefreshNeeded),
            RevocationStatus::Revoked => return Err(Refusal::Revoked),
        }
        if !token.is_for(policy.audience.as_ref().unwrap_or(&self.audience)) {
            return Err(Refusal::WrongAudience);
        }
        let age = certificate.age(now);
        if !age.is_within(policy.max_age) {
            return Err(Refusal::Stale);
        }
        check_rights(&cached.rights, policy)?;
        Ok(age)
    }

    /// The claims of the token, if the current keys verify it now or verified it before.
    fn recognise(
        &self,
        raw: &[u8],
        keys: &KeyGeneration,
        now: u64,
    ) -> (Result<Arc<CachedToken>, Refusal>, Recognised) {
        match self.tokens.find(raw, keys.generation) {
            Some(cached) => (Ok(self.with_current_rights(cached)), Recognised::FromCache),
            None => (self.verify(raw, keys, now), Recognised::Verified),
        }
    }

    fn verify(&self, raw: &[u8], keys: &KeyGeneration, now: u64) -> Result<Arc<CachedToken>, Refusal> {
        let text = std::str::from_utf8(raw).map_err(|_| Refusal::TokenMalformed)?;
        let token = self.verifier.verify(text, &keys.set, now).inspect_err(|error| {
            if *error == TokenError::UnknownKey {
                self.known.keys.request_refresh();
            }
        })?;
        let marks = self.known.revoked.marks(&token);
        let rights = self.known.roles.rights(&token.roles);
        let cached = CachedToken::new(raw, keys.generation, token, marks, rights);
        let cached = Arc::new(cached.ok_or(Refusal::UnfitIdentity)?);
        self.tokens.insert(&cached);
        Ok(cached)
    }

    /// The same token with the current rights of its roles, if the role map has changed.
    fn with_current_rights(&self, cached: Arc<CachedToken>) -> Arc<CachedToken> {
        if self.known.roles.are_current(&cached.rights) {
            return cached;
        }
        let cached = Arc::new(cached.with_rights(self.known.roles.rights(&cached.token.roles)));
        self.tokens.insert(&cached);
        cached
    }
}

/// Whether the request is a subrequest as nginx sends it: HTTP/1.1, GET or HEAD, without a body and without an
/// upgrade.
fn is_subrequest<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let has_no_body = headers.get_all(CONTENT_LENGTH).iter().all(|length| length == "0");
    request.version() == Version::HTTP_11
        && (request.method() == Method::GET || request.method() == Method::HEAD)
        && has_no_body
        && !headers.contains_key(TRANSFER_ENCODING)
        && !headers.contains_key(UPGRADE)
}

/// Compares the rights of the roles with the requirement of the policy.
///
/// Without a role map it is unknown whether a required role is missing, so the sidecar cannot decide.
fn check_rights(rights: &TokenRights, policy: &Policy) -> Result<(), Refusal> {
    if policy.requires_rights() && rights.are_unknown() {
        return Err(Refusal::RoleMapUnknown);
    }
    if !policy.roles.is_empty() && !rights.have_one_of(&policy.roles) {
        return Err(Refusal::RoleMissing);
    }
    if policy.permission.as_ref().is_some_and(|permission| !rights.permit(permission)) {
        return Err(Refusal::PermissionMissing);
    }
    Ok(())
}
