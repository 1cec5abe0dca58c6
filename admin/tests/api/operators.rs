//! What operators do with other users' accounts.

use admin::users::{EmailAddress, LoginName};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{PASSWORD, TestApp};
use crate::witness::{
    assign, dead, holder, items_of, refresh, sign_in, stale, standing, superuser, text_of, user_of,
};

const USERS: &str = "/api/v1/admin/users";

fn of(user: Uuid, what: &str) -> String {
    format!("{USERS}/{user}{what}")
}

#[tokio::test]
async fn people_are_looked_up_in_every_way_and_a_page_at_a_time() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    for (email, login, name) in [
        ("anna@example.org", "neo_1", "Анна"),
        ("annabel@example.org", "trinity", "Annabel"),
        ("bob@example.org", "anniversary", "Bob"),
    ] {
        let body = json!({ "email": email, "login": login, "password": PASSWORD, "display_name": name });
        app.client.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    }
    assign(&app, "bob@example.org", "subscriber").await;
    let found = async |query: &str| {
        let reply = app.client.get(&format!("{USERS}?{query}")).bearer(&root).send().await.expect(200).json();
        let emails: Vec<_> = items_of(&reply).iter().map(|one| text_of(one, "email")).collect();
        emails.iter().map(|email| email.split('@').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("query=ann").await, "bob annabel anna");
    assert_eq!(found("query=ANNAB").await, "annabel");
    assert_eq!(found("query=neo%25").await, "");
    assert_eq!(found("query=neo_").await, "anna");
    assert_eq!(found("query=%D0%B0%D0%BD").await, "anna");
    assert_eq!(found("email=Bob@Example.ORG").await, "bob");
    assert_eq!(found("login=Trinity").await, "annabel");
    assert_eq!(found("role=subscriber").await, "bob");
    assert_eq!(found("superuser=0&status=active").await, "bob annabel anna");
    assert_eq!(found("status=disabled").await, "");
    assert_eq!(found("query=ann&role=subscriber").await, "bob");

    let first =
        app.client.get(&format!("{USERS}?superuser=0&limit=2")).bearer(&root).send().await.expect(200).json();
    assert_eq!(items_of(&first).len(), 2);
    let cursor = text_of(&first, "next_cursor");
    assert_eq!(found(&format!("superuser=0&limit=2&cursor={cursor}")).await, "anna");
    for bad in [
        "query=",
        "email=anna",
        "login=a%40b",
        "role=A",
        "status=x",
        "superuser=x",
        "limit=101",
        "cursor=x",
        "q=a",
        "query=%00",
    ] {
        let reply = app.client.get(&format!("{USERS}?{bad}")).bearer(&root).send().await;
        reply.problem(422, "validation_failed");
    }
}

/// A user with a name that no form accepts any more, or one that a form accepts.
async fn insert_user(app: &TestApp, email: &str, login: Option<&str>, name: Option<&str>) {
    let address: EmailAddress = email.parse().expect("an address");
    let login: Option<LoginName> = login.map(|login| login.parse().expect("a login name"));
    let (typed, key) = (login.as_ref().map(LoginName::as_str), login.as_ref().map(LoginName::key));
    let insert = "insert into auth.users (id, email, email_key, login, login_key, display_name)
                  values (gen_random_uuid(), $1, $2, $3, $4, $5)";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&address.as_str(), &address.key(), &typed, &key, &name];
    app.sql().await.execute(insert, &values).await.expect("it can be inserted");
}

/// Users found by the beginning of a name, by their login names.
async fn found_by(app: &TestApp, root: &str, query: &str) -> Vec<String> {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("query", query).finish();
    let reply = app.client.get(&format!("{USERS}?{query}")).bearer(root).send().await.expect(200).json();
    let mut logins: Vec<String> = items_of(&reply).iter().map(|one| text_of(one, "login")).collect();
    logins.sort_unstable();
    logins
}

