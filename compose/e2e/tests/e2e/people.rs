//! Users who register, sign in and sign out through the gateway.

use harness::http::{Call, Reply, call, get, post};
use harness::wait::until;
use harness::{Stack, random};
use hyper::Method;
use serde_json::{Value, json};

use crate::support::LIMIT;

/// A password that passes every check of strength.
pub(crate) const PASSWORD: &str = "violet harbour 82 lantern";

/// A registered user.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
}

/// The token pair of a sign-in or a refresh.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
}

impl Person {
    /// Registers a new user.
    pub(crate) async fn register(stack: &Stack) -> Self {
        let email = format!("{}@cinema.example", random::word().unwrap());
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = send(post(&stack.gateway("/api/v1/auth/register")).json(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Self { id: answer.field("/user_id"), email }
    }

    /// Registers a new user and signs them in.
    pub(crate) async fn signed_in(stack: &Stack) -> (Self, Pair) {
        let person = Self::register(stack).await;
        let pair = person.sign_in(stack).await;
        (person, pair)
    }

    /// Signs in once more, which creates another session.
    pub(crate) async fn sign_in(&self, stack: &Stack) -> Pair {
        let answer = self.try_password(stack, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Pair::of(&answer)
    }

    pub(crate) async fn try_password(&self, stack: &Stack, password: &str) -> Reply {
        let body = json!({ "identifier": self.email, "password": password });
        send(post(&stack.gateway("/api/v1/auth/login")).json(&body)).await
    }

    /// Assigns them a role, as an operator does.
    pub(crate) fn assign(&self, stack: &Stack, role: &str) {
        stack.admins[0].command(&["roles", "assign", &self.email, role], "").unwrap();
    }
}

impl Pair {
    /// The token pair in an answer.
    pub(crate) fn of(answer: &Reply) -> Self {
        let field = |name: &str| {
            let value = answer.field(name);
            assert!(!value.is_empty(), "{name} is missing in {}", answer.text);
            value
        };
        Self {
            access: field("/access_token"),
            refresh: field("/refresh_token"),
            session: field("/session_id"),
        }
    }

    /// Requests the film list, or `path`.
    pub(crate) async fn get(&self, stack: &Stack, path: &str) -> Reply {
        send(get(&stack.gateway(path)).bearer(&self.access)).await
    }

    /// Sends admin a request, with a body unless it is `null`.
    pub(crate) async fn ask(&self, stack: &Stack, method: Method, path: &str, body: &Value) -> Reply {
        let question = call(method, &stack.gateway(path)).bearer(&self.access);
        send(if body.is_null() { question } else { question.json(body) }).await
    }

    /// Sends the refresh token, and returns the answer whatever it is.
    pub(crate) async fn try_refresh(&self, stack: &Stack) -> Reply {
        let body = json!({ "refresh_token": self.refresh });
        send(post(&stack.gateway("/api/v1/auth/refresh")).json(&body)).await
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, stack: &Stack) -> Self {
        let answer = self.try_refresh(stack).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Self::of(&answer)
    }

    /// Signs out.
    pub(crate) async fn sign_out(&self, stack: &Stack) {
        let answer = self.ask(stack, Method::POST, "/api/v1/auth/logout", &Value::Null).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    /// Requires that the token opens the films.
    pub(crate) async fn is_let_in(&self, stack: &Stack) {
        let answer = self.get(stack, "/api/v1/films/").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Waits until nginx refuses the token, and checks that the reason is a revocation.
    pub(crate) async fn is_refused(&self, stack: &Stack, what: &str) {
        let refused = async || self.get(stack, "/api/v1/films/").await.status == 401;
        until(what, LIMIT, refused).await.unwrap();
        let challenge =
            self.get(stack, "/api/v1/films/").await.find_header("www-authenticate").unwrap().to_owned();
        assert!(challenge.contains("revoked") || challenge.contains("refreshed"), "{what}: {challenge}");
    }
}

pub(crate) async fn send(question: Call) -> Reply {
    question.send().await
}
