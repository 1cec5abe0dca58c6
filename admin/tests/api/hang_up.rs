//! A request that was read completely is carried out, however its client leaves.

use harness::hang_up::{Departure, hang_up};
use serde_json::json;

use crate::support::{Pair, TestApp, until};

/// Sign-outs as clients write them.
fn sign_outs(pair: &Pair) -> [String; 3] {
    let bearer = format!("authorization: Bearer {}\r\n", pair.access);
    let body = json!({ "refresh_token": pair.refresh }).to_string();
    let length = body.len();
    [
        format!("POST /api/v1/auth/logout HTTP/1.1\r\nhost: a\r\n{bearer}connection: close\r\n\r\n"),
        format!("POST /api/v1/auth/logout HTTP/1.0\r\n{bearer}\r\n"),
        format!(
            "POST /api/v1/auth/logout HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    ]
}

async fn await_end_of_all_sessions(app: &TestApp, what: &str) {
    let sql = app.sql().await;
    let live = "select 1 from auth.sessions where revoked_at is null limit 1";
    until(what, async || sql.query_opt(live, &[]).await.unwrap().is_none().then_some(())).await;
}

#[tokio::test]
async fn a_sign_out_happens_however_its_client_leaves() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    for departure in Departure::ALL {
        for form in 0..3 {
            for round in 0..3 {
                let pair = app.client.sign_in("neo@example.org").await;
                hang_up(app.client.base(), sign_outs(&pair)[form].as_bytes(), departure).await.unwrap();
                await_end_of_all_sessions(&app, &format!("{departure:?}, form {form}, round {round}")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_pipelined_sign_out_happens_too() {
    let app = TestApp::start().await;
    app.client.register("neo@example.org").await.expect(201);
    for departure in [Departure::Close, Departure::HalfClose] {
        let pairs =
            [app.client.sign_in("neo@example.org").await, app.client.sign_in("neo@example.org").await];
        let [first, second] = pairs.map(|pair| sign_outs(&pair)[0].replace("connection: close\r\n", ""));
        hang_up(app.client.base(), (first + &second).as_bytes(), departure).await.unwrap();
        await_end_of_all_sessions(&app, &format!("{departure:?}")).await;
    }
}
