//! The requirements of a location, as nginx sends them in `X-Auth-Policy`.
//!
//! `user` or `anonymous` first, then any of these, each at most once, separated by `;`: `role=a,b` (any of them),
//! `permission=films:watch`, `aud=...`, `cookie=allow` or `cookie=own-pages`, and one of `stale=300s` and `fresh=1s`. No spaces. Everything else
//! is an error, never ignored.
//!
//! The sidecar reads policies in requests, the linter in nginx's configuration.

use std::cmp::Ordering;
use std::time::Duration;

use crate::duration;
use crate::permission::Permission;
use crate::revocation::MAX_AGE;
use crate::role::RoleName;

/// The longest policy that is read, in bytes.
pub const MAX_BYTES: usize = 1024;

/// The longest `stale=`: how long a location may be served while a sidecar learns of no revocations.
pub const LONGEST_STALE: Duration = Duration::from_mins(5);

/// The shortest `fresh=`. A certificate is usually less than half a second old.
pub const SHORTEST_FRESH: Duration = Duration::from_secs(1);

/// The requirements of a location. All of them must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether a request without a token, or with an invalid cookie, is allowed without identity.
    pub anonymous: bool,
    /// One of these roles is required; none when empty.
    pub roles: Vec<RoleName>,
    /// This permission is required.
    pub permission: Option<Permission>,
    /// The token must be for this audience instead of the configured one.
    pub audience: Option<String>,
    /// For which requests a cookie may carry the token.
    pub cookie: CookieUse,
    /// How old the last certificate of the revocations may be: [`MAX_AGE`], unless `stale=` or `fresh=` says otherwise.
    pub max_age: Duration,
}

/// The text does not follow the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Nothing at all.
    #[error("the policy is empty")]
    Empty,
    /// Over [`MAX_BYTES`], or not visible ASCII.
    #[error("the policy must be at most {MAX_BYTES} bytes of visible ASCII, without spaces")]
    Unfit,
    /// The first term is neither `user` nor `anonymous`.
    #[error("the policy must begin with `user` or `anonymous`")]
    NoSubject,
    /// An unknown term, or one without a value.
    #[error("the policy has an unknown term, or a term without a value")]
    UnknownTerm,
    /// A value that is not allowed for its term.
    #[error("a term of the policy has an invalid value")]
    BadValue,
    /// A term, or a role in it, appears twice.
    #[error("the policy repeats a term or a role")]
    Repeated,
    /// Terms that cannot hold together.
    #[error(
        "the policy contradicts itself: `anonymous` with `role` or `permission`, or `stale` with `fresh`"
    )]
    Contradiction,
}

