//! A network from which an account signed in is not refused with strangers.

use std::time::Duration;

use serde_json::json;

use super::{STRANGER, guess, login_from, refused};
use crate::support::{Call, PASSWORD, TestApp};
use crate::witness::{change_password, superuser, user_of};

const NEO: &str = "neo@example.org";

#[tokio::test]
async fn a_known_network_gets_in_while_strangers_and_a_neighbour_guess() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    guess(&app, "192.0.2.99", NEO, 10).await;
    refused(&app, "192.0.2.99", NEO).await;
    login_from(&app, "192.0.2.50", NEO, PASSWORD).send().await.pair();
    refused(&app, "192.0.3.1", NEO).await;
}

#[tokio::test]
async fn a_new_user_signs_in_from_where_the_registration_came_while_strangers_guess() {
    let app = TestApp::start().await;
    let body = json!({ "email": NEO, "password": PASSWORD });
    let call = app.client.post("/api/v1/auth/register").json(&body);
    call.header("x-forwarded-for", "192.0.2.1").send().await.expect(201);
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    login_from(&app, "192.0.2.50", NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn neighbours_who_fill_a_known_network_leave_the_user_the_attempts_of_a_stranger() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    app.begin_window(Duration::from_mins(10));
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    for address in ["192.0.2.97", "192.0.2.98", "192.0.2.99"] {
        guess(&app, address, NEO, 10).await;
    }
    login_from(&app, "192.0.2.50", NEO, PASSWORD).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    let reply = refused(&app, "192.0.2.50", NEO).await;
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    // Ten failures of strangers weigh nine after eleven minutes, and the answer names ten at most.
    assert!((540..=600).contains(&seconds), "{seconds}");
    app.advance(Duration::from_secs(661));
    login_from(&app, "192.0.2.50", NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn an_address_in_a_known_network_has_thirty_failures_a_day_and_all_of_them_a_hundred() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    app.begin_window(Duration::from_hours(24));
    for network in 1..=5 {
        login_from(&app, &format!("10.0.{network}.1"), NEO, PASSWORD).send().await.pair();
    }
    for network in 1..=3 {
        for _ in 0..3 {
            guess(&app, &format!("10.0.{network}.9"), NEO, 10).await;
            app.advance(Duration::from_mins(20));
        }
    }
    // The fourth window of an address is that of a stranger.
    guess(&app, "10.0.3.9", NEO, 10).await;
    refused(&app, "10.0.3.9", NEO).await;
    guess(&app, "10.0.4.9", NEO, 10).await;
    refused(&app, "10.0.5.9", NEO).await;
    app.advance(Duration::from_mins(20));
    // That of the day is full, so a known network is a stranger too.
    guess(&app, "10.0.5.9", NEO, 10).await;
    refused(&app, "10.0.5.9", NEO).await;
    app.advance(Duration::from_hours(48));
    login_from(&app, "10.0.5.9", NEO, PASSWORD).send().await.pair();
}

#[tokio::test]
async fn what_ends_a_thiefs_sessions_makes_the_thiefs_network_unknown() {
    let app = TestApp::start().await;
    let root = superuser(&app).await;
    app.client.register(NEO).await.expect(201);
    let known = async || {
        let sql = "select host(prefix) from auth.known_networks k join auth.users u on u.id = k.user_id
                   where email_key = $1 and prefix <> '127.0.0.0' order by 1";
        let rows = app.sql().await.query(sql, &[&NEO]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let mut password = PASSWORD;
    for act in ["password", "logout-all", "evict"] {
        login_from(&app, "192.0.2.1", NEO, password).send().await.pair();
        let owner = login_from(&app, "192.0.3.1", NEO, password).send().await.pair();
        assert_eq!(known().await, ["192.0.2.0", "192.0.3.0"], "{act}");
        if act == "password" {
            let new = "another horse, another battery";
            let call = change_password(&app, &owner.access, new).header("x-forwarded-for", "192.0.3.9");
            call.send().await.pair();
            password = new;
            // The network of the session that stays.
            assert_eq!(known().await, ["192.0.3.0"]);
        } else {
            let path = format!("/api/v1/admin/users/{}/{act}", user_of(&owner));
            app.client.post(&path).bearer(&root.access).send().await.expect(200);
            assert_eq!(known().await, [""; 0], "{act}");
        }
        guess(&app, STRANGER, NEO, 10).await;
        let login = async |address| login_from(&app, address, NEO, password).send().await;
        login("192.0.2.1").await.problem(429, "too_many_attempts");
        let unlock = "update auth.users set attempt_epoch = attempt_epoch + 1";
        app.sql().await.batch_execute(unlock).await.unwrap();
    }
}

#[tokio::test]
async fn a_site_of_ipv6_is_known_by_its_48_bits() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    login_from(&app, "2001:db8:1:2::3", NEO, PASSWORD).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    login_from(&app, "2001:db8:1:ffff::1", NEO, PASSWORD).send().await.pair();
    refused(&app, "2001:db8:2::1", NEO).await;
}

#[tokio::test]
async fn a_network_is_known_for_thirty_days() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    let age = |days: i32| {
        format!("update auth.known_networks set signed_in_at = clock_timestamp() - interval '{days} days'")
    };
    app.sql().await.batch_execute(&age(29)).await.unwrap();
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    app.sql().await.batch_execute(&age(31)).await.unwrap();
    refused(&app, "192.0.2.1", NEO).await;
}

#[tokio::test]
async fn at_most_sixteen_networks_of_a_user_are_kept_the_latest_ones() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    for number in 0..20 {
        login_from(&app, &format!("10.0.{number}.1"), NEO, PASSWORD).send().await.pair();
    }
    let sql = "select host(prefix) from auth.known_networks order by signed_in_at";
    let rows = app.sql().await.query(sql, &[]).await.unwrap();
    let prefixes: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(prefixes, (4..20).map(|number| format!("10.0.{number}.0")).collect::<Vec<_>>());
}

#[tokio::test]
async fn parallel_sign_ins_from_many_networks_never_deadlock() {
    let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "1000")]).await;
    app.client.register(NEO).await.expect(201);
    // Ten attempts of strangers may be in progress for one name.
    for round in 0..6 {
        let networks = (0..8).map(|number| format!("10.0.{}.1", round % 3 * 8 + number));
        let calls: Vec<_> = networks.map(|address| login_from(&app, &address, NEO, PASSWORD)).collect();
        let calls = calls.into_iter().map(Call::send);
        for reply in futures_util::future::join_all(calls).await {
            reply.pair();
        }
    }
    let count = app.sql().await.query_one("select count(*) from auth.known_networks", &[]).await.unwrap();
    assert!((16..=24).contains(&count.get::<_, i64>(0)), "{count:?}");
}
