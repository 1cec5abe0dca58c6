//! `/account/link`: an account here has the address of an account at a provider, or the provider vouches for none. The user
//! says whose the account is: by its password, by a code from a mail, through another provider, or that it is another
//! person's.

use askama::Template;

use super::alert::PageAlert;
use super::continued;
use super::field::{FormField, focus};
use super::frame::{Frame, respond};
use super::paths;
use super::problem::{status_of, with_problem};
use super::providers::ProviderButton;
use super::return_to::{self, NextPage};
use super::texts::{Texts, fill};
use super::visit::Visit;
use crate::api::{Code, Form, Problem, Request, Response};
use crate::moments::{moment, month};
use crate::provider_sign_in::linking::show::WaitingLink;
use crate::provider_sign_in::linking::{
    confirm, decline, mail, move_here, prove, provider, show, sign_in, skip,
};
use crate::sessions::Pair;

#[derive(Template)]
#[template(path = "link.html")]
struct LinkPage {
    frame: Frame,
    flow: String,
    next: String,
    /// Whether an account has the address; if not, the provider vouches for none.
    has_account: bool,
    text: String,
    created_in: Option<String>,
    /// The month, as it must be repeated.
    month: String,
    has_role: bool,
    identifier: Option<FormField>,
    password: Option<FormField>,
    /// Whether a mail can be sent: a form of its own, so that Enter in the field of the code confirms.
    has_mails: bool,
    email: Option<FormField>,
    /// The address to which a code was sent, if it had to be typed.
    sent_to: String,
    /// Shown for an address that was typed once a code was asked for.
    code: Option<FormField>,
    can_mail: bool,
    providers: Vec<ProviderButton>,
    can_decline: bool,
    decline_text: &'static str,
    decline_needs_code: bool,
    can_skip: bool,
    can_move: bool,
}

/// The address of the page for a flow. Only the browser that started the sign-in can use it.
pub(super) fn address(flow: &str, next: &NextPage) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("flow", flow).append_pair(return_to::FIELD, next.as_str());
    format!("/account/link?{}", query.finish())
}

/// Shows what is possible.
///
/// # Errors
///
/// 410 when the flow is over; 503.
pub async fn open(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    match visit.asked("flow").as_str() {
        // Nothing waits for an answer.
        "" => Ok(visit.redirect(&format!("{}?{}", paths::SIGN_IN, next.as_query()))),
        flow => page(&visit, flow, &next, None).await,
    }
}

/// What came of a form.
enum LinkStep {
    SignedIn(Pair),
    Moved,
    /// Another page, or this one with a message.
    Shown(Response),
}

/// Does what was chosen.
///
/// # Errors
///
/// 410 when the flow is over; 503. Every other problem is shown on the page.
pub async fn submit(visit: Visit) -> Result<Response, Problem> {
    let next = visit.next_page();
    let flow = visit.fields.text("flow").to_owned();
    match act(&visit, &flow, &next).await {
        Ok(LinkStep::SignedIn(pair)) => {
            visit.keep(&pair);
            Ok(continued::go_on(&visit, &next))
        }
        Ok(LinkStep::Moved) => Ok(visit.redirect_done("/account/security", "linked")),
        Ok(LinkStep::Shown(response)) => Ok(response),
        Err(problem) => page(&visit, &flow, &next, Some(&problem)).await,
    }
}

async fn act(visit: &Visit, flow: &str, next: &NextPage) -> Result<LinkStep, Problem> {
    let with = |names: &[&str]| -> Request { visit.with(visit.fields.form(names)) };
    match visit.fields.text("choice") {
        "password" => confirm::perform(with(&["flow", "password"])).await.map(LinkStep::SignedIn),
        "code" => confirm::perform(with(&["flow", "code"])).await.map(LinkStep::SignedIn),
        "sign_in" => {
            sign_in::perform(with(&["flow", "identifier", "password"])).await.map(LinkStep::SignedIn)
        }
        "prove" => prove::perform(with(&["flow", "email", "code"])).await.map(LinkStep::SignedIn),
        "decline" => decline::perform(with(&["flow", "created_in", "code"])).await.map(LinkStep::SignedIn),
        "skip" => skip::perform(with(&["flow"])).await.map(LinkStep::SignedIn),
        "move" => move_here::handle(with(&["flow", "created_in"])).await.map(|_| LinkStep::Moved),
        "mail" => {
            let _sent = mail::handle(with(&["flow", "email"])).await?;
            page(visit, flow, next, None).await.map(LinkStep::Shown)
        }
        other => {
            let name = other.strip_prefix("provider:").ok_or_else(|| Problem::new(Code::RequestMalformed))?;
            let back = next.after_provider(&visit.request.context);
            let back = back.ok_or_else(|| Problem::new(Code::ProviderUnknown))?;
            let form = Form::of_texts([("flow", flow), ("provider", name), ("return_to", back.as_str())]);
            let started = provider::perform(visit.with(form)).await?;
            Ok(LinkStep::Shown(continued::page(visit, &started, name)))
        }
    }
}

