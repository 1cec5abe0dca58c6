//! A network from which an account signed in is not refused with strangers.

use super::{STRANGER, guess, login_from, refused};
use crate::support::{Call, PASSWORD, TestApp};

const NEO: &str = "neo@example.org";

#[tokio::test]
async fn a_known_network_gets_in_while_strangers_guess_and_has_ten_failures_of_its_own() {
    let app = TestApp::start().await;
    app.client.register(NEO).await.expect(201);
    login_from(&app, "192.0.2.1", NEO, PASSWORD).send().await.pair();
    guess(&app, STRANGER, NEO, 10).await;
    refused(&app, STRANGER, NEO).await;
    guess(&app, "192.0.2.99", NEO, 9).await;
    login_from(&app, "192.0.2.50", NEO, PASSWORD).send().await.pair();
    guess(&app, "192.0.2.99", NEO, 1).await;
    refused(&app, "192.0.2.50", NEO).await;
    refused(&app, "192.0.3.1", NEO).await;
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
