//! A link that waits for the user: what it shows, confirming it through another provider, and declining the account.

use mock_providers::Provider::{GitHub, Google, MailRu, Vk, X, Yandex};
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Cinema, Command, PAGE, PASSWORD, Pair, Reply};
use crate::witness::{alive, dead, superuser, user_of};

const NEO: &str = "neo@example.org";
/// An address for which Google is authoritative.
const GMAIL: &str = "neo@gmail.com";

/// A user with a password and this address, unverified, and a browser with a link from Google that waits.
async fn waiting(cinema: &Cinema, email: &str) -> (Pair, Browser, String) {
    let neo = cinema.app.client.new_user(email).await;
    cinema.add_person(Google, "neo", Some(email), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Google, "neo").await;
    (neo, browser, flow)
}

async fn change(cinema: &Cinema, sql: &str) {
    cinema.app.sql().await.batch_execute(sql).await.unwrap();
}

async fn count(cinema: &Cinema, sql: &str) -> i64 {
    cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_waiting_link_shows_the_account_and_what_confirms_it() {
    let cinema = Cinema::start().await;
    let (neo, browser, flow) = waiting(&cinema, NEO).await;
    change(&cinema, "update auth.users set created_at = '2024-02-29T23:59:59Z'").await;
    cinema.browser().try_to_link(&neo, Yandex, "anna").await.expect(200);
    let shown = json!({
        "provider": "google",
        "name": "Google",
        "methods": ["password", "provider:yandex", "decline"],
        "account": { "created_in": "2024-02", "has_role": false },
        "frozen_until": null,
        "decline_gives_email": false,
        "decline_needs_code": false
    });
    assert_eq!(browser.show_link(&flow).await.expect(200).json(), shown);
    // Looking uses nothing up.
    assert_eq!(browser.show_link(&flow).await.expect(200).json(), shown);
    crate::witness::make_role(&cinema.app, "subscriber", &["films:watch"], &[]).await;
    let assign =
        "insert into auth.user_roles (user_id, role_id) select u.id, r.id from auth.users u, auth.roles r";
    change(&cinema, assign).await;
    let shown = browser.show_link(&flow).await.expect(200).json();
    assert_eq!(shown["account"]["has_role"], true);
    // Of another browser, and of none.
    cinema.browser().show_link(&flow).await.problem(410, "code_expired");
    browser.show_link(&"a".repeat(43)).await.problem(410, "code_expired");
}

#[tokio::test]
async fn a_link_is_confirmed_through_another_linked_provider() {
    let cinema = Cinema::start().await;
    let first = cinema.browser().sign_in(GitHub, "anna").await;
    cinema.add_person(Google, "same", Some("anna@github.example.org"), true);
    let mut browser = cinema.browser();
    let (flow, methods) = browser.must_confirm(Google, "same").await;
    assert_eq!(methods, ["provider:github", "decline"]);
    let pair = browser.confirm_through(&flow, GitHub, "anna").await.pair();
    assert_eq!(user_of(&pair), user_of(&first));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 6), ("google".to_owned(), 7)]);
    // The address was verified before, so nothing ends.
    alive(&cinema.app, &first.access).await;
    assert_eq!(user_of(&cinema.browser().sign_in(Google, "same").await), user_of(&first));
}

#[tokio::test]
async fn a_thiefs_session_and_linked_account_do_not_survive_the_owners_first_proof() {
    let cinema = Cinema::start().await;
    let owner = cinema.app.client.new_user(NEO).await;
    cinema.browser().try_to_link(&owner, GitHub, "boris").await.expect(200);
    // The thief has a session, and links an account of their own; long ago, so that it is not a recent one.
    let thief = cinema.app.client.sign_in(NEO).await;
    cinema.browser().try_to_link(&thief, X, "anna").await.expect(200);
    change(&cinema, "update auth.oauth_accounts set linked_at = linked_at - interval '31 days'").await;
    cinema.add_person(Google, "neo", Some(NEO), true);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Google, "neo").await;
    let pair = browser.confirm_through(&flow, GitHub, "boris").await.pair();
    assert_eq!(user_of(&pair), user_of(&owner));
    assert_eq!(cinema.linked(&pair).await, [("github".to_owned(), 4), ("google".to_owned(), 8)]);
    assert_eq!(cinema.me(&pair).await["email_verified"], true);
    for ended in [&owner, &thief] {
        dead(&cinema.app, &ended.access).await;
        cinema.app.client.refresh(&ended.refresh).await.problem(401, "session_revoked");
    }
    let by_the_thief = cinema.browser().sign_in(X, "anna").await;
    assert_ne!(user_of(&by_the_thief), user_of(&owner));
    let told = "select count(*) from auth.login_history where event = 'email_verified'";
    assert_eq!(count(&cinema, told).await, 1);
}

