//! The users of a new system: a superuser, and two to try it with.

use harness::{Admin, Error, http};
use serde_json::json;

use crate::secrets::Secrets;

/// Their addresses, in the order of their passwords in [`Secrets`].
pub(super) const SUPERUSER: &str = "superuser@cinema.example";
/// May see the catalogue.
pub(super) const VIEWER: &str = "viewer@cinema.example";
/// May also watch.
pub(super) const SUBSCRIBER: &str = "subscriber@cinema.example";

/// Creates them. Users that exist, after an interrupted first start, stay unchanged.
pub(super) async fn make(admin: &Admin, secrets: &Secrets) -> Result<(), Error> {
    let [superuser, viewer, subscriber] = &secrets.passwords;
    if !can_sign_in(admin, SUPERUSER, superuser).await? {
        admin.command(&["superuser", "create", SUPERUSER], &format!("{superuser}\n"))?;
    }
    create(admin, VIEWER, viewer).await?;
    create(admin, SUBSCRIBER, subscriber).await?;
    // Fails if the role exists; then the last line succeeds, and otherwise reports the error.
    let _there = admin.command(&["roles", "create", "subscriber", "--permission", "films:watch"], "");
    let premium =
        ["roles", "create", "premium", "--permission", "films:download", "--inherits", "subscriber"];
    let _there = admin.command(&premium, "");
    admin.command(&["roles", "assign", SUBSCRIBER, "subscriber"], "").map(|_| ())
}

/// Signs a user in and returns the access token; `None` when the password is wrong.
pub(super) async fn sign_in(url: &str, email: &str, password: &str) -> Result<Option<String>, Error> {
    let answer =
        http::post(url).json(&json!({ "identifier": email, "password": password })).try_send().await?;
    match answer.status {
        200 => Ok(Some(answer.field("/access_token"))),
        401 => Ok(None),
        status => Err(Error::Http { url: url.to_owned(), why: format!("{status} {}", answer.text) }),
    }
}

async fn can_sign_in(admin: &Admin, email: &str, password: &str) -> Result<bool, Error> {
    Ok(sign_in(&admin.url("/api/v1/auth/login"), email, password).await?.is_some())
}

/// With a proven address, so that a code from the inbox signs them in too.
async fn create(admin: &Admin, email: &str, password: &str) -> Result<(), Error> {
    if !can_sign_in(admin, email, password).await? {
        let args = ["users", "create", "--email", email, "--verified", "--password-stdin"];
        admin.command(&args, &format!("{password}\n"))?;
    }
    Ok(())
}
