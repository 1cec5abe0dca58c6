//! What a location demands, as nginx writes it into `X-Auth-Policy`.
//!
//! `user` or `anonymous` first, then any of these, each at most once, `;` between: `role=a,b` (any of),
//! `permission=films:watch`, `aud=...`, `stale=300s`, `fresh=2s`, `cookie=allow`. No spaces. Anything
//! else is refused, never guessed at.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use shared::duration;
use shared::permission::Permission;
use shared::role::RoleName;

/// The longest policy that is read, in bytes.
pub const MAX_BYTES: usize = 1024;

/// How many policies are remembered; a configuration has a handful.
const MAX_REMEMBERED: usize = 256;

/// The shortest `fresh=` that can be kept: the sidecar cannot prove more.
const LEAST_FRESH: Duration = Duration::from_secs(1);

/// What a location demands. All of it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether a request without a good cookie or any token is let through, without identity.
    pub anonymous: bool,
    /// One of these roles; none demanded when empty.
    pub roles: Vec<RoleName>,
    /// This permission.
    pub permission: Option<Permission>,
    /// This audience, instead of the configured one.
    pub audience: Option<String>,
    /// How long to go on when the revocations are stale. Has no effect yet.
    pub stale: Option<Duration>,
    /// How fresh the revocations must be. Has no effect yet.
    pub fresh: Option<Duration>,
    /// Whether a cookie may carry the token.
    pub cookie: bool,
}

/// The text does not follow the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Nothing at all.
    #[error("the policy is empty")]
    Empty,
    /// Over [`MAX_BYTES`], or not visible ASCII.
    #[error("the policy is too long or has bytes that are not visible ASCII")]
    Unfit,
    /// Neither `user` nor `anonymous` stands first.
    #[error("the policy begins with neither user nor anonymous")]
    NoSubject,
    /// A term that is not known, or lacks its value.
    #[error("the policy has an unknown or an empty term")]
    UnknownTerm,
    /// A value that its term cannot have.
    #[error("a term of the policy has a value that it cannot have")]
    BadValue,
    /// A term stands twice.
    #[error("a term of the policy is repeated")]
    Repeated,
    /// Terms that cannot hold together.
    #[error("the policy contradicts itself: anonymous with role or permission, or stale with fresh")]
    Contradiction,
}

/// Parsed policies by their text. nginx sends the same few on every request.
#[derive(Debug, Default)]
pub struct Policies {
    parsed: ArcSwap<foldhash::HashMap<Box<[u8]>, Arc<Policy>>>,
}

impl Policy {
    /// Reads the header's bytes.
    ///
    /// # Errors
    ///
    /// When they do not follow the grammar to the letter.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.is_empty() {
            return Err(PolicyError::Empty);
        }
        let fits = bytes.len() <= MAX_BYTES && bytes.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(bytes).ok().filter(|_| fits).ok_or(PolicyError::Unfit)?;
        let mut terms = text.split(';');
        let anonymous = match terms.next() {
            Some("user") => false,
            Some("anonymous") => true,
            _ => return Err(PolicyError::NoSubject),
        };
        let mut policy = Self::bare(anonymous);
        for term in terms {
            policy.add(term)?;
        }
        policy.check()
    }

    fn bare(anonymous: bool) -> Self {
        Self {
            anonymous,
            roles: Vec::new(),
            permission: None,
            audience: None,
            stale: None,
            fresh: None,
            cookie: false,
        }
    }

    fn add(&mut self, term: &str) -> Result<(), PolicyError> {
        let (name, value) = term.split_once('=').ok_or(PolicyError::UnknownTerm)?;
        if value.is_empty() {
            return Err(PolicyError::UnknownTerm);
        }
        let repeated = match name {
            "role" => !std::mem::replace(&mut self.roles, roles(value)?).is_empty(),
            "permission" => self.permission.replace(permission(value)?).is_some(),
            "aud" => self.audience.replace(value.to_owned()).is_some(),
            "stale" => self.stale.replace(span(value, Duration::from_millis(1))?).is_some(),
            "fresh" => self.fresh.replace(span(value, LEAST_FRESH)?).is_some(),
            "cookie" if value == "allow" => std::mem::replace(&mut self.cookie, true),
            "cookie" => return Err(PolicyError::BadValue),
            _ => return Err(PolicyError::UnknownTerm),
        };
        if repeated { Err(PolicyError::Repeated) } else { Ok(()) }
    }

    /// A location cannot both welcome strangers and ask them for a role, nor both insist on fresh
    /// revocations and put up with stale ones.
    fn check(self) -> Result<Self, PolicyError> {
        let demands = !self.roles.is_empty() || self.permission.is_some();
        let contradicts = (self.anonymous && demands) || (self.stale.is_some() && self.fresh.is_some());
        if contradicts { Err(PolicyError::Contradiction) } else { Ok(self) }
    }
}

