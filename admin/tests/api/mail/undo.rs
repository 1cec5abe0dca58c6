//! Undoing a change of the address, and freezing the account: what an owner can do, and what a thief or the holder of a
//! former mailbox cannot.

use mail_catcher::CaughtMail;
use serde_json::{Value, json};

use super::email_change::{NEO, OTHER, change_to, me, proven, put, token_in};
use super::registration::{ask, change, count, open_replica, start, with_code};
use super::{Post, code_in};
use crate::pages::visitor::Visitor;
use crate::support::{Command, PASSWORD, Pair, Reply, TestApp, until};
use crate::witness::{change_password, dead, sign_in, superuser, user_of};

const NEW: &str = "another horse, another battery";

async fn undo(app: &TestApp, token: &str, former: Option<&str>) -> Reply {
    let mut body = json!({ "token": token, "new_password": NEW });
    if let Some(former) = former {
        body["former_password"] = json!(former);
    }
    app.client.post("/api/v1/auth/email/undo").json(&body).send().await
}

async fn freeze(app: &TestApp, token: &str) -> Reply {
    app.client.post("/api/v1/auth/email/freeze").json(&json!({ "token": token })).send().await
}

/// The token of the link in the mail to the former address.
async fn link(post: &Post, email: &str, before: usize) -> String {
    token_in(&post.next_mail(email, before).await, "undo")
}

/// A user whose session a thief has, who changed the address and the password. Returns the thief's pair and the owner's link.
async fn robbed(post: &Post) -> (Pair, String) {
    let pair = proven(post, NEO).await;
    let thief = change_to(post, &pair, OTHER, 0).await;
    let thief = change_password(&post.app, &thief.access, "the password of a thief").send().await.pair();
    (thief, link(post, NEO, 1).await)
}

#[tokio::test]
async fn the_owner_takes_the_address_back_from_a_thief() {
    let post = start().await;
    let (thief, token) = robbed(&post).await;
    let app = &post.app;

    undo(app, &token, Some(PASSWORD)).await.expect(204);

    dead(app, &thief.access).await;
    app.client.refresh(&thief.refresh).await.problem(401, "session_revoked");
    sign_in(app, OTHER, "the password of a thief").send().await.problem(401, "invalid_credentials");
    let owner = sign_in(app, NEO, NEW).send().await.pair();
    assert_eq!(user_of(&owner), user_of(&thief));
    let me = me(app, &owner).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(NEO), &json!(true)));
    // Again within a minute; another request, and a later one, do nothing.
    undo(app, &token, Some(PASSWORD)).await.expect(204);
    let body = json!({ "token": token, "former_password": PASSWORD, "new_password": "a third horse, a third battery" });
    app.client.post("/api/v1/auth/email/undo").json(&body).send().await.problem(410, "code_expired");
    change(&post, "update auth.email_changes set undone_at = undone_at - interval '1 minute'").await;
    undo(app, &token, Some(PASSWORD)).await.problem(410, "code_expired");
    freeze(app, &token).await.problem(410, "code_expired");
    sign_in(app, NEO, NEW).send().await.pair();
    // The thief's mailbox is free, and has no link of its own.
    let mails = post.catcher.mails();
    assert!(
        mails.iter().all(|mail| mail.to != [OTHER] || !mail.text.contains("/account/undo#")),
        "{mails:?}"
    );
    proven_again(&post, OTHER).await;
}

#[tokio::test]
async fn of_parallel_undos_one_counts_and_the_same_request_has_the_same_answer() {
    let post = start().await;
    let (_, token) = robbed(&post).await;
    let app = &post.app;
    let same: Vec<u16> = futures_util::future::join_all((0..2).map(|_| undo(app, &token, Some(PASSWORD))))
        .await
        .iter()
        .map(|reply| reply.status)
        .collect();
    assert_eq!(same, [204, 204]);

    let post = start().await;
    let (_, token) = robbed(&post).await;
    let app = &post.app;
    let passwords = ["another horse, another battery", "a third horse, a third battery"];
    let undo = |password| {
        let body = json!({ "token": token, "former_password": PASSWORD, "new_password": password });
        app.client.post("/api/v1/auth/email/undo").json(&body).send()
    };
    let replies = futures_util::future::join_all(passwords.map(undo)).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    let winner = passwords[statuses.iter().position(|status| *status == 204).unwrap()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 410], "{replies:?}");
    sign_in(app, NEO, winner).send().await.pair();
}

