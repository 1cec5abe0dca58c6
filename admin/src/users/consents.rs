//! The consent of a new user to the processing of personal data (`ADMIN_CONSENT_VERSION`).
//!
//! Whatever makes an account for a user who asks for it checks the consent first; so does the first use of an account that an
//! operator made without a password, in whatever way.

pub(crate) mod store;

use uuid::Uuid;

use crate::api::text::text_type;
use crate::api::{Code, Problem};
use crate::config::ConsentVersion;
use crate::db::SqlClient;

text_type!(
    /// The version of the text to which the user consented.
    pub(crate) ConsentText, version
);

/// The version to be stored, if the operator asks for consent.
///
/// # Errors
///
/// 422 `consent_required` when the user did not consent to that version.
pub(crate) fn check<'c>(
    asked: Option<&'c ConsentVersion>,
    sent: Option<&str>,
) -> Result<Option<&'c ConsentVersion>, Problem> {
    match asked {
        Some(version) if sent != Some(version.as_str()) => {
            let detail = format!(
                "Send `consent`: `{}` once the user has consented to that version.",
                version.as_str()
            );
            Err(Problem::new(Code::ConsentRequired).detail(detail))
        }
        Some(_) | None => Ok(asked),
    }
}

/// The same for a user who enters an existing account: asked for only if an operator made the account, and this is its first
/// use.
///
/// # Errors
///
/// 422 `consent_required`; 503.
pub(crate) async fn check_first_use<'c>(
    client: &impl SqlClient,
    user: Uuid,
    asked: Option<&'c ConsentVersion>,
    sent: Option<&str>,
) -> Result<Option<&'c ConsentVersion>, Problem> {
    match asked.is_some() && store::is_owed(client, user).await? {
        true => check(asked, sent),
        false => Ok(None),
    }
}

fn version(text: &str) -> Result<String, &'static str> {
    let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    match is_visible && (1..=64).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err("Must be 1 to 64 visible ASCII characters."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_is_asked_for_counts() {
        let asked = runtime_version();
        assert_eq!(check(None, Some("1")).unwrap(), None);
        assert_eq!(check(None, None).unwrap(), None);
        assert_eq!(check(Some(&asked), Some("2026-12")).unwrap(), Some(&asked));
        for sent in [None, Some("2026-11"), Some("")] {
            assert_eq!(check(Some(&asked), sent).unwrap_err().code(), Code::ConsentRequired);
        }
    }

    fn runtime_version() -> ConsentVersion {
        ConsentVersion::parse("2026-12").unwrap()
    }
}
