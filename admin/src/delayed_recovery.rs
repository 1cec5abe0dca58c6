//! A proof of the address of an account that is in use and never proved it: the account may be another person's, who mistyped
//! the address. It takes effect after 72 hours, unless a session of the account objects.

use jiff::Timestamp;

use crate::api::{Code, Problem};
use crate::db::DbError;
use crate::notices::{self, NoticeClient, NoticeTarget};
use crate::users::recoveries::{Recovery, store};

/// Records that the address with this key, which the user has, was proven, and notifies the user if that is new. The user must
/// be locked, and the transaction be committed also if the answer is [`Recovery::Delayed`].
///
/// # Errors
///
/// When PostgreSQL is unavailable.
pub(crate) async fn note(
    target: NoticeTarget<'_>,
    client: NoticeClient<'_>,
    email_key: &str,
) -> Result<Recovery, DbError> {
    let (recovery, is_new) = store::note(target.tx, target.user, email_key).await?;
    if is_new && recovery != Recovery::Objected {
        notices::recovery_begun(target, client).await?;
    }
    Ok(recovery)
}

/// 409 `recovery_delayed`.
pub(crate) fn delayed(at: Timestamp) -> Problem {
    let detail = format!(
        "The account is in use, so this takes effect at {at}, unless a session of the account objects. Do the same again after \
         that, within seven days."
    );
    Problem::new(Code::RecoveryDelayed).detail(detail)
}
