//! Which access tokens are accepted.

use admin::revocations::{NewRevocation, record};
use shared::revocation::Reason;

use crate::support::{ISSUER, TestApp};
use crate::witness::{alive, assign, change_password, claims, dead, outdated, refresh, standing};

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_others_are_not_ours() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    for value in [format!("bearer {}", pair.access), format!("BEARER {}", pair.access)] {
        app.client.get("/api/v1/me").header("authorization", &value).send().await.expect(200);
    }
    for (value, code) in [
        (pair.access.clone(), "token_missing"),
        (format!("Basic {}", pair.access), "token_missing"),
        ("Bearer".to_owned(), "token_invalid"),
        ("Bearer ".to_owned(), "token_invalid"),
    ] {
        app.client.get("/api/v1/me").header("authorization", &value).send().await.problem(401, code);
    }
    let twice = app.client.get("/api/v1/me").bearer(&pair.access).bearer(&pair.access).send().await;
    twice.problem(401, "token_invalid");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let claims = claims(&pair.access);
    let foreign = forge::Mint::new().token(&claims);
    let parts: Vec<_> = pair.access.split('.').collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", parts[1]);
    let swapped = format!("{}.{}.{}", parts[0], parts[1], foreign.split('.').next_back().unwrap());
    for token in [&foreign, &unsigned, &swapped, "a.b.c", "garbage", &pair.refresh, &"x".repeat(9000)] {
        app.client.get("/api/v1/me").bearer(token).send().await.problem(401, "token_invalid");
    }
    alive(&app, &pair.access).await;
}

#[tokio::test]
async fn a_token_ends_with_everything_that_it_stands_on() {
    let app = TestApp::start().await;
    for (number, end) in [
        "update auth.users set status = 'disabled'",
        "update auth.deployment set generation = generation + 1",
        "update auth.sessions set revoked_at = clock_timestamp(), revoke_reason = 'ended'",
        "update auth.sessions set expires_at = clock_timestamp()",
        "delete from auth.sessions",
        "delete from auth.users",
    ]
    .into_iter()
    .enumerate()
    {
        let pair = app.client.new_user(&format!("neo{number}@example.org")).await;
        alive(&app, &pair.access).await;
        app.sql().await.batch_execute(end).await.unwrap();
        app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, "token_revoked");
    }
    // A new generation without a revocation asks for a refresh only.
    let pair = app.client.new_user("generation@example.org").await;
    let advance = "update auth.users set token_generation = token_generation + 1";
    app.sql().await.batch_execute(advance).await.unwrap();
    app.client.get("/api/v1/me").bearer(&pair.access).send().await.problem(401, "token_refresh_needed");
}

#[tokio::test]
async fn one_token_has_one_word_at_admin_and_at_nginx() {
    let app = TestApp::start().await;
    let before = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    // Only its roles are out of date: a refresh replaces it.
    outdated(&app, &before.access).await;
    let reply = app.client.get("/api/v1/me").bearer(&before.access).send().await;
    let challenge = "Bearer realm=\"cinema\", error=\"invalid_token\", error_description=\"The access token must be refreshed.\"";
    assert_eq!(reply.header("www-authenticate"), challenge);
    let current = refresh(&app, &before.refresh).send().await.pair();
    standing(&app, &current.access).await;
    // A changed password revokes the older tokens of the session that continues; "revoked" wins.
    let kept = change_password(&app, &current.access, "two nights at the pictures").send().await.pair();
    dead(&app, &current.access).await;
    assign(&app, "neo@example.org", "premium").await;
    dead(&app, &current.access).await;
    // The token after the change was never revoked: only its roles are out of date.
    outdated(&app, &kept.access).await;
}

#[tokio::test]
async fn a_token_revoked_alone_is_refused_alone() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let other = app.client.sign_in("neo@example.org").await;
    let jti = claims(&pair.access)["jti"].as_str().unwrap().parse().unwrap();
    revoke(&app, NewRevocation::token(jti, Reason::Revoked)).await;

    dead(&app, &pair.access).await;
    alive(&app, &other.access).await;
}

async fn revoke(app: &TestApp, one: NewRevocation) {
    let mut connection = app.context.db.get().await.unwrap();
    let tx = connection.begin().await.unwrap();
    record(&tx, ISSUER, &[one]).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_killed_key_is_refused_by_a_replica_that_still_publishes_it() {
    let app = TestApp::start().await;
    let pair = app.client.new_user("neo@example.org").await;
    let active = "select kid from auth.signing_keys where status = 'active'";
    let kid: String = app.sql().await.query_one(active, &[]).await.unwrap().get(0);
    alive(&app, &pair.access).await;

    revoke(&app, NewRevocation::key(&kid)).await;

    dead(&app, &pair.access).await;
}

#[tokio::test]
async fn no_plan_reads_all_revocations_to_believe_a_token() {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "2")]).await;
    let pair = app.client.new_user("neo@example.org").await;
    alive(&app, &pair.access).await;

    // One of the two connections of the pool has the statement that the service prepared.
    let prepared = "select name from pg_catalog.pg_prepared_statements
                    where statement like '%auth.revocations%' and statement not like '%pg_prepared_statements%'";
    let mut connection = app.context.db.get().await.unwrap();
    let mut found = connection.query_opt(prepared, &[]).await.unwrap();
    if found.is_none() {
        let other = app.context.db.get().await.unwrap();
        found = other.query_opt(prepared, &[]).await.unwrap();
        connection = other;
    }
    let name: String = found.unwrap().get(0);
    let force = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";
    connection.batch_execute(force).await.unwrap();
    let explain =
        format!("explain execute \"{name}\" (gen_random_uuid(), gen_random_uuid(), 0, '', '', '', 0, 0)");
    let plan: Vec<String> =
        connection.query(&explain, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();

    let plan = plan.join("\n");
    assert_eq!(plan.matches("using revocations_of_tokens_and_keys").count(), 3, "{plan}");
    assert_eq!(plan.matches("using revocations_of_users").count(), 1, "{plan}");
    assert!(!plan.contains("on revocations_pkey") && !plan.contains("Seq Scan on revocations"), "{plan}");
}
