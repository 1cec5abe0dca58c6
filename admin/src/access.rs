//! Who calls, and whether they may.

mod caller;
mod store;

pub(crate) use caller::{Caller, caller, session_to_end, still};