#[tokio::test]
async fn an_identity_that_is_not_linked_confirms_nothing() {
    let cinema = Cinema::start().await;
    let (neo, mut browser, flow) = waiting(&cinema, NEO).await;
    let problem = browser.confirm_through(&flow, GitHub, "anna").await;
    problem.problem(422, "validation_failed");
    cinema.browser().try_to_link(&neo, GitHub, "boris").await.expect(200);
    // Another person there, with and without an account here.
    cinema.browser().sign_in(GitHub, "anna").await;
    for stranger in ["anna", "clara"] {
        let asked = browser.confirm_through(&flow, GitHub, stranger).await;
        let asked = asked.problem(409, "link_confirmation_required");
        let next = asked["flow"].as_str().unwrap();
        assert_ne!(next, flow);
        browser.show_link(next).await.expect(200);
    }
    browser.confirm_through(&flow, GitHub, "refuse").await.problem(403, "access_denied");
    assert_eq!(count(&cinema, "select count(*) from auth.oauth_accounts where provider = 'google'").await, 0);
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 2);
    // The first flow is still valid.
    browser.confirm(&flow, PASSWORD).await.pair();
}

#[tokio::test]
async fn a_page_confirms_through_another_provider_with_a_one_time_code() {
    let cinema = Cinema::start().await;
    let (neo, mut browser, flow) = waiting(&cinema, NEO).await;
    cinema.browser().try_to_link(&neo, GitHub, "boris").await.expect(200);
    let start = async |browser: &Browser, body: serde_json::Value| -> Reply {
        browser.call(Method::POST, "/api/v1/oauth/link/provider").json(&body).send().await
    };
    let elsewhere = json!({ "flow": flow, "provider": "github", "return_to": "https://evil.example/" });
    start(&browser, elsewhere).await.problem(422, "return_to_not_allowed");
    let body = json!({ "flow": flow, "provider": "github", "return_to": PAGE });
    start(&cinema.browser(), body.clone()).await.problem(410, "code_expired");
    let started = start(&browser, body).await.expect(200);
    browser.keep(&started);
    let at = started.json()["authorize_url"].as_str().unwrap().parse().unwrap();
    let back = browser.choose(&at, "boris").await;
    // Not in another browser.
    cinema.browser().call_back(&back).await.problem(400, "state_invalid");
    let page = browser.call_back(&back).await.expect(303).header("location").to_owned();
    assert_eq!(browser.call_back(&back).await.expect(303).header("location"), page, "repeated");
    let code = page.split_once("one_time_code=").unwrap().1;
    let body = json!({ "one_time_code": code });
    let pair = browser.call(Method::POST, "/api/v1/oauth/exchange").json(&body).send().await.pair();
    assert_eq!(user_of(&pair), user_of(&neo));
}

#[tokio::test]
async fn declining_gives_the_address_to_the_user_of_the_mailbox_and_leaves_the_rest() {
    let cinema = Cinema::start().await;
    let (other, browser, flow) = waiting(&cinema, GMAIL).await;
    cinema.browser().try_to_link(&other, X, "boris").await.expect(200);
    assert_eq!(browser.show_link(&flow).await.expect(200).json()["decline_gives_email"], true);
    let owner = browser.decline(&flow).await.pair();
    assert_ne!(user_of(&owner), user_of(&other));
    let me = cinema.me(&owner).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(GMAIL), &json!(true)));
    assert_eq!(cinema.linked(&owner).await, [("google".to_owned(), 8)]);
    // The other account keeps its sessions, password and linked accounts, and is asked for another address.
    let me = cinema.me(&other).await;
    assert_eq!(
        (&me["email"], &me["needs_email"], &me["has_password"]),
        (&json!(null), &json!(true), &json!(true))
    );
    let refreshed = cinema.app.client.refresh(&other.refresh).await.pair();
    assert_eq!(cinema.linked(&refreshed).await, [("x".to_owned(), 4)]);
    let new = json!({ "email": "other@example.org", "current_password": PASSWORD });
    let put = cinema.app.client.put("/api/v1/me/email").bearer(&refreshed.access).json(&new);
    let other = put.send().await.pair();
    assert_eq!(cinema.me(&other).await["needs_email"], false);
    // Its login history shows the event, without the address of the owner.
    let told = "select count(*) from auth.login_history
                where event = 'email_claimed' and address is null and user_agent is null";
    assert_eq!(count(&cinema, told).await, 1);
}

