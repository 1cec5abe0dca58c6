//! An upgrade as docs/operations.md describes it: the processes are restarted one after another under load, and no
//! request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use harness::Stack;
use harness::http::{Call, Reply, call, get, post};
use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::people::{PASSWORD, Pair, Person};
use crate::support::LIMIT;

/// What the load needs to know, and its results.
#[derive(Clone)]
struct Load {
    gateway: String,
    ends: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
}

impl Load {
    fn new(stack: &Stack) -> Self {
        Self { gateway: stack.gateway(""), ends: Arc::default(), asked: Arc::default() }
    }

    fn goes_on(&self) -> bool {
        !self.ends.load(Ordering::Relaxed)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.gateway)
    }

    /// Sends one request; any unexpected answer is a failure that a viewer would notice.
    async fn expect(&self, what: &str, status: u16, question: Call) -> Reply {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = question.try_send().await.unwrap_or_else(|why| panic!("{what}: {why}"));
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        answer
    }

    /// A user watches one film after another.
    async fn watch(self, pair: Pair) {
        while self.goes_on() {
            self.expect("a film", 200, get(&self.url("/api/v1/films/")).bearer(&pair.access)).await;
        }
    }

    /// A user's application refreshes all the time, and uses each new token at once.
    async fn refresh(self, mut pair: Pair) {
        while self.goes_on() {
            let body = json!({ "refresh_token": pair.refresh });
            let refresh = post(&self.url("/api/v1/auth/refresh")).json(&body);
            pair = Pair::of(&self.expect("a refresh", 200, refresh).await);
            self.expect("me", 200, get(&self.url("/api/v1/me")).bearer(&pair.access)).await;
            self.expect("a film", 200, get(&self.url("/api/v1/films/")).bearer(&pair.access)).await;
        }
    }

    /// A user signs in, watches a film and signs out; then the token is refused.
    async fn come_and_go(self, email: String) {
        while self.goes_on() {
            let body = json!({ "identifier": email, "password": PASSWORD });
            let login = post(&self.url("/api/v1/auth/login")).json(&body);
            let pair = Pair::of(&self.expect("a sign-in", 200, login).await);
            let film = || get(&self.url("/api/v1/films/")).bearer(&pair.access);
            self.expect("a film", 200, film()).await;
            let logout = call(Method::POST, &self.url("/api/v1/auth/logout")).bearer(&pair.access);
            self.expect("a sign-out", 204, logout).await;
            let acts = async {
                loop {
                    match film().send().await.status {
                        200 => {}
                        status => return status,
                    }
                }
            };
            let status = timeout(LIMIT, acts).await.expect("the sign-out acts");
            assert_eq!(status, 401, "a film after the sign-out");
        }
    }
}

/// Stops each process as an operator does and starts it again, once the previous one is ready.
async fn upgrade(stack: &mut Stack) {
    for sidecar in &mut stack.sidecars {
        sidecar.stop().await.unwrap();
        sidecar.start_again().unwrap();
        sidecar.ready().await.unwrap();
    }
    for admin in &mut stack.admins {
        admin.stop().await.unwrap();
        admin.start_again().await.unwrap();
    }
}

/// nginx's log lines for failed requests, and the last log lines of all other processes.
fn failures(stack: &Stack) -> String {
    let (requests, errors) = (stack.nginx.access_log(), stack.nginx.error_log());
    let failed = requests.lines().filter(|line| line.contains(r#""status":50"#));
    failed.chain(errors.lines()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_process_is_replaced_under_load_and_no_request_fails() {
    let mut stack = Stack::builder().admins(2).sidecars(2).start().await.unwrap();
    let load = Load::new(&stack);
    let (person, pair) = Person::signed_in(&stack).await;
    let mut people = JoinSet::new();
    for _ in 0..3 {
        people.spawn(load.clone().watch(pair.clone()));
        people.spawn(load.clone().refresh(person.sign_in(&stack).await));
    }
    people.spawn(load.clone().come_and_go(person.email.clone()));
    for _ in 0..2 {
        upgrade(&mut stack).await;
    }
    load.ends.store(true, Ordering::Relaxed);
    while let Some(ended) = people.join_next().await {
        ended.unwrap_or_else(|why| panic!("{why}; what nginx saw of it:\n{}", failures(&stack)));
    }
    let asked = load.asked.load(Ordering::Relaxed);
    assert!(asked > 500, "too few requests for a meaningful result: {asked}");
    let me = pair.ask(&stack, Method::GET, "/api/v1/me", &Value::Null).await;
    assert_eq!(me.status, 200);
}
