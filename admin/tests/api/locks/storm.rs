//! Everything at once: nothing waits without end, nothing fails, nothing survives.

use futures_util::future::join_all;

use crate::support::{Call, PASSWORD, Pair, Reply, TestApp};
use crate::witness::{change_password, claims, dead, refresh, sign_in, standing};

/// What returned a token pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// A sign-in before the storm.
    Before,
    SignIn,
    Refresh,
    /// The password change, for the session that it keeps.
    Change,
    /// A call that returns no pair.
    SignOut,
}

#[tokio::test]
async fn concurrent_calls_never_deadlock_and_leave_no_revoked_token_valid() {
    let app = TestApp::start_with(&[("ADMIN_DATABASE_CONNECTIONS", "24")]).await;
    let mut pairs = vec![(By::Before, app.client.new_user("neo@example.org").await)];
    for _ in 0..3 {
        pairs.push((By::Before, app.client.sign_in("neo@example.org").await));
    }
    let first = generation(&pairs[0].1);

    let (made_by, calls): (Vec<By>, Vec<Call>) = storm(&app, &pairs).into_iter().unzip();
    let replies = join_all(calls.into_iter().map(Call::send)).await;

    assert!(replies.iter().all(|reply| reply.status < 500), "{replies:#?}");
    let gave = |(_, reply): &(By, Reply)| reply.status == 200 && reply.text.contains("access_token");
    let minted = made_by.into_iter().zip(replies).filter(gave);
    pairs.extend(minted.map(|(by, reply)| (by, reply.pair())));

    let last: i64 = {
        let generation = "select token_generation from auth.users";
        app.sql().await.query_one(generation, &[]).await.unwrap().get(0)
    };
    let last = last.cast_unsigned();
    assert!(last > first, "all users were signed out");
    look(&app, &pairs, last).await;
}

/// Four refreshes and a sign-in for each session, and three calls that revoke, all sent at once.
fn storm(app: &TestApp, pairs: &[(By, Pair)]) -> Vec<(By, Call)> {
    let mut calls = Vec::new();
    for (_, pair) in pairs {
        calls.extend((0..4).map(|_| (By::Refresh, refresh(app, &pair.refresh))));
        calls.push((By::SignIn, sign_in(app, "neo@example.org", PASSWORD)));
    }
    let sign_out = |path: &str, access: &str| (By::SignOut, app.client.post(path).bearer(access));
    calls.push(sign_out("/api/v1/auth/logout", &pairs[1].1.access));
    let change = change_password(app, &pairs[2].1.access, "another horse, another battery");
    calls.push((By::Change, change));
    calls.push(sign_out("/api/v1/auth/logout-all", &pairs[3].1.access));
    calls
}

/// Checks before anything else is revoked: only sessions that signed in after the last revocation may be
/// active, and the one that it kept. First the access tokens, then the dead refresh tokens, which change
/// nothing, and last the live ones, which do.
async fn look(app: &TestApp, pairs: &[(By, Pair)], last: u64) {
    let (alive, over): (Vec<_>, Vec<_>) = pairs
        .iter()
        .partition(|(by, pair)| generation(pair) == last && matches!(by, By::SignIn | By::Change));
    for (_, pair) in &over {
        dead(app, &pair.access).await;
    }
    for (_, pair) in &alive {
        standing(app, &pair.access).await;
    }
    for (by, pair) in &over {
        let reply = refresh(app, &pair.refresh).send().await;
        assert_eq!(reply.status, 401, "{by:?} {reply:?}");
    }
    for (_, pair) in &alive {
        refresh(app, &pair.refresh).send().await.pair();
    }
}

fn generation(pair: &Pair) -> u64 {
    claims(&pair.access)["gen"].as_u64().unwrap()
}
