//! `POST /api/v1/auth/register`: asks for an account, or creates one.
//!
//! Where an address must be proven, a request creates and stores nothing: the answer is the same for every address, and what
//! was typed is sealed into the flow that the client gets. The password is set with the proof (`verify`). Otherwise the
//! account is created at once.

use deserr::Deserr;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use unicode_normalization::UnicodeNormalization as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::{Access, Code, Findings, Form, Operation, Problem, Request, Response};
use crate::config::{ConsentVersion, Registration};
use crate::context::Context;
use crate::guessing::LimitedRoute;
use crate::mail::CodePurpose;
use crate::mail_proof::{AskedFlow, MailFlow, ask_code};
use crate::passwords::{Password, PasswordHash};
use crate::permit::{HashPermit, Tried};
use crate::users::consents::{self, ConsentText};
use crate::users::profile::{Locale, Name};
use crate::users::store::{self, NewUser};
use crate::users::{EmailAddress, EmailSlip, LoginName, add_weaknesses, known_networks, taken, unreachable};
use crate::visible_text::VisibleLine;

/// Longer names have no part in judging a password, which takes the longer the more they hold.
const MAX_WORD_BYTES: usize = 256;

/// A new account.
#[derive(Deserr, ToSchema)]
#[schema(as = Registration)]
#[serde(deny_unknown_fields)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Body {
    /// `name@example.org`, in any script, without quotes or spaces; at most 254 bytes.
    #[schema(value_type = String, format = "idn-email", max_length = 254, pattern = "^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")]
    email: EmailAddress,
    /// Only where no address is proven. An alternative to the e-mail address for signing in: letters, digits, `.`, `_` and `-`, beginning with
    /// a letter or a digit. Its letters are of one alphabet, and it does not look like the name of another user.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 64, pattern = "^[\\t-\\r ]*[^\\x00-/:-@\\[-`{-\\x7f][^\\x00-,/:-@\\[-\\^`{-\\x7f]*[\\t-\\r ]*$")]
    login: Option<LoginName>,
    /// Required where no address is proven; elsewhere it is set with the proof (`/auth/email/verify`). Must be hard to guess,
    /// and not based on the names in this request.
    #[deserr(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128, pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]*$")]
    password: Option<Password>,
    /// Shown to other users: with at least one visible character, and without control characters, characters that change
    /// the direction of writing, and invisible characters.
    #[deserr(default)]
    #[schema(value_type = Option<VisibleLine>)]
    display_name: Option<Name>,
    /// A language tag (BCP 47).
    #[deserr(default)]
    #[schema(value_type = Option<String>, max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")]
    locale: Option<Locale>,
    /// Where the operator asks for consent (`ADMIN_CONSENT_VERSION`): the version to which the user consents; only where no
    /// address is proven. Elsewhere nothing
    /// of it is stored.
    #[deserr(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    consent: Option<ConsentText>,
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
    /// A likely slip in the address; null if there seems to be none.
    #[schema(required)]
    hint: Option<EmailSlip>,
}

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Sign-in")
        .summary("Ask for an account, or create one.")
        .detail(
            "It depends on the operator (`ADMIN_REGISTRATION`):\n\n\
             * `verify`: 202 for every address. A mail has a code and a link; `/auth/email/verify` sets the password with one \
             of them, and creates the account. The request takes neither `password` nor `login`. To an address that has an \
             account the mail says so.\n\
             * `open`: 201 or 409. The request has a `password`, and does not sign the user in. The address is not proven.\n\
             * `invite` or `closed`: 403.",
        )
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
                "created_at": "2026-11-25T20:15:30.123456Z",
                "hint": EmailSlip::example()
            }),
        )
        .answer::<AskedFlow>(202, "A mail will be sent.", AskedFlow::example())
        .problems(&[
            Code::RegistrationClosed,
            Code::EmailTaken,
            Code::LoginTaken,
            Code::PasswordWeak,
            Code::ConsentRequired,
            Code::TooManyAttempts,
        ])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `registration_closed`, 422 with every invalid field, 422 `password_weak`, 409 `email_taken` or
/// `login_taken`, 429 `too_many_attempts`, 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    match perform(request).await? {
        Requested::Asked(flow) => Ok(flow.respond()),
        Requested::Created(response) => Ok(response),
    }
}

/// The outcome of a request for an account.
pub(crate) enum Requested {
    /// The address is to be proven in this flow.
    Asked(AskedFlow),
    /// The account was created at once.
    Created(Response),
}

/// What the endpoint does, for a page too.
///
/// # Errors
///
/// As [`handle`].
pub(crate) async fn perform(request: Request) -> Result<Requested, Problem> {
    match request.context.config.registration {
        Registration::Invite | Registration::Closed => Err(Problem::new(Code::RegistrationClosed)),
        Registration::Verify => ask(&request).await.map(Requested::Asked),
        Registration::Open => create(&request).await.map(Requested::Created),
    }
}

/// Members that are set later where an address must be proven.
const SET_LATER: [(&str, &str); 3] = [
    ("consent", "Is sent with the proof of the address: `POST /auth/email/verify`."),
    ("login", "Is set after the registration: `PUT /me/login`."),
    ("password", "Is set with the proof of the address: `POST /auth/email/verify`."),
];

