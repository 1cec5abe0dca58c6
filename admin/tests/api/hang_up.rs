//! A request that was read completely is carried out, however its client leaves.

use harness::hang_up::{Departure, hang_up, pipelined_sign_out, sign_outs};

use crate::support::{TestApp, until};

async fn await_end_of_all_sessions(app: &TestApp, what: &str) {
    let sql = app.sql().await;
    let live = "select 1 from auth.sessions where revoked_at is null limit 1";
    until(what, async || sql.query_opt(live, &[]).await.unwrap().is_none().then_some(())).await;
}

#[tokio::test]
async fn a_sign_out_happens_however_its_client_leaves() {
    let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "1000")]).await;
    app.client.register("neo@example.org").await.expect(201);
    for departure in Departure::ALL {
        for form in 0..3 {
            for round in 0..3 {
                let pair = app.client.sign_in("neo@example.org").await;
                hang_up(
                    app.client.base(),
                    sign_outs(&pair.access, &pair.refresh)[form].as_bytes(),
                    departure,
                )
                .await
                .unwrap();
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
        let [first, second] = pairs.map(|pair| pipelined_sign_out(&pair.access));
        hang_up(app.client.base(), (first + &second).as_bytes(), departure).await.unwrap();
        await_end_of_all_sessions(&app, &format!("{departure:?}")).await;
    }
}
