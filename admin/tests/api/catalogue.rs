//! The catalogue of problems: each code is made to occur, and its page says of it what is so.

use admin::api::Code;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Call, PASSWORD, Pair, Reply, TestApp, prefix, until, variables};
use crate::witness::{assign, change_password, holder, make_role, refresh, sign_in, superuser, user_of};

const NEO: &str = "neo@example.org";

/// A service with somebody who may do everything and somebody who may do nothing.
struct Scene {
    app: TestApp,
    root: Pair,
    neo: Pair,
}

impl Scene {
    async fn new() -> Self {
        // Tokens that live for seconds, one place for a hash.
        let app = TestApp::start_with(&[("ADMIN_HASH_THREADS", "1"), ("ADMIN_HASH_QUEUE", "0")]).await;
        let root = superuser(&app).await;
        let neo = app.client.new_user(NEO).await;
        make_role(&app, "a", &["films:watch"], &[]).await;
        Self { app, root, neo }
    }

    fn as_root(&self, method: Method, path: &str) -> Call {
        self.app.client.call(method, path).bearer(&self.root.access)
    }

    fn as_neo(&self, method: Method, path: &str) -> Call {
        self.app.client.call(method, path).bearer(&self.neo.access)
    }

    async fn sql(&self, text: &str) {
        self.app.sql().await.batch_execute(text).await.expect("the statement is good");
    }

    async fn register(&self, body: &Value) -> Reply {
        self.app.client.post("/api/v1/auth/register").json(body).send().await
    }

    async fn new_role(&self, body: Value) -> Reply {
        self.as_root(Method::POST, "/api/v1/roles").json(&body).send().await
    }
}

/// A request that meets the problem `code`.
async fn provoke(code: Code) -> Reply {
    let scene = Scene::new().await;
    let (app, client) = (&scene.app, &scene.app.client);
    match code {
        Code::RequestMalformed => client.post("/api/v1/auth/login").raw_json("{").send().await,
        Code::RequestTimeout => slow_body(client.base()).await,
        Code::BodyTooLarge => client.post("/api/v1/auth/login").raw_json(" ".repeat(20_000)).send().await,
        Code::UnsupportedMediaType => client.post("/api/v1/auth/login").body("{}").send().await,
        Code::ValidationFailed => scene.register(&json!({})).await,
        Code::NotFound => client.get("/api/v1/nothing").send().await,
        Code::MethodNotAllowed => client.delete("/api/v1/auth/login").send().await,
        Code::TokenMissing => client.get("/api/v1/me").send().await,
        Code::TokenInvalid => client.get("/api/v1/me").bearer("nonsense").send().await,
        Code::TokenExpired => expired_token().await,
        Code::TokenRevoked => {
            scene.as_neo(Method::POST, "/api/v1/auth/logout").send().await.expect(204);
            scene.as_neo(Method::GET, "/api/v1/me").send().await
        }
        Code::InvalidCredentials => sign_in(app, NEO, "not the password").send().await,
        Code::RefreshTokenInvalid => refresh(app, "nonsense").send().await,
        Code::RefreshTokenUnknown => {
            scene.sql("delete from auth.sessions").await;
            refresh(app, &scene.neo.refresh).send().await
        }
        Code::RefreshTokenReused => {
            let next = refresh(app, &scene.neo.refresh).send().await.pair();
            refresh(app, &next.refresh).send().await.expect(200);
            refresh(app, &scene.neo.refresh).send().await
        }
        Code::SessionRevoked => {
            scene.as_neo(Method::POST, "/api/v1/auth/logout").send().await.expect(204);
            refresh(app, &scene.neo.refresh).send().await
        }
        Code::SessionExpired => {
            scene.sql("update auth.sessions set idle_expires_at = clock_timestamp()").await;
            refresh(app, &scene.neo.refresh).send().await
        }
        Code::Forbidden => scene.as_neo(Method::GET, "/api/v1/roles").send().await,
        Code::PrivilegeEscalation => {
            let writer = holder(app, "writer@example.org", &["roles:write"]).await.access;
            let body = json!({ "name": "b", "permissions": ["films:watch"] });
            client.post("/api/v1/roles").bearer(&writer).json(&body).send().await
        }
        Code::FreshAuthRequired => {
            scene
                .sql("update auth.sessions set authenticated_at = authenticated_at - interval '1 hour'")
                .await;
            scene.as_root(Method::PUT, &superuser_of(&scene.neo)).send().await
        }
        Code::SystemRole => {
            scene.sql("update auth.roles set is_system = true").await;
            scene.as_root(Method::DELETE, "/api/v1/roles/a").send().await
        }
        Code::RegistrationClosed => {
            let app = TestApp::start_with(&[("ADMIN_REGISTRATION", "closed")]).await;
            app.client.register(NEO).await
        }
        Code::EmailTaken => client.register(NEO).await,
        Code::LoginTaken => {
            let body = |email: &str| json!({ "email": email, "login": "morpheus", "password": PASSWORD });
            scene.register(&body("morpheus@example.org")).await.expect(201);
            scene.register(&body("other@example.org")).await
        }
        Code::RoleExists => scene.new_role(json!({ "name": "a" })).await,
        Code::RoleNameRetired => {
            scene.as_root(Method::DELETE, "/api/v1/roles/a").send().await.expect(204);
            scene.new_role(json!({ "name": "a" })).await
        }
        Code::RoleCycle => {
            let body = json!({ "inherits": ["a"] });
            scene.as_root(Method::PATCH, "/api/v1/roles/a").json(&body).send().await
        }
        Code::LimitReached => {
            let parents: Vec<String> = (1..=201).map(|n| format!("films:p{n}")).collect();
            scene.new_role(json!({ "name": "b", "permissions": parents })).await
        }
        Code::LastSuperuser => scene.as_root(Method::DELETE, &superuser_of(&scene.root)).send().await,
        Code::PreconditionFailed => {
            scene
                .as_neo(Method::PATCH, "/api/v1/me")
                .header("if-match", "\"99\"")
                .json(&json!({}))
                .send()
                .await
        }
        Code::PasswordWeak => {
            scene.register(&json!({ "email": "a@example.org", "password": "password" })).await
        }
        Code::PasswordReused => change_password(app, &scene.neo.access, PASSWORD).send().await,
        Code::Internal => {
            assign(app, NEO, "a").await;
            scene.sql("alter table auth.login_history rename to gone").await;
            let neo = refresh(app, &scene.neo.refresh).send().await.pair();
            client.get("/api/v1/me/login-history").bearer(&neo.access).send().await
        }
        Code::Overloaded => {
            let _place = app.context.hasher.reserve().expect("it is free");
            sign_in(app, NEO, PASSWORD).send().await
        }
        Code::DependencyUnavailable => {
            let nowhere = "postgres://nobody@127.0.0.1:1/nowhere";
            let app = TestApp::launch_on(variables(nowhere, &prefix())).await;
            app.client.register(NEO).await
        }
    }
}

