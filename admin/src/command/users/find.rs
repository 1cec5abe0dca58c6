//! The user that a command names.

use uuid::Uuid;

use crate::command::terminal::Failure;
use crate::context::Core;
use crate::operators::unlock;

/// No account has this name.
#[derive(Debug, thiserror::Error)]
#[error("no user has this identifier, e-mail address or login name")]
struct NoUser;

/// The identifier of the user with this identifier, e-mail address or login name.
pub(in crate::command) async fn find(core: &Core, name: &str) -> Result<Uuid, Failure> {
    Ok(unlock::find(core, name).await?.ok_or(NoUser)?)
}
