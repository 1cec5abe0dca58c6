//! Audits what callers read of other users, and what they try without the right to it.
//!
//! Handlers mark their responses and problems; here is the one place that records them, so that no handler forgets to. A
//! read that cannot be recorded is refused.

use std::sync::{Arc, OnceLock};

use http::Method;
use serde_json::json;
use shared::request_id::RequestId;
use uuid::Uuid;

use crate::actor::{Actor, Caller, Client};
use crate::api::{Code, Disclosed, Problem, Request, Response};
use crate::audit::{self, AuditAction, AuditEntry};
use crate::context::Context;

/// What is known about a request before its handler takes it.
pub(super) struct Watch {
    context: Context,
    method: Method,
    route: &'static str,
    id: RequestId,
    client: Client,
    caller: Arc<OnceLock<Caller>>,
    /// The user in its path.
    person: Option<Uuid>,
}

impl Watch {
    pub(super) fn of(request: &Request, method: Method) -> Self {
        Self {
            context: request.context.clone(),
            method,
            route: request.route,
            id: request.id.clone(),
            client: request.client.clone(),
            caller: Arc::clone(&request.caller),
            person: request.uuid("id").ok(),
        }
    }

    /// The response to send for the `result` of the handler.
    pub(super) async fn audit(&self, result: Result<Response, Problem>) -> Result<Response, Problem> {
        let entry = match &result {
            Ok(response) => match response.denial() {
                Some(code) => Some(self.denied(code)),
                None => response.disclosed().and_then(|disclosed| self.read(disclosed)),
            },
            Err(problem) if problem.is_denied() => Some(self.denied(problem.code())),
            Err(_) => None,
        };
        let Some(entry) = entry else { return result };
        let actor = Actor::of_request(self.caller.get().copied(), self.client.clone(), self.id.clone());
        match (audit::record_once(&self.context, &actor, entry).await, result) {
            (Ok(()), result) => result,
            (Err(error), Ok(_)) => Err(error.into()),
            (Err(error), Err(problem)) => {
                tracing::warn!(%error, "A denied call is missing in the audit log.");
                Err(problem)
            }
        }
    }

    fn read(&self, disclosed: Disclosed) -> Option<AuditEntry> {
        let detail = json!({ "route": self.route });
        match disclosed {
            Disclosed::User(user) if self.caller.get().is_some_and(|caller| caller.user == user) => None,
            Disclosed::User(user) => Some(AuditEntry::new(AuditAction::UserViewed, user.to_string(), detail)),
            Disclosed::Search => {
                Some(AuditEntry::new(AuditAction::UsersSearched, &*self.context.issuer, detail))
            }
        }
    }

    /// The target is the route and not what the path names: the caller could invent any number of names.
    fn denied(&self, code: Code) -> AuditEntry {
        let detail = json!({ "code": code.as_str(), "user_id": self.person });
        AuditEntry::new(AuditAction::CallDenied, format!("{} {}", self.method, self.route), detail)
    }
}
