//! How many sessions a user may have and open, and how long those of operators live.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{PASSWORD, Pair, TestApp};
use crate::witness::{
    alive, assign, change_password, dead, holder, make_role, refresh, session_of, sign_in, standing,
    superuser, user_of,
};

const NEO: &str = "neo@example.org";
const DAY: u64 = 24 * 3600;

/// Adds copies of the session, each as if it had been opened two days ago and last used `hours` ago.
async fn add_sessions(app: &TestApp, pair: &Pair, hours: &[i32]) {
    let sql = "insert into auth.sessions (id, user_id, client_id, refresh_key, created_at, authenticated_at, last_used_at,
                   idle_expires_at, expires_at, amr, deployment_generation)
               select gen_random_uuid(), user_id, client_id, refresh_key, created_at - interval '20 days',
                   authenticated_at, created_at - make_interval(hours => used), idle_expires_at, expires_at, amr,
                   deployment_generation
               from auth.sessions, unnest($2::integer[]) used where id = $1";
    app.sql().await.execute(sql, &[&session_of(pair), &hours]).await.unwrap();
}

async fn count(app: &TestApp, condition: &str) -> i64 {
    let sql = format!("select count(*) from auth.sessions where {condition}");
    app.sql().await.query_one(&sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_flood_of_sign_ins_leaves_fifty_live_sessions_and_ends_the_most_idle_ones() {
    let app = TestApp::start().await;
    let first = app.client.new_user(NEO).await;
    // Thirty that were unused for more than a week, and twenty-nine that were used yesterday.
    let idle: Vec<i32> = (0..30).map(|number| 8 * 24 + number).collect();
    add_sessions(&app, &first, &idle).await;
    add_sessions(&app, &first, &[24; 29]).await;
    for _ in 0..4 {
        let calls = (0..5).map(|_| sign_in(&app, NEO, PASSWORD).send());
        // The first session counts among the twenty of this hour, so the last sign-in is one too many.
        for reply in join_all(calls).await {
            assert!([200, 429].contains(&reply.status), "{reply:?}");
        }
    }
    assert_eq!(count(&app, "revoked_at is null").await, 50);
    let kept = "revoked_at is null and last_used_at < clock_timestamp() - interval '7 days'";
    assert_eq!(count(&app, kept).await, 1);
    let longest = "revoked_at is null and last_used_at < clock_timestamp() - interval '8 days 30 minutes'";
    assert_eq!(count(&app, longest).await, 0);
    assert_eq!(count(&app, "revoke_reason = 'evicted'").await, 29);
    standing(&app, &first.access).await;
    let sql = app.sql().await;
    let seen =
        "select count(*), count(distinct session_id) from auth.login_history where event = 'session_evicted'";
    let row = sql.query_one(seen, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (29, 29));
    let recorded = "select count(*) from auth.revocations where kind = 2";
    assert_eq!(sql.query_one(recorded, &[]).await.unwrap().get::<_, i64>(0), 29);
    let history = app.client.get("/api/v1/me/login-history?limit=100").bearer(&first.access).send().await;
    assert!(history.text.contains("session_evicted"), "{history:?}");
}

#[tokio::test]
async fn an_evicted_session_is_revoked_everywhere() {
    let app = TestApp::start().await;
    let first = app.client.new_user(NEO).await;
    add_sessions(&app, &first, &[1; 49]).await;
    let age = "update auth.sessions set last_used_at = last_used_at - interval '2 days' where id = $1";
    app.sql().await.execute(age, &[&session_of(&first)]).await.unwrap();
    app.client.sign_in(NEO).await;
    dead(&app, &first.access).await;
    refresh(&app, &first.refresh).send().await.problem(401, "session_revoked");
}

#[tokio::test]
async fn a_session_on_a_known_device_stays_while_strangers_sign_in() {
    let app = TestApp::start().await;
    let first = app.client.new_user(NEO).await;
    let body = json!({ "email": NEO, "password": PASSWORD, "device_token": first.device });
    let on_device = app.client.post("/api/v1/auth/login").json(&body).send().await.pair();
    let age = "update auth.sessions set last_used_at = last_used_at - interval '6 days' where id = $1";
    app.sql().await.execute(age, &[&session_of(&on_device)]).await.unwrap();
    add_sessions(&app, &first, &[24; 48]).await;
    // All but one have no device; the newest of them is the first session.
    let stranger = app.client.sign_in(NEO).await;
    dead(&app, &first.access).await;
    // Now it is the last stranger's, however recently it was used.
    let next = app.client.sign_in(NEO).await;
    dead(&app, &stranger.access).await;
    // A session whose client sends its device token when it refreshes is one on a known device, too.
    let sent = json!({ "refresh_token": next.refresh, "device_token": next.device });
    let returned = app.client.post("/api/v1/auth/refresh").json(&sent).send().await.pair();
    app.client.sign_in(NEO).await;
    standing(&app, &on_device.access).await;
    standing(&app, &returned.access).await;
    assert_eq!(count(&app, "revoked_at is null").await, 50);
}

#[tokio::test]
async fn an_account_opens_a_limited_number_of_sessions_within_an_hour() {
    let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "5")]).await;
    app.client.register(NEO).await.expect(201);
    let replies = join_all((0..12).map(|_| sign_in(&app, NEO, PASSWORD).send())).await;
    let opened = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(opened, 5, "{replies:?}");

    let reply = sign_in(&app, NEO, PASSWORD).send().await;
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    reply.problem(429, "too_many_sessions");
    // Only with the password, and only for this account.
    sign_in(&app, NEO, "wrong").send().await.problem(401, "invalid_credentials");
    app.client.new_user("trinity@example.org").await;
    // Sessions that ended count too.
    app.sql()
        .await
        .batch_execute("update auth.sessions set revoked_at = created_at, revoke_reason = 'logout'")
        .await
        .unwrap();
    sign_in(&app, NEO, PASSWORD).send().await.problem(429, "too_many_sessions");
    let age = "update auth.sessions set created_at = created_at - interval '61 minutes'";
    app.sql().await.batch_execute(age).await.unwrap();
    app.client.sign_in(NEO).await;
}

