//! `POST /api/v1/auth/login`: creates a session for an identifier and a password.
//!
//! **One answer.** An unknown name, a wrong password, an account without a password and a disabled account
//! take the same steps in the same order: one query, one hash, one history entry, one body.

use deserr::Deserr;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::history::{self, Event, HistoryEntry, LoginFailure};
use super::open::{Opened, SignInMethod, open};
use super::pair::{self, Pair};
use super::session::Device;
use crate::actor::{Actor, DeviceText};
use crate::api::text::{Text, text_type};
use crate::api::{Access, Code, Findings, Operation, Problem, Request, Response};
use crate::context::Context;
use crate::db::{Connection, DbError};
use crate::guessing::LimitedRoute;
use crate::metrics::SignInOutcome;
use crate::passwords::{HashError, Password, PasswordHash, PasswordMatch};
use crate::pending_erasure;
use crate::permit::{HashPermit, Tried};
use crate::users::{Account, Identifier, store as users};
use crate::visible_text::{VisibleLine, is_visible_line};

text_type!(
    /// The user's name for a device.
    pub(crate) DeviceName, device_name
);

/// Exactly one of `identifier`, `email` and `login`, and the password.
#[derive(Deserr, ToSchema)]
#[schema(as = SignIn)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// An e-mail address if it contains `@`, else a login name.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    identifier: Option<Text>,
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    email: Option<Text>,
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[^\\x00]*$")]
    login: Option<Text>,
    #[schema(value_type = String, format = Password, pattern = "^[^\\x00]*$")]
    password: Password,
    /// Shown in the list of sessions, with the same rules as `display_name` of an account.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    device_name: Option<DeviceName>,
    /// The device token of an earlier pair, from an app that keeps no cookies.
    #[deserr(default)]
    #[schema(value_type = Option<String>, pattern = "^[!-~]+$", min_length = 1, max_length = 512)]
    device_token: Option<DeviceText>,
}

/// The members of which exactly one must be present.
const NAMES: [&str; 3] = ["identifier", "email", "login"];

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Sign in with a password.")
        .detail(
            "Creates a session and returns its first token pair. An unknown name, a wrong password and a \
            disabled account get the same answer. After ten failures within ten minutes the name is refused, except from \
            a device or a network that the account has used before.",
        )
        .access(Access::Public)
        .body::<Body>(json!({
            "email": "anna@example.org",
            "password": "correct horse battery staple",
            "device_name": "Living room"
        }))
        .exactly_one(&NAMES)
        .answer::<Pair>(200, "The token pair of the session.", pair::example())
        .problems(&[
            Code::InvalidCredentials,
            Code::ErasurePending,
            Code::TooManyAttempts,
            Code::TooManySessions,
        ])
}

/// What was typed to name an account.
pub(crate) struct TypedName {
    pub(crate) identifier: Identifier,
    /// The form that is looked up, in which every spelling of a name is the same; a name that no account can have as it
    /// was typed.
    pub(crate) looked_up: String,
}

impl TypedName {
    pub(crate) fn new(identifier: Identifier, typed: &str) -> Self {
        let looked_up = match &identifier {
            Identifier::Email(email) => email.key().to_owned(),
            Identifier::Login(login) => login.key().to_owned(),
            Identifier::Invalid => typed.to_owned(),
        };
        Self { identifier, looked_up }
    }
}

/// The outcome of a sign-in attempt.
enum Attempt {
    SignedIn {
        user: Uuid,
        opened: Opened,
    },
    Failed {
        user: Option<Uuid>,
        failure: LoginFailure,
    },
    /// The password is right, and the account will be erased unless its user keeps it.
    Erasing {
        user: Uuid,
    },
}

/// Handles the request.
///
/// # Errors
///
/// 401 `invalid_credentials` for every cause, 403 `erasure_pending` with the right password, 422 `validation_failed`, 429 `too_many_attempts` or `too_many_sessions`, 503 `overloaded` or
/// `dependency_unavailable`.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    perform(request).await.map(|pair| pair.respond())
}