#[tokio::test]
async fn operators_find_an_account_by_its_former_address_for_twelve_months() {
    let cinema = Cinema::start().await;
    let (other, browser, flow) = waiting(&cinema, GMAIL).await;
    browser.decline(&flow).await.pair();
    let root = superuser(&cinema.app).await;
    let found = async |email: &str| {
        let path = format!("/api/v1/admin/users?former_email={email}");
        let reply = cinema.app.client.get(&path).bearer(&root.access).send().await.expect(200).json();
        reply["items"].as_array().unwrap().iter().map(|item| item["user_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("Neo%40GMail.com").await, [json!(user_of(&other))]);
    assert!(found("trinity%40gmail.com").await.is_empty());
    let args = ["users", "find", "--former-email", "Neo@GMail.com", "--json"];
    let out = Command::new(&cinema.app.vars, &args).run().await.succeeded();
    assert!(out.lines().count() == 1 && out.contains(&user_of(&other).to_string()), "{out}");
    // The address itself is not stored.
    let stored = "select count(*) from auth.former_emails f where f::text like '%gmail%'";
    assert_eq!(
        (count(&cinema, "select count(*) from auth.former_emails").await, count(&cinema, stored).await),
        (1, 0)
    );
    for (age, left) in [("364 days", 1), ("367 days", 0)] {
        let sql = format!(
            "update auth.former_emails set withdrawn_at = clock_timestamp() - interval '{age}'; delete from auth.purges"
        );
        change(&cinema, &sql).await;
        // A new replica looks at once for what is old, if that was not done within the hour.
        let replica = cinema.app.replica().await;
        let finished = "select count(*) from auth.purges where name = 'former_emails'";
        crate::support::until("old rows are removed", async || {
            (count(&cinema, finished).await == 1).then_some(())
        })
        .await;
        assert_eq!(count(&cinema, "select count(*) from auth.former_emails").await, left, "{age}");
        drop(replica);
    }
}

#[tokio::test]
async fn declining_takes_nothing_where_the_provider_does_not_operate_the_mailbox_or_the_address_is_verified()
{
    let cinema = Cinema::start().await;
    // GitHub vouches for the address, but it may have another owner by now.
    let stays = async |email: &str, provider, is_verified: bool| {
        let other = cinema.app.client.new_user(email).await;
        if is_verified {
            change(&cinema, "update auth.users set verified_email_key = email_key").await;
        }
        cinema.add_person(provider, "owner", Some(email), true);
        let mut browser = cinema.browser();
        let (flow, _) = browser.must_confirm(provider, "owner").await;
        let new = browser.decline(&flow).await.pair();
        assert_ne!(user_of(&new), user_of(&other));
        assert_eq!(cinema.me(&new).await["email"], json!(null), "{email}");
        let me = cinema.me(&other).await;
        assert_eq!((&me["email"], &me["needs_email"]), (&json!(email), &json!(false)));
    };
    stays("a@gmail.com", GitHub, false).await;
    stays("b@example.org", X, false).await;
    stays("c@gmail.com", Google, true).await;
}

#[tokio::test]
async fn an_operators_mistyped_address_is_not_taken_and_opens_nothing() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_LINK_VERIFIED", "auto")]).await;
    let (root, mut browser, flow) = waiting(&cinema, GMAIL).await;
    change(&cinema, "update auth.users set is_superuser = true").await;
    assert_eq!(browser.show_link(&flow).await.expect(200).json()["decline_gives_email"], false);
    let stranger = browser.decline(&flow).await.pair();
    assert_eq!(cinema.me(&stranger).await["email"], json!(null));
    assert_eq!(cinema.me(&root).await["email"], GMAIL);
    // Even a verified one is not linked without a confirmation, whatever the operator allows for others.
    change(&cinema, "update auth.users set verified_email_key = email_key").await;
    cinema.add_person(GitHub, "neo", Some(GMAIL), true);
    let (flow, methods) = browser.must_confirm(GitHub, "neo").await;
    assert_eq!(methods, ["password", "decline"]);
    assert_eq!(user_of(&browser.confirm(&flow, PASSWORD).await.pair()), user_of(&root));
}

#[tokio::test]
async fn declining_requires_that_the_account_was_seen() {
    let cinema = Cinema::start().await;
    let (_, browser, flow) = waiting(&cinema, GMAIL).await;
    let decline = async |body: serde_json::Value| {
        browser.call(Method::POST, "/api/v1/oauth/link/decline").json(&body).send().await
    };
    for body in [
        json!({ "flow": flow }),
        json!({ "flow": flow, "created_in": "1999-12" }),
        json!({ "flow": flow, "created_in": "1999-1" }),
        json!({ "flow": flow, "created_in": "199912-" }),
    ] {
        decline(body).await.problem(422, "validation_failed");
    }
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 1);
    let once = browser.decline(&flow).await.pair();
    let month = &cinema.me(&once).await["created_at"].as_str().unwrap()[..7].to_owned();
    // The same request again has the same session; and nothing else is possible any more.
    let again = decline(json!({ "flow": flow, "created_in": month })).await.pair();
    assert_eq!(again.session, once.session);
    browser.show_link(&flow).await.problem(410, "code_expired");
    browser.confirm(&flow, PASSWORD).await.problem(410, "code_expired");
    assert_eq!(count(&cinema, "select count(*) from auth.users").await, 2);
}

#[tokio::test]
async fn a_link_that_was_overtaken_declines_nothing() {
    let cinema = Cinema::start().await;
    for sql in [
        // What ends all sessions ends the link.
        "update auth.users set token_generation = token_generation + 1",
        // Another account has the address now.
        "update auth.users set email = null, email_key = null;
         insert into auth.users (id, email, email_key) values (gen_random_uuid(), 'neo@gmail.com', 'neo@gmail.com')",
    ] {
        change(&cinema, "delete from auth.users").await;
        let (_, browser, flow) = waiting(&cinema, GMAIL).await;
        let month = browser.show_link(&flow).await.expect(200).json()["account"]["created_in"].clone();
        change(&cinema, sql).await;
        let body = json!({ "flow": flow, "created_in": month });
        let reply = browser.call(Method::POST, "/api/v1/oauth/link/decline").json(&body).send().await;
        reply.problem(410, "code_expired");
    }
    assert_eq!(count(&cinema, "select count(*) from auth.oauth_accounts").await, 0);
}

#[tokio::test]
async fn all_addresses_of_one_yandex_mailbox_are_one() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
    let neo = cinema.app.client.new_user("neo@narod.ru").await;
    cinema.add_person(Yandex, "neo", Some("Neo@Yandex.ru"), false);
    let mut browser = cinema.browser();
    let (flow, _) = browser.must_confirm(Yandex, "neo").await;
    assert_eq!(user_of(&browser.confirm(&flow, PASSWORD).await.pair()), user_of(&neo));
    let me = cinema.me(&neo).await;
    assert_eq!((&me["email"], &me["email_verified"]), (&json!("neo@narod.ru"), &json!(true)));
    // Mail.ru's domains have different people, and VK ID vouches for no address.
    cinema.app.client.new_user("neo@bk.ru").await;
    cinema.add_person(MailRu, "neo", Some("neo@mail.ru"), false);
    let pair = cinema.browser().sign_in(MailRu, "neo").await;
    assert_eq!(cinema.me(&pair).await["email"], "neo@mail.ru");
    cinema.add_person(Vk, "neo", Some("neo@vk.com"), false);
    cinema.browser().try_to_sign_in(Vk, "neo").await.problem(409, "email_proof_required");
}

