//! Merging two accounts of one person.

use mock_providers::Provider::{GitHub, Google, X};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Cinema, Command, PASSWORD, Pair, Reply};
use crate::witness::{assign, dead, holder, items_of, make_role, now, roles_of, sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";
const OTHER: &str = "neo2@example.org";

async fn merge(cinema: &Cinema, pair: &Pair, from: Uuid, into: Uuid) -> Reply {
    let body = json!({ "into": into, "reason": "Registered twice." });
    let path = format!("/api/v1/admin/users/{from}/merge");
    cinema.app.client.post(&path).bearer(&pair.access).json(&body).send().await
}

async fn kinds(cinema: &Cinema, pair: &Pair) -> Vec<Value> {
    let call = cinema.app.client.get("/api/v1/me/notices").bearer(&pair.access);
    items_of(&call.send().await.expect(200).json()).iter().map(|item| item["kind"].clone()).collect()
}

/// Two accounts of one person: with GitHub and X, and with Google and X.
async fn two(cinema: &Cinema) -> (Pair, Pair) {
    let app = &cinema.app;
    let (from, into) = (app.client.new_user(OTHER).await, app.client.new_user(NEO).await);
    cinema.add_person(X, "neo", None, false);
    cinema.add_person(X, "neo2", None, false);
    for (pair, provider, person) in
        [(&from, GitHub, "anna"), (&from, X, "neo2"), (&into, Google, "anna"), (&into, X, "neo")]
    {
        cinema.browser().try_to_link(pair, provider, person).await.expect(200);
    }
    (from, into)
}

#[tokio::test]
async fn the_account_that_stays_has_the_roles_and_providers_of_both() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let (from, into) = two(&cinema).await;
    for role in ["subscriber", "beta"] {
        make_role(app, role, &[], &[]).await;
    }
    let soon = Some(now() + jiff::SignedDuration::from_hours(1));
    crate::witness::assign_until(app, NEO, "subscriber", soon).await.unwrap();
    assign(app, OTHER, "subscriber").await;
    assign(app, OTHER, "beta").await;

    let root = superuser(app).await;
    let merged = merge(&cinema, &root, user_of(&from), user_of(&into)).await.expect(200).json();

    assert_eq!(
        (&merged["roles"], &merged["providers"], &merged["left"]),
        (&json!(["beta", "subscriber"]), &json!(["github"]), &json!(["x"]))
    );
    let pair = app.client.refresh(&into.refresh).await.pair();
    assert_eq!(roles_of(&pair.access), ["beta", "subscriber"]);
    let kept = "select count(*) from auth.user_roles where user_id = $1 and expires_at is null
                and reason = 'Registered twice.'";
    let kept: i64 = app.sql().await.query_one(kept, &[&user_of(&into)]).await.unwrap().get(0);
    assert_eq!(kept, 2, "each for the longer time");
    let through = cinema.browser().sign_in(GitHub, "anna").await;
    assert_eq!(user_of(&through), user_of(&into));
    assert!(kinds(&cinema, &pair).await.contains(&json!("accounts_merged")));

    // The other one goes through an erasure, and its user can still keep what is left.
    dead(app, &from.access).await;
    let problem = sign_in(app, OTHER, PASSWORD).send().await.problem(403, "erasure_pending");
    let keep = app.client.post("/api/v1/auth/erasure/keep").json(&json!({ "flow": problem["flow"] }));
    keep.send().await.expect(204);
    let left = app.client.sign_in(OTHER).await;
    assert!(roles_of(&left.access).is_empty());
    assert!(kinds(&cinema, &left).await.contains(&json!("accounts_merged")));
    let audited =
        "select texts ->> 'reason', detail ->> 'from' from auth.audit_log where action = 'users_merged'";
    let audited = app.sql().await.query_one(audited, &[]).await.unwrap();
    let audited: (String, String) = (audited.get(0), audited.get(1));
    assert_eq!(audited, ("Registered twice.".to_owned(), user_of(&from).to_string()));
}

