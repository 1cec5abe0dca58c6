//! `/console/revocations/revoke`: revokes a token, a session, a user's tokens, a signing key or everything, after it has said what
//! that ends.

use askama::Template;
use serde_json::Value;
use uuid::Uuid;

use super::operator::OperatorVisit;
use super::requirement::Requirement;
use crate::api::{Code, Form, Problem, Response};
use crate::operators::revoke::handle;
use crate::pages::field::{FormField, focus};
use crate::pages::frame::{Frame, respond};
use crate::pages::problem::{status_of, with_problem};
use crate::pages::proof::{ProofAsked, prove};
use crate::pages::texts::fill;
use crate::sessions::list::Sessions;
use crate::sessions::store::count_live;

/// What can be revoked: members of the request of the API.
pub(super) const KINDS: [&str; 5] = ["session", "user", "token", "key", "everything"];

/// More sessions are not counted.
const MOST_COUNTED: i64 = 10_000;

#[derive(Template)]
#[template(path = "console/revoke.html")]
struct RevokePage {
    frame: Frame,
    what: &'static str,
    kind: &'static str,
    shown_value: String,
    effects: Vec<String>,
    value: FormField,
    can_refresh: bool,
    is_refresh: bool,
    reason: FormField,
    proof: ProofAsked,
}

/// Asks.
///
/// # Errors
///
/// 403; 404 for another kind; 401; 503.
pub async fn show(operator: OperatorVisit) -> Result<Response, Problem> {
    let kind = operator.asked("kind");
    let value = operator.asked("value");
    page(&operator, &kind, &value, None).await
}

/// Revokes.
///
/// # Errors
///
/// 403; 404 for another kind; 401; 503. Every other problem is shown on the page.
pub async fn submit(operator: OperatorVisit) -> Result<Response, Problem> {
    operator.require(Requirement::Superuser)?;
    let fields = &operator.fields;
    let (kind, value) = (kind_of(fields.text("kind"))?, fields.text("value").trim());
    let mut form = Form::of_texts([(kind, value), ("reason", fields.text("reason"))]);
    if fields.has("refresh_only") {
        form = form.with("refresh_only", Value::Bool(true));
    }
    let revoked = match prove(&operator, form).await {
        Ok(request) => handle(request).await,
        Err(problem) => Err(problem),
    };
    match revoked {
        Ok(_) => Ok(operator.redirect_done("/console/revocations", "revoked")),
        Err(problem) => page(&operator, kind, value, Some(&problem)).await,
    }
}

fn kind_of(word: &str) -> Result<&'static str, Problem> {
    KINDS.into_iter().find(|kind| *kind == word).ok_or_else(|| Problem::new(Code::NotFound))
}

async fn page(
    operator: &OperatorVisit,
    kind: &str,
    typed: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    operator.require(Requirement::Superuser)?;
    let (kind, t, texts) = (kind_of(kind)?, operator.t(), operator.texts());
    let judged = problem.map(|problem| texts.codes.of_field(problem, kind)).filter(|text| !text.is_empty());
    let mut value = FormField::text(texts, "value", t.revoke_value).with_value(typed);
    if kind == "everything" {
        value = value.hinted(fill(t.revoke_everything_hint, &operator.request.context.issuer));
    }
    if let Some(error) = judged {
        value = value.wrong(error);
    }
    let mut reason = FormField::text(texts, "reason", t.reason)
        .hinted(t.reason_hint)
        .with_value(operator.fields.text("reason"))
        .judged(problem);
    focus(&mut [&mut value, &mut reason]);
    let template = RevokePage {
        frame: operator.frame(t.revoke_title).with_problem(problem),
        what: t.kind(kind),
        kind,
        shown_value: typed.to_owned(),
        effects: effects(operator, kind, typed).await?,
        value,
        can_refresh: matches!(kind, "user" | "token"),
        is_refresh: operator.fields.has("refresh_only"),
        reason,
        proof: ProofAsked::of(operator, &operator.path(), problem),
    };
    let response = respond(status_of(problem), &template);
    Ok(problem.into_iter().fold(response, with_problem))
}

/// What it will do, with the number of sessions that end.
async fn effects(operator: &OperatorVisit, kind: &str, value: &str) -> Result<Vec<String>, Problem> {
    let t = operator.t();
    let connection = operator.request.context.db.get().await?;
    Ok(match kind {
        "session" => vec![fill(t.effect_sessions, "1")],
        "user" => {
            let user: Uuid = value.trim().parse().unwrap_or_default();
            let sessions = Sessions::of(&connection, user, Uuid::nil()).await?.count();
            vec![fill(t.effect_sessions, &sessions.to_string()), t.effect_signs_in_again.to_owned()]
        }
        "token" => vec![t.effect_token.to_owned()],
        "key" => vec![t.effect_key.to_owned()],
        _ => {
            let live = count_live(&connection, MOST_COUNTED + 1).await?;
            let shown = if live > MOST_COUNTED { format!("> {MOST_COUNTED}") } else { live.to_string() };
            vec![fill(t.effect_sessions, &shown), t.effect_everything.to_owned()]
        }
    })
}
