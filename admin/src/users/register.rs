//! `POST /api/v1/auth/register`: makes an account.

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::hash::{PasswordHash, Place};
use super::profile::{self, Change, Findings};
use super::store::{self, NewUser};
use super::{EmailAddress, Login, Password, weak_password};
use crate::api::{Code, Problem, Request, Response};
use crate::config::Registration;
use crate::db::DbError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    email: String,
    login: Option<String>,
    password: Password,
    display_name: Option<String>,
    locale: Option<String>,
}

/// A body whose every field is good, the password's strength apart.
struct Registering {
    email: EmailAddress,
    login: Option<Login>,
    password: Password,
    display_name: Option<String>,
    locale: Option<String>,
}

#[derive(Serialize)]
struct Registered<'r> {
    user_id: Uuid,
    email: &'r str,
    login: Option<&'r str>,
    display_name: Option<&'r str>,
    locale: Option<&'r str>,
    created_at: Timestamp,
}

/// Answers the request.
///
/// # Errors
///
/// 403 `registration_closed`, 422 with every field that is not good, 422 `password_weak`, 409 `email_taken`
/// or `login_taken`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    match request.context.config.registration {
        Registration::Closed => return Err(Problem::new(Code::RegistrationClosed)),
        Registration::Open => {}
    }
    let new = request.json::<Body>()?.check()?;
    let mut place = request.context.hasher.reserve()?;
    let hash = new.hash_password(&mut place).await?;
    drop(place);
    let id = Uuid::now_v7();
    let connection = request.context.db.get().await?;
    let created_at = store::insert(&connection, &new.user(id, &hash)).await.map_err(taken)?;
    tracing::info!(user = %id, "A person registered.");
    Ok(Response::json(StatusCode::CREATED, &new.registered(id, created_at)))
}

impl Body {
    fn check(self) -> Result<Registering, Problem> {
        let mut found = Findings::default();
        let email = self.email.parse::<EmailAddress>();
        if let Err(error) = &email {
            found.add("email", "email_invalid", format!("{error}."));
        }
        let login = self.login.as_deref().map(str::parse::<Login>).transpose();
        if let Err(error) = login {
            found.add("login", error.code(), format!("{error}."));
        }
        let display_name = found.check("display_name", given(self.display_name), profile::name);
        let locale = found.check("locale", given(self.locale), profile::locale);
        // Only when all else is good does the password speak for itself, as `password_weak`.
        let (email, login) = match (email, login) {
            (Ok(email), Ok(login)) => found.finish((email, login))?,
            _ => return found.finish(()).and(Err(Problem::new(Code::ValidationFailed))),
        };
        Ok(Registering {
            email,
            login,
            password: self.password,
            display_name: value(display_name),
            locale: value(locale),
        })
    }
}

impl Registering {
    /// Judges and hashes, both away from the runtime.
    async fn hash_password(&self, place: &mut Place) -> Result<PasswordHash, Problem> {
        let words =
            [Some(self.email.key()), Some(self.email.local_part()), self.login.as_ref().map(Login::key)];
        let words = words.into_iter().chain([self.display_name.as_deref()]).flatten();
        let words = words.map(str::to_owned).collect();
        weak_password("password", place.judge(&self.password, words).await?)?;
        Ok(place.hash(&self.password).await?)
    }

    fn user<'n>(&'n self, id: Uuid, password_hash: &'n PasswordHash) -> NewUser<'n> {
        NewUser {
            id,
            email: &self.email,
            login: self.login.as_ref(),
            password_hash,
            display_name: self.display_name.as_deref(),
            locale: self.locale.as_deref(),
            is_superuser: false,
        }
    }

    fn registered(&self, user_id: Uuid, created_at: Timestamp) -> Registered<'_> {
        Registered {
            user_id,
            email: self.email.as_str(),
            login: self.login.as_ref().map(Login::as_str),
            display_name: self.display_name.as_deref(),
            locale: self.locale.as_deref(),
            created_at,
        }
    }
}

/// Two people may want one address at the same moment; the constraint tells who was first.
pub(crate) fn taken(error: DbError) -> Problem {
    match error.constraint() {
        Some(store::EMAIL_IS_UNIQUE) => Problem::new(Code::EmailTaken),
        Some(store::LOGIN_IS_UNIQUE) => Problem::new(Code::LoginTaken),
        _ => error.into(),
    }
}

fn given(value: Option<String>) -> Change {
    value.map_or(Change::Keep, Change::Set)
}

fn value(change: Change) -> Option<String> {
    match change {
        Change::Set(value) => Some(value),
        Change::Keep | Change::Clear => None,
    }
}
