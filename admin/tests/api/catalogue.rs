//! The catalogue of problems: each code is provoked, and its documented status and title are checked.

mod scene;

use admin::api::Code;
use admin::passwords::Party;
use mock_providers::{Fault, Provider};
use reqwest::Method;
use serde_json::{Value, json};

use self::scene::{Scene, expired_token, raw, slow_body, superuser_of};
use crate::mail::Post;
use crate::support::{Cinema, PASSWORD, Reply, SHORT_LIMITS, TestApp, prefix, variables};
use crate::witness::{assign, change_password, holder, refresh, sign_in, stale};

const NEO: &str = "neo@example.org";

/// The example of a problem in the OpenAPI document.
fn documented(code: Code) -> Value {
    let document: Value = serde_json::from_slice(&admin::router::document()).expect("it is JSON");
    document["components"]["examples"][code.as_str()]["value"].clone()
}

/// What an example must have in common with the answer: its members, what is always the same, and the errors.
fn form(problem: &Value) -> Value {
    let members: Vec<&String> = problem.as_object().expect("an object").keys().collect();
    let errors = problem["errors"].as_array().into_iter().flatten();
    let errors: Vec<Value> = errors.map(|error| json!([error["field"], error["code"]])).collect();
    json!([members, problem["type"], problem["title"], problem["status"], problem["code"], errors])
}

/// One test per code, and one test that no code was forgotten.
macro_rules! catalogue {
    ($($name:ident $code:ident $(|$scene:ident|)? $provoke:block)*) => {
        $(#[tokio::test]
        async fn $name() {
            let code = Code::$code;
            $(let $scene = Scene::new().await;)?
            let reply: Reply = $provoke;
            let problem = reply.problem(code.status().as_u16(), code.as_str());
            assert_eq!(problem["title"], code.title());
            assert_eq!(form(&problem), form(&documented(code)), "the example in the document: {problem}");
        })*

        #[test]
        fn every_code_is_made_to_occur() {
            assert_eq!([$(Code::$code),*].as_slice(), Code::ALL);
        }
    };
}