#[tokio::test]
async fn people_are_found_by_every_form_of_the_beginning_of_a_name() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    insert_user(&app, "нео@кино.рф", Some("cyrillic"), Some("Нео Андерсон-Ёлкин")).await;
    insert_user(&app, "Neo@xn--h1adke.xn--p1ai", Some("punycode"), Some("İrem IŞIK ılgın")).await;
    insert_user(&app, "jos\u{e9}@b\u{fc}cher.example", Some("umlaut"), Some("Jos\u{e9} Straße")).await;
    insert_user(&app, "a_b%c@example.org", Some("wildcards"), Some("ΟΔΥΣΣΕΥΣ \u{ff21}\u{ff42}")).await;
    for (query, login) in [
        ("нео@кино.рф", "cyrillic"),
        ("нео@кино", "cyrillic"),
        ("нео@ки", "cyrillic"),
        ("НЕО@КИ", "cyrillic"),
        ("нео@", "cyrillic"),
        ("НЕО@", "cyrillic"),
        ("jose\u{301}@", "umlaut"),
        ("нео@xn--h1adke", "cyrillic"),
        ("нео@xn--h1ad", "cyrillic"),
        ("нео@xn--h1adke.xn--p1ai", "cyrillic"),
        ("нео андерсон-Е\u{308}", "cyrillic"),
        ("НЕО АНДЕРСОН-Ё", "cyrillic"),
        ("neo@кино.р", "punycode"),
        ("NEO@XN--H1ADKE", "punycode"),
        ("neo@ки", "punycode"),
        ("İrem", "punycode"),
        ("irem", "punycode"),
        ("I\u{307}rem", "punycode"),
        ("IREM IŞIK IL", "punycode"),
        ("irem ışık ıl", "punycode"),
        ("jose\u{301}@bu\u{308}ch", "umlaut"),
        ("JOSÉ@BÜCHER.EX", "umlaut"),
        ("josé@xn--bcher-kva", "umlaut"),
        ("josé strasse", "umlaut"),
        ("JOSÉ STRASSE", "umlaut"),
        ("jose\u{301} straß", "umlaut"),
        ("UMLAU", "umlaut"),
        ("a_b%", "wildcards"),
        ("οδυσσευς ab", "wildcards"),
        ("ΟΔΥΣΣ", "wildcards"),
        ("\u{ff57}ildc", "wildcards"),
    ] {
        assert_eq!(found_by(&app, &root, query).await, [login], "{query}");
    }
    for query in ["нео@кина", "ео", "a%", "a_bx", "jose@", "strasse", "\\"] {
        assert_eq!(found_by(&app, &root, query).await, Vec::<String>::new(), "{query}");
    }
}

#[tokio::test]
async fn a_search_uses_the_indexes() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    let fill = "insert into auth.users (id, email, email_key, login, login_key, display_name)
                select gen_random_uuid(), n || '@example.org', n || '@example.org', 'user' || n, 'user' || n, 'User ' || n
                from generate_series(1, 20000) n;
                analyze auth.users";
    sql.batch_execute(fill).await.unwrap();
    let explain = "explain select id from auth.users u
                   where auth.search_form_of_address(u.email) like auth.begins_with(auth.search_form_of_address('нео@ки'))
                      or u.email_key like auth.begins_with(lower('нео@ки'))
                      or auth.search_form(u.login) like auth.begins_with(auth.search_form('нео@ки'))
                      or auth.search_form(u.display_name) like auth.begins_with(auth.search_form('нео@ки'))
                   order by u.id desc limit 21";
    let plan: Vec<String> = sql.query(explain, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    for index in [
        "users_by_email_search",
        "users_by_email_prefix",
        "users_by_login_search",
        "users_by_display_name_search",
    ] {
        assert!(plan.contains(index), "{plan}");
    }
}

