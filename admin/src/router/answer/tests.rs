use std::convert::identity;

use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::super::under_way::MAX_AT_ONCE;
use shared::clock::SystemClock;

use super::*;
use crate::config::Config;
use crate::random::SystemRandom;
use crate::router::PROVIDER_PATHS;

fn router(routes: Vec<Route>) -> Arc<Router> {
    let key = "1:uAvl9cb5KvuCX9MrUQOhawFG6TbuH2NkyH3jCoPij6A=";
    let vars = std::collections::HashMap::from([
        ("DATABASE_URL", "postgres://unknown@127.0.0.1:1/nowhere".to_owned()),
        ("REDIS_URL", "redis://127.0.0.1:1".to_owned()),
        ("ADMIN_MASTER_KEYS", key.to_owned()),
        ("ADMIN_ISSUER", "https://cinema.test".to_owned()),
        ("ADMIN_AUDIENCE", "cinema".to_owned()),
    ]);
    let context = Context::new(
        Config::from_vars(&vars).unwrap(),
        PROVIDER_PATHS,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    Arc::new(Router::new(context, PageSite::Account, routes, UnderWay::default()))
}

fn head(path: &str) -> RequestHead {
    RequestHead {
        method: Method::GET,
        path: path.to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        peer: None,
    }
}

async fn ask(router: &Arc<Router>, path: &str) -> http::Response<Bytes> {
    Arc::clone(router).answer(head(path), stream::empty().boxed()).await
}

async fn code(response: http::Response<Bytes>) -> Value {
    assert!(response.headers().contains_key(request_id::HEADER));
    let body = response.into_body();
    serde_json::from_slice::<Value>(&body).unwrap()["code"].clone()
}

async fn fine(_: Request) -> Result<Response, Problem> {
    Ok(Response::empty(http::StatusCode::NO_CONTENT))
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    async fn panics(_: Request) -> Result<Response, Problem> {
        panic!("on purpose")
    }
    let routes = vec![
        Route::new(Method::GET, "/panic", panics, identity),
        Route::new(Method::GET, "/fine", fine, identity),
    ];
    let router = router(routes);
    let response = ask(&router, "/panic").await;
    assert_eq!(response.status(), 500);
    assert_eq!(code(response).await, "internal");
    assert_eq!(ask(&router, "/fine").await.status(), 204);
}

#[tokio::test]
async fn a_request_beyond_the_bound_is_refused_at_once_and_later_ones_are_served() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let waits = move |request| {
        let gate = Arc::clone(&waiting);
        async move {
            let _passed = gate.acquire().await;
            fine(request).await
        }
    };
    let router = router(vec![Route::new(Method::GET, "/wait", waits, identity)]);
    let all = futures_util::future::join_all((0..MAX_AT_ONCE).map(|_| ask(&router, "/wait")));
    let beyond = async {
        // The other requests are polled first, and wait.
        tokio::task::yield_now().await;
        let response = ask(&router, "/wait").await;
        gate.add_permits(1);
        response
    };
    let (served, refused) = tokio::join!(all, beyond);
    assert_eq!(refused.headers()[http::header::RETRY_AFTER], "1");
    assert_eq!(code(refused).await, "overloaded");
    assert!(served.iter().all(|response| response.status() == 204));
    assert_eq!(ask(&router, "/wait").await.status(), 204);
}

#[tokio::test]
async fn a_request_that_only_waits_leaves_its_place_to_another_one() {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let waits = move |request: Request| {
        let gate = Arc::clone(&waiting);
        async move {
            request.turn.give_back();
            let _passed = gate.acquire().await;
            fine(request).await
        }
    };
    let router = router(vec![
        Route::new(Method::GET, "/wait", waits, identity),
        Route::new(Method::GET, "/fine", fine, identity),
    ]);
    let all = futures_util::future::join_all((0..MAX_AT_ONCE).map(|_| ask(&router, "/wait")));
    let beyond = async {
        tokio::task::yield_now().await;
        let response = ask(&router, "/fine").await;
        gate.add_permits(1);
        response
    };
    let (waited, answered) = tokio::join!(all, beyond);
    assert_eq!(answered.status(), 204);
    assert!(waited.iter().all(|response| response.status() == 204));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_cancelled() {
    async fn hangs(_: Request) -> Result<Response, Problem> {
        std::future::pending().await
    }
    let router = router(vec![Route::new(Method::GET, "/hang", hangs, identity)]);
    assert_eq!(code(ask(&router, "/hang").await).await, "dependency_unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_refused() {
    let router = router(vec![Route::new(Method::GET, "/fine", fine, identity)]);
    let never = stream::pending().boxed();
    assert_eq!(code(Arc::clone(&router).answer(head("/fine"), never).await).await, "request_timeout");
}

#[tokio::test]
async fn requests_without_a_body_are_served_while_bodies_arrive_slowly() {
    let router = router(vec![Route::new(Method::GET, "/fine", fine, identity)]);
    let slow = || Arc::clone(&router).answer(head("/fine"), stream::pending().boxed());
    let mut arriving: Vec<_> = (0..=MAX_AT_ONCE).map(|_| Box::pin(slow())).collect();
    for request in &mut arriving {
        assert!(request.now_or_never().is_none());
    }
    assert_eq!(ask(&router, "/fine").await.status(), 204);
}

#[tokio::test]
async fn a_request_whose_client_hung_up_is_worked_on_and_waited_for() {
    let (gate, done) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (passed, did) = (Arc::clone(&gate), Arc::clone(&done));
    let waits = move |request| {
        let (passed, did) = (Arc::clone(&passed), Arc::clone(&did));
        async move {
            let _passed = passed.acquire().await;
            did.add_permits(1);
            fine(request).await
        }
    };
    let router = router(vec![Route::new(Method::GET, "/wait", waits, identity)]);
    assert!(ask(&router, "/wait").now_or_never().is_none());

    let under_way = router.under_way.clone();
    assert!(under_way.end().now_or_never().is_none(), "one is under way");
    gate.add_permits(1);
    under_way.end().await;
    assert_eq!(done.available_permits(), 1);
}

#[tokio::test]
async fn a_known_request_id_is_kept_and_others_are_replaced() {
    let router = router(vec![]);
    for (given, kept) in [(&["a-1.b_2"][..], true), (&["a b"], false), (&["a", "b"], false), (&[], false)] {
        let mut request = head("/");
        for id in given {
            request.headers.append(request_id::HEADER, HeaderValue::from_static(id));
        }
        let response = Arc::clone(&router).answer(request, stream::empty().boxed()).await;
        let answered = response.headers()[request_id::HEADER].to_str().unwrap().to_owned();
        assert_eq!(given.contains(&answered.as_str()), kept, "{given:?} {answered}");
        assert!(!response.body().is_empty());
    }
}
