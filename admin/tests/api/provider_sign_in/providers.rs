//! Each provider: what it is like when all is well, and when it is not.

use std::time::Duration;

use admin::providers::Limits;
use futures_util::future::join_all;
use mock_providers::{Fault, Provider};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{Cinema, Reply, SHORT_LIMITS};
use crate::witness::session_of;

/// Those that do not say whether an address was proved, and so are never believed.
const SILENT: [Provider; 4] = [Provider::Yandex, Provider::Vk, Provider::MailRu, Provider::Facebook];

/// A sign-in of anna's at each provider, at the same time.
async fn everywhere(cinema: &Cinema, fault: Option<Fault>) -> Vec<(Provider, Reply)> {
    let sign_in = |provider| async move {
        if let Some(fault) = fault {
            cinema.providers.set_fault(provider, fault);
        }
        let reply = cinema.browser().try_to_sign_in(provider, "anna").await;
        cinema.providers.clear_fault(provider);
        (provider, reply)
    };
    join_all(Provider::ALL.map(sign_in)).await
}

/// Faults of every provider, each with the status and the code of its problem.
const FAULTS: [(Fault, u16, &str); 8] = [
    (Fault::ErrorIn200, 502, "provider_error"),
    (Fault::TokenTimeout, 504, "provider_timeout"),
    (Fault::Token500, 502, "provider_error"),
    (Fault::Close, 502, "provider_error"),
    (Fault::TokenGarbage, 502, "provider_error"),
    (Fault::TokenTooLarge, 502, "provider_error"),
    (Fault::NoSubject, 502, "provider_error"),
    (Fault::WrongStateCallback, 400, "state_invalid"),
];

#[tokio::test]
async fn each_fault_of_each_provider_has_its_problem_and_ends_with_the_fault() {
    let cinema = Cinema::start_limited(SHORT_LIMITS).await;
    let mut failures = Vec::new();
    for (fault, status, code) in FAULTS {
        for (provider, reply) in everywhere(&cinema, Some(fault)).await {
            let is_problem = reply.header("content-type") == "application/problem+json";
            if (reply.status, is_problem) != (status, true) || reply.json()["code"] != code {
                failures.push(format!("{fault:?} at {provider}: {reply:?}"));
            }
        }
        for (provider, reply) in everywhere(&cinema, None).await {
            let expected = if SILENT.contains(&provider) { 409 } else { 200 };
            if reply.status != expected {
                failures.push(format!("after {fault:?} at {provider}: {reply:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn a_person_signs_in_through_each_and_is_the_same_the_next_time() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")]).await;
    for provider in Provider::ALL {
        let pair = cinema.browser().sign_in(provider, "anna").await;
        let again = cinema.browser().sign_in(provider, "anna").await;
        let (me, same) = (cinema.me(&pair).await, cinema.me(&again).await);
        assert_eq!(me["user_id"], same["user_id"], "{provider}");
        assert_eq!(me["display_name"], "anna", "{provider}");
        let sessions = cinema.app.client.get("/api/v1/me/sessions").bearer(&pair.access).send().await;
        let sessions = sessions.expect(200).json();
        let own = sessions["items"].as_array().unwrap().iter().find(|item| item["current"] == true).unwrap();
        assert_eq!((&own["provider"], &own["amr"]), (&json!(provider.name()), &json!(["fed"])));
        assert_eq!(own["session_id"], session_of(&pair).to_string());
    }
}

#[tokio::test]
async fn an_address_is_taken_only_from_a_provider_that_vouches_for_it() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")]).await;
    for provider in Provider::ALL {
        let pair = cinema.browser().sign_in(provider, "anna").await;
        let is_believed = !SILENT.contains(&provider);
        let address = is_believed.then(|| format!("anna@{provider}.example.org"));
        assert_eq!(cinema.me(&pair).await["email"], json!(address), "{provider}");
        let rule = if is_believed { 6 } else { 9 };
        assert_eq!(cinema.linked(&pair).await, [(provider.name().to_owned(), rule)], "{provider}");
    }
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_has_to_be_proved() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        cinema.add_person(provider, "boris", Some("boris@example.org"), false);
        let reply = cinema.browser().try_to_sign_in(provider, "boris").await;
        if provider == Provider::X {
            // It tells only addresses that were confirmed, and so none.
            assert_eq!(cinema.me(&reply.pair()).await["email"], json!(null));
        } else {
            reply.problem(409, "email_proof_required");
        }
    }
}

