//! The decision: flat, synchronous, from memory alone. It does no I/O and takes no shared lock.

use std::sync::Arc;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, Method, Request, Version};
use shared::clock::Clock;
use shared::token::{TokenError, Verifier};

use crate::bearer::{self, Source};
use crate::keys::Keys;
use crate::metrics::Tally;
use crate::policy::{Policies, Policy};
use crate::ready::Ready;
use crate::remembered::{Known, Remembered};
use crate::revoked::{Revoked, Standing};
use crate::rights::{Rights, Roles};
use crate::verdict::{Identity, Refusal, Verdict};

/// The policy of the location. nginx sets it on every request, so that a client cannot.
pub const POLICY: HeaderName = HeaderName::from_static("x-auth-policy");

/// All that a decision asks.
pub struct Decider {
    /// What a token must be.
    pub verifier: Verifier,
    /// For whom it must be meant, where the policy names nobody else.
    pub audience: String,
    /// In which cookie it may come.
    pub cookie: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether keys and revocations are known.
    pub ready: Arc<Ready>,
    /// The issuer's keys.
    pub keys: Arc<Keys>,
    /// What is revoked.
    pub revoked: Arc<Revoked>,
    /// What roles permit.
    pub roles: Arc<Roles>,
    /// Tokens found good lately.
    pub remembered: Remembered,
    /// Policies read lately.
    pub policies: Policies,
}

impl Decider {
    /// Judges a request of nginx.
    pub fn decide<B>(&self, request: &Request<B>, tally: &Tally) -> Verdict {
        match self.judge(request, tally) {
            Ok(identity) => Verdict::Allow(identity),
            Err(refusal) => Verdict::Deny(refusal),
        }
    }

    /// Whose a request's token was found to be, for the log: nothing rests on it.
    #[cold]
    pub fn bearer<B>(&self, request: &Request<B>) -> Option<Arc<Known>> {
        let policy = self.policy(request.headers()).ok()?;
        let presented = bearer::find(request.headers(), &policy, &self.cookie).ok()??;
        self.remembered.find(presented.raw, self.keys.current().generation)
    }

    fn judge<B>(&self, request: &Request<B>, tally: &Tally) -> Result<Identity, Refusal> {
        if !is_subrequest(request) {
            return Err(Refusal::UnfitRequest);
        }
        let policy = self.policy(request.headers())?;
        let Some(presented) = bearer::find(request.headers(), &policy, &self.cookie)? else {
            return if policy.anonymous { Ok(Identity::Nobody) } else { Err(Refusal::TokenMissing) };
        };
        match self.admit(presented.raw, &policy, tally) {
            Err(_) if policy.anonymous && presented.source == Source::Cookie => Ok(Identity::Nobody),
            judged => judged,
        }
    }

    fn policy(&self, headers: &HeaderMap) -> Result<Arc<Policy>, Refusal> {
        let mut values = headers.get_all(POLICY).iter();
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => {
                self.policies.find(value.as_bytes()).map_err(|_| Refusal::PolicyMalformed)
            }
            _ => Err(Refusal::PolicyMissing),
        }
    }

    fn admit(&self, raw: &[u8], policy: &Policy, tally: &Tally) -> Result<Identity, Refusal> {
        if !self.ready.can_decide() {
            return Err(Refusal::NotReady);
        }
        let now = self.clock.unix_seconds();
        let known = self.recognise(raw, now, tally)?;
        let token = &known.token;
        if token.is_expired(now, self.verifier.leeway) {
            return Err(Refusal::Expired);
        }
        match self.revoked.standing(token, &known.marks) {
            Standing::Good => {}
            Standing::RefreshNeeded => return Err(Refusal::RefreshNeeded),
            Standing::Revoked => return Err(Refusal::Revoked),
        }
        if !token.is_for(policy.audience.as_ref().unwrap_or(&self.audience)) {
            return Err(Refusal::WrongAudience);
        }
        check_rights(&known.rights, policy)?;
        Ok(Identity::Known(known))
    }

    /// What the token says, if it was ever found good by the keys of today.
    fn recognise(&self, raw: &[u8], now: u64, tally: &Tally) -> Result<Arc<Known>, Refusal> {
        let keys = self.keys.current();
        if let Some(known) = self.remembered.find(raw, keys.generation) {
            tally.hit();
            return Ok(self.with_rights_of_now(known));
        }
        tally.miss();
        let text = std::str::from_utf8(raw).map_err(|_| Refusal::TokenMalformed)?;
        let token = self.verifier.verify(text, &keys.set, now).inspect_err(|error| {
            if *error == TokenError::UnknownKey {
                self.keys.ask_for_more();
            }
        })?;
        let marks = self.revoked.marks(&token);
        let rights = self.roles.rights(&token.roles);
        let known = Known::new(raw, keys.generation, token, marks, rights).ok_or(Refusal::UnfitIdentity)?;
        let known = Arc::new(known);
        self.remembered.insert(&known);
        Ok(known)
    }

    /// The same token with what its roles give now, when the role map has become another.
    fn with_rights_of_now(&self, known: Arc<Known>) -> Arc<Known> {
        if self.roles.are_of_now(&known.rights) {
            return known;
        }
        let known = Arc::new(known.with(self.roles.rights(&known.token.roles)));
        self.remembered.insert(&known);
        known
    }
}

/// Whether this is what nginx sends: HTTP/1.1, GET or HEAD, no body and no way to get one.
fn is_subrequest<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let bodiless = headers.get_all(CONTENT_LENGTH).iter().all(|length| length == "0");
    request.version() == Version::HTTP_11
        && (request.method() == Method::GET || request.method() == Method::HEAD)
        && bodiless
        && !headers.contains_key(TRANSFER_ENCODING)
        && !headers.contains_key(UPGRADE)
}

/// Holds what the roles give against what the policy demands.
///
/// Without a role map nobody can say that a role is missing either, so that the answer is that it cannot decide.
fn check_rights(rights: &Rights, policy: &Policy) -> Result<(), Refusal> {
    let demands = !policy.roles.is_empty() || policy.permission.is_some();
    if demands && rights.are_unknown() {
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