#[tokio::test]
async fn of_several_accounts_with_one_mailbox_the_verified_one_counts() {
    let cinema = Cinema::start().await;
    for email in ["neo@yandex.ru", "neo@ya.ru", "neo@narod.ru"] {
        cinema.app.client.new_user(email).await;
    }
    let held_by = async |flow: &str, browser: &Browser| {
        browser.confirm(flow, PASSWORD).await;
        let sql = "select u.email from auth.users u join auth.oauth_accounts a on a.user_id = u.id";
        let email: String = cinema.app.sql().await.query_one(sql, &[]).await.unwrap().get(0);
        change(&cinema, "delete from auth.oauth_accounts; update auth.users set verified_email_key = null")
            .await;
        email
    };
    cinema.add_person(Yandex, "neo", Some("neo@ya.ru"), false);
    for (verified, expected) in
        [("", "neo@ya.ru"), ("neo@narod.ru", "neo@narod.ru"), ("neo@yandex.ru", "neo@yandex.ru")]
    {
        let verify =
            format!("update auth.users set verified_email_key = email_key where email_key = '{verified}'");
        change(&cinema, &verify).await;
        let mut browser = cinema.browser();
        let (flow, _) = browser.must_confirm(Yandex, "neo").await;
        assert_eq!(held_by(&flow, &browser).await, expected, "{verified}");
    }
    change(&cinema, "update auth.users set status = 'disabled', verified_email_key = email_key where email_key = 'neo@narod.ru'").await;
    cinema.browser().try_to_sign_in(Yandex, "neo").await.problem(403, "account_disabled");
}