fn superuser_of(pair: &Pair) -> String {
    format!("/api/v1/admin/users/{}/superuser", user_of(pair))
}

/// An access token of one second's life, when that is over.
async fn expired_token() -> Reply {
    let app = TestApp::start_with(&[("ADMIN_ACCESS_TOKEN_LIFE", "1s")]).await;
    let pair = app.client.new_user(NEO).await;
    until("the token expires", async || {
        let reply = app.client.get("/api/v1/me").bearer(&pair.access).send().await;
        (reply.status == 401).then_some(reply)
    })
    .await
}

/// A body of which the last byte never comes.
async fn slow_body(base: &str) -> Reply {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 3\r\n\r\n{}";
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("it answers and closes");
    let text = String::from_utf8(text).expect("it writes UTF-8");
    let (head, body) = text.split_once("\r\n\r\n").expect("there is a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("there is a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers =
        headers.map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")));
    Reply { status: status.parse().expect("a number"), headers: headers.collect(), text: body.to_owned() }
}

/// A test a code, and one that none was forgotten.
macro_rules! catalogue {
    ($($name:ident $code:ident,)*) => {
        $(#[tokio::test]
        async fn $name() {
            let code = Code::$code;
            let problem = provoke(code).await.problem(code.status().as_u16(), code.as_str());
            assert_eq!(problem["title"], code.title());
        })*

        #[test]
        fn every_code_is_made_to_occur() {
            assert_eq!([$(Code::$code),*].as_slice(), Code::ALL);
        }
    };
}

catalogue! {
    request_malformed_occurs RequestMalformed,
    token_missing_occurs TokenMissing,
    token_invalid_occurs TokenInvalid,
    token_expired_occurs TokenExpired,
    token_revoked_occurs TokenRevoked,
    invalid_credentials_occurs InvalidCredentials,
    refresh_token_invalid_occurs RefreshTokenInvalid,
    refresh_token_unknown_occurs RefreshTokenUnknown,
    refresh_token_reused_occurs RefreshTokenReused,
    session_revoked_occurs SessionRevoked,
    session_expired_occurs SessionExpired,
    forbidden_occurs Forbidden,
    privilege_escalation_occurs PrivilegeEscalation,
    fresh_auth_required_occurs FreshAuthRequired,
    system_role_occurs SystemRole,
    registration_closed_occurs RegistrationClosed,
    not_found_occurs NotFound,
    method_not_allowed_occurs MethodNotAllowed,
    request_timeout_occurs RequestTimeout,
    email_taken_occurs EmailTaken,
    login_taken_occurs LoginTaken,
    role_exists_occurs RoleExists,
    role_name_retired_occurs RoleNameRetired,
    last_superuser_occurs LastSuperuser,
    limit_reached_occurs LimitReached,
    precondition_failed_occurs PreconditionFailed,
    body_too_large_occurs BodyTooLarge,
    unsupported_media_type_occurs UnsupportedMediaType,
    validation_failed_occurs ValidationFailed,
    role_cycle_occurs RoleCycle,
    password_weak_occurs PasswordWeak,
    password_reused_occurs PasswordReused,
    internal_occurs Internal,
    overloaded_occurs Overloaded,
    dependency_unavailable_occurs DependencyUnavailable,
}

#[test]
fn the_page_gives_each_code_its_status() {
    let path = format!("{}/../docs/api.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let row = |code: &Code| format!("| `{}` | {} |", code.as_str(), code.status().as_u16());
    let missing: Vec<_> = Code::ALL.iter().map(row).filter(|row| !page.contains(row)).collect();
    assert_eq!(missing, Vec::<String>::new());
}