/// Labels as the library decodes them.
#[tokio::test]
async fn postgresql_decodes_domains_like_the_library() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    let decode = sql.prepare("select auth.unicode_label($1)").await.unwrap();
    let mut runner = TestRunner::new_with_rng(
        proptest::test_runner::Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    for strategy in ["[a-z0-9а-яёé-]{1,20}", "[ж-яα-ωa-z]{1,15}", "\\PC{1,12}", "[一-龥]{1,15}"] {
        let strategy = proptest::string::string_regex(strategy).unwrap();
        for _ in 0..300 {
            let label = strategy.new_tree(&mut runner).unwrap().current();
            let Ok(ascii) = idna::domain_to_ascii_strict(&label) else { continue };
            if ascii.contains('.') {
                continue;
            }
            let (unicode, _) = idna::domain_to_unicode(&ascii);
            let decoded: String = sql.query_one(&decode, &[&ascii]).await.unwrap().get(0);
            assert_eq!(decoded, unicode, "{ascii}");
        }
    }
    let strategy = proptest::string::string_regex("(xn--)?[a-z0-9-]{0,70}").unwrap();
    for _ in 0..1000 {
        let label = strategy.new_tree(&mut runner).unwrap().current();
        let _any_text: String = sql.query_one(&decode, &[&label]).await.unwrap().get(0);
    }
}

#[tokio::test]
async fn a_person_is_shown_with_roles_sessions_and_history() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    assign(&app, "neo@example.org", "subscriber").await;
    let id = user_of(&neo);

    let shown = app.client.get(&of(id, "")).bearer(&root).send().await.expect(200).json();

    assert_eq!(shown["email"], "neo@example.org");
    assert_eq!(shown["status"], "active");
    assert_eq!(shown["roles"][0]["role"], "subscriber");
    assert_eq!(shown["sessions"]["items"][0]["session_id"], neo.session);
    assert_eq!(shown["history"]["items"][0]["event"], "login");
    let sessions = app.client.get(&of(id, "/sessions")).bearer(&root).send().await.expect(200).json();
    assert_eq!(sessions, shown["sessions"]);
    let history =
        app.client.get(&of(id, "/login-history?limit=1")).bearer(&root).send().await.expect(200).json();
    assert_eq!(items_of(&history).len(), 1);
    for path in ["", "/sessions", "/login-history"] {
        app.client.get(&of(Uuid::nil(), path)).bearer(&root).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_at_once_and_signs_in_when_enabled() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    let id = user_of(&neo);
    for _ in 0..2 {
        app.client.post(&of(id, "/disable")).bearer(&root).send().await.expect(204);
    }

    dead(&app, &neo.access).await;
    refresh(&app, &neo.refresh).send().await.problem(401, "session_revoked");
    sign_in(&app, "neo@example.org", PASSWORD).send().await.problem(401, "invalid_credentials");
    let ended: &str = "select revoke_reason from auth.sessions where revoked_at is not null";
    assert_eq!(app.sql().await.query_one(ended, &[]).await.unwrap().get::<_, &str>(0), "disabled");

    for _ in 0..2 {
        app.client.post(&of(id, "/enable")).bearer(&root).send().await.expect(204);
    }
    let again = app.client.sign_in("neo@example.org").await;
    standing(&app, &again.access).await;
    dead(&app, &neo.access).await;
}

#[tokio::test]
async fn sessions_are_ended_one_or_all() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let first = app.client.new_user("neo@example.org").await;
    let second = app.client.sign_in("neo@example.org").await;
    let id = user_of(&first);

    let path = of(id, &format!("/sessions/{}", first.session));
    app.client.delete(&path).bearer(&root).send().await.expect(204);
    app.client.delete(&path).bearer(&root).send().await.problem(404, "not_found");
    dead(&app, &first.access).await;
    standing(&app, &second.access).await;

    let ended = app.client.post(&of(id, "/logout-all")).bearer(&root).send().await.expect(200).json();
    assert_eq!(ended, json!({ "revoked": 1 }));
    dead(&app, &second.access).await;
    refresh(&app, &second.refresh).send().await.problem(401, "session_revoked");
    standing(&app, &app.client.sign_in("neo@example.org").await.access).await;
}

