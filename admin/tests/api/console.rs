//! The console of operators.

mod actions;
mod rights;
mod roles;
mod shown_again;
mod sign_in;
mod state;

use admin::access::Right;
use uuid::Uuid;

use crate::pages::visitor::Visitor;
use crate::support::{PASSWORD, TestApp};
use crate::witness::{assign, make_role, user_of};

/// The address of the console.
const OWN: &str = "https://console.cinema.test";

/// The variables of a service with a console and mails that wait, because no server listens there.
const CONSOLE: [(&str, &str); 7] = [
    ("ADMIN_CONSOLE_LISTEN", "tcp:127.0.0.1:0"),
    ("ADMIN_CONSOLE_URL", OWN),
    ("ADMIN_PUBLIC_URL", "https://cinema.example"),
    ("ADMIN_MAIL_URL", "smtp://127.0.0.1:1"),
    ("ADMIN_MAIL_TLS", "none"),
    ("ADMIN_MAIL_FROM", "no-reply@cinema.example"),
    ("ADMIN_REGISTRATION", "open"),
];

async fn start() -> TestApp {
    TestApp::start_with(&CONSOLE).await
}

/// A superuser at the console.
async fn root(app: &TestApp) -> Visitor {
    let email = "root@operators.test";
    app.client.new_user(email).await;
    make_superuser(app, email).await;
    signed_in(app, email).await
}

async fn make_superuser(app: &TestApp, email: &str) {
    let make = "update auth.users set is_superuser = true where email_key = $1";
    app.sql().await.execute(make, &[&email]).await.unwrap();
}

/// A user at the console who has these rights.
async fn operator(app: &TestApp, name: &str, rights: &[Right]) -> Visitor {
    let email = format!("{name}@operators.test");
    app.client.new_user(&email).await;
    let permissions: Vec<_> = rights.iter().map(|right| right.as_str()).collect();
    make_role(app, &format!("operator-{name}"), &permissions, &[]).await;
    assign(app, &email, &format!("operator-{name}")).await;
    signed_in(app, &email).await
}

async fn signed_in(app: &TestApp, email: &str) -> Visitor {
    let mut visitor = Visitor::of_console(app, OWN);
    visitor.sign_in(email, PASSWORD).await.expect(303);
    visitor.open("/console/").await.expect(200);
    visitor
}

/// What a page says that the page before has done, by its word.
fn done(word: &str) -> String {
    let texts: serde_json::Value =
        serde_json::from_str(include_str!("../../src/pages/texts/en/console.json")).unwrap();
    let text = texts["done"][word].as_str().unwrap_or_else(|| panic!("no text: {word}"));
    format!("role=\"status\">{text}</p>")
}

/// A viewer.
async fn person(app: &TestApp, name: &str) -> Uuid {
    user_of(&app.client.new_user(&format!("{name}@persons.test")).await)
}