impl Policies {
    /// The policy that the bytes say, from memory when it was read before.
    ///
    /// # Errors
    ///
    /// As [`Policy::parse`]; errors are not remembered.
    pub fn find(&self, bytes: &[u8]) -> Result<Arc<Policy>, PolicyError> {
        if let Some(policy) = self.parsed.load().get(bytes) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(bytes)?);
        self.remember(bytes, &policy);
        Ok(policy)
    }

    /// Beyond the bound policies are read anew each time, which is slower and just as right.
    fn remember(&self, bytes: &[u8], policy: &Arc<Policy>) {
        self.parsed.rcu(|known| {
            let mut known = foldhash::HashMap::clone(known);
            if known.len() < MAX_REMEMBERED {
                known.insert(bytes.into(), Arc::clone(policy));
            }
            known
        });
    }
}

fn roles(value: &str) -> Result<Vec<RoleName>, PolicyError> {
    let mut roles = value
        .split(',')
        .map(|name| name.parse().map_err(|_| PolicyError::BadValue))
        .collect::<Result<Vec<RoleName>, _>>()?;
    let named = roles.len();
    roles.sort_unstable();
    roles.dedup();
    if roles.len() == named { Ok(roles) } else { Err(PolicyError::Repeated) }
}

fn permission(value: &str) -> Result<Permission, PolicyError> {
    value.parse().map_err(|_| PolicyError::BadValue)
}

fn span(value: &str, least: Duration) -> Result<Duration, PolicyError> {
    duration::parse(value).ok().filter(|span| *span >= least).ok_or(PolicyError::BadValue)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_term_is_read() {
        let policy = Policy::parse(
            b"user;role=subscriber,admin;permission=films:watch;aud=cinema;fresh=2s;cookie=allow",
        )
        .unwrap();
        assert!(!policy.anonymous && policy.cookie);
        assert_eq!(policy.roles.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["admin", "subscriber"]);
        assert_eq!(policy.permission.unwrap().as_str(), "films:watch");
        assert_eq!(policy.audience.as_deref(), Some("cinema"));
        assert_eq!(policy.fresh, Some(Duration::from_secs(2)));
        assert_eq!(Policy::parse(b"anonymous;stale=300s").unwrap().stale, Some(Duration::from_mins(5)));
    }

    #[test]
    fn whatever_does_not_follow_the_grammar_is_refused() {
        let cases: &[(&str, PolicyError)] = &[
            ("", PolicyError::Empty),
            (";", PolicyError::NoSubject),
            ("role=a", PolicyError::NoSubject),
            ("User", PolicyError::NoSubject),
            ("user ", PolicyError::Unfit),
            ("user; role=a", PolicyError::Unfit),
            ("user;", PolicyError::UnknownTerm),
            ("user;;role=a", PolicyError::UnknownTerm),
            ("user;anonymous", PolicyError::UnknownTerm),
            ("user;role", PolicyError::UnknownTerm),
            ("user;role=", PolicyError::UnknownTerm),
            ("user;roles=a", PolicyError::UnknownTerm),
            ("user;Role=a", PolicyError::UnknownTerm),
            ("user;role=a,", PolicyError::BadValue),
            ("user;role=A", PolicyError::BadValue),
            ("user;role=a=b", PolicyError::BadValue),
            ("user;role=a,a", PolicyError::Repeated),
            ("user;role=a;role=b", PolicyError::Repeated),
            ("user;cookie=allow;cookie=allow", PolicyError::Repeated),
            ("user;cookie=deny", PolicyError::BadValue),
            ("user;permission=films", PolicyError::BadValue),
            ("user;permission=films:", PolicyError::BadValue),
            ("user;permission=films:watch:all", PolicyError::BadValue),
            ("user;permission=films:*", PolicyError::BadValue),
            ("user;permission=*", PolicyError::BadValue),
            ("user;fresh=500ms", PolicyError::BadValue),
            ("user;fresh=2", PolicyError::BadValue),
            ("user;stale=0s", PolicyError::BadValue),
            ("user;stale=300s;fresh=2s", PolicyError::Contradiction),
            ("anonymous;role=a", PolicyError::Contradiction),
            ("anonymous;permission=films:watch", PolicyError::Contradiction),
        ];
        for (text, why) in cases {
            assert_eq!(Policy::parse(text.as_bytes()), Err(*why), "{text}");
        }
        let long = format!("user;aud={}", "a".repeat(MAX_BYTES));
        assert_eq!(Policy::parse(long.as_bytes()), Err(PolicyError::Unfit));
    }

    #[test]
    fn no_more_than_the_bound_is_remembered() {
        let policies = Policies::default();
        for number in 0..MAX_REMEMBERED + 10 {
            let text = format!("user;aud=a{number}");
            let policy = policies.find(text.as_bytes()).unwrap();
            assert_eq!(policy.audience.as_deref(), Some(&*format!("a{number}")));
        }
        assert_eq!(policies.parsed.load().len(), MAX_REMEMBERED);
        assert!(policies.find(b"user;x=1").is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes: Vec<u8>) {
            let _any = Policy::parse(&bytes);
        }

        #[test]
        fn near_misses_never_lose_a_demand(text in "(user|anonymous)(;(role|aud|stale|cookie|permission|x)=?[a-z:,0-9]{0,6}){0,4}") {
            if let Ok(policy) = Policy::parse(text.as_bytes()) {
                prop_assert_eq!(text.contains("role="), !policy.roles.is_empty());
                prop_assert_eq!(text.contains("permission="), policy.permission.is_some());
                prop_assert_eq!(text.contains("aud="), policy.audience.is_some());
            }
        }
    }
}