#[tokio::test]
async fn an_operator_may_trust_the_addresses_of_a_provider() {
    let cinema = Cinema::start_with(&[
        ("ADMIN_OAUTH_YANDEX_TRUST_EMAIL", "true"),
        ("ADMIN_OAUTH_GOOGLE_TRUST_EMAIL", "true"),
    ])
    .await;
    let pair = cinema.browser().sign_in(Provider::Yandex, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], "anna@yandex.example.org");
    // Verified there, though Google does not decide about it.
    let dora = cinema.browser().sign_in(Provider::Google, "dora").await;
    assert_eq!(cinema.me(&dora).await["email"], "dora@example.org");
    // The provider itself says that it is not.
    let boris = cinema.browser().try_to_sign_in(Provider::Google, "boris").await;
    boris.problem(409, "email_proof_required");
}

#[tokio::test]
async fn google_is_believed_about_what_it_decides_about() {
    let cinema = Cinema::start().await;
    // Hosted there, `email_verified` as a text, the shorter of the two issuers.
    let egor = cinema.browser().sign_in(Provider::Google, "egor").await;
    assert_eq!(cinema.me(&egor).await["email"], "egor@workspace.example.org");
    // Verified once, but neither hosted nor Google's own.
    cinema.browser().try_to_sign_in(Provider::Google, "dora").await.problem(409, "email_proof_required");
}

#[tokio::test]
async fn a_person_without_an_address_gets_an_account_without_one() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let pair = cinema.browser().sign_in(provider, "clara").await;
        assert_eq!(cinema.me(&pair).await["email"], json!(null), "{provider}");
        assert_eq!(cinema.linked(&pair).await, [(provider.name().to_owned(), 5)], "{provider}");
    }
}

#[tokio::test]
async fn addresses_that_github_does_not_tell_are_none() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Emails404);
    let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], json!(null));
}

#[tokio::test]
async fn whoever_refuses_is_not_signed_in() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let reply = cinema.browser().try_to_sign_in(provider, "refuse").await;
        reply.problem(403, "access_denied");
        assert_eq!(cinema.providers.requests(provider).token, 0, "{provider}");
    }
}

#[tokio::test]
async fn what_goes_wrong_when_the_person_is_asked_for_is_told_alike() {
    let cinema = Cinema::start_limited(SHORT_LIMITS).await;
    // Google's ID token says it all, so that it is not asked.
    let others = || Provider::ALL.into_iter().filter(|provider| *provider != Provider::Google);
    for (fault, status, code) in [
        (Fault::User500, 502, "provider_error"),
        (Fault::UserErrorIn200, 502, "provider_error"),
        (Fault::UserGarbage, 502, "provider_error"),
        (Fault::UserTooLarge, 502, "provider_error"),
    ] {
        for provider in others() {
            cinema.providers.set_fault(provider, fault);
            cinema.browser().try_to_sign_in(provider, "anna").await.problem(status, code);
        }
    }
    let slow = others().map(|provider| {
        let cinema = &cinema;
        async move {
            cinema.providers.set_fault(provider, Fault::UserTimeout);
            cinema.browser().try_to_sign_in(provider, "anna").await.problem(504, "provider_timeout");
        }
    });
    join_all(slow).await;
}

