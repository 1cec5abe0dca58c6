//! The token of a form: only a page of this service can have put it there, for this browser and this user.
//!
//! An HMAC of the browser's mark and of the user. So another site cannot write it, and a form that one user filled in does not
//! act on the account of another one, who signed in meanwhile in another tab. It does not end with an access token, so a form
//! may be filled in for hours.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::mark::BrowserMark;
use crate::keys::DerivedKeys;

/// The name of its field.
pub(super) const FIELD: &str = "form_token";

/// The token of the forms of a page.
pub(super) fn of(keys: &DerivedKeys, mark: &BrowserMark, user: Option<Uuid>) -> String {
    let key = keys.find(keys.current()).expect("the newest key is one of the keys");
    URL_SAFE_NO_PAD.encode(hmac::sign(key, &content(mark, user)))
}

/// Whether a form has the token of this browser and this user. One that was filled in before the sign-in has the token of
/// no user, which suffices for a page that anyone may open.
pub(super) fn is_valid(keys: &DerivedKeys, mark: &BrowserMark, user: Option<Uuid>, sent: &str) -> bool {
    let Ok(tag) = URL_SAFE_NO_PAD.decode(sent) else { return false };
    let content = content(mark, user);
    keys.iter().any(|key| hmac::verify(key, &content, &tag).is_ok())
}

fn content(mark: &BrowserMark, user: Option<Uuid>) -> Vec<u8> {
    let user = user.map(|user| *user.as_bytes()).unwrap_or_default();
    [mark.secret().as_bytes(), &user].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::MasterKeys;
    use crate::keys::KeyPurpose;
    use crate::random::SystemRandom;

    const OLD: &str = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
    const BOTH: &str =
        "2:AAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=,1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";

    fn keys(masters: &str) -> DerivedKeys {
        DerivedKeys::derive(&MasterKeys::parse(masters).unwrap(), KeyPurpose::Pages)
    }

    fn mark() -> BrowserMark {
        BrowserMark::new(&SystemRandom).unwrap()
    }

    #[test]
    fn a_token_is_of_one_browser_and_one_user() {
        let (keys, mark, user) = (keys(OLD), mark(), Some(Uuid::from_u128(7)));
        let token = of(&keys, &mark, user);
        assert!(is_valid(&keys, &mark, user, &token));
        assert!(!is_valid(&keys, &mark, None, &token));
        assert!(!is_valid(&keys, &mark, Some(Uuid::from_u128(8)), &token));
        assert!(!is_valid(&keys, &self::mark(), user, &token));
    }

    #[test]
    fn a_token_outlives_the_rotation_of_the_master_key() {
        let mark = mark();
        let token = of(&keys(OLD), &mark, None);
        assert!(is_valid(&keys(BOTH), &mark, None, &token));
        assert!(!is_valid(&keys(OLD), &mark, None, &of(&keys(BOTH), &mark, None)));
    }

    proptest! {
        #[test]
        fn any_other_text_is_refused_without_panic(text in "\\PC*|[A-Za-z0-9_-]{43}") {
            prop_assert!(!is_valid(&keys(OLD), &mark(), None, &text));
        }
    }
}
