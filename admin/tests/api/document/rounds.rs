//! All errors of a request are reported in one response.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::arrange::Person;
use crate::support::Cinema;

/// The errors of a request of a superuser, with their fields.
async fn wrong_fields(cinema: &Cinema, root: &Person, method: Method, path: &str, body: &Value) -> String {
    let call = cinema.app.client.call(method, path).bearer(&root.access).json(body);
    let problem = call.send().await.problem(422, "validation_failed");
    let errors = problem["errors"].as_array().expect("errors").iter();
    let words: BTreeSet<String> =
        errors.map(|error| format!("{} {}", error["field"], error["code"]).replace('"', "")).collect();
    words.into_iter().collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_new_account_or_a_sign_in_is_reported_in_one_round() {
    let cinema = Cinema::start().await;
    let root = Person::superuser(&cinema.app).await;
    let everything = json!({
        "login": "a", "password": "password", "display_name": 7, "locale": "русский", "is_superuser": true
    });
    let taken = json!({ "email": root.email, "login": "admin", "password": "correct horse battery staple" });
    for (path, body, expected) in [
        (
            "/api/v1/auth/register",
            everything,
            "display_name field_invalid, email field_missing, is_superuser field_unknown, locale field_invalid, \
             login login_invalid, password password_advice, password password_common",
        ),
        (
            "/api/v1/auth/register",
            json!({ "email": "a", "password": "\u{1}" }),
            "email email_invalid, password password_too_short, password password_unprintable",
        ),
        ("/api/v1/auth/register", taken, "login login_reserved"),
        (
            "/api/v1/auth/login",
            json!({ "device_name": "", "x": 1 }),
            "device_name field_invalid, identifier field_missing, password field_missing, x field_unknown",
        ),
        (
            "/api/v1/auth/login",
            json!({ "email": "a", "login": "b", "password": 7 }),
            "identifier field_invalid, password field_invalid",
        ),
    ] {
        assert_eq!(wrong_fields(&cinema, &root, Method::POST, path, &body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_change_or_a_query_is_reported_in_one_round() {
    let cinema = Cinema::start().await;
    let root = Person::superuser(&cinema.app).await;
    let assignment = format!("/api/v1/users/{}/roles/subscriber", root.id);
    let role =
        json!({ "name": "A", "title": " ", "permissions": ["films:watch", "films", 7], "inherits": "a" });
    for (method, path, body, expected) in [
        (
            Method::PUT,
            "/api/v1/me/password",
            json!({ "new_password": "12345678" }),
            "current_password field_missing, new_password password_advice, new_password password_pattern",
        ),
        (
            Method::PUT,
            "/api/v1/me/email",
            json!({ "email": "a", "current_password": null }),
            "current_password field_missing, email email_invalid",
        ),
        (
            Method::PUT,
            "/api/v1/me/login",
            json!({ "login": "admin" }),
            "current_password field_missing, login login_reserved",
        ),
        (
            Method::POST,
            "/api/v1/roles",
            role,
            "inherits field_invalid, name role_name_invalid, permissions[1] permission_invalid, permissions[2] \
             field_invalid, title field_invalid",
        ),
        (
            Method::PATCH,
            "/api/v1/roles/subscriber",
            json!({ "name": null, "description": "\u{7}", "x": [] }),
            "description field_invalid, name field_invalid, x field_unknown",
        ),
        (
            Method::PUT,
            &assignment,
            json!({ "expires_at": "9999-12-31T23:59:59Z", "reason": "" }),
            "expires_at field_invalid, reason field_invalid",
        ),
        (
            Method::POST,
            "/api/v1/authz/check",
            json!({ "user_id": "me", "permissions": [] }),
            "permissions field_invalid, user_id field_invalid",
        ),
        (
            Method::GET,
            "/api/v1/admin/users?limit=0&cursor=x&superuser=true&role=A&status=x&q=1&limit=1&email=a",
            json!({}),
            "cursor field_invalid, email email_invalid, limit field_invalid, limit field_repeated, q field_unknown, \
             role role_name_invalid, status field_invalid, superuser field_invalid",
        ),
        (Method::GET, "/api/v1/me", json!({ "a": 1, "b": 2 }), "a field_unknown, b field_unknown"),
    ] {
        assert_eq!(wrong_fields(&cinema, &root, method, path, &body).await, expected, "{body}");
    }
}

#[tokio::test]
async fn unknown_roles_and_pages_are_reported_with_everything_else() {
    let cinema = Cinema::start().await;
    let root = Person::superuser(&cinema.app).await;
    let role = json!({ "name": "viewer", "inherits": ["nobody", "no one", "nothing"], "title": "", "x": 1 });
    let wrong = wrong_fields(&cinema, &root, Method::POST, "/api/v1/roles", &role).await;
    let expected =
        "inherits role_unknown, inherits[1] role_name_invalid, title field_invalid, x field_unknown";
    assert_eq!(wrong, expected);

    let created =
        cinema.app.client.post("/api/v1/roles").bearer(&root.access).json(&json!({ "name": "viewer" }));
    created.send().await.expect(201);
    let wrong = wrong_fields(&cinema, &root, Method::PATCH, "/api/v1/roles/viewer", &role).await;
    assert_eq!(wrong, expected);

    let link = json!({ "return_to": "https://evil.example/", "code_challenge": "short", "x": 1 });
    let wrong = wrong_fields(&cinema, &root, Method::POST, "/api/v1/me/accounts/github", &link).await;
    assert_eq!(wrong, "code_challenge field_invalid, return_to return_to_not_allowed, x field_unknown");
    let link = json!({ "return_to": "", "x": 1 });
    let wrong = wrong_fields(&cinema, &root, Method::POST, "/api/v1/me/accounts/github", &link).await;
    assert_eq!(wrong, "return_to field_invalid, x field_unknown");

    let login = "/api/v1/oauth/github/login?return_to=https://evil.example/&code_challenge=short";
    let wrong = wrong_fields(&cinema, &root, Method::GET, login, &json!({})).await;
    assert_eq!(wrong, "code_challenge field_invalid, return_to return_to_not_allowed");
}
