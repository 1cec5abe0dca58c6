//! The interleavings that could leave a token alive beyond its revocation, each forced by a second
//! connection that holds the lock in question, and each in both orders.
//!
//! Where a statement must be stopped that takes no row lock, the second connection locks a table that only
//! that statement reads: `user_roles` stops whoever has read the generation and would read the roles next.

mod change;
mod everybody;
mod refresh;
mod sign_in;
mod storm;

use tokio_postgres::Client;

use crate::support::TestApp;

/// A transaction of a second connection, holding what was asked for.
pub(crate) async fn holding(app: &TestApp, sql: &str) -> Client {
    let client = app.sql().await;
    client.batch_execute(&format!("begin; {sql}")).await.expect("the lock is free");
    client
}

/// Nobody reads who has which role.
pub(crate) const STOP_BEFORE_ROLES: &str = "lock table auth.user_roles in access exclusive mode";

/// A change of roles as `roles assign` makes it, in pieces: its statements without its commit.
pub(crate) const CHANGE_ROLES: &str = "
    update auth.users set token_generation = token_generation + 1;
    with made as (insert into auth.roles (id, name) values (gen_random_uuid(), 'subscriber') returning id)
    insert into auth.user_roles (user_id, role_id) select u.id, made.id from auth.users u, made";

/// Ends the transaction of [`holding`] after one last statement in it.
pub(crate) async fn let_go(holder: &Client, last: &str) {
    holder.batch_execute(&format!("{last}; commit")).await.expect("it commits");
}
