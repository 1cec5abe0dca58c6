//! The two sites of pages, which share nothing in a browser: that of viewers, at the public address, and the console of operators,
//! on a listener of its own.
//!
//! Cookies do not depend on the port, so each site has cookies of its own names and takes no cookie of the other one. A viewer's
//! session is in the two cookies of [`SessionCookies`]; that of an operator in one, which ends with the browser and is sent to
//! pages that the console itself leads to, and to no other ones.

use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::paths;
use crate::actor::cookie;
use crate::api::{ACCESS_COOKIE, REFRESH_COOKIE, SessionCookies};
use crate::context::Context;

/// A site of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageSite {
    /// That of viewers.
    Account,
    /// That of operators.
    Console,
}

/// The cookie of an operator's session: the access token and the refresh token.
const CONSOLE_COOKIE: &str = "__Host-console";

/// Between the tokens, which are of letters, digits, `-`, `_` and `.`.
const JOINT: char = '~';

/// The tokens of a session, as a browser sent them.
#[derive(Clone, Default)]
pub(super) struct SentTokens {
    pub(super) access: Option<SecretString>,
    pub(super) refresh: Option<SecretString>,
}

impl PageSite {
    /// Whether it is that of operators.
    pub(super) fn is_console(self) -> bool {
        self == Self::Console
    }

    /// The path of its first page, below which are all others.
    pub(super) const fn root(self) -> &'static str {
        match self {
            Self::Account => paths::OVERVIEW,
            Self::Console => paths::CONSOLE,
        }
    }

    /// The path of its sign-in.
    pub(super) const fn sign_in(self) -> &'static str {
        match self {
            Self::Account => paths::SIGN_IN,
            Self::Console => paths::CONSOLE_SIGN_IN,
        }
    }

    /// The cookie by which its pages know a browser.
    pub(super) const fn mark_cookie(self) -> &'static str {
        match self {
            Self::Account => "__Host-page",
            Self::Console => "__Host-console-page",
        }
    }

    /// When its cookies accompany a request that another site causes.
    pub(super) const fn same_site(self) -> &'static str {
        match self {
            Self::Account => "Lax",
            Self::Console => "Strict",
        }
    }

    /// Its own address, if it is known.
    pub(super) fn own_address(self, context: &Context) -> Option<&Url> {
        match self {
            Self::Account => context.config.public_url.as_ref(),
            Self::Console => context.config.http.console.as_ref().map(|console| &console.url),
        }
    }

    /// The tokens of the session in the cookies of a request.
    pub(super) fn tokens(self, headers: &HeaderMap) -> SentTokens {
        let of = |text: &str| (!text.is_empty()).then(|| SecretString::from(text));
        match self {
            Self::Account => SentTokens {
                access: cookie(headers, ACCESS_COOKIE).and_then(of),
                refresh: cookie(headers, REFRESH_COOKIE).and_then(of),
            },
            Self::Console => {
                let both = cookie(headers, CONSOLE_COOKIE).and_then(|text| text.split_once(JOINT));
                both.map_or_else(SentTokens::default, |(access, refresh)| SentTokens {
                    access: of(access),
                    refresh: of(refresh),
                })
            }
        }
    }

    /// The values of `Set-Cookie` for a change of the session; `tokens` are those that the browser has, and become those that it
    /// will have.
    pub(super) fn lines(self, change: &SessionCookies, tokens: &mut SentTokens) -> Vec<HeaderValue> {
        match change {
            SessionCookies::Set(issued) => {
                tokens.access = Some(issued.access.text.clone());
                if let Some(refresh) = &issued.refresh {
                    tokens.refresh = Some(refresh.text.clone());
                }
            }
            SessionCookies::Clear => *tokens = SentTokens::default(),
        }
        match self {
            Self::Account => change.lines(),
            Self::Console => console_line(tokens).into_iter().collect(),
        }
    }
}

fn console_line(tokens: &SentTokens) -> Option<HeaderValue> {
    let text = |token: &Option<SecretString>| {
        token.as_ref().map_or_else(String::new, |token| token.expose_secret().to_owned())
    };
    let (value, life) = match tokens.access {
        Some(_) => (format!("{}{JOINT}{}", text(&tokens.access), text(&tokens.refresh)), ""),
        None => (String::new(), " Max-Age=0;"),
    };
    let line = format!("{CONSOLE_COOKIE}={value}; Path=/;{life} Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(line).ok()
}

#[cfg(test)]
mod tests {
    use http::header;
    use proptest::prelude::*;

    use super::*;
    use crate::api::{IssuedToken, IssuedTokens};

    fn sent(site: PageSite, cookies: &str) -> (Option<String>, Option<String>) {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookies).unwrap())]);
        let SentTokens { access, refresh } = site.tokens(&headers);
        let text = |token: Option<SecretString>| token.map(|token| token.expose_secret().to_owned());
        (text(access), text(refresh))
    }

    fn set(access: &str, refresh: Option<&str>) -> SessionCookies {
        let token = |text: &str| IssuedToken { text: text.into(), seconds: 60 };
        SessionCookies::Set(IssuedTokens { access: token(access), refresh: refresh.map(token) })
    }

    #[test]
    fn no_site_takes_the_session_of_the_other_one() {
        let (viewer, operator) = ("__Host-access=a; __Host-refresh=b", "__Host-console=c~d");
        let both = |access: &str, refresh: &str| (Some(access.to_owned()), Some(refresh.to_owned()));
        assert_eq!(sent(PageSite::Account, &format!("{viewer}; {operator}")), both("a", "b"));
        assert_eq!(sent(PageSite::Console, &format!("{viewer}; {operator}")), both("c", "d"));
        assert_eq!(sent(PageSite::Console, viewer), (None, None));
        assert_eq!(sent(PageSite::Account, operator), (None, None));
        assert_eq!(sent(PageSite::Console, &format!("{operator}; {operator}")), (None, None), "two are none");
    }

    #[test]
    fn an_operator_has_one_cookie_which_ends_with_the_browser() {
        let mut tokens = SentTokens::default();
        let lines = PageSite::Console.lines(&set("a.b", Some("v1.c")), &mut tokens);
        assert_eq!(lines, ["__Host-console=a.b~v1.c; Path=/; Secure; HttpOnly; SameSite=Strict"]);
        // A new access token alone leaves the refresh token.
        let lines = PageSite::Console.lines(&set("d", None), &mut tokens);
        assert_eq!(lines, ["__Host-console=d~v1.c; Path=/; Secure; HttpOnly; SameSite=Strict"]);
        let lines = PageSite::Console.lines(&SessionCookies::Clear, &mut tokens);
        assert_eq!(lines, ["__Host-console=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict"]);
    }

    proptest! {
        #[test]
        fn any_cookie_is_read_without_panic(text in "[ -~]{0,60}") {
            let _tokens = sent(PageSite::Console, &format!("__Host-console={text}"));
        }
    }
}