/// What the endpoint does, for a page too.
pub(crate) async fn perform(mut request: Request) -> Result<Pair, Problem> {
    let form = request.form()?;
    let names = NAMES.iter().filter(|name| form.has(name)).count();
    let (body, mut found) = form.read::<Body>();
    check_names(&mut found, names);
    let body = found.finish(body)?;
    let name = body.name();
    request.client.present(body.device_token);
    let device = Device::of(&request.client, body.device_name.map(String::from));
    let pair = sign_in(&request.context, &request.actor(), &name, &body.password, &device).await?;
    Ok(pair)
}

async fn sign_in(
    context: &Context,
    actor: &Actor,
    name: &TypedName,
    password: &Password,
    device: &Device,
) -> Result<Pair, Problem> {
    let account = find(context, actor, name).await?;
    let facts = account.as_ref().map(|account| account.facts);
    let tried =
        Tried { route: LimitedRoute::Login, identifier: &name.looked_up, session: &[], account: facts };
    let mut permit = HashPermit::take(context, actor, tried).await?;
    let attempt = attempt(context, actor, &mut permit, (name, account), password, device).await;
    let attempt = match attempt {
        Ok(attempt) => attempt,
        Err(problem) => {
            if problem.code() == Code::Overloaded {
                context.metrics.sign_in(SignInOutcome::Overloaded);
            } else if problem.code() == Code::TooManySessions {
                // Only the right password gets as far as that.
                permit.succeeded().await;
            }
            return Err(problem);
        }
    };
    // The permit has a slot of the hash queue; writing history must not occupy it.
    match &attempt {
        Attempt::SignedIn { .. } | Attempt::Erasing { .. } => permit.succeeded().await,
        Attempt::Failed { .. } => permit.failed(),
    }
    match attempt {
        Attempt::SignedIn { user, opened } => {
            for entry in opened.history(user, Event::Login) {
                history::record(context, actor, entry).await;
            }
            Ok(opened.pair)
        }
        Attempt::Failed { user, failure } => {
            let entry = HistoryEntry { event: Event::LoginFailed(failure), user, session: None };
            history::record(context, actor, entry).await;
            Err(Problem::new(Code::InvalidCredentials))
        }
        Attempt::Erasing { user } => {
            let event = Event::LoginFailed(LoginFailure::Erasing);
            history::record(context, actor, HistoryEntry { event, user: Some(user), session: None }).await;
            let problem = pending_erasure::problem(context, &*context.db.get().await?, user).await?;
            Err(problem.unwrap_or_else(|| Problem::new(Code::InvalidCredentials)))
        }
    }
}

/// At most two attempts: a hash that was only recomputed since it was read is not a wrong password.
async fn attempt(
    context: &Context,
    actor: &Actor,
    permit: &mut HashPermit,
    (name, mut account): (&TypedName, Option<Account>),
    password: &Password,
    device: &Device,
) -> Result<Attempt, Problem> {
    for _ in 0..2 {
        let verified = match verify(permit, account.as_ref(), password).await? {
            Ok(verified) => verified,
            Err(LoginFailure::Erasing) if let Some(account) = &account => {
                return Ok(Attempt::Erasing { user: account.id });
            }
            Err(failure) => {
                // Also with the right password of a disabled account.
                permit.wait_as_failed().await;
                return Ok(Attempt::Failed { user: account.map(|account| account.id), failure });
            }
        };
        let Some(user) = account.map(|account| account.id) else { break };
        match open_session(context, permit, user, password, verified, device).await? {
            Ok(opened) => return Ok(Attempt::SignedIn { user, opened }),
            Err(NotOpened::Inactive) => {
                return Ok(Attempt::Failed { user: Some(user), failure: LoginFailure::Inactive });
            }
            Err(NotOpened::HashChanged) => account = find(context, actor, name).await?,
        }
    }
    Ok(Attempt::Failed { user: None, failure: LoginFailure::WrongPassword })
}

async fn find(context: &Context, actor: &Actor, name: &TypedName) -> Result<Option<Account>, DbError> {
    users::find(&context.db.get().await?, &name.identifier, actor.address()).await
}

/// A hash that matched the password, and whether it has today's parameters.
pub(crate) struct Verified {
    pub(crate) hash: PasswordHash,
    is_old: bool,
}