/// Another person registers with the address.
async fn proven_again(post: &Post, email: &str) {
    let sent = post.catcher.mails().iter().filter(|mail| mail.to == [email]).count();
    let flow = ask(&post.app, email).await;
    let code = code_in(&post.next_mail(email, sent).await);
    with_code(&post.app, &flow, &code).await.pair();
}

#[tokio::test]
async fn the_link_alone_undoes_nothing_but_a_known_device_or_the_password_does() {
    let post = start().await;
    let (_, token) = robbed(&post).await;
    let app = &post.app;
    let why = undo(app, &token, None).await.problem(403, "current_password_wrong");
    assert!(why["detail"].as_str().unwrap().contains("former_password"), "{why}");
    undo(app, &token, Some("the password of a thief")).await.problem(403, "current_password_wrong");
    undo(app, &"a".repeat(43), Some(PASSWORD)).await.problem(410, "code_expired");
    undo(app, &token, Some(PASSWORD)).await.expect(204);
}

#[tokio::test]
async fn a_device_from_before_the_change_needs_no_password_unless_its_user_is_an_operator() {
    for is_operator in [false, true] {
        let post = start().await;
        let pair = proven(&post, NEO).await;
        let thief = change_to(&post, &pair, OTHER, 0).await;
        // Makes all devices unknown, except for this.
        change_password(&post.app, &thief.access, "the password of a thief").send().await.pair();
        if is_operator {
            change(&post, "update auth.users set is_superuser = true").await;
        }
        let token = link(&post, NEO, 1).await;
        let body = json!({ "token": token, "new_password": NEW, "device_token": pair.device });
        let reply = post.app.client.post("/api/v1/auth/email/undo").json(&body).send().await;
        if is_operator {
            reply.problem(403, "current_password_wrong");
        } else {
            reply.expect(204);
            sign_in(&post.app, NEO, NEW).send().await.pair();
        }
    }
}

#[tokio::test]
async fn a_thief_who_changed_the_password_before_the_address_keeps_nothing() {
    for by_device in [false, true] {
        let post = start().await;
        let pair = proven(&post, NEO).await;
        let app = &post.app;
        let thief = change_password(app, &pair.access, "the password of a thief").send().await.pair();
        let body = json!({ "current_password": "the password of a thief", "new_password": "another one of a thief" });
        let put = app.client.put("/api/v1/me/password").bearer(&thief.access).json(&body);
        let thief = put.send().await.pair();
        let body = json!({ "current_password": "another one of a thief", "email": OTHER });
        let put =
            app.client.put("/api/v1/me/email").bearer(&thief.access).json(&body).send().await.expect(202);
        let code = code_in(&post.next_mail(OTHER, 0).await);
        let body = json!({ "flow": put.field("/flow"), "code": code });
        app.client.post("/api/v1/me/email/verify").bearer(&thief.access).json(&body).send().await.pair();
        let is_undo = |mail: &&CaughtMail| mail.to == [NEO] && mail.text.contains("/account/undo#");
        let mail = until("the mail to the former address", async || {
            post.catcher.mails().iter().find(is_undo).cloned()
        })
        .await;
        let token = token_in(&mail, "undo");
        if by_device {
            let body = json!({ "token": token, "new_password": NEW, "device_token": pair.device });
            app.client.post("/api/v1/auth/email/undo").json(&body).send().await.expect(204);
        } else {
            undo(app, &token, Some("not the password")).await.problem(403, "current_password_wrong");
            undo(app, &token, Some(PASSWORD)).await.expect(204);
        }
        sign_in(app, NEO, NEW).send().await.pair();
        assert_eq!(count(&post, "select count(*) from auth.former_passwords").await, 0);
    }
}

#[tokio::test]
async fn what_a_thief_tries_elsewhere_does_not_keep_the_owner_from_undoing() {
    let post = start().await;
    let (thief, token) = robbed(&post).await;
    let app = &post.app;
    app.begin_window(std::time::Duration::from_mins(10));
    let mut codes = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let body = json!({ "password": "wrong" });
        let call = app.client.post("/api/v1/auth/reauthenticate").bearer(&thief.access).json(&body);
        codes.insert(call.send().await.status);
    }
    assert!(codes.contains(&429), "{codes:?}");
    undo(app, &token, Some(PASSWORD)).await.expect(204);
}

