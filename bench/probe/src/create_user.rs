//! Creates users with the program `admin`: a registration would wait for a mail.

use std::io::Write as _;
use std::process::{Command, Stdio};

use runtime::env::{ProcessVars, Vars as _};

use crate::failure::ProbeError;

/// The variable with the program. It reads its own variables, such as `DATABASE_URL`.
const PROGRAM: &str = "ADMIN_PROGRAM";

/// Creates a user with a proven address.
pub(crate) fn create_user(email: &str, password: &str) -> Result<(), ProbeError> {
    let program = ProcessVars.get(PROGRAM)?.ok_or("ADMIN_PROGRAM must be set")?;
    let mut command = Command::new(program);
    command.args(["users", "create", "--email", email, "--verified", "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(format!("{password}\n").as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(format!("admin users create failed: {status}").into()) }
}
