//! The routes that are measured, and how each is called.

use std::time::{Duration, Instant};

use harness::accounts::PASSWORD;
use harness::http::{Call, Reply};
use reqwest::Method;
use serde_json::json;

use crate::failure::BenchError;
use crate::side::Side;

/// A user opens at most twenty sessions an hour.
const SIGN_INS: u32 = 8;

/// A route, with what is special about its call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    /// `GET`, as the viewer.
    Viewer(&'static str),
    /// `GET`, as the operator; `{user}` is the viewer.
    Operator(&'static str),
    /// The last page of the viewer's login history; on the empty database the first one.
    LastPage,
    SignIn,
    SignOut,
    Refresh,
    /// Whether the viewer has a permission.
    Check,
    /// What the deletion of the role with the most holders would do.
    DryRun,
    /// That role gets another name, and then its own again.
    Rename,
    /// The viewer gets a role, and loses it.
    Assign,
}

/// All of them, in the order of the table.
pub(crate) const ALL: &[Route] = &[
    Route::SignIn,
    Route::Refresh,
    Route::SignOut,
    Route::Viewer("/api/v1/me"),
    Route::Viewer("/api/v1/me/sessions"),
    Route::Viewer("/api/v1/me/login-history?limit=100"),
    Route::LastPage,
    Route::Viewer("/api/v1/me/notices"),
    Route::Viewer("/api/v1/me/permissions"),
    Route::Check,
    Route::Operator("/api/v1/admin/users"),
    Route::Operator("/api/v1/admin/users?query=person-12"),
    Route::Operator("/api/v1/admin/users?query=zzz"),
    Route::Operator("/api/v1/admin/users?email=viewer@example.org"),
    Route::Operator("/api/v1/admin/users?role=subscriber"),
    Route::Operator("/api/v1/admin/users?role=rare"),
    Route::Operator("/api/v1/admin/users?role=none"),
    Route::Operator("/api/v1/admin/users?status=disabled"),
    Route::Operator("/api/v1/admin/users?status=erasing"),
    Route::Operator("/api/v1/admin/users?superuser=1"),
    Route::Operator("/api/v1/admin/users?query=person&role=rare&status=disabled"),
    Route::Operator("/api/v1/admin/users/{user}"),
    Route::Operator("/api/v1/admin/users/{user}/sessions"),
    Route::Operator("/api/v1/admin/users/{user}/login-history"),
    Route::Operator("/api/v1/admin/audit"),
    Route::Operator("/api/v1/admin/audit?action=role_deleted"),
    Route::Operator("/api/v1/admin/audit?target={user}"),
    Route::Operator("/api/v1/admin/audit?actor={user}"),
    Route::Operator("/api/v1/roles"),
    Route::Operator("/api/v1/permissions"),
    Route::Operator("/api/v1/roles/subscriber"),
    Route::Operator("/api/v1/users/{user}/roles"),
    Route::DryRun,
    Route::Rename,
    Route::Assign,
];

impl Route {
    /// Its name in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Viewer(path) | Self::Operator(path) => format!("GET {path}"),
            Self::LastPage => "GET /api/v1/me/login-history?limit=100 (last page)".to_owned(),
            Self::SignIn => "POST /api/v1/auth/login".to_owned(),
            Self::SignOut => "POST /api/v1/auth/logout".to_owned(),
            Self::Refresh => "POST /api/v1/auth/refresh".to_owned(),
            Self::Check => "POST /api/v1/authz/check".to_owned(),
            Self::DryRun => "DELETE /api/v1/roles/subscriber?dry_run=1".to_owned(),
            Self::Rename => "PATCH /api/v1/roles/subscriber (another name)".to_owned(),
            Self::Assign => "PUT /api/v1/users/{user}/roles/rare".to_owned(),
        }
    }

    /// How often it may be called if it is to be called `calls` times.
    pub(crate) fn calls(self, calls: u32) -> u32 {
        match self {
            Self::SignIn | Self::SignOut => calls.min(SIGN_INS),
            _ => calls,
        }
    }

    /// Calls it once, and returns how long the answer took.
    ///
    /// # Errors
    ///
    /// If the answer is not a success.
    pub(crate) async fn time(self, side: &Side) -> Result<Duration, BenchError> {
        let client = &side.client;
        let path = |path: &str| path.replace("{user}", &side.user);
        let (took, reply) = match self {
            Self::Viewer(at) => timed(client.get(&path(at)).bearer(&side.viewer.access)).await,
            Self::Operator(at) => timed(client.get(&path(at)).bearer(&side.operator)).await,
            Self::LastPage => timed(client.get(&side.last_page).bearer(&side.viewer.access)).await,
            Self::SignIn => timed(sign_in(side)).await,
            Self::SignOut => {
                let pair = sign_in(side).send().await.pair();
                timed(client.post("/api/v1/auth/logout").bearer(&pair.access)).await
            }
            Self::Refresh => {
                let mut token = side.refresh.lock().await;
                let call = client.post("/api/v1/auth/refresh").json(&json!({ "refresh_token": *token }));
                let (took, reply) = timed(call).await;
                *token = reply.field("/refresh_token");
                (took, reply)
            }
            Self::Check => {
                let body = json!({ "permissions": ["films:watch"], "user_id": side.user });
                timed(client.post("/api/v1/authz/check").bearer(&side.operator).json(&body)).await
            }
            Self::DryRun => {
                let path = "/api/v1/roles/subscriber?dry_run=1";
                timed(client.delete(path).bearer(&side.operator)).await
            }
            Self::Rename => {
                let (took, reply) = timed(rename(side, "subscriber", "subscribed")).await;
                rename(side, "subscribed", "subscriber").send().await;
                (took, reply)
            }
            Self::Assign => {
                let call = |method| {
                    client.call(method, &path("/api/v1/users/{user}/roles/rare")).bearer(&side.operator)
                };
                let timed = timed(call(Method::PUT)).await;
                call(Method::DELETE).send().await;
                timed
            }
        };
        match reply.status {
            200..=299 => Ok(took),
            _ => Err(format!("{}: {} {}", self.name(), reply.status, reply.text).into()),
        }
    }
}

async fn timed(call: Call) -> (Duration, Reply) {
    let begun = Instant::now();
    let reply = call.send().await;
    (begun.elapsed(), reply)
}

fn sign_in(side: &Side) -> Call {
    let body = json!({ "email": "viewer@example.org", "password": PASSWORD });
    side.client.post("/api/v1/auth/login").json(&body)
}

fn rename(side: &Side, from: &str, to: &str) -> Call {
    let body = json!({ "name": to });
    side.client.patch(&format!("/api/v1/roles/{from}")).bearer(&side.operator).json(&body)
}