/// The page for a flow.
async fn page(
    visit: &Visit,
    flow: &str,
    next: &NextPage,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let waiting = show::perform(visit.with(Form::of_texts([("flow", flow)]))).await;
    let waiting = match waiting {
        Ok(waiting) => waiting,
        // What ended the flow is of more use than that it has ended.
        Err(ended)
            if ended.code() == Code::CodeExpired
                && problem.is_some_and(|first| first.code() != Code::CodeExpired) =>
        {
            return Err(problem.cloned().unwrap_or(ended));
        }
        Err(ended) => return Err(ended),
    };
    let is_sent = problem.is_none() && visit.fields.text("choice") == "mail";
    let template = shown(visit, (flow, next), &waiting, (problem, is_sent));
    let response = respond(status_of(problem), &template);
    Ok(problem.into_iter().fold(response, with_problem))
}

fn shown(
    visit: &Visit,
    (flow, next): (&str, &NextPage),
    waiting: &WaitingLink,
    (problem, is_sent): (Option<&Problem>, bool),
) -> LinkPage {
    let t = visit.texts();
    let can = |method: &str| waiting.methods.iter().any(|known| known == method);
    let (has_account, can_move) = (waiting.account.is_some(), can("move"));
    let (title, text) = words(visit, waiting, can_move);
    let typed = |field: FormField, name: &str| field.with_value(visit.fields.text(name)).judged(problem);
    let mut identifier = (can("password") && !has_account).then(|| {
        typed(FormField::text(t, "identifier", t.name_or_email).filled_in_as("username"), "identifier")
    });
    let mut password = can("password").then(|| FormField::current_password(t, "password").judged(problem));
    let has_mails = can("mail") || waiting.decline_needs_code;
    let is_asked = has_account || visit.fields.has("email");
    let mut code = (has_mails && is_asked).then(|| typed(FormField::code(t), "code"));
    if is_sent || visit.fields.has("code") {
        focus(&mut code.iter_mut().collect::<Vec<_>>());
    } else {
        focus(&mut identifier.iter_mut().chain(password.iter_mut()).collect::<Vec<_>>());
    }
    let mut frame = Frame::of(visit, title).with_problem(problem);
    if is_sent {
        let text = if has_account { t.link_mail_sent } else { t.code_sent };
        frame.alert = Some(PageAlert { text: text.to_owned(), is_error: false });
    }
    LinkPage {
        frame,
        flow: flow.to_owned(),
        next: next.as_str().to_owned(),
        has_account,
        text,
        created_in: waiting
            .account
            .as_ref()
            .map(|account| fill(t.link_created_in, &month(&account.created_in, visit.language))),
        month: waiting.account.as_ref().map(|account| account.created_in.clone()).unwrap_or_default(),
        has_role: waiting.account.as_ref().is_some_and(|account| account.has_role),
        identifier,
        password,
        email: (can("mail") && !has_account).then(|| typed(FormField::email(t, "email"), "email")),
        has_mails,
        sent_to: visit.fields.text("email").to_owned(),
        code,
        can_mail: can("mail"),
        providers: buttons(visit, t, waiting),
        can_decline: can("decline"),
        decline_text: if waiting.decline_gives_email { t.decline_gives } else { t.decline_gives_not },
        decline_needs_code: waiting.decline_needs_code,
        can_skip: can("skip"),
        can_move,
    }
}

/// The title of the page, and what it says first.
fn words(visit: &Visit, waiting: &WaitingLink, can_move: bool) -> (&'static str, String) {
    let t = visit.texts();
    let (title, text) = match (can_move, waiting.account.is_some()) {
        (true, _) => (t.move_title, t.move_text),
        (false, true) => (t.link_title, t.link_text),
        (false, false) => (t.proof_title, t.proof_text),
    };
    let text = match waiting.frozen_until {
        Some(until) => fill(t.link_frozen, &moment(until, visit.language)),
        None => fill(text, &waiting.name),
    };
    (title, text)
}

/// The providers by which the user can confirm: those that the account has, or any other one.
fn buttons(visit: &Visit, t: &Texts, waiting: &WaitingLink) -> Vec<ProviderButton> {
    let any = waiting.methods.iter().any(|method| method == "provider");
    let named: Vec<_> =
        waiting.methods.iter().filter_map(|method| method.strip_prefix("provider:")).collect();
    let words = t.link_provider_button;
    let all = visit.request.context.providers.iter();
    let possible =
        all.filter(|provider| named.contains(&provider.id()) || (any && provider.id() != waiting.provider));
    possible.map(|provider| ProviderButton::of(provider, words, "")).collect()
}
