//! nginx and the sidecar together, with tokens signed by a key of the tests.

use harness::http::{call, get, post, raw};
use harness::nginx::{Machine, Nginx};
use harness::wait::until;
use harness::{Folder, Origin};
use hyper::Method;
use serde_json::json;

use crate::support::{Cinema, LIMIT, claims, counter, now};

const CHALLENGE: &str = "www-authenticate";

#[tokio::test]
async fn a_valid_token_reaches_the_origin_as_an_identity_and_not_as_a_token() {
    let cinema = Cinema::start().await;
    let claims = claims(|claims| claims["roles"] = json!(["critic", "subscriber"]));
    let token = cinema.mint.token(&claims);
    let answer = get(&cinema.url("/api/v1/films/")).bearer(&token).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.field("/received/X-User-Id"), claims["sub"].as_str().unwrap());
    assert_eq!(answer.field("/received/X-Session-Id"), claims["sid"].as_str().unwrap());
    assert_eq!(answer.field("/received/X-User-Roles"), "critic,subscriber");
    assert_eq!(answer.field("/received/X-Request-Id"), answer.find_header("x-request-id").unwrap());
    assert_eq!(answer.json()["received"]["Authorization"], false);
}

#[tokio::test]
async fn without_a_token_the_challenge_is_bare() {
    let cinema = Cinema::start().await;
    for path in ["/api/v1/films/", "/api/v1/watch/", "/api/v1/downloads/", "/api/v1/account/"] {
        let answer = get(&cinema.url(path)).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "token_missing"), "{path}");
        assert_eq!(answer.find_header(CHALLENGE), Some("Bearer realm=\"cinema\""));
        assert_eq!(answer.header_count(CHALLENGE), 1);
    }
}

#[tokio::test]
async fn invalid_tokens_are_refused_with_a_reason() {
    let cinema = Cinema::start().await;
    let good = cinema.token(|_| {});
    let expired = cinema.token(|claims| {
        claims["iat"] = json!(now() - 1000);
        claims["exp"] = json!(now() - 100);
    });
    let tokens = [
        ("cut", good[..good.len() - 5].to_owned(), "token_invalid"),
        ("nonsense", "not.a.token".to_owned(), "token_invalid"),
        ("expired", expired, "token_expired"),
        ("another key", forge::Mint::new().token(&claims(|_| {})), "token_invalid"),
        (
            "another issuer",
            cinema.token(|claims| claims["iss"] = json!("https://else.test")),
            "token_invalid",
        ),
        ("another audience", cinema.token(|claims| claims["aud"] = json!("else")), "token_invalid"),
        ("no signature", cinema.mint.unsigned(&claims(|_| {})), "token_invalid"),
        ("public key as secret", cinema.mint.hs256_with_public_key(&claims(|_| {})), "token_invalid"),
    ];
    for (what, token, code) in tokens {
        let answer = get(&cinema.url("/api/v1/films/")).bearer(&token).send().await;
        assert_eq!((answer.status, answer.code().as_str()), (401, code), "{what}");
        assert!(answer.find_header(CHALLENGE).unwrap().contains("error=\"invalid_token\""), "{what}");
        assert_eq!(answer.header_count(CHALLENGE), 1, "{what}");
    }
}

#[tokio::test]
async fn a_missing_role_is_a_problem_403_with_its_challenge() {
    let cinema = Cinema::start().await;
    let token = cinema.token(|claims| claims["roles"] = json!(["critic"]));
    let answer = get(&cinema.url("/api/v1/watch/")).bearer(&token).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "insufficient_scope"));
    let challenge = "Bearer realm=\"cinema\", error=\"insufficient_scope\", error_description=";
    assert!(answer.find_header(CHALLENGE).unwrap().starts_with(challenge));
    assert_eq!(get(&cinema.url("/api/v1/films/")).bearer(&token).send().await.status, 200);
}

