//! Each provider, with and without faults.

use std::time::Duration;

use admin::providers::Limits;
use futures_util::future::join_all;
use mock_providers::{Fault, Person, Provider};
use serde_json::json;

use crate::support::{Cinema, LONG_LIMITS, Reply, SHORT_LIMITS};
use crate::witness::session_of;

/// Providers that do not tell whether an address is verified, and so do not vouch for it.
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

/// Faults of every provider that responds, each with the status and the code of its problem.
const FAULTS: [(Fault, u16, &str); 7] = [
    (Fault::ErrorIn200, 502, "provider_error"),
    (Fault::Token500, 502, "provider_error"),
    (Fault::Close, 502, "provider_error"),
    (Fault::TokenGarbage, 502, "provider_error"),
    (Fault::TokenTooLarge, 502, "provider_error"),
    (Fault::NoSubject, 502, "provider_error"),
    (Fault::WrongStateCallback, 400, "state_invalid"),
];

#[tokio::test]
async fn each_fault_of_each_provider_has_its_problem_and_ends_with_the_fault() {
    let cinema = Cinema::start_limited(LONG_LIMITS).await;
    let mut failures = Vec::new();
    for (fault, status, code) in FAULTS {
        for (provider, reply) in everywhere(&cinema, Some(fault)).await {
            let is_problem = reply.header("content-type") == "application/problem+json";
            if (reply.status, is_problem) != (status, true) || reply.json()["code"] != code {
                failures.push(format!("{fault:?} at {provider}: {reply:?}"));
            }
        }
        for (provider, reply) in everywhere(&cinema, None).await {
            if reply.status != 200 {
                failures.push(format!("after {fault:?} at {provider}: {reply:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn a_provider_that_does_not_respond_is_a_timeout_until_it_responds() {
    let cinema = Cinema::start().await;
    for (_, reply) in everywhere(&cinema, Some(Fault::TokenTimeout)).await {
        reply.problem(504, "provider_timeout");
    }
    // One at a time: each has only some seconds, also on a busy machine.
    for provider in Provider::ALL {
        let reply = cinema.browser().try_to_sign_in(provider, "anna").await;
        assert_eq!(reply.status, 200, "{provider}: {reply:?}");
    }
}

#[tokio::test]
async fn a_user_signs_in_through_each_provider_and_is_recognised_the_next_time() {
    let cinema = Cinema::start().await;
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
async fn an_address_is_stored_only_if_the_provider_vouches_for_it() {
    let cinema = Cinema::start().await;
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
async fn an_address_without_a_voucher_must_be_verified() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
    for provider in Provider::ALL {
        cinema.add_person(provider, "boris", Some("boris@example.org"), false);
        let reply = cinema.browser().try_to_sign_in(provider, "boris").await;
        if provider == Provider::X {
            // X returns confirmed addresses only, and so none here.
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
        ("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse"),
    ])
    .await;
    let pair = cinema.browser().sign_in(Provider::Yandex, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], "anna@yandex.example.org");
    // Verified at Google, but not under its control.
    let dora = cinema.browser().sign_in(Provider::Google, "dora").await;
    assert_eq!(cinema.me(&dora).await["email"], "dora@example.org");
    // The provider marks it as unverified.
    let boris = cinema.browser().try_to_sign_in(Provider::Google, "boris").await;
    boris.problem(409, "email_proof_required");
}

#[tokio::test]
async fn google_vouches_for_addresses_under_its_control() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
    // Hosted at Google; `email_verified` is a text, and the issuer has no scheme.
    let egor = cinema.browser().sign_in(Provider::Google, "egor").await;
    assert_eq!(cinema.me(&egor).await["email"], "egor@workspace.example.org");
    // Verified, but neither hosted nor Google's own.
    cinema.browser().try_to_sign_in(Provider::Google, "dora").await.problem(409, "email_proof_required");
}

#[tokio::test]
async fn an_identity_without_an_address_gets_a_user_without_one() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let pair = cinema.browser().sign_in(provider, "clara").await;
        assert_eq!(cinema.me(&pair).await["email"], json!(null), "{provider}");
        assert_eq!(cinema.linked(&pair).await, [(provider.name().to_owned(), 5)], "{provider}");
    }
}

#[tokio::test]
async fn addresses_that_github_hides_count_as_absent() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Emails404);
    let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], json!(null));
}