#[tokio::test]
async fn no_redirect_of_a_provider_is_followed() {
    let cinema = Cinema::start().await;
    for fault in [Fault::TokenRedirect, Fault::UserRedirect] {
        for provider in Provider::ALL {
            if (provider, fault) == (Provider::Google, Fault::UserRedirect) {
                continue;
            }
            cinema.providers.set_fault(provider, fault);
            cinema.browser().try_to_sign_in(provider, "anna").await.problem(502, "provider_error");
            assert_eq!(cinema.providers.requests(provider).followed, 0, "{provider}");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_given_to_another_client_signs_nobody_in() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")]).await;
    for provider in [Provider::Yandex, Provider::MailRu] {
        cinema.providers.set_fault(provider, Fault::WrongClientEcho);
        cinema.browser().try_to_sign_in(provider, "anna").await.problem(502, "provider_error");
    }
}

#[tokio::test]
async fn vk_must_repeat_the_state_and_say_on_which_device() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")]).await;
    cinema.providers.set_fault(Provider::Vk, Fault::WrongStateEcho);
    cinema.browser().try_to_sign_in(Provider::Vk, "anna").await.problem(502, "provider_error");

    cinema.providers.set_fault(Provider::Vk, Fault::DropDeviceId);
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::Vk, "").await;
    let back = browser.choose(&at, "anna").await;
    let asked = cinema.providers.requests(Provider::Vk).token;
    browser.call_back(&back).await.problem(400, "request_malformed");
    assert_eq!(cinema.providers.requests(Provider::Vk).token, asked);
}

#[tokio::test]
async fn googles_id_token_is_verified_in_every_respect() {
    let cinema = Cinema::start().await;
    for fault in [
        Fault::WrongIssuer,
        Fault::WrongAudience,
        Fault::WrongNonce,
        Fault::ExpiredIdToken,
        Fault::BadSignature,
        Fault::UnknownKey,
        Fault::AlgNone,
        Fault::Hs256WithPublicKey,
        Fault::WrongCallbackIssuer,
    ] {
        cinema.providers.set_fault(Provider::Google, fault);
        let reply = cinema.browser().try_to_sign_in(Provider::Google, "anna").await;
        assert_eq!(reply.status, 502, "{fault:?} {reply:?}");
        reply.problem(502, "provider_error");
    }
    cinema.providers.clear_fault(Provider::Google);
    cinema.browser().sign_in(Provider::Google, "anna").await;
}

/// Signs in once, and then three times with ID tokens that name an unknown key; returns the downloads of the keys.
async fn downloads_with_unknown_keys(key_refetch: Duration) -> u64 {
    let cinema = Cinema::start_limited(Limits { key_refetch, ..Limits::default() }).await;
    cinema.browser().sign_in(Provider::Google, "anna").await;
    assert_eq!(cinema.providers.requests(Provider::Google).keys, 1);
    cinema.providers.set_fault(Provider::Google, Fault::UnknownKey);
    for _ in 0..3 {
        cinema.browser().try_to_sign_in(Provider::Google, "anna").await.problem(502, "provider_error");
    }
    cinema.providers.requests(Provider::Google).keys
}

#[tokio::test]
async fn an_unknown_key_leads_to_a_download_of_the_keys_unless_one_was_recent() {
    assert_eq!(downloads_with_unknown_keys(Duration::from_hours(1)).await, 1);
    assert_eq!(downloads_with_unknown_keys(Duration::ZERO).await, 4);
}

#[tokio::test]
async fn a_state_counts_once() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ignore")]).await;
    for provider in Provider::ALL {
        let mut browser = cinema.browser();
        let at = browser.start_flow(provider, "").await;
        let back = browser.choose(&at, "anna").await;
        browser.call_back(&back).await.expect(200);
        let asked = cinema.providers.requests(provider).token;
        browser.call_back(&back).await.problem(400, "state_invalid");
        assert_eq!(cinema.providers.requests(provider).token, asked, "{provider}");
    }
}