#[tokio::test]
async fn the_permissions_of_a_role_come_from_the_map_and_include_inherited_ones() {
    let cinema = Cinema::start().await;
    let url = |path: &str| cinema.url(path);
    let with = |role: &str| cinema.token(|claims| claims["roles"] = json!([role]));
    let answer = get(&url("/api/v1/downloads/metropolis")).bearer(&with("collector")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.field("/received/X-User-Roles"), "collector");
    let inherited = get(&url("/api/v1/watch/metropolis")).bearer(&with("collector")).send().await;
    assert_eq!(inherited.status, 200, "{}", inherited.text);
    let answer = get(&url("/api/v1/downloads/metropolis")).bearer(&with("subscriber")).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "insufficient_scope"));
    let cookie = format!("__Host-access={}", with("collector"));
    let answer = get(&url("/api/v1/downloads/metropolis")).header("Cookie", &cookie).send().await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn without_a_role_map_only_locations_that_demand_a_role_are_closed() {
    let cinema = Cinema::start().await;
    cinema.redis.command("HDEL usher:{rev}:meta roles").unwrap();
    let token = cinema.token(|_| {});
    let ask = async |path: &str| get(&cinema.url(path)).bearer(&token).send().await;
    until("the sidecar notices the loss", LIMIT, async || ask("/api/v1/watch/").await.status == 503)
        .await
        .unwrap();
    let answer = ask("/api/v1/downloads/metropolis").await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
    assert!(answer.find_header("retry-after").is_some());
    let answer = ask("/api/v1/films/").await;
    assert_eq!((answer.status, answer.field("/received/X-User-Roles").as_str()), (200, ""));
    assert!(!cinema.sidecars[0].is_ready().await);
}

#[tokio::test]
async fn a_cookie_counts_only_where_players_need_it_and_only_for_reading() {
    let cinema = Cinema::start().await;
    let cookie = format!("theme=dark; __Host-access={}", cinema.token(|_| {}));
    let ask = |method: Method, path| call(method, &cinema.url(path)).header("Cookie", &cookie).send();

    let answer = ask(Method::GET, "/api/v1/watch/metropolis").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["received"]["cookies"], json!(["theme"]));
    assert_eq!(ask(Method::HEAD, "/api/v1/watch/metropolis").await.status, 200);
    assert_eq!(ask(Method::POST, "/api/v1/watch/metropolis").await.status, 401);
    assert_eq!(ask(Method::GET, "/api/v1/films/").await.status, 401);
    assert_eq!(ask(Method::GET, "/api/v1/account/").await.status, 401);
}

#[tokio::test]
async fn an_invalid_bearer_token_is_refused_beside_a_valid_cookie() {
    let cinema = Cinema::start().await;
    let cookie = format!("__Host-access={}", cinema.token(|_| {}));
    let question = get(&cinema.url("/api/v1/watch/")).bearer("bad").header("Cookie", &cookie);
    assert_eq!(question.send().await.status, 401);
}

#[tokio::test]
async fn connections_to_the_sidecar_are_kept_whatever_it_answers() {
    let cinema = Cinema::start().await;
    let good = cinema.token(|_| {});
    let viewer = cinema.token(|claims| claims["roles"] = json!([]));
    for _ in 0..25 {
        for (token, expected) in [(good.as_str(), 200), ("bad", 401), (viewer.as_str(), 403)] {
            let answer = get(&cinema.url("/api/v1/watch/")).bearer(token).send().await;
            assert_eq!(answer.status, expected);
            post(&cinema.url("/api/v1/watch/")).bearer(token).body("a body").send().await;
        }
    }
    let page = get(&cinema.sidecars[0].ops("/metrics")).send().await.text;
    let accepted = counter(&page, "usher_introspect_connections_accepted_total");
    let workers = std::thread::available_parallelism().unwrap().get() as u64;
    // One request at a time: each of nginx's workers needs one connection.
    assert!((1..=workers).contains(&accepted), "{accepted} connections for 150 decisions");
}

