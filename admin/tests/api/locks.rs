//! The interleavings that could leave a token alive after its revocation. A second connection holds the lock
//! in question and forces each of them, in both orders.
//!
//! To stop a statement that takes no row lock, the second connection locks a table that only that statement
//! reads: `user_roles` stops a transaction that has read the generation and is about to read the roles.

mod change;
mod refresh;
mod revoke_all;
mod sign_in;
mod storm;

use tokio_postgres::Client;

use crate::support::TestApp;

/// A transaction of a second connection that holds the requested locks.
pub(crate) async fn holding(app: &TestApp, sql: &str) -> Client {
    let client = app.sql().await;
    client.batch_execute(&format!("begin; {sql}")).await.expect("the lock is free");
    client
}

/// Blocks reading the role assignments.
pub(crate) const STOP_BEFORE_ROLES: &str = "lock table auth.user_roles in access exclusive mode";

/// A role change as made by `roles assign`, without its commit.
pub(crate) const CHANGE_ROLES: &str = "
    update auth.users set token_generation = token_generation + 1;
    with made as (insert into auth.roles (id, name) values (gen_random_uuid(), 'subscriber') returning id)
    insert into auth.user_roles (user_id, role_id) select u.id, made.id from auth.users u, made";

/// Ends the transaction of [`holding`] after one last statement in it.
pub(crate) async fn let_go(holder: &Client, last: &str) {
    holder.batch_execute(&format!("{last}; commit")).await.expect("it commits");
}