#[tokio::test]
async fn a_state_counts_only_in_the_browser_and_at_the_provider_that_it_was_made_for() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let (mut browser, mut another) = (cinema.browser(), cinema.browser());
        // Another browser with a secret of its own, and one with none.
        another.start_flow(Provider::Google, "").await;
        for thief in [&another, &cinema.browser()] {
            let at = browser.start_flow(provider, "").await;
            let back = browser.choose(&at, "anna").await;
            thief.call_back(&back).await.problem(400, "state_invalid");
        }
        let elsewhere = if provider == Provider::GitHub { Provider::X } else { Provider::GitHub };
        let at = browser.start_flow(provider, "").await;
        let back = browser.choose(&at, "anna").await.replace(provider.name(), elsewhere.name());
        browser.call_back(&back).await.problem(400, "state_invalid");
        assert_eq!(cinema.providers.requests(provider).token, 0, "{provider}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_and_then_left_alone() {
    // A port where nobody is.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = format!("http://{nobody}/token");
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_X_TOKEN_URL", &down)]).await;
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::X, "anna").await.problem(502, "provider_error");
    }
    let resting = cinema.browser().call(Method::GET, "/api/v1/oauth/x/login").send().await;
    let wait: u32 = resting.header("retry-after").parse().unwrap();
    assert!((25..=31).contains(&wait), "{wait}");
    resting.problem(503, "provider_unavailable");
    // The others go on.
    cinema.browser().sign_in(Provider::GitHub, "anna").await;
}

#[tokio::test]
async fn a_provider_that_rests_is_not_asked_and_whoever_comes_back_from_it_is_told_at_once() {
    let cinema = Cinema::start().await;
    let mut browser = cinema.browser();
    let at = browser.start_flow(Provider::GitHub, "").await;
    let back = browser.choose(&at, "anna").await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Token500);
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.problem(502, "provider_error");
    }
    let asked = cinema.providers.requests(Provider::GitHub).token;
    browser.call_back(&back).await.problem(503, "provider_unavailable");
    browser.call_back(&back).await.problem(400, "state_invalid");
    assert_eq!(cinema.providers.requests(Provider::GitHub).token, asked, "nobody asked it");
}

#[tokio::test]
async fn a_provider_that_gives_tokens_and_says_nothing_of_the_person_is_left_alone_too() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::User500);
    for _ in 0..5 {
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.problem(502, "provider_error");
    }
    let resting = cinema.browser().call(Method::GET, "/api/v1/oauth/github/login").send().await;
    resting.problem(503, "provider_unavailable");
}

#[tokio::test]
async fn a_slow_provider_takes_only_so_many_places_and_leaves_others_room() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::TokenTimeout);
    let sign_in = async || cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await;
    let replies = join_all((0..70).map(|_| sign_in())).await;
    let of = |code: &str| replies.iter().filter(|reply| reply.json()["code"] == code).count();
    assert_eq!((of("provider_timeout"), of("provider_unavailable")), (64, 6));
}

#[tokio::test]
async fn providers_that_are_not_configured_are_absent() {
    let cinema = Cinema::start_with(&[
        ("ADMIN_OAUTH_X_CLIENT_ID", ""),
        ("ADMIN_OAUTH_X_CLIENT_SECRET", ""),
        ("ADMIN_OAUTH_VK_CLIENT_SECRET", ""),
    ])
    .await;
    let list = cinema.app.client.get("/api/v1/auth/providers").send().await.expect(200).json();
    let ids: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["google", "yandex", "vk", "mailru", "github", "facebook"]);
    assert_eq!(list["items"][1]["start_url"], "/api/v1/oauth/yandex/login");
    for path in
        ["/api/v1/oauth/x/login", "/api/v1/oauth/x/callback?code=a&state=b", "/api/v1/oauth/nobody/login"]
    {
        cinema.app.client.get(path).send().await.problem(404, "provider_unknown");
    }
    // VK ID needs no secret.
    cinema.browser().sign_in(Provider::Vk, "clara").await;
}
