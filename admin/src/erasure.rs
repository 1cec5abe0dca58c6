//! Erasure: the end of an account. It begins with a grace period, in which the user can keep the account; then nothing of
//! the user is left but an identifier in the audit log and a record of what was destroyed.

pub mod acknowledge;
mod begin;
mod complete;
pub mod erase_now;
pub mod keep;
pub mod list;
mod record;
mod replay;
mod store;

pub(crate) use begin::{Origin, begin};
pub(crate) use complete::complete_due;
pub(crate) use keep::{keep_if_asked_by_user, record_kept};
pub(crate) use replay::replay;
pub(crate) use store::{KEPT, LATE_ROWS, RECORDS, all as all_records};