/// Hashes in every case, and only then checks the other reasons to refuse.
///
/// # Errors
///
/// 503.
pub(crate) async fn verify(
    permit: &mut HashPermit,
    account: Option<&Account>,
    password: &Password,
) -> Result<Result<Verified, LoginFailure>, Problem> {
    let hash = account.and_then(|account| account.password_hash.as_ref());
    let verdict = match permit.verify(password, hash).await {
        Err(HashError::Malformed) => {
            let user = account.map(|account| account.id);
            tracing::error!(
                ?user,
                "Malformed password hash in the database; this user cannot sign in with a password."
            );
            PasswordMatch::No
        }
        verdict => verdict?,
    };
    Ok(match (account, hash, verdict) {
        (None, _, _) => Err(LoginFailure::UnknownName),
        (Some(account), Some(_), PasswordMatch::Yes | PasswordMatch::YesButOutdated)
            if account.is_erasing =>
        {
            Err(LoginFailure::Erasing)
        }
        (Some(account), _, _) if !account.is_active => Err(LoginFailure::Inactive),
        (Some(_), None, _) => Err(LoginFailure::NoPassword),
        (Some(_), Some(_), PasswordMatch::No) => Err(LoginFailure::WrongPassword),
        (Some(_), Some(hash), PasswordMatch::Yes) => Ok(Verified { hash: hash.clone(), is_old: false }),
        (Some(_), Some(hash), PasswordMatch::YesButOutdated) => {
            Ok(Verified { hash: hash.clone(), is_old: true })
        }
    })
}

/// Why no session was created although the password was correct.
enum NotOpened {
    /// The account has been disabled meanwhile.
    Inactive,
    /// The password hash has changed meanwhile.
    HashChanged,
}

/// On one connection: replaces an old hash, locks the account, and only then checks whether
/// the verified hash is still current.
async fn open_session(
    context: &Context,
    permit: &mut HashPermit,
    user: Uuid,
    password: &Password,
    verified: Verified,
    device: &Device,
) -> Result<Result<Opened, NotOpened>, Problem> {
    // If the queue has no room for it, the hash is renewed at another sign-in.
    let renewed = if verified.is_old { permit.hash(password).await.ok() } else { None };
    let mut connection = context.db.get().await?;
    let hash = replace_old(&connection, user, verified.hash, renewed).await?;
    let tx = connection.begin().await?;
    let Some(account) = users::lock_for_sign_in(&tx, user).await? else {
        return Ok(Err(NotOpened::Inactive));
    };
    if !account.has_hash(Some(&hash)) {
        return Ok(Err(NotOpened::HashChanged));
    }
    let opened = open(&tx, context, &account, SignInMethod::Password, device).await?;
    tx.commit().await?;
    Ok(Ok(opened))
}

/// Replaces an old hash by one with today's parameters, if there is one. When another request replaced it first, the
/// caller tries again.
async fn replace_old(
    connection: &Connection,
    user: Uuid,
    verified: PasswordHash,
    renewed: Option<PasswordHash>,
) -> Result<PasswordHash, DbError> {
    match renewed {
        Some(new) if users::replace_hash(connection, user, &verified, &new).await? => Ok(new),
        Some(_) | None => Ok(verified),
    }
}

/// Exactly one of [`NAMES`] must be present.
fn check_names(found: &mut Findings, present: usize) {
    let (code, sentence) = match present {
        0 => ("field_missing", "One of `identifier`, `email` or `login` is required."),
        1 => return,
        _ => ("field_invalid", "Send only one of `identifier`, `email` or `login`."),
    };
    found.add("identifier", code, sentence);
}

impl Body {
    /// The identifier in the one of the three members that is present.
    fn name(&self) -> TypedName {
        let of = |text: &Option<Text>, read: fn(&str) -> Identifier| {
            text.as_ref().map(|text| TypedName::new(read(text.as_ref()), text.as_ref()))
        };
        of(&self.email, Identifier::email)
            .or_else(|| of(&self.login, Identifier::login))
            .or_else(|| of(&self.identifier, Identifier::read))
            .unwrap_or_else(|| TypedName::new(Identifier::Invalid, ""))
    }
}

fn device_name(text: &str) -> Result<String, &'static str> {
    match is_visible_line(text) {
        true => Ok(text.to_owned()),
        false => Err(
            "A device name must be 1 to 64 characters, with at least one visible character and no control characters.",
        ),
    }
}