#[tokio::test]
async fn operators_disabled_users_and_oneself_are_not_merged() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let support = holder(app, "support@example.org", &["users:erase"]).await;
    let root = superuser(app).await;
    let (from, into) = (app.client.new_user(OTHER).await, app.client.new_user(NEO).await);
    let (from, into) = (user_of(&from), user_of(&into));
    let operator = user_of(&holder(app, "operator@example.org", &["sessions:end"]).await);
    for (from, into) in [(operator, into), (from, operator)] {
        merge(&cinema, &root, from, into).await.problem(403, "forbidden");
        merge(&cinema, &support, from, into).await.problem(403, "forbidden");
    }
    for (from, into) in [(user_of(&support), into), (from, user_of(&support))] {
        merge(&cinema, &support, from, into).await.problem(403, "forbidden");
    }
    let stranger = app.client.new_user("trinity@example.org").await;
    merge(&cinema, &stranger, from, into).await.problem(404, "not_found");
    merge(&cinema, &root, from, from).await.problem(422, "validation_failed");
    merge(&cinema, &root, from, crate::support::new_id()).await.problem(404, "not_found");
    let stale = crate::witness::stale(app, &root).await;
    merge(&cinema, &stale, from, into).await.problem(403, "fresh_auth_required");
    let disable = "update auth.users set status = 'disabled' where id = $1";
    app.sql().await.execute(disable, &[&into]).await.unwrap();
    merge(&cinema, &root, from, into).await.problem(403, "account_disabled");
    merge(&cinema, &root, into, from).await.problem(403, "account_disabled");
    app.client.sign_in(OTHER).await;
}

#[tokio::test]
async fn the_command_merges_too() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let (_, into) = two(&cinema).await;
    assign(app, OTHER, "subscriber").await;
    let args = ["users", "merge", OTHER, NEO, "--reason", "Registered twice"];
    let said = Command::new(&app.vars, &args).run().await.succeeded();
    assert!(
        said.contains("Roles: subscriber. Linked: github. Not linked, because both have one: x."),
        "{said}"
    );
    let pair = app.client.refresh(&into.refresh).await.pair();
    assert_eq!(roles_of(&pair.access), ["subscriber"]);
    let again = Command::new(&app.vars, &args).run().await;
    assert_eq!(again.code, 1, "{again:?}");
}

#[tokio::test]
async fn an_account_that_came_by_a_merge_is_unlinked_by_an_eviction() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    // Created with GitHub, so an eviction from it would not unlink that.
    let from = cinema.browser().sign_in(GitHub, "anna").await;
    let into = app.client.new_user(NEO).await;
    let root = superuser(app).await;
    merge(&cinema, &root, user_of(&from), user_of(&into)).await.expect(200);
    let path = format!("/api/v1/admin/users/{}/evict", user_of(&into));
    let call =
        app.client.post(&path).bearer(&root.access).json(&json!({ "reason": "A stranger merged theirs." }));
    call.send().await;
    let left = "select count(*) from auth.oauth_accounts";
    assert_eq!(app.sql().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn an_account_whose_address_can_be_taken_back_is_not_merged() {
    let cinema = Cinema::start().await;
    let app = &cinema.app;
    let (from, into) = two(&cinema).await;
    let root = superuser(app).await;
    let changed = "insert into auth.email_changes (user_id, email, email_key, token_hash, device_epoch, undo_until)
                   values ($1, 'former@example.org', 'former@example.org', sha256('a'), 1, now() + interval '1 hour')";
    app.sql().await.execute(changed, &[&user_of(&into)]).await.unwrap();
    for (from, into) in [(&from, &into), (&into, &from)] {
        merge(&cinema, &root, user_of(from), user_of(into)).await.problem(403, "account_frozen");
    }
}