#[tokio::test]
async fn a_public_location_sends_no_auth_request() {
    let mut cinema = Cinema::start().await;
    cinema.sidecars[0].kill().unwrap();
    let answer = get(&cinema.url("/api/v1/genres/")).bearer("bad").send().await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn odd_spellings_of_a_path_do_not_get_around_its_location() {
    let cinema = Cinema::start().await;
    let paths = [
        "/%61pi/v1/watch/",
        "//api/v1/watch/",
        "/api//v1/watch/",
        "/api/v1/genres/../watch/",
        "/api/v1/./watch/",
        "/api/v1/genres/..%2fwatch/",
        "/api/v1/genres/%2e%2e/watch/",
        "/api/v1/watch/?x=/api/v1/genres/",
        "/api/v1/watch//../genres/metropolis",
        "/api/v1/genres//../watch/metropolis",
        "/api/v1/watch/%2e%2e/genres/",
        "/api/v1/watch/..%2Fgenres/",
        "/api/v1/watch/../genres/",
        "/api/v1/watch/x/..",
        "/api/v1/genres/..%5cwatch/",
        "/api/v1/genres/..\\watch/",
        "/api/v1/genres//",
    ];
    for path in paths {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = raw(&cinema.nginx.url(), request.as_bytes()).await.unwrap();
        assert!(!answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        // The origin's answer shows what the origin received.
        assert!(!answer.contains("\"received\""), "{path} reached the origin: {answer}");
    }
    let query = get(&cinema.url("/api/v1/genres/?next=//a/../%2e%2f")).send().await;
    assert_eq!(query.status, 200, "a query is not a path");
}

#[tokio::test]
async fn a_body_does_not_hold_up_the_decision() {
    let cinema = Cinema::start().await;
    let question = post(&cinema.url("/api/v1/films/")).bearer(&cinema.token(|_| {})).body(vec![b'x'; 16_000]);
    assert_eq!(question.send().await.status, 405, "the origin's own answer");
}

#[tokio::test]
async fn a_sidecar_that_stops_is_503_and_never_200() {
    let mut cinema = Cinema::start().await;
    let token = cinema.token(|_| {});
    let url = cinema.url("/api/v1/films/");
    let ask = async || get(&url).bearer(&token).send().await;
    assert_eq!(ask().await.status, 200);

    cinema.sidecars[0].stop().await.unwrap();
    let answer = ask().await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "dependency_unavailable"));
    assert!(answer.find_header("retry-after").is_some());

    cinema.sidecars[0].start_again().unwrap();
    until("the sidecar answers again", LIMIT, async || ask().await.status == 200).await.unwrap();
    cinema.sidecars[0].kill().unwrap();
    assert_eq!(ask().await.status, 503);
}

#[tokio::test]
async fn a_sidecar_that_hangs_is_503() {
    let cinema = Cinema::start().await;
    let url = cinema.url("/api/v1/films/");
    cinema.sidecars[0].process().freeze();
    assert_eq!(get(&url).bearer(&cinema.token(|_| {})).send().await.status, 503);
}

#[tokio::test]
async fn with_two_sidecars_the_loss_of_one_is_not_noticed() {
    let mut cinema = Cinema::with_sidecars(2).await;
    let token = cinema.token(|_| {});
    cinema.sidecars[0].kill().unwrap();
    for _ in 0..20 {
        assert_eq!(get(&cinema.url("/api/v1/films/")).bearer(&token).send().await.status, 200);
    }
}

#[tokio::test]
async fn a_sidecar_without_a_log_is_skipped_for_a_ready_one() {
    let cinema = Cinema::start().await;
    // A sidecar that follows a log to which nothing is written.
    let cold = Cinema::cold(1, false).await;
    let origin_folder = Folder::temporary().unwrap();
    let origin = Origin::start(&origin_folder, None).await.unwrap();
    let ops = cold.sidecars[0].ops("/health/live");
    until("life", LIMIT, async || get(&ops).try_send().await.is_ok_and(|answer| answer.status == 200))
        .await
        .unwrap();
    let machine = Machine {
        introspect: vec![cold.sidecars[0].address(), cinema.sidecars[0].address()],
        admin: vec![format!("127.0.0.1:{}", harness::ports::free().unwrap())],
        origin: vec![origin.address()],
        ..Machine::default()
    };
    let nginx = Nginx::start(&machine).await.unwrap();
    let (url, token) = (format!("{}/api/v1/films/", nginx.url()), cinema.token(|_| {}));
    for _ in 0..20 {
        assert_eq!(get(&url).bearer(&token).send().await.status, 200);
        assert_eq!(get(&url).bearer("bad").send().await.status, 401);
    }
    let page = get(&cold.sidecars[0].ops("/metrics")).send().await.text;
    let undecided = counter(
        &page,
        "usher_introspect_decisions_total{code=\"dependency_unavailable\",reason=\"not_ready\"}",
    );
    assert!(undecided > 0, "the sidecar without a log was never asked");
}

#[tokio::test]
async fn without_a_revocation_log_a_sidecar_refuses_every_token() {
    let cinema = Cinema::cold(1, false).await;
    let ops = cinema.sidecars[0].ops("/health/live");
    until("life", LIMIT, async || get(&ops).try_send().await.is_ok_and(|answer| answer.status == 200))
        .await
        .unwrap();
    let answer = get(&cinema.url("/api/v1/films/")).bearer(&cinema.token(|_| {})).send().await;
    assert_eq!(answer.status, 503);
    assert!(answer.find_header("retry-after").is_some());
    assert!(!cinema.sidecars[0].is_ready().await);
}
