//! `POST /api/v1/me/export`: everything that is stored of the caller.

use http::StatusCode;

use super::document::{UserExport, example, export};
use super::store;
use crate::access::{caller, fresh};
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::notices::{self, NoticeTarget};
use crate::recovery::{LinkPurpose, mail_link};
use crate::sessions::renew::lock_account;
use crate::users;
use crate::users::email_changes::check_not_frozen;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Export everything that is stored about you.")
        .detail(
            "Once a day. If mail is configured and your address is verified, a link is mailed, valid for an hour, and the \
            answer is 202; else the answer is the export.",
        )
        .access(Access::SignedIn)
        .fresh()
        .answer::<UserExport>(200, "The export.", example())
        .empty(202, "A link to the export is mailed.")
        .problems(&[Code::AccountFrozen, Code::TooManyExports])
}

/// Handles the request.
///
/// # Errors
///
/// 403 `fresh_auth_required`; 429 `too_many_exports` within a day; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let (context, user) = (&request.context, caller.user);
    fresh(&*context.db.get().await?, caller).await?;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    let account = lock_account(&tx, caller).await?;
    check_not_frozen(&*tx, user).await?;
    if let Err(seconds) = store::note(&tx, user).await? {
        return Err(Problem::new(Code::TooManyExports).retry_after(seconds));
    }
    notices::exported(NoticeTarget { core: context, tx: &tx, user }, request.actor().client().into()).await?;
    let is_verified = account.unverified_email().is_none();
    let address = users::store::address(&*tx, user).await?.filter(|_| is_verified && context.outbox.is_on());
    let response = match address {
        Some(_) => {
            mail_link(context, &tx, user, LinkPurpose::Export).await?;
            Response::empty(StatusCode::ACCEPTED)
        }
        None => Response::json(StatusCode::OK, &export(&*tx, user).await?),
    };
    tx.commit().await?;
    Ok(response)
}
