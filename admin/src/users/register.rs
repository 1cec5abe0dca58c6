//! `POST /api/v1/auth/register`: creates an account.

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::profile;
use super::store::{self, NewUser};
use super::{EmailAddress, LoginName, weak_password};
use crate::api::{Access, Change, Code, Findings, Operation, Problem, Request, Response, sentence};
use crate::config::Registration;
use crate::db::DbError;
use crate::passwords::{HashSlot, Password, PasswordHash};

/// A new account.
#[derive(Deserialize, ToSchema)]
#[schema(as = Registration)]
#[serde(deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces.
    #[schema(format = "idn-email", max_length = 254)]
    email: String,
    /// An alternative to the e-mail address for signing in: letters, digits, `.`, `_` and `-`, beginning with
    /// a letter or a digit.
    #[schema(min_length = 3, max_length = 64)]
    login: Option<String>,
    /// Must be hard to guess, and not based on the names in this request.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    password: Password,
    /// Shown to other users; no control characters.
    #[schema(min_length = 1, max_length = 64, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    display_name: Option<String>,
    /// A language tag (BCP 47).
    #[schema(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
    locale: Option<String>,
}

/// A body whose fields are all valid, except perhaps the password's strength.
struct Registering {
    email: EmailAddress,
    login: Option<LoginName>,
    password: Password,
    display_name: Option<String>,
    locale: Option<String>,
}

/// A new account.
#[derive(Serialize, ToSchema)]
struct Registered<'r> {
    user_id: Uuid,
    #[schema(format = "idn-email")]
    email: &'r str,
    #[schema(required)]
    login: Option<&'r str>,
    #[schema(required)]
    display_name: Option<&'r str>,
    #[schema(required)]
    locale: Option<&'r str>,
    created_at: Timestamp,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Create an account.")
        .detail("Registering does not sign the user in. The operator may have closed registration.")
        .access(Access::Public)
        .body::<Body>(json!({
            "email": "anna@example.org",
            "login": "anna",
            "password": "correct horse battery staple",
            "display_name": "Anna",
            "locale": "ru-RU"
        }))
        .answer::<Registered<'_>>(
            201,
            "The account.",
            json!({
                "user_id": "0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b",
                "email": "anna@example.org",
                "login": "anna",
                "display_name": "Anna",
                "locale": "ru-RU",
                "created_at": "2026-11-25T20:15:30.123456Z"
            }),
        )
        .problems(&[Code::RegistrationClosed, Code::EmailTaken, Code::LoginTaken, Code::PasswordWeak])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `registration_closed`, 422 with every invalid field, 422 `password_weak`, 409 `email_taken` or
/// `login_taken`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    match request.context.config.registration {
        Registration::Closed => return Err(Problem::new(Code::RegistrationClosed)),
        Registration::Open => {}
    }
    let new = request.json::<Body>()?.check()?;
    let mut slot = request.context.hasher.reserve()?;
    let hash = new.hash_password(&mut slot).await?;
    drop(slot);
    let id = request.context.random.id();
    let connection = request.context.db.get().await?;
    let created_at = store::insert(&*connection, &new.user(id, &hash)).await.map_err(taken)?;
    tracing::info!(user = %id, "A user registered.");
    Ok(Response::json(StatusCode::CREATED, &new.registered(id, created_at)))
}

impl Body {
    fn check(self) -> Result<Registering, Problem> {
        let mut found = Findings::default();
        let email = self.email.parse::<EmailAddress>();
        if let Err(error) = &email {
            found.add("email", "email_invalid", sentence(error));
        }
        let login = self.login.as_deref().map(str::parse::<LoginName>).transpose();
        if let Err(error) = login {
            found.add("login", error.code(), sentence(error));
        }
        let display_name = found.check("display_name", Change::given(self.display_name), profile::name);
        let locale = found.check("locale", Change::given(self.locale), profile::locale);
        // Only when all other fields are valid, the password is refused as `password_weak`.
        let (email, login) = match (email, login) {
            (Ok(email), Ok(login)) => found.finish((email, login))?,
            _ => return found.finish(()).and(Err(Problem::new(Code::ValidationFailed))),
        };
        Ok(Registering {
            email,
            login,
            password: self.password,
            display_name: display_name.value(),
            locale: locale.value(),
        })
    }
}

impl Registering {
    /// Checks and hashes the password, both outside the async runtime.
    async fn hash_password(&self, slot: &mut HashSlot) -> Result<PasswordHash, Problem> {
        let words =
            [Some(self.email.key()), Some(self.email.local_part()), self.login.as_ref().map(LoginName::key)];
        let words = words.into_iter().chain([self.display_name.as_deref()]).flatten();
        let words = words.map(str::to_owned).collect();
        weak_password("password", slot.judge(&self.password, words).await?)?;
        Ok(slot.hash(&self.password).await?)
    }

    fn user<'n>(&'n self, id: Uuid, password_hash: &'n PasswordHash) -> NewUser<'n> {
        NewUser {
            id,
            email: Some(&self.email),
            is_email_verified: false,
            login: self.login.as_ref(),
            password_hash: Some(password_hash),
            display_name: self.display_name.as_deref(),
            locale: self.locale.as_deref(),
            is_superuser: false,
        }
    }

    fn registered(&self, user_id: Uuid, created_at: Timestamp) -> Registered<'_> {
        Registered {
            user_id,
            email: self.email.as_str(),
            login: self.login.as_ref().map(LoginName::as_str),
            display_name: self.display_name.as_deref(),
            locale: self.locale.as_deref(),
            created_at,
        }
    }
}

/// Two users may request one address at the same moment; the database constraint decides.
pub(crate) fn taken(error: DbError) -> Problem {
    match error.constraint() {
        Some(store::EMAIL_IS_UNIQUE) => Problem::new(Code::EmailTaken),
        Some(store::LOGIN_IS_UNIQUE) => Problem::new(Code::LoginTaken),
        _ => error.into(),
    }
}