/// A thief's identity is unlinked while its confirmation waits for the account.
#[tokio::test]
async fn an_identity_that_is_unlinked_meanwhile_confirms_nothing() {
    for asks in [false, true] {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
        let (neo, mut browser, mut flow) = waiting(&cinema, NEO).await;
        cinema.browser().try_to_link(&neo, GitHub, "boris").await.expect(200);
        if asks {
            (flow, _) = browser.is_offered(Vk, "anna").await;
        }
        let back = browser.begin_confirmation(&flow, GitHub, "boris").await.unwrap();
        let mut holder = cinema.app.sql().await;
        let tx = holder.transaction().await.unwrap();
        tx.batch_execute("select from auth.users for update; delete from auth.oauth_accounts").await.unwrap();
        let confirming = crate::witness::beside(browser.call(Method::GET, &back));
        crate::witness::blocked(tx.client(), 1).await;
        tx.commit().await.unwrap();
        let code = if asks { "email_proof_offered" } else { "link_confirmation_required" };
        confirming.await.unwrap().problem(409, code);
        assert_eq!(cinema.linked(&neo).await, []);
    }
}

#[tokio::test]
async fn failed_confirmations_at_a_provider_are_counted_from_flow_to_flow() {
    let cinema = Cinema::start().await;
    let (neo, mut browser, mut flow) = waiting(&cinema, NEO).await;
    cinema.browser().try_to_link(&neo, GitHub, "boris").await.expect(200);
    for _ in 0..4 {
        let problem = browser.confirm_through(&flow, GitHub, "clara").await;
        flow = problem.problem(409, "link_confirmation_required")["flow"].as_str().unwrap().to_owned();
    }
    browser.confirm_through(&flow, GitHub, "clara").await.problem(410, "code_expired");
}

/// A stranger registers the address, and is disabled.
#[tokio::test]
async fn a_disabled_account_that_never_verified_the_address_keeps_nobody_out() {
    let cinema = Cinema::start().await;
    let stranger = cinema.app.client.new_user("neo@ya.ru").await;
    change(&cinema, "update auth.users set status = 'disabled'").await;
    cinema.add_person(Yandex, "neo", Some("neo@ya.ru"), true);
    let neo = cinema.browser().sign_in(Yandex, "neo").await;
    assert_ne!(user_of(&neo), user_of(&stranger));
    assert_eq!(cinema.me(&neo).await["email"], json!(null));
    change(&cinema, "update auth.users set verified_email_key = email_key").await;
    cinema.add_person(Yandex, "trinity", Some("neo@ya.ru"), true);
    cinema.browser().try_to_sign_in(Yandex, "trinity").await.problem(403, "account_disabled");
}