#[tokio::test]
async fn addresses_that_github_refuses_to_list_count_as_absent() {
    let cinema = Cinema::start().await;
    cinema.providers.set_fault(Provider::GitHub, Fault::Emails403);
    let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], json!(null));
}

#[tokio::test]
async fn a_rate_limit_of_github_is_not_taken_for_an_absent_address() {
    let cinema = Cinema::start().await;
    for fault in [Fault::EmailsRetryAfter, Fault::EmailsRateLimit, Fault::EmailsSecondaryLimit] {
        cinema.providers.set_fault(Provider::GitHub, fault);
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.problem(502, "provider_error");
    }
    cinema.providers.clear_fault(Provider::GitHub);
    let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
    assert_eq!(cinema.me(&pair).await["email"], "anna@github.example.org");
}

#[tokio::test]
async fn githubs_primary_address_is_found_on_any_page_within_a_bound() {
    let cinema = Cinema::start().await;
    for (more_emails, is_found) in [(27, true), (28, true), (97, true), (98, true), (497, true), (600, false)]
    {
        let key = format!("many-{more_emails}");
        let email = format!("{key}@example.org");
        cinema.add_person(Provider::GitHub, &key, Some(&email), true);
        let person = cinema.providers.people(Provider::GitHub).into_iter().find(|person| person.key == key);
        cinema.providers.put_person(Person { more_emails, ..person.unwrap() }).unwrap();
        let pair = cinema.browser().sign_in(Provider::GitHub, &key).await;
        assert_eq!(cinema.me(&pair).await["email"], json!(is_found.then_some(email)), "{key}");
    }
}

#[tokio::test]
async fn a_user_who_denies_access_is_not_signed_in() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let reply = cinema.browser().try_to_sign_in(provider, "refuse").await;
        reply.problem(403, "access_denied");
        assert_eq!(cinema.providers.requests(provider).token, 0, "{provider}");
    }
}

#[tokio::test]
async fn faults_of_the_user_info_have_the_same_problems() {
    let (cinema, hurried) =
        tokio::join!(Cinema::start_limited(LONG_LIMITS), Cinema::start_limited(SHORT_LIMITS));
    // Google's ID token contains all claims, so its user info is not requested.
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
        let hurried = &hurried;
        async move {
            hurried.providers.set_fault(provider, Fault::UserTimeout);
            hurried.browser().try_to_sign_in(provider, "anna").await.problem(504, "provider_timeout");
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
async fn a_token_of_another_client_is_refused() {
    let cinema = Cinema::start().await;
    for provider in [Provider::Yandex, Provider::MailRu] {
        cinema.providers.set_fault(provider, Fault::WrongClientEcho);
        cinema.browser().try_to_sign_in(provider, "anna").await.problem(502, "provider_error");
    }
}

#[tokio::test]
async fn vk_must_repeat_the_state_and_send_the_device() {
    let cinema = Cinema::start().await;
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
async fn a_state_is_valid_once() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let mut browser = cinema.browser();
        let at = browser.start_flow(provider, "").await;
        let back = browser.choose(&at, "anna").await;
        browser.call_back(&back).await.expect(200);
        let asked = cinema.providers.requests(provider).token;
        let another = back.replacen("code=", "code=another", 1);
        browser.call_back(&another).await.problem(400, "state_invalid");
        assert_eq!(cinema.providers.requests(provider).token, asked, "{provider}");
    }
}

#[tokio::test]
async fn a_state_is_valid_only_in_its_browser_and_at_its_provider() {
    let cinema = Cinema::start().await;
    for provider in Provider::ALL {
        let (mut browser, mut another) = (cinema.browser(), cinema.browser());
        // Another browser with its own cookie, and one without.
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
        ["/api/v1/oauth/x/login", "/api/v1/oauth/x/callback?code=a&state=b", "/api/v1/oauth/unknown/login"]
    {
        cinema.app.client.get(path).send().await.problem(404, "provider_unknown");
    }
    // VK ID needs no client secret.
    cinema.browser().sign_in(Provider::Vk, "clara").await;
}
