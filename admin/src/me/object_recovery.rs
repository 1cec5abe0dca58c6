//! `POST /api/v1/me/recovery/object`: a session of the account objects to its recovery.

use http::StatusCode;

use crate::access::caller;
use crate::api::{Access, Code, Operation, Problem, Request, Response};
use crate::notices::{self, NoticeTarget};
use crate::sessions::history::{self, Event, HistoryEntry};
use crate::sessions::renew::lock_account;
use crate::users::recoveries::store;

/// Documents the endpoint.
pub fn describe(operation: Operation) -> Operation {
    operation
        .tag("Me")
        .summary("Object to the recovery of your account.")
        .detail(
            "`recovery_at` of `GET /me` says that a client with access to the mailbox of your unproven address gets the \
            account then. Every session can object until that has happened; for 30 days no other recovery by this address \
            begins. The address may be mistyped: set another one.",
        )
        .access(Access::SignedIn)
        .empty(204, "The recovery is void.")
        .problems(&[Code::NotFound])
}

/// Handles the request.
///
/// # Errors
///
/// 404 when no recovery is in progress; 401; 503.
pub async fn handle(request: Request) -> Result<Response, Problem> {
    let caller = caller(&request).await?;
    let context = &request.context;
    let mut connection = context.db.get().await?;
    let tx = connection.begin().await?;
    lock_account(&tx, caller).await?;
    if !store::object(&tx, caller.user).await? {
        return Err(Problem::new(Code::NotFound));
    }
    let target = NoticeTarget { core: context, tx: &tx, user: caller.user };
    notices::recovery_objected(target, request.actor().client().into()).await?;
    tx.commit().await?;
    let entry = HistoryEntry {
        event: Event::RecoveryObjected,
        user: Some(caller.user),
        session: Some(caller.session),
    };
    history::record(context, &request.actor(), entry).await;
    tracing::info!(user = %caller.user, "A session objected to the recovery of its account.");
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
