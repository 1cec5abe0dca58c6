//! Refreshes from another network or by another program.

use std::time::Duration;

use serde_json::json;

use super::refresh::{caused, change, from_elsewhere, from_nearby, rotated_ago, seen, signed_in};
use crate::support::until;
use crate::witness::{dead, refresh};

#[tokio::test]
async fn from_another_origin_a_lost_response_is_repeated_three_times_a_day() {
    let (app, pair) = signed_in().await;
    let child = refresh(&app, &pair.refresh).send().await.pair();
    rotated_ago(&app, "11 s").await;
    for _ in 0..2 {
        let again = caused(from_elsewhere(refresh(&app, &pair.refresh)).send().await, "retry");
        assert_eq!(again.refresh, child.refresh);
    }
    // A rotation does not reset the count.
    let grandchild = caused(refresh(&app, &child.refresh).send().await, "current");
    rotated_ago(&app, "11 s").await;
    caused(from_elsewhere(refresh(&app, &child.refresh)).send().await, "retry");
    from_elsewhere(refresh(&app, &child.refresh)).send().await.problem(401, "refresh_token_reused");
    dead(&app, &grandchild.access).await;
}

#[tokio::test]
async fn answers_elsewhere_are_forgotten_after_a_day() {
    let (app, pair) = signed_in().await;
    refresh(&app, &pair.refresh).send().await.pair();
    rotated_ago(&app, "11 s").await;
    let answers = "nearby_answers = array_fill(clock_timestamp(), array[20]),
                   elsewhere_answers = array[clock_timestamp() - interval '24 hours',
                                             clock_timestamp(), clock_timestamp()]";
    change(&app, answers).await;
    caused(from_elsewhere(refresh(&app, &pair.refresh)).send().await, "retry");
    from_elsewhere(refresh(&app, &pair.refresh)).send().await.problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn another_network_or_another_program_alone_is_accepted_twenty_times_a_day() {
    let (app, pair) = signed_in().await;
    refresh(&app, &pair.refresh).send().await.pair();
    rotated_ago(&app, "11 s").await;
    change(&app, "elsewhere_answers = array_fill(clock_timestamp(), array[3])").await;
    for number in 0..20 {
        let call = refresh(&app, &pair.refresh);
        let call = if number % 2 == 0 { from_nearby(call) } else { call.header("user-agent", "film/2") };
        caused(call.send().await, "retry");
    }
    assert_eq!(seen(&app).await, 20);
    caused(refresh(&app, &pair.refresh).send().await, "retry");
    from_nearby(refresh(&app, &pair.refresh)).send().await.problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn another_origin_is_limited_within_the_ten_seconds_too() {
    let (app, pair) = signed_in().await;
    let child = refresh(&app, &pair.refresh).send().await.pair();
    for _ in 0..3 {
        let again = caused(from_elsewhere(refresh(&app, &pair.refresh)).send().await, "concurrent");
        assert_eq!(again.refresh, child.refresh);
    }
    caused(refresh(&app, &pair.refresh).send().await, "concurrent");
    from_elsewhere(refresh(&app, &pair.refresh)).send().await.problem(401, "refresh_token_reused");
    dead(&app, &child.access).await;
    assert_eq!(seen(&app).await, 3);
}

#[tokio::test]
async fn any_number_of_refreshes_from_elsewhere_are_a_few_entries() {
    let (app, mut pair) = signed_in().await;
    app.begin_window(Duration::from_hours(1));
    for number in 0..25 {
        let call = refresh(&app, &pair.refresh).header("user-agent", &format!("program {number}"));
        pair = caused(call.send().await, "current");
    }
    let sql = app.sql().await;
    let counted =
        "select attempts from auth.login_history where event = 'refresh_elsewhere' and attempts = 5";
    until("the others are written", async || sql.query_opt(counted, &[]).await.unwrap()).await;
    assert_eq!(seen(&app).await, 21);
}

#[tokio::test]
async fn the_device_of_the_session_is_never_elsewhere() {
    let (app, pair) = signed_in().await;
    let on_device = |refresh: &str, device: &str| {
        let body = json!({ "refresh_token": refresh, "device_token": device });
        from_elsewhere(app.client.post("/api/v1/auth/refresh").json(&body)).send()
    };
    change(&app, "elsewhere_answers = array_fill(clock_timestamp(), array[3])").await;
    let child = caused(on_device(&pair.refresh, &pair.device).await, "current");
    rotated_ago(&app, "11 s").await;
    // Also with a token that was renewed since; from where the session has been before, and from where it has not.
    for device in [&pair.device, &child.device] {
        assert_eq!(caused(on_device(&pair.refresh, device).await, "retry").refresh, child.refresh);
    }
    let body = json!({ "refresh_token": pair.refresh, "device_token": child.device });
    let third = app.client.post("/api/v1/auth/refresh").json(&body).header("x-forwarded-for", "203.0.113.9");
    caused(third.header("user-agent", "film/3").send().await, "retry");
    assert_eq!(seen(&app).await, 0);
    // A device token of another session of the account is not the one of this session.
    let other = app.client.sign_in("neo@example.org").await;
    let body = json!({ "refresh_token": pair.refresh, "device_token": other.device });
    let strange =
        app.client.post("/api/v1/auth/refresh").json(&body).header("x-forwarded-for", "203.0.113.9");
    strange.header("user-agent", "film/3").send().await.problem(401, "refresh_token_reused");
}

#[tokio::test]
async fn the_newest_token_from_another_origin_is_in_the_history_and_not_limited() {
    let (app, pair) = signed_in().await;
    change(&app, "elsewhere_answers = array_fill(clock_timestamp(), array[3])").await;
    // The first one is compared with the sign-in.
    let next = caused(from_elsewhere(refresh(&app, &pair.refresh)).send().await, "current");
    assert_eq!(seen(&app).await, 1);
    let next = caused(from_elsewhere(refresh(&app, &next.refresh)).send().await, "current");
    assert_eq!(seen(&app).await, 1);
    caused(from_nearby(refresh(&app, &next.refresh)).send().await, "current");
    assert_eq!(seen(&app).await, 2);
}

#[tokio::test]
async fn another_program_on_the_same_network_is_nearby() {
    let (app, pair) = signed_in().await;
    refresh(&app, &pair.refresh).header("user-agent", "film/1").send().await.pair();
    rotated_ago(&app, "11 s").await;
    change(&app, "nearby_answers = array_fill(clock_timestamp(), array[20])").await;
    caused(refresh(&app, &pair.refresh).header("user-agent", "film/1").send().await, "retry");
    let other = refresh(&app, &pair.refresh).header("user-agent", "film/2").send().await;
    other.problem(401, "refresh_token_reused");
}