/// Asks for a mail with a code and a link.
async fn ask(request: &Request) -> Result<AskedFlow, Problem> {
    let form = request.form()?;
    let present: Vec<_> = SET_LATER.into_iter().filter(|(name, _)| form.has(name)).collect();
    let (body, mut found) = form.read::<Body>();
    for (name, sentence) in present {
        found.add(name, "field_not_expected", sentence);
    }
    let body = found.finish(body)?;
    let context = &request.context;
    let flow = MailFlow {
        id: context.random.id(),
        purpose: CodePurpose::Registration,
        email: body.email,
        display_name: body.display_name.map(String::from),
        locale: body.locale.map(String::from),
        change: None,
        began_at: context.clock.unix_seconds(),
    };
    ask_code(context, &request.actor(), LimitedRoute::Registration, &flow).await?;
    AskedFlow::of(context, &flow, flow.began_at)
}

/// Creates the account at once.
async fn create(request: &Request) -> Result<Response, Problem> {
    let (new, hash, permit) = read(request).await?;
    let id = request.context.random.id();
    let mut connection = request.context.db.get().await?;
    let tx = connection.begin().await?;
    let inserted = store::insert(&*tx, &new.user(id, &hash)).await;
    if inserted.is_ok() {
        consents::store::record(&tx, id, new.consent(&request.context)?).await?;
        // The first sign-in will be from there, even if a stranger fills the buckets of the address before.
        known_networks::note(&tx, id, request.actor().address()).await?;
        tx.commit().await?;
    }
    // Whether it succeeds or the name is taken: both reveal which accounts exist.
    match &inserted {
        Ok(_) => permit.succeeded().await,
        Err(error) if error.constraint().is_some() => permit.failed(),
        Err(_) => drop(permit),
    }
    let created_at = inserted.map_err(taken)?;
    tracing::info!(user = %id, "A user registered.");
    Ok(Response::json(StatusCode::CREATED, &new.registered(id, created_at)))
}

/// Reads the form and hashes its password. The password is judged even if other fields are invalid, so that all
/// errors are reported in one round.
async fn read(request: &Request) -> Result<(Body, PasswordHash, HashPermit), Problem> {
    let form = request.form()?;
    let (password, words) = (form.text("password").map(Password::new), own_words(&form));
    let has_password = form.has("password");
    let (body, mut found) = form.read::<Body>();
    if let Some((code, sentence)) = body.as_ref().and_then(|body| unreachable(&request.context, &body.email))
    {
        found.add("email", code, sentence);
    }
    // Without a password the form is invalid, and with a malformed one nothing needs to be judged.
    let Some(password) = password else {
        if !has_password {
            found.add("password", "field_missing", "This field is required.");
        }
        return found.finish(None);
    };
    let weaknesses = password.form_weaknesses(request.context.config.password_min);
    if !weaknesses.is_empty() {
        add_weaknesses(&mut found, "password", weaknesses);
        return found.finish(None);
    }
    let identifier = form_key(body.as_ref());
    let tried = Tried { route: LimitedRoute::Registration, identifier, session: &[], account: None };
    let mut permit = HashPermit::take(&request.context, &request.actor(), tried).await?;
    add_weaknesses(&mut found, "password", permit.judge(&password, words).await?);
    let body = match found.finish(body) {
        Ok(body) => body,
        Err(problem) => {
            permit.spent().await;
            return Err(problem);
        }
    };
    // The one that was judged.
    if let Err(problem) = body.consent(&request.context) {
        permit.spent().await;
        return Err(problem);
    }
    let hash = permit.hash(body.password.as_ref().unwrap_or(&password)).await?;
    Ok((body, hash, permit))
}

/// The address of a form that may be invalid.
fn form_key(body: Option<&Body>) -> &str {
    body.map_or("", |body| body.email.key())
}

/// The names on which the password must not be based, as typed.
fn own_words(form: &Form) -> Vec<String> {
    let email = form.text("email");
    let local_part = email.and_then(|email| email.split_once('@')).map(|(local, _)| local);
    let names = [email, local_part, form.text("login"), form.text("display_name")];
    let names = names.into_iter().flatten().filter(|name| name.len() <= MAX_WORD_BYTES);
    names.map(|name| name.nfkc().collect::<String>().to_lowercase()).collect()
}

impl Body {
    fn user<'n>(&'n self, id: Uuid, password_hash: &'n PasswordHash) -> NewUser<'n> {
        NewUser {
            id,
            email: Some(&self.email),
            is_email_verified: false,
            login: self.login.as_ref(),
            password_hash: Some(password_hash),
            display_name: self.display_name.as_ref().map(Name::as_ref),
            locale: self.locale.as_ref().map(Locale::as_ref),
            is_superuser: false,
        }
    }

    /// The consent to be stored.
    fn consent<'c>(&self, context: &'c Context) -> Result<Option<&'c ConsentVersion>, Problem> {
        consents::check(context.config.consent.as_ref(), self.consent.as_ref().map(ConsentText::as_ref))
    }

    fn registered(&self, user_id: Uuid, created_at: Timestamp) -> Registered<'_> {
        Registered {
            user_id,
            email: self.email.as_str(),
            login: self.login.as_ref().map(LoginName::as_str),
            display_name: self.display_name.as_ref().map(Name::as_ref),
            locale: self.locale.as_ref().map(Locale::as_ref),
            created_at,
            hint: EmailSlip::of(&self.email),
        }
    }
}
