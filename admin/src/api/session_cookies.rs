//! The cookies of a browser's session: its tokens, which no script can read.
//!
//! `__Host-`: set by this very host, over TLS (or on this machine), for all of its paths. A cookie with a path of its own
//! cannot have that prefix, and a subdomain could then put its own in. `Lax`, because a link of a mail or of another site
//! leads to a page that knows its user; `same_origin` refuses what other sites send.

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// The cookie of the access token, which the sidecar reads too (`INTROSPECT_COOKIE`).
pub(crate) const ACCESS_COOKIE: &str = "__Host-access";

/// The cookie of the refresh token.
pub(crate) const REFRESH_COOKIE: &str = "__Host-refresh";

/// The members of a body that a browser gets as cookies instead.
pub(super) const IN_COOKIES: [&str; 4] = ["access_token", "token_type", "refresh_token", "device_token"];

/// What a response does to the session of a browser that keeps its tokens in cookies.
#[derive(Debug, Clone)]
pub(crate) enum SessionCookies {
    /// The browser gets these tokens.
    Set(IssuedTokens),
    /// Its session has ended.
    Clear,
}

/// The tokens that a response issues. Their `Debug` prints none.
#[derive(Debug, Clone)]
pub(crate) struct IssuedTokens {
    pub(crate) access: IssuedToken,
    /// `None` if the refresh token stays.
    pub(crate) refresh: Option<IssuedToken>,
}

/// A token, and for how many seconds it is of use.
#[derive(Debug, Clone)]
pub(crate) struct IssuedToken {
    pub(crate) text: SecretString,
    pub(crate) seconds: u64,
}

impl SessionCookies {
    /// The values of `Set-Cookie`.
    pub(crate) fn lines(&self) -> Vec<HeaderValue> {
        match self {
            Self::Set(issued) => {
                let refresh = issued.refresh.as_ref().map(|token| (REFRESH_COOKIE, token));
                let all = [(ACCESS_COOKIE, &issued.access)].into_iter().chain(refresh);
                all.filter_map(|(name, token)| line(name, token.text.expose_secret(), token.seconds))
                    .collect()
            }
            Self::Clear => {
                [ACCESS_COOKIE, REFRESH_COOKIE].iter().filter_map(|name| line(name, "", 0)).collect()
            }
        }
    }
}

fn line(name: &str, value: &str, seconds: u64) -> Option<HeaderValue> {
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    // A token is of letters, digits, `-`, `_` and `.`.
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(cookies: &SessionCookies) -> Vec<String> {
        cookies.lines().iter().map(|line| line.to_str().unwrap().to_owned()).collect()
    }

    fn token(text: &str) -> IssuedToken {
        IssuedToken { text: text.into(), seconds: 60 }
    }

    #[test]
    fn tokens_are_set_for_this_host_alone_and_hidden_from_scripts() {
        let issued = IssuedTokens { access: token("a.b"), refresh: Some(token("v1.c")) };
        let set = SessionCookies::Set(issued);
        assert_eq!(
            texts(&set),
            [
                "__Host-access=a.b; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
                "__Host-refresh=v1.c; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"
            ]
        );
        assert!(!format!("{set:?}").contains("v1.c"));
    }

    #[test]
    fn a_new_access_token_alone_leaves_the_refresh_token() {
        let set = SessionCookies::Set(IssuedTokens { access: token("a"), refresh: None });
        assert_eq!(set.lines().len(), 1);
    }

    #[test]
    fn an_ended_session_has_no_cookie() {
        for line in texts(&SessionCookies::Clear) {
            assert!(line.contains("=; Path=/; Max-Age=0; Secure"), "{line}");
        }
    }
}