catalogue! {
    request_malformed_occurs RequestMalformed |scene| {
        scene.app.client.post("/api/v1/auth/login").raw_json("{").send().await
    }

    state_invalid_occurs StateInvalid {
        let cinema = Cinema::start().await;
        let path = format!("/api/v1/oauth/github/callback?code=a&state={}", "a".repeat(43));
        cinema.app.client.get(&path).send().await
    }

    token_missing_occurs TokenMissing |scene| {
        scene.app.client.get("/api/v1/me").send().await
    }

    token_invalid_occurs TokenInvalid |scene| {
        scene.app.client.get("/api/v1/me").bearer("nonsense").send().await
    }

    token_expired_occurs TokenExpired {
        expired_token().await
    }

    token_revoked_occurs TokenRevoked |scene| {
        scene.as_neo(Method::POST, "/api/v1/auth/logout").send().await.expect(204);
        scene.as_neo(Method::GET, "/api/v1/me").send().await
    }

    token_refresh_needed_occurs TokenRefreshNeeded |scene| {
        assign(&scene.app, NEO, "a").await;
        scene.as_neo(Method::GET, "/api/v1/me").send().await
    }

    invalid_credentials_occurs InvalidCredentials |scene| {
        sign_in(&scene.app, NEO, "not the password").send().await
    }

    refresh_token_invalid_occurs RefreshTokenInvalid |scene| {
        refresh(&scene.app, "nonsense").send().await
    }

    refresh_token_unknown_occurs RefreshTokenUnknown |scene| {
        scene.sql("delete from auth.sessions").await;
        refresh(&scene.app, &scene.neo.refresh).send().await
    }

    refresh_token_reused_occurs RefreshTokenReused |scene| {
        let next = refresh(&scene.app, &scene.neo.refresh).send().await.pair();
        refresh(&scene.app, &next.refresh).send().await.expect(200);
        refresh(&scene.app, &scene.neo.refresh).send().await
    }

    session_revoked_occurs SessionRevoked |scene| {
        scene.as_neo(Method::POST, "/api/v1/auth/logout").send().await.expect(204);
        refresh(&scene.app, &scene.neo.refresh).send().await
    }

    session_expired_occurs SessionExpired |scene| {
        scene.sql("update auth.sessions set idle_expires_at = clock_timestamp()").await;
        refresh(&scene.app, &scene.neo.refresh).send().await
    }

    forbidden_occurs Forbidden |scene| {
        scene.as_neo(Method::GET, "/api/v1/roles").send().await
    }

    privilege_escalation_occurs PrivilegeEscalation |scene| {
        let writer = holder(&scene.app, "writer@example.org", &["roles:write"]).await.access;
        let body = json!({ "name": "b", "permissions": ["films:watch"] });
        scene.app.client.post("/api/v1/roles").bearer(&writer).json(&body).send().await
    }

    fresh_auth_required_occurs FreshAuthRequired |scene| {
        let root = stale(&scene.app, &scene.root).await;
        scene.app.client.put(&superuser_of(&scene.neo)).bearer(&root.access).send().await
    }

    current_password_wrong_occurs CurrentPasswordWrong |scene| {
        let body = json!({ "password": "not the password" });
        scene.as_neo(Method::POST, "/api/v1/auth/reauthenticate").json(&body).send().await
    }

    code_wrong_occurs CodeWrong {
        let post = Post::start().await;
        let asked = post.app.client.post("/api/v1/auth/mail-code").json(&json!({ "email": NEO }));
        let flow = asked.send().await.expect(202).field("/flow");
        let body = json!({ "flow": flow, "code": "123456" });
        post.app.client.post("/api/v1/auth/mail-code/login").json(&body).send().await
    }

    system_role_occurs SystemRole |scene| {
        scene.sql("update auth.roles set is_system = true").await;
        scene.as_root(Method::DELETE, "/api/v1/roles/a").send().await
    }

    access_denied_occurs AccessDenied {
        let cinema = Cinema::start().await;
        cinema.browser().try_to_sign_in(Provider::GitHub, "refuse").await
    }

    identity_of_another_occurs IdentityOfAnother {
        scene::prove_as_another().await
    }

    prefetch_refused_occurs PrefetchRefused {
        let cinema = Cinema::start().await;
        let path = "/api/v1/oauth/github/login";
        cinema.app.client.get(path).header("sec-purpose", "prefetch").send().await
    }

    cross_site_refused_occurs CrossSiteRefused |scene| {
        let call = sign_in(&scene.app, NEO, PASSWORD).header("x-usher-mode", "cookie");
        call.header("sec-fetch-site", "cross-site").send().await
    }

    erasure_pending_occurs ErasurePending |scene| {
        scene.as_neo(Method::POST, "/api/v1/me/erase").send().await.expect(202);
        sign_in(&scene.app, NEO, PASSWORD).send().await
    }

    account_frozen_occurs AccountFrozen |scene| {
        scene.freeze_neo().await;
        scene.as_neo(Method::POST, "/api/v1/me/erase").send().await
    }

    account_disabled_occurs AccountDisabled {
        let cinema = Cinema::start().await;
        cinema.browser().sign_in(Provider::GitHub, "anna").await;
        cinema.app.sql().await.batch_execute("update auth.users set status = 'disabled'").await.unwrap();
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await
    }

    registration_closed_occurs RegistrationClosed {
        let app = TestApp::start_with(&[("ADMIN_REGISTRATION", "closed")]).await;
        app.client.register(NEO).await
    }

    not_found_occurs NotFound |scene| {
        scene.app.client.get("/api/v1/nothing").send().await
    }

    provider_unknown_occurs ProviderUnknown |scene| {
        scene.app.client.get("/api/v1/oauth/unknown/login").send().await
    }

    method_not_allowed_occurs MethodNotAllowed |scene| {
        scene.app.client.delete("/api/v1/auth/login").send().await
    }

    request_timeout_occurs RequestTimeout |scene| {
        slow_body(scene.app.client.base()).await
    }

    email_taken_occurs EmailTaken |scene| {
        scene.app.client.register(NEO).await
    }

    login_taken_occurs LoginTaken |scene| {
        let body = |email: &str| json!({ "email": email, "login": "morpheus", "password": PASSWORD });
        scene.register(&body("morpheus@example.org")).await.expect(201);
        scene.register(&body("other@example.org")).await
    }

    account_unproven_occurs AccountUnproven {
        scene::register_typed_address().await
    }

    account_proven_occurs AccountProven {
        scene::prove_address_of_another_account().await
    }

    recovery_delayed_occurs RecoveryDelayed {
        scene::recover_account_in_use().await
    }

    link_confirmation_required_occurs LinkConfirmationRequired {
        let cinema = Cinema::start().await;
        cinema.app.client.register(NEO).await.expect(201);
        let proved = "update auth.users set verified_email_key = email_key";
        cinema.app.sql().await.batch_execute(proved).await.unwrap();
        cinema.add_person(Provider::X, "same", Some(NEO), true);
        cinema.browser().try_to_sign_in(Provider::X, "same").await
    }

    email_proof_required_occurs EmailProofRequired {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "refuse")]).await;
        cinema.browser().try_to_sign_in(Provider::Yandex, "anna").await
    }

    email_proof_offered_occurs EmailProofOffered {
        let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
        cinema.browser().try_to_sign_in(Provider::Yandex, "anna").await
    }

    oauth_account_in_use_occurs OauthAccountInUse {
        let cinema = Cinema::start().await;
        cinema.browser().sign_in(Provider::GitHub, "anna").await;
        let neo = cinema.app.client.new_user(NEO).await;
        cinema.browser().try_to_link(&neo, Provider::GitHub, "anna").await
    }

    oauth_provider_linked_occurs OauthProviderLinked {
        let cinema = Cinema::start().await;
        let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
        cinema.browser().try_to_link(&pair, Provider::GitHub, "boris").await
    }

    last_login_method_occurs LastLoginMethod {
        let cinema = Cinema::start().await;
        let pair = cinema.browser().sign_in(Provider::GitHub, "anna").await;
        cinema.browser().unlink(&pair, Provider::GitHub).await
    }

    role_exists_occurs RoleExists |scene| {
        scene.new_role(json!({ "name": "a" })).await
    }

    role_name_retired_occurs RoleNameRetired |scene| {
        scene.as_root(Method::DELETE, "/api/v1/roles/a").send().await.expect(204);
        scene.new_role(json!({ "name": "a" })).await
    }

    last_superuser_occurs LastSuperuser |scene| {
        scene.as_root(Method::DELETE, &superuser_of(&scene.root)).send().await
    }

    limit_reached_occurs LimitReached |scene| {
        let permissions: Vec<String> = (1..=200).map(|n| format!("films:p{n}")).collect();
        scene.new_role(json!({ "name": "b", "permissions": permissions })).await.expect(201);
        scene.as_root(Method::PUT, "/api/v1/roles/b/permissions/films:one-more").send().await
    }

    code_expired_occurs CodeExpired |scene| {
        let body = json!({ "one_time_code": "a".repeat(43) });
        scene.app.client.post("/api/v1/oauth/exchange").json(&body).send().await
    }

    precondition_failed_occurs PreconditionFailed |scene| {
        scene
            .as_neo(Method::PATCH, "/api/v1/me")
            .header("if-match", "\"99\"")
            .json(&json!({}))
            .send()
            .await
    }

    body_too_large_occurs BodyTooLarge |scene| {
        scene.app.client.post("/api/v1/auth/login").raw_json(" ".repeat(20_000)).send().await
    }

    uri_too_long_occurs UriTooLong |scene| {
        raw(&scene.app, &format!("/{}", "a".repeat(70_000)), "").await
    }

    unsupported_media_type_occurs UnsupportedMediaType |scene| {
        scene.app.client.post("/api/v1/auth/login").body("{}").send().await
    }

    validation_failed_occurs ValidationFailed |scene| {
        scene.register(&json!({})).await
    }

    return_to_not_allowed_occurs ReturnToNotAllowed {
        let cinema = Cinema::start().await;
        let path = "/api/v1/oauth/github/login?return_to=https://evil.example/";
        cinema.app.client.get(path).send().await
    }

    role_cycle_occurs RoleCycle |scene| {
        let body = json!({ "inherits": ["a"] });
        scene.as_root(Method::PATCH, "/api/v1/roles/a").json(&body).send().await
    }

    password_weak_occurs PasswordWeak |scene| {
        scene.register(&json!({ "email": "a@example.org", "password": "password" })).await
    }

    consent_required_occurs ConsentRequired {
        let app = TestApp::start_with(&[("ADMIN_CONSENT_VERSION", "2026-12")]).await;
        app.client.register(NEO).await
    }

    password_reused_occurs PasswordReused |scene| {
        change_password(&scene.app, &scene.neo.access, PASSWORD).send().await
    }

    too_many_attempts_occurs TooManyAttempts |scene| {
        for _ in 0..10 {
            sign_in(&scene.app, "unknown@example.org", PASSWORD).send().await.expect(401);
        }
        sign_in(&scene.app, "unknown@example.org", PASSWORD).send().await
    }
    too_many_exports_occurs TooManyExports |scene| {
        scene.as_neo(Method::POST, "/api/v1/me/export").send().await.expect(200);
        scene.as_neo(Method::POST, "/api/v1/me/export").send().await
    }

    too_many_sessions_occurs TooManySessions {
        let app = TestApp::start_with(&[("ADMIN_SESSIONS_PER_HOUR", "1")]).await;
        app.client.new_user(NEO).await;
        sign_in(&app, NEO, PASSWORD).send().await
    }

    headers_too_large_occurs HeadersTooLarge |scene| {
        raw(&scene.app, "/", &"a".repeat(500_000)).await
    }

    internal_occurs Internal |scene| {
        assign(&scene.app, NEO, "a").await;
        scene.sql("alter table auth.login_history rename to gone").await;
        let neo = refresh(&scene.app, &scene.neo.refresh).send().await.pair();
        scene.app.client.get("/api/v1/me/login-history").bearer(&neo.access).send().await
    }

    provider_error_occurs ProviderError {
        let cinema = Cinema::start().await;
        cinema.providers.set_fault(Provider::GitHub, Fault::ErrorIn200);
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await
    }

    provider_timeout_occurs ProviderTimeout {
        let cinema = Cinema::start_limited(SHORT_LIMITS).await;
        cinema.providers.set_fault(Provider::GitHub, Fault::TokenTimeout);
        cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await
    }

    provider_unavailable_occurs ProviderUnavailable {
        let cinema = Cinema::start().await;
        cinema.providers.set_fault(Provider::GitHub, Fault::Token500);
        for _ in 0..5 {
            cinema.browser().try_to_sign_in(Provider::GitHub, "anna").await.expect(502);
        }
        cinema.app.client.get("/api/v1/oauth/github/login").send().await
    }

    mail_not_configured_occurs MailNotConfigured |scene| {
        scene.app.client.post("/api/v1/auth/password/forgot").json(&json!({ "email": NEO })).send().await
    }

    overloaded_occurs Overloaded |scene| {
        let _place = scene.app.context.hasher.reserve(Party::Operator).expect("it is free");
        sign_in(&scene.app, NEO, PASSWORD).send().await
    }

    dependency_unavailable_occurs DependencyUnavailable {
        let nowhere = "postgres://unknown@127.0.0.1:1/nowhere";
        let app = TestApp::launch_on(variables(nowhere, &prefix())).await;
        app.client.register(NEO).await
    }
}

#[test]
fn the_page_gives_each_code_its_status() {
    let path = format!("{}/../docs/api.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let row = |code: &Code| format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
    let missing: Vec<_> = Code::ALL.iter().map(row).filter(|row| !page.contains(row)).collect();
    assert_eq!(missing, Vec::<String>::new());
}