#[tokio::test]
async fn the_last_superuser_stays() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    let id = user_of(&root);
    app.client.delete(&of(id, "/superuser")).bearer(&root.access).send().await.problem(409, "last_superuser");
    app.client.post(&of(id, "/disable")).bearer(&root.access).send().await.problem(403, "forbidden");

    let other = user_of(&app.client.new_user("neo@example.org").await);
    for _ in 0..2 {
        app.client.put(&of(other, "/superuser")).bearer(&root.access).send().await.expect(204);
    }
    // A superuser who cannot sign in does not count.
    app.sql()
        .await
        .execute("update auth.users set status = 'disabled' where id = $1", &[&other])
        .await
        .unwrap();
    app.client.delete(&of(id, "/superuser")).bearer(&root.access).send().await.problem(409, "last_superuser");
    app.sql()
        .await
        .execute("update auth.users set status = 'active' where id = $1", &[&other])
        .await
        .unwrap();
    app.client.delete(&of(id, "/superuser")).bearer(&root.access).send().await.problem(403, "forbidden");
    let other = app.client.sign_in("neo@example.org").await;
    app.client.delete(&of(id, "/superuser")).bearer(&other.access).send().await.expect(204);
    app.client.put(&of(id, "/superuser")).bearer(&root.access).send().await.problem(403, "forbidden");
}

#[tokio::test]
async fn of_two_superusers_who_revoke_each_other_one_stays() {
    let app = TestApp::start().await;
    for _ in 0..8 {
        app.sql().await.batch_execute("update auth.users set is_superuser = false").await.unwrap();
        let (one, other) = (superuser(&app).await, superuser(&app).await);
        let (first, second) = tokio::join!(
            app.client.delete(&of(user_of(&other), "/superuser")).bearer(&one.access).send(),
            app.client.delete(&of(user_of(&one), "/superuser")).bearer(&other.access).send(),
        );
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert!(statuses == [204, 403] || statuses == [204, 404], "{first:?} {second:?}");
        let left = "select count(*) from auth.users where is_superuser";
        assert_eq!(app.sql().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 1);
    }
}

#[tokio::test]
async fn only_superusers_act_on_superusers() {
    let app = TestApp::start().await;
    let (root, _other) = (superuser(&app).await, superuser(&app).await);
    let operator = holder(&app, "operator@example.org", &["users:write", "sessions:end"]).await.access;
    let id = user_of(&root);
    for what in ["/disable", "/enable", "/logout-all"] {
        app.client.post(&of(id, what)).bearer(&operator).send().await.problem(403, "forbidden");
    }
    let path = of(id, &format!("/sessions/{}", root.session));
    app.client.delete(&path).bearer(&operator).send().await.problem(403, "forbidden");
    standing(&app, &root.access).await;
}

#[tokio::test]
async fn superuser_status_is_granted_only_soon_after_a_sign_in() {
    let app = TestApp::start().await;
    let root = stale(&app, &superuser(&app).await).await;
    let neo = user_of(&app.client.new_user("neo@example.org").await);

    for method in [reqwest::Method::PUT, reqwest::Method::DELETE] {
        let reply = app.client.call(method, &of(neo, "/superuser")).bearer(&root.access).send().await;
        reply.problem(403, "fresh_auth_required");
    }
    app.client.get(&of(neo, "")).bearer(&root.access).send().await.expect(200);
}

#[tokio::test]
async fn an_older_token_has_the_current_rights_of_its_user() {
    let app = TestApp::start().await;
    let root = superuser(&app).await.access;
    let neo = app.client.new_user("neo@example.org").await;
    app.client.get(USERS).bearer(&neo.access).send().await.problem(403, "forbidden");
    app.client.put(&of(user_of(&neo), "/superuser")).bearer(&root).send().await.expect(204);
    app.client.get(USERS).bearer(&neo.access).send().await.expect(200);
    let me: Value = app.client.get("/api/v1/me").bearer(&neo.access).send().await.expect(200).json();
    assert_eq!(me["is_superuser"], true);
}