#[tokio::test]
async fn after_72_hours_the_holder_of_the_former_mailbox_gets_nothing() {
    let post = start().await;
    let (thief, token) = robbed(&post).await;
    change(&post, "update auth.email_changes set undo_until = undo_until - interval '72 hours'").await;
    undo(&post.app, &token, Some(PASSWORD)).await.problem(410, "code_expired");
    freeze(&post.app, &token).await.problem(410, "code_expired");
    assert_eq!(me(&post.app, &thief).await["email"], OTHER);
    // The address is free now.
    proven_again(&post, NEO).await;
}

#[tokio::test]
async fn meanwhile_no_other_account_gets_the_address() {
    let post = start().await;
    let (thief, token) = robbed(&post).await;
    let app = &post.app;
    let sent = post.catcher.mails().iter().filter(|mail| mail.to == [NEO]).count();
    let flow = ask(app, NEO).await;
    let mail = post.next_mail(NEO, sent).await;
    assert!(mail.text.contains("another address since") && !mail.text.contains("Code: "), "{mail:?}");
    with_code(app, &flow, "000000").await.problem(403, "code_wrong");
    let created = Command::new(&app.vars, &["users", "create", "--email", NEO, "--password-stdin"]);
    let created = created.input("correct horse battery staple\n").run().await;
    assert!(created.code == 1, "{created:?}");
    let lines = [NEO, "trinity@example.org"].map(|email| {
        let hash = "sha256$Z$56e1e14c3db1991ed7ed90abf1b25fb106c394d1da3ac852c9a73b252a3beba1";
        format!("{}\n", json!({ "email": email, "hash": hash }))
    });
    let imported = Command::new(&app.vars, &["users", "import", "-", "--json"]).input(&lines.concat());
    let imported = imported.run().await;
    assert_eq!(imported.code, 1, "{imported:?}");
    let counts = imported.out.lines().last().unwrap();
    assert_eq!(counts, "{\"created\":1,\"refused\":1,\"unchanged\":0}", "{imported:?}");
    let open = open_replica(&post).await;
    open.client.register(NEO).await.problem(409, "email_taken");
    // The account itself can return to it, and to another one.
    let body = json!({ "current_password": "the password of a thief", "email": NEO });
    let put = app.client.put("/api/v1/me/email").bearer(&thief.access).json(&body).send().await.expect(202);
    let code = code_in(&post.next_mail(NEO, sent + 1).await);
    let body = json!({ "flow": put.field("/flow"), "code": code });
    app.client.post("/api/v1/me/email/verify").bearer(&thief.access).json(&body).send().await.pair();
    undo(app, &token, Some(PASSWORD)).await.expect(204);
    sign_in(app, NEO, NEW).send().await.pair();
}

#[tokio::test]
async fn of_two_changes_the_first_one_is_undone() {
    let post = start().await;
    let pair = proven(&post, NEO).await;
    let pair = change_to(&post, &pair, OTHER, 0).await;
    change_to(&post, &pair, "neo3@example.org", 0).await;
    // The second former address gets no link. Notices of one kind within an hour are one mail, which is due now.
    post.retry().await;
    let second = post.next_mail(OTHER, 2).await;
    assert!(!second.text.contains("/account/undo#"), "{second:?}");
    undo(&post.app, &link(&post, NEO, 1).await, Some(PASSWORD)).await.expect(204);
    let owner = sign_in(&post.app, NEO, NEW).send().await.pair();
    assert_eq!(me(&post.app, &owner).await["email"], NEO);
}

#[tokio::test]
async fn a_frozen_account_can_change_nothing_until_an_operator_ends_it() {
    let post = start().await;
    let pair = proven(&post, NEO).await;
    let thief = change_to(&post, &pair, OTHER, 0).await;
    let (app, token) = (&post.app, link(&post, NEO, 1).await);
    freeze(app, &"a".repeat(43)).await.problem(410, "code_expired");
    freeze(app, &token).await.expect(204);
    let until = "select extract(epoch from frozen_until)::bigint from auth.email_changes";
    let first = count(&post, until).await;
    freeze(app, &token).await.expect(204);
    assert_eq!(count(&post, until).await, first, "it is not prolonged");

    refuse_changes(&post, &thief).await;
    // Sessions and sign-ins go on.
    me(app, &thief).await;
    let sent = post.catcher.mails().iter().filter(|mail| mail.to == [OTHER]).count();
    let forgot = app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": OTHER }));
    forgot.send().await.expect(202);
    let advice = post.next_mail(OTHER, sent).await;
    assert!(!advice.text.contains("/account/reset#"), "{advice:?}");

    let said = Command::new(&app.vars, &["users", "unfreeze", OTHER, "--reason", "Asked by telephone"]);
    assert!(said.run().await.succeeded().contains("no longer frozen"));
    change_password(app, &thief.access, "the password of a thief").send().await.pair();
    // The same link freezes nothing again, but still undoes.
    freeze(app, &token).await.problem(410, "code_expired");
    undo(app, &token, Some(PASSWORD)).await.expect(204);
}