#[tokio::test]
async fn sign_ins_with_a_stolen_password_do_not_keep_a_known_device_out() {
    let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "3")]).await;
    let owner = app.client.new_user(NEO).await;
    app.client.sign_in(NEO).await;
    let thief = app.client.sign_in(NEO).await;
    sign_in(&app, NEO, PASSWORD).send().await.problem(429, "too_many_sessions");
    let on = |device: &str| {
        let body = json!({ "email": NEO, "password": PASSWORD, "device_token": device });
        app.client.post("/api/v1/auth/login").json(&body)
    };
    // A known device has the same number of its own.
    on(&owner.device).send().await.pair();
    on(&owner.device).send().await.pair();
    on(&owner.device).send().await.problem(429, "too_many_sessions");
    on(&thief.device).send().await.pair();
    // Once the owner has shut the others out, it begins again.
    let new = "another horse, another battery";
    change_password(&app, &owner.access, new).send().await.pair();
    sign_in(&app, NEO, new).send().await.pair();
    sign_in(&app, NEO, new).send().await.pair();
    sign_in(&app, NEO, new).send().await.problem(429, "too_many_sessions");
}

/// Seconds until the session ends in any case, after its next refresh.
async fn life(app: &TestApp, pair: &Pair) -> (Pair, u64) {
    let next = refresh(app, &pair.refresh).send().await.pair();
    let sql =
        "select extract(epoch from expires_at - clock_timestamp())::bigint from auth.sessions where id = $1";
    let left: i64 = app.sql().await.query_one(sql, &[&session_of(pair)]).await.unwrap().get(0);
    (next, left.cast_unsigned())
}

#[tokio::test]
async fn sessions_of_operators_end_after_thirty_days() {
    let app = TestApp::start().await;
    let viewer = app.client.new_user(NEO).await;
    assert!(life(&app, &viewer).await.1 > 170 * DAY);
    for pair in [superuser(&app).await, holder(&app, "operator@example.org", &["audit:read"]).await] {
        let (_, left) = life(&app, &pair).await;
        assert!(left > 29 * DAY && left <= 30 * DAY, "{left}");
    }
    // At the sign-in already.
    let operators = "expires_at > created_at + interval '30 days'";
    assert_eq!(count(&app, operators).await, 1);
}

#[tokio::test]
async fn whoever_gets_a_permission_of_this_service_in_any_way_has_a_shorter_session() {
    let app = TestApp::start().await;
    make_role(&app, "direct", &["users:*"], &[]).await;
    make_role(&app, "heir", &[], &["direct"]).await;
    make_role(&app, "later", &["films:watch"], &[]).await;
    let permit = "insert into auth.role_permissions (role_id, permission)
                  select id, '*' from auth.roles where name = 'later'";
    for (number, role) in ["direct", "heir", "later"].into_iter().enumerate() {
        let email = format!("user{number}@example.org");
        let pair = app.client.new_user(&email).await;
        assign(&app, &email, role).await;
        let mut next = pair;
        if role == "later" {
            let (pair, left) = life(&app, &next).await;
            assert!(left > 170 * DAY, "{left}");
            app.sql().await.batch_execute(permit).await.unwrap();
            next = pair;
        }
        let (_, left) = life(&app, &next).await;
        assert!(left > 29 * DAY && left <= 30 * DAY, "{role} {left}");
    }
    let made = app.client.new_user("made@example.org").await;
    let root = superuser(&app).await;
    let path = format!("/api/v1/admin/users/{}/superuser", user_of(&made));
    app.client.put(&path).bearer(&root.access).send().await.expect(204);
    assert!(life(&app, &made).await.1 <= 30 * DAY);
}

#[tokio::test]
async fn an_old_session_of_a_new_operator_has_ended() {
    let app = TestApp::start().await;
    let old = app.client.new_user(NEO).await;
    let age = "update auth.sessions set authenticated_at = authenticated_at - interval '31 days'";
    app.sql().await.batch_execute(age).await.unwrap();
    let next = refresh(&app, &old.refresh).send().await.pair();
    alive(&app, &next.access).await;
    make_role(&app, "operator", &["users:read"], &[]).await;
    assign(&app, NEO, "operator").await;
    refresh(&app, &next.refresh).send().await.problem(401, "session_expired");
    // A change of credentials, or a proof, does not continue it either.
    let body = json!({ "password": PASSWORD });
    let call = app.client.post("/api/v1/auth/reauthenticate").bearer(&next.access).json(&body);
    call.send().await.problem(401, "token_refresh_needed");
}
