//! The endpoints with which a user continues where a sign-in left a link to confirm: the user confirms or declines, signs in
//! to an account, or skips that.

pub mod confirm;
pub mod decline;
pub mod move_here;
pub mod provider;
pub mod show;
pub mod sign_in;
pub mod skip;

use serde::Serialize;
use uuid::Uuid;

use super::browser;
use super::email_proof::{Proved, verify_email};
use super::flow::browser_owner;
use super::identity::ProviderIdentity;
use super::one_time::{self, Ticket};
use super::store::{self, Link};
use super::stored_identity::expired;
use crate::actor::Actor;
use crate::api::text::text_type;
use crate::api::{Code, Problem, Request};
use crate::context::Context;
use crate::db::Transaction;
use crate::notices::{self, NoticeTarget};
use crate::sessions::Pair;
use crate::sessions::history::{Event, HistoryEntry};
use crate::users::LockedAccount;

/// Links an identity to `account`, which is locked exclusively, after the user has confirmed that. Returns the entries for
/// the login history.
///
/// # Errors
///
/// 409 `oauth_account_in_use` or `oauth_provider_linked`; 503.
async fn link_confirmed(
    tx: &Transaction<'_>,
    context: &Context,
    actor: &Actor,
    account: &LockedAccount<'_>,
    (identity, link): (&ProviderIdentity<'_>, &Link<'_>),
    proved: Proved<'_>,
) -> Result<Vec<HistoryEntry>, Problem> {
    let user = account.id();
    let mut history = Vec::new();
    if store::insert(tx, link).await? {
        history.push(HistoryEntry { event: Event::AccountLinked, user: Some(user), session: None });
        let target = NoticeTarget { core: context, tx, user };
        notices::provider_linked(target, actor.client().into(), identity.provider.name()).await?;
    } else {
        match store::owner(tx, link.provider, link.subject).await? {
            Some(owner) if owner == user => {}
            Some(_) => return Err(Problem::new(Code::OauthAccountInUse)),
            None => return Err(Problem::new(Code::OauthProviderLinked)),
        }
    }
    history.extend(verify_email(tx, context, account, identity, proved).await?);
    Ok(history)
}

text_type!(
    /// The month in which an account was created.
    CreatedIn, month
);

fn month(text: &str) -> Result<String, &'static str> {
    let fits = |(place, byte): (usize, u8)| if place == 4 { byte == b'-' } else { byte.is_ascii_digit() };
    match text.len() == 7 && text.bytes().enumerate().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("Must be a year and a month, such as 2026-03."),
    }
}

/// Checks that the client has seen when the account of `user` was created.
///
/// # Errors
///
/// 422 `validation_failed`; 503.
async fn check_seen(tx: &Transaction<'_>, user: Uuid, created_in: &str) -> Result<(), Problem> {
    let summary = store::summary(&**tx, user).await?.ok_or_else(expired)?;
    if summary.created_in == created_in {
        return Ok(());
    }
    let sentence = "Must be `created_in` of the account, as `/oauth/link/show` returns it.";
    Err(Problem::new(Code::ValidationFailed).field("created_in", "field_invalid", sentence))
}

/// Ends an attempt to use up a flow: keeps the session for a repeated request, or, after a problem, lets the user try again
/// where the problem is ours or `keeps` the flow.
///
/// # Errors
///
/// That of `opened`.
async fn settle(
    context: &Context,
    ticket: Ticket,
    pending: &impl Serialize,
    opened: Result<(Uuid, Pair), Problem>,
    keeps: impl Fn(Code) -> bool,
) -> Result<Pair, Problem> {
    match opened {
        Ok((session, pair)) => {
            one_time::keep(context, ticket, &session).await;
            Ok(pair)
        }
        Err(problem) => {
            if problem.code().status().is_server_error() || keeps(problem.code()) {
                one_time::release(context, ticket, pending).await;
            } else {
                one_time::discard(context, ticket).await;
            }
            Err(problem)
        }
    }
}

/// The owner of the flow of a request: a browser by its cookie. A flow of an app belongs to its bearer.
fn owner_of(request: &Request) -> String {
    browser::own(&request.headers).map(|own| browser_owner(&own)).unwrap_or_default()
}
