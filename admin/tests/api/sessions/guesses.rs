//! What an operator reads about wrong passwords.

use serde_json::json;

use crate::support::{Lines, TestApp};
use crate::witness::{sign_in, user_of};

const WARNING: &str = "Many wrong passwords";

#[tokio::test]
async fn sixty_wrong_passwords_are_one_warning_and_each_line_names_the_address() {
    let lines = Lines::keep();
    let app = TestApp::start().await;
    let neo = app.client.new_user("neo@example.org").await;
    let count = |word: &str| lines.text().lines().filter(|line| line.contains(word)).count();
    let guess = async |email: &str, address: &str| {
        let body = json!({ "email": email, "password": "not the password" });
        let call = app.client.post("/api/v1/auth/login").json(&body).header("x-forwarded-for", address);
        call.send().await.problem(401, "invalid_credentials");
    };
    // One address, unknown names.
    for number in 0..59 {
        guess(&format!("unknown{number}@example.org"), "198.51.100.7").await;
    }
    assert_eq!(count(WARNING), 0);
    for number in 0..20 {
        guess(&format!("unknown{number}@example.org"), "198.51.100.7").await;
    }
    assert_eq!(count(WARNING), 1);
    let text = lines.text();
    let line = text.lines().find(|line| line.contains(WARNING)).expect("the warning");
    assert!(line.contains("198.51.100.7") && line.contains("WARN") && !line.contains("unknown"), "{line}");
    // One account, from many addresses.
    for number in 0..70 {
        guess("neo@example.org", &format!("203.0.113.{number}")).await;
    }
    assert_eq!(count(WARNING), 2);
    let text = lines.text();
    let line = text.lines().filter(|line| line.contains(WARNING)).nth(1).expect("the warning");
    assert!(line.contains(&user_of(&neo).to_string()) && !line.contains("neo@"), "{line}");

    sign_in(&app, "neo@example.org", crate::support::PASSWORD)
        .header("x-forwarded-for", "192.0.2.9")
        .send()
        .await
        .expect(200);
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("Answered a request.") && line.contains("192.0.2.9"));
    assert!(line.is_some_and(|line| line.contains("/api/v1/auth/login")), "the line of the sign-in");
}
