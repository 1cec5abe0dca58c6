//! User accounts: names, e-mail addresses, passwords, profiles.

mod account;
mod complete_skeletons;
pub(crate) mod consents;
mod email;
pub(crate) mod email_changes;
pub(crate) mod email_owner;
mod email_slip;
pub(crate) mod former_passwords;
pub(crate) mod known_networks;
mod locked;
mod login_name;
mod new_password;
pub(crate) mod password_schemes;
pub(crate) mod profile;
pub(crate) mod recoveries;
mod skeleton;
pub(crate) mod store;
pub(crate) mod superusers;

use uuid::Uuid;

use crate::api::{Code, Findings, Problem};
use crate::context::Core;
use crate::db::{Connection, DbError};
use crate::passwords::Weakness;

pub(crate) use account::{Account, FormerAddress};
pub(crate) use complete_skeletons::complete_skeletons;
pub use email::{EmailAddress, NotAnEmailAddress};
pub(crate) use email_slip::EmailSlip;
pub(crate) use locked::LockedAccount;
pub use login_name::{Identifier, LoginError, LoginName};
pub(crate) use new_password::finish_form;
pub(crate) use skeleton::unicode_version;

/// Records the reasons why a new password is weak. Alone they are 422 `password_weak`.
pub(crate) fn add_weaknesses(found: &mut Findings, field: &str, weaknesses: Vec<Weakness>) {
    for one in weaknesses {
        found.add_to(Code::PasswordWeak, field, one.code, one.sentence);
    }
}

/// Why no mail can be sent to this address: a code and a sentence for its field. `None` while nothing is known against it.
pub(crate) fn unreachable(core: &Core, email: &EmailAddress) -> Option<(&'static str, &'static str)> {
    core.outbox.cannot_reach(email.as_str()).then_some((
        "email_unreachable",
        "The mail server of this site cannot send to an address with letters other than a-z before the @ (SMTPUTF8).",
    ))
}

/// Checks that the user exists.
///
/// # Errors
///
/// 404 `not_found`; 503.
pub(crate) async fn require(connection: &Connection, id: Uuid) -> Result<(), Problem> {
    match store::find_by_id(connection, id, None).await? {
        Some(_) => Ok(()),
        None => Err(Problem::new(Code::NotFound)),
    }
}

/// Two users may request one address at the same moment; the database constraint decides.
pub(crate) fn taken(error: DbError) -> Problem {
    match error.constraint() {
        Some(store::EMAIL_IS_UNIQUE | store::EMAIL_IS_NOT_RESERVED) => Problem::new(Code::EmailTaken),
        Some(store::LOGIN_IS_UNIQUE | store::LOGIN_LOOKS_UNIQUE) => Problem::new(Code::LoginTaken),
        _ => error.into(),
    }
}