/// For which requests a cookie may carry the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieUse {
    /// For none.
    Never,
    /// For those that change nothing: a browser sends cookies whichever site causes the request.
    Reading,
    /// Also for others, if a page of the own origin sends them and says so.
    OwnPages,
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
            cookie: CookieUse::Never,
            max_age: MAX_AGE,
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
            "cookie" => std::mem::replace(&mut self.cookie, cookie(value)?) != CookieUse::Never,
            "stale" => self.accept(stale(value)?)?,
            "fresh" => self.accept(fresh(value)?)?,
            _ => return Err(PolicyError::UnknownTerm),
        };
        if repeated { Err(PolicyError::Repeated) } else { Ok(()) }
    }

    /// Sets the age; returns whether the same term already did. The age of each term is on its own side of [`MAX_AGE`].
    fn accept(&mut self, age: Duration) -> Result<bool, PolicyError> {
        let before = std::mem::replace(&mut self.max_age, age);
        match before.cmp(&MAX_AGE) {
            Ordering::Equal => Ok(false),
            side if side == age.cmp(&MAX_AGE) => Ok(true),
            Ordering::Less | Ordering::Greater => Err(PolicyError::Contradiction),
        }
    }

    /// Whether a role or a permission is required.
    pub fn requires_rights(&self) -> bool {
        !self.roles.is_empty() || self.permission.is_some()
    }

    /// A location cannot both admit anonymous requests and require a role of them.
    fn check(self) -> Result<Self, PolicyError> {
        if self.anonymous && self.requires_rights() { Err(PolicyError::Contradiction) } else { Ok(self) }
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

/// Longer than usual, which needs no term.
fn stale(value: &str) -> Result<Duration, PolicyError> {
    age(value).filter(|age| *age > MAX_AGE && *age <= LONGEST_STALE).ok_or(PolicyError::BadValue)
}

/// Shorter than usual.
fn fresh(value: &str) -> Result<Duration, PolicyError> {
    age(value).filter(|age| (SHORTEST_FRESH..MAX_AGE).contains(age)).ok_or(PolicyError::BadValue)
}

/// A duration without a leading zero.
fn age(value: &str) -> Option<Duration> {
    duration::parse(value).ok().filter(|_| !value.starts_with('0'))
}

fn permission(value: &str) -> Result<Permission, PolicyError> {
    value.parse().map_err(|_| PolicyError::BadValue)
}

/// The value of `cookie`.
fn cookie(value: &str) -> Result<CookieUse, PolicyError> {
    match value {
        "allow" => Ok(CookieUse::Reading),
        "own-pages" => Ok(CookieUse::OwnPages),
        _ => Err(PolicyError::BadValue),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_term_is_read() {
        let policy =
            Policy::parse(b"user;role=subscriber,admin;permission=films:watch;aud=cinema;cookie=allow")
                .unwrap();
        assert!(!policy.anonymous && policy.cookie == CookieUse::Reading);
        assert_eq!(policy.roles.iter().map(RoleName::as_str).collect::<Vec<_>>(), ["admin", "subscriber"]);
        assert_eq!(policy.permission.unwrap().as_str(), "films:watch");
        assert_eq!(policy.audience.as_deref(), Some("cinema"));
        assert!(Policy::parse(b"anonymous").unwrap().anonymous);
    }

    #[test]
    fn the_age_that_a_location_accepts_is_two_seconds_unless_a_term_says_otherwise() {
        let accepted = |text: &str| Policy::parse(text.as_bytes()).unwrap().max_age.as_millis();
        assert_eq!(accepted("user"), 2000);
        assert_eq!((accepted("user;stale=300s"), accepted("user;stale=5m")), (300_000, 300_000));
        assert_eq!((accepted("user;stale=3s"), accepted("anonymous;stale=2001ms")), (3000, 2001));
        assert_eq!((accepted("user;fresh=1s"), accepted("user;fresh=1999ms")), (1000, 1999));
    }

    #[test]
    fn texts_that_do_not_follow_the_grammar_are_refused() {
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
            ("user;cookie=allow;cookie=own-pages", PolicyError::Repeated),
            ("user;permission=films", PolicyError::BadValue),
            ("user;permission=films:", PolicyError::BadValue),
            ("user;permission=films:watch:all", PolicyError::BadValue),
            ("user;permission=films:*", PolicyError::BadValue),
            ("user;permission=*", PolicyError::BadValue),
            ("user;fresh=2s", PolicyError::BadValue),
            ("user;fresh=999ms", PolicyError::BadValue),
            ("user;fresh=0s", PolicyError::BadValue),
            ("user;fresh=01s", PolicyError::BadValue),
            ("user;fresh=1", PolicyError::BadValue),
            ("user;fresh", PolicyError::UnknownTerm),
            ("user;stale=2s", PolicyError::BadValue),
            ("user;stale=301s", PolicyError::BadValue),
            ("user;stale=-3s", PolicyError::BadValue),
            ("user;stale=", PolicyError::UnknownTerm),
            ("user;stale=300s;stale=300s", PolicyError::Repeated),
            ("user;fresh=1s;fresh=1500ms", PolicyError::Repeated),
            ("user;stale=300s;fresh=1s", PolicyError::Contradiction),
            ("user;fresh=1s;stale=300s", PolicyError::Contradiction),
            ("anonymous;role=a", PolicyError::Contradiction),
            ("anonymous;permission=films:watch", PolicyError::Contradiction),
        ];
        for (text, why) in cases {
            assert_eq!(Policy::parse(text.as_bytes()), Err(*why), "{text}");
        }
        let long = format!("user;aud={}", "a".repeat(MAX_BYTES));
        assert_eq!(Policy::parse(long.as_bytes()), Err(PolicyError::Unfit));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_panic(bytes: Vec<u8>) {
            let _any = Policy::parse(&bytes);
        }

        #[test]
        fn near_misses_never_lose_a_demand(text in "(user|anonymous)(;(role|aud|cookie|permission|stale|fresh|x)=?[a-z:,0-9-]{0,9}){0,4}") {
            if let Ok(policy) = Policy::parse(text.as_bytes()) {
                prop_assert_eq!(text.contains("role="), !policy.roles.is_empty());
                prop_assert_eq!(text.contains("permission="), policy.permission.is_some());
                prop_assert_eq!(text.contains("aud="), policy.audience.is_some());
                prop_assert_eq!(text.contains("fresh="), policy.max_age < MAX_AGE);
                prop_assert_eq!(text.contains("stale="), policy.max_age > MAX_AGE);
                prop_assert!(policy.max_age >= SHORTEST_FRESH && policy.max_age <= LONGEST_STALE);
            }
        }
    }
}
