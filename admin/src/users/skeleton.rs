//! What login names that look alike have in common (UTS 39, section 4).

use uuid::Uuid;

use super::store;
use crate::db::{Connection, DbError};

/// Attempts for one batch of accounts: a name may be taken in the meantime.
const ATTEMPTS: u32 = 3;

/// An account whose skeleton is missing or outdated.
pub(super) struct LoginWithoutSkeleton {
    pub(super) user: Uuid,
    pub(super) key: String,
}

/// The version of Unicode by which skeletons are computed.
pub(super) fn unicode_version() -> String {
    let (major, minor, update) = unicode_security::UNICODE_VERSION;
    format!("{major}.{minor}.{update}")
}

/// The skeleton of the key of a login name.
pub(super) fn skeleton(key: &str) -> String {
    // A digit may look like a capital letter.
    let small = unicode_security::skeleton(key).collect::<String>().to_lowercase();
    unicode_security::skeleton(&small).collect()
}

/// Computes the skeletons that are missing, or that were computed by another version of Unicode, and returns their
/// number. Of names that look alike only the oldest account gets one.
///
/// # Errors
///
/// PostgreSQL unavailable; what was computed stays.
pub(crate) async fn complete_skeletons(connection: &Connection) -> Result<usize, DbError> {
    let version = unicode_version();
    let (mut after, mut completed) = (Uuid::nil(), 0);
    loop {
        let logins = store::without_skeleton(connection, &version, after).await?;
        let Some(last) = logins.last() else { return Ok(completed) };
        after = last.user;
        completed += logins.len();
        set(connection, &logins, &version).await?;
    }
}

async fn set(connection: &Connection, logins: &[LoginWithoutSkeleton], version: &str) -> Result<(), DbError> {
    let skeletons: Vec<String> = logins.iter().map(|login| skeleton(&login.key)).collect();
    for attempt in 1.. {
        match store::set_skeletons(connection, logins, &skeletons, version).await {
            Err(error) if attempt < ATTEMPTS && error.constraint() == Some(store::LOGIN_LOOKS_UNIQUE) => {}
            outcome => return outcome,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_alike_have_one_skeleton() {
        for (one, other) in [("scope", "ѕсоре"), ("root", "r00t"), ("anna1", "annal"), ("modern", "rnodern")]
        {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("anna"), skeleton("annna"));
    }

    proptest! {
        #[test]
        fn any_key_has_a_skeleton_of_bounded_length(key in "\\PC{3,64}") {
            prop_assert!(skeleton(&key).len() <= 64 * 4 * 18);
        }
    }
}
