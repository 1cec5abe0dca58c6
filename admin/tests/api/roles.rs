//! Roles: definitions, assignments, permissions, and the effect on tokens.

mod assignments;
mod authz;
mod collation;
mod definitions;
mod ends;
mod protection;
mod rank;
mod rights;

use admin::actor::Actor;
use admin::roles::{AssignError, Assigned, DefinitionError, NewRole, create};
use jiff::Timestamp;

use crate::support::TestApp;
use crate::witness::{assign, assign_until, claims, make_role, outdated, refresh, roles_of, standing};

/// Assigns a role without expiry.
async fn give(app: &TestApp, email: &str, role: &str) -> Result<Assigned, AssignError> {
    assign_until(app, email, role, None).await
}

#[tokio::test]
async fn a_role_reaches_tokens_with_the_next_refresh() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    make_role(&app, "subscriber", &[], &[]).await;

    assert_eq!(give(&app, "Neo@example.org", "subscriber").await.unwrap(), Assigned::Now);

    outdated(&app, &pair.access).await;
    let next = refresh(&app, &pair.refresh).send().await.pair();
    assert_eq!(roles_of(&next.access), ["subscriber"]);
    standing(&app, &next.access).await;
}

#[tokio::test]
async fn an_assignment_says_that_a_refresh_helps() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;

    let sql = "select r.kind, r.reason, r.arg, u.token_generation from auth.revocations r, auth.users u";
    let row = app.sql().await.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i16>(0), row.get::<_, i16>(1)), (3, 2));
    assert_eq!(row.get::<_, i64>(2), row.get::<_, i64>(3));
    assert_eq!(claims(&pair.access)["gen"], row.get::<_, i64>(3) - 1);
}

#[tokio::test]
async fn assigning_twice_changes_nothing_the_second_time() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    assign(&app, "neo@example.org", "subscriber").await;
    let pair = app.client.sign_in("neo@example.org").await;

    assert_eq!(give(&app, "neo@example.org", "subscriber").await.unwrap(), Assigned::Already);
    standing(&app, &pair.access).await;
}

#[tokio::test]
async fn impossible_assignments_are_errors_that_name_the_reason() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    make_role(&app, "subscriber", &[], &[]).await;
    let again = NewRole::named("subscriber".parse().unwrap());

    let error = create(&app.context, &Actor::command(), &again).await.unwrap_err();
    assert!(matches!(error, DefinitionError::Exists), "{error}");
    let error = give(&app, "trinity@example.org", "subscriber").await.unwrap_err();
    assert!(matches!(error, AssignError::NoUser), "{error}");
    let error = give(&app, "neo@example.org", "pilot").await.unwrap_err();
    assert!(matches!(error, AssignError::NoRole), "{error}");
    let past = Some(Timestamp::UNIX_EPOCH);
    let error = assign_until(&app, "neo@example.org", "subscriber", past).await.unwrap_err();
    assert!(matches!(error, AssignError::Past), "{error}");
}

#[tokio::test]
async fn roles_that_would_not_fit_into_a_header_are_not_assigned() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let fill = "with made as (
                    insert into auth.roles (id, name)
                    select gen_random_uuid(), 'role-' || lpad(n::text, 27, '0') from generate_series(1, 62) n
                    returning id
                )
                insert into auth.user_roles (user_id, role_id) select u.id, made.id from auth.users u, made";
    app.sql().await.batch_execute(fill).await.unwrap();
    make_role(&app, "ab", &[], &[]).await;

    let error = give(&app, "neo@example.org", "ab").await.unwrap_err();

    assert!(matches!(error, AssignError::TooMany), "{error}");
    standing(&app, &pair.access).await;
    let next = refresh(&app, &pair.refresh).send().await.pair();
    assert_eq!(roles_of(&next.access).len(), 62);
    assert!(next.access.len() < 8 * 1024);
}

#[tokio::test]
async fn a_token_ends_with_the_first_of_its_roles() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    for role in ["past", "soon", "always"] {
        assign(&app, "neo@example.org", role).await;
    }
    let end = "update auth.user_roles held
               set expires_at = clock_timestamp() + case r.name when 'soon' then interval '60 s' else interval '-1 s' end
               from auth.roles r where r.id = held.role_id and r.name in ('past', 'soon')";
    app.sql().await.batch_execute(end).await.unwrap();

    let pair = app.client.sign_in("neo@example.org").await;

    assert_eq!(roles_of(&pair.access), ["always", "soon"]);
    let claims = claims(&pair.access);
    let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert!((50..=60).contains(&life), "{life}");
}