async fn refuse_changes(post: &Post, thief: &Pair) {
    let app = &post.app;
    let refused = "account_frozen";
    change_password(app, &thief.access, "the password of a thief").send().await.problem(403, refused);
    put(app, thief, "neo3@example.org").await.problem(403, refused);
    let body = json!({ "current_password": PASSWORD, "login": "thief" });
    app.client.put("/api/v1/me/login").bearer(&thief.access).json(&body).send().await.problem(403, refused);
    for path in ["/api/v1/me/export", "/api/v1/me/erase"] {
        app.client.post(path).bearer(&thief.access).send().await.problem(403, refused);
    }
}

#[tokio::test]
async fn an_operator_ends_a_freeze_by_the_route_with_a_reason() {
    let post = start().await;
    let pair = proven(&post, NEO).await;
    let thief = change_to(&post, &pair, OTHER, 0).await;
    let token = link(&post, NEO, 1).await;
    freeze(&post.app, &token).await.expect(204);
    let open = open_replica(&post).await;
    let root = superuser(&open).await;
    let path = format!("/api/v1/admin/users/{}/unfreeze", user_of(&thief));
    let order =
        async |access: &str, body: &Value| open.client.post(&path).bearer(access).json(body).send().await;
    order(&root.access, &json!({})).await.problem(422, "validation_failed");
    let body = json!({ "reason": "The user confirmed it." });
    order(&thief.access, &body).await.problem(403, "forbidden");
    order(&root.access, &body).await.expect(204);
    order(&root.access, &body).await.expect(204);
    change_password(&post.app, &thief.access, "the password of a thief").send().await.pair();
    let audited = "select count(*) from auth.audit_log where action = 'user_unfrozen'";
    assert_eq!(count(&post, audited).await, 1);
}

#[tokio::test]
async fn an_erasure_that_a_thief_asked_for_is_cancelled_and_cannot_be_hurried() {
    let post = start().await;
    let (thief, token) = robbed(&post).await;
    let app = &post.app;
    app.client.post("/api/v1/me/erase").bearer(&thief.access).send().await.expect(202);
    let problem = sign_in(app, OTHER, "the password of a thief").send().await.problem(403, "erasure_pending");
    let now = app.client.post("/api/v1/auth/erasure/erase-now").json(&json!({ "flow": problem["flow"] }));
    now.send().await.problem(403, "account_frozen");
    undo(app, &token, Some(PASSWORD)).await.expect(204);
    let owner = sign_in(app, NEO, NEW).send().await.pair();
    assert_eq!(user_of(&owner), user_of(&thief));
}

#[tokio::test]
async fn the_password_from_before_is_guessed_no_more_often_than_others() {
    let post = start().await;
    let (_, token) = robbed(&post).await;
    post.app.begin_window(std::time::Duration::from_hours(24));
    for _ in 0..5 {
        undo(&post.app, &token, Some("not the password")).await.problem(403, "current_password_wrong");
    }
    undo(&post.app, &token, Some(PASSWORD)).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn the_page_of_the_link_acts_on_a_post_alone() {
    let post = start().await;
    let (_, token) = robbed(&post).await;
    let app = &post.app;
    let mut page = Visitor::new(app);
    page.open("/account/undo?language=ru").await.expect(200);
    assert!(page.page.contains("former_password") && page.page.contains("Пока запретить"), "{}", page.page);
    let submit = async |fields: &[(&str, &str)]| {
        page.clone().submit("/account/undo", &[&[("token", token.as_str())], fields].concat()).await
    };
    submit(&[]).await.expect(422);
    submit(&[("former_password", ""), ("new_password", ""), ("choice", "freeze")]).await.expect(303);
    assert_eq!(
        count(&post, "select count(*) from auth.email_changes where frozen_until is not null").await,
        1
    );
    let undo = |former| [("former_password", former), ("new_password", NEW), ("choice", "undo")];
    submit(&undo("wrong")).await.expect(403);
    submit(&undo(PASSWORD)).await.expect(303);
    sign_in(app, NEO, NEW).send().await.pair();
}
