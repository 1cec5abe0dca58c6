//! For every pair of how an account began and how its user comes back: the user is in, or is told what to do. No account
//! is lost, and no second one is created without a question about the first.

use std::fmt;

use mock_providers::Provider::{self, GitHub, Google, X};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Browser, Cinema, PASSWORD, Reply};
use crate::witness::user_of;

/// A way to begin, and to come back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Password,
    Provider(Provider),
}

/// How a user comes back.
#[derive(Debug, PartialEq, Eq)]
enum Return {
    /// At once.
    In,
    /// After a question, and with what the user has from before.
    InAfterConfirmation,
    /// Told that there is an account.
    Told,
    /// With a second account and no question: the first one has no address by which any user could be asked about it, and the user
    /// was asked for an account when it was created.
    Second,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password => f.write_str("password"),
            Self::Provider(provider) => write!(f, "{provider}"),
        }
    }
}

fn ways() -> Vec<Way> {
    [Way::Password].into_iter().chain(Provider::ALL.map(Way::Provider)).collect()
}

/// Whether the provider vouches for the addresses of this test.
fn vouches(provider: Provider) -> bool {
    [Google, GitHub, X].contains(&provider)
}

fn address(person: &str) -> String {
    format!("{person}@example.org")
}

fn expected(began: Way, back: Way) -> Return {
    let has_no_address = matches!(began, Way::Provider(provider) if !vouches(provider));
    match (began, back) {
        _ if began == back => Return::In,
        (Way::Provider(_), Way::Password) if has_no_address => Return::Second,
        (Way::Provider(_), Way::Password) => Return::Told,
        (_, Way::Provider(provider)) if vouches(provider) && has_no_address => Return::Second,
        (_, Way::Provider(_)) => Return::InAfterConfirmation,
        (Way::Password, Way::Password) => Return::In,
    }
}

async fn login(cinema: &Cinema, person: &str) -> Reply {
    let body = json!({ "identifier": address(person), "password": PASSWORD });
    cinema.app.client.post("/api/v1/auth/login").json(&body).send().await
}

/// The first account.
async fn begin(cinema: &Cinema, way: Way, person: &str) -> Uuid {
    match way {
        Way::Password => user_of(&cinema.app.client.new_user(&address(person)).await),
        Way::Provider(provider) if vouches(provider) => {
            user_of(&cinema.browser().sign_in(provider, person).await)
        }
        Way::Provider(provider) => {
            let mut browser = cinema.browser();
            let (flow, _) = browser.is_offered(provider, person).await;
            user_of(&browser.skip(&flow).await.pair())
        }
    }
}

/// The user comes back, answers a question by what the account began with, and says how it went, and with which user.
async fn come_back(cinema: &Cinema, began: Way, back: Way, person: &str) -> (Return, Option<Uuid>) {
    let Way::Provider(provider) = back else {
        let reply = login(cinema, person).await;
        if reply.status == 200 {
            return (Return::In, Some(user_of(&reply.pair())));
        }
        reply.problem(401, "invalid_credentials");
        let registered = cinema.app.client.register(&address(person)).await;
        if registered.status == 201 {
            return (Return::Second, None);
        }
        registered.problem(409, "email_taken");
        return (Return::Told, None);
    };
    let mut browser = cinema.browser();
    let reply = browser.try_to_sign_in(provider, person).await;
    if reply.status == 200 {
        let user = user_of(&reply.pair());
        let is_new = "select linked_rule = 6 and created_at = last from auth.users u,
                          lateral (select max(created_at) as last from auth.users) l, auth.oauth_accounts a
                      where u.id = $1 and a.user_id = u.id and a.provider = $2";
        let row = cinema.app.sql().await.query_one(is_new, &[&user, &provider.name()]).await.unwrap();
        let is_second = row.get::<_, bool>(0) && began != back;
        return (if is_second { Return::Second } else { Return::In }, Some(user));
    }
    (Return::InAfterConfirmation, Some(answer(&mut browser, &reply, began, person).await))
}

/// Proves the first account with what it began with.
async fn answer(browser: &mut Browser, reply: &Reply, began: Way, person: &str) -> Uuid {
    let problem = reply.json();
    let flow = problem["flow"].as_str().unwrap_or_else(|| panic!("no flow: {reply:?}")).to_owned();
    let proved = match (began, problem["code"].as_str().unwrap()) {
        (Way::Provider(first), _) => browser.confirm_through(&flow, first, person).await,
        (Way::Password, "link_confirmation_required") => browser.confirm(&flow, PASSWORD).await,
        (Way::Password, _) => browser.join(&flow, &address(person), PASSWORD).await,
    };
    user_of(&proved.pair())
}

#[tokio::test]
async fn every_pair_of_beginning_and_coming_back_ends_in_the_first_account_or_with_an_answer() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    let mut pairs = 0;
    for (row, began) in ways().into_iter().enumerate() {
        for (column, back) in ways().into_iter().enumerate() {
            let person = format!("p{row}{column}");
            for provider in Provider::ALL {
                cinema.add_person(provider, &person, Some(&address(&person)), true);
            }
            let first = begin(&cinema, began, &person).await;
            let (went, user) = come_back(&cinema, began, back, &person).await;
            assert_eq!(went, expected(began, back), "{began} and {back}");
            if [Return::In, Return::InAfterConfirmation].contains(&went) {
                assert_eq!(user, Some(first), "{began} and {back}");
            }
            // The first account is not lost: its way in is still one.
            let (again, user) = come_back(&cinema, began, began, &person).await;
            assert_eq!((again, user), (Return::In, Some(first)), "{began} after {back}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 64);
}

/// Nothing is lost either if the user declines, or never answers.
#[tokio::test]
async fn a_user_who_declines_or_leaves_finds_the_first_account_as_it_was() {
    let cinema = Cinema::start_with(&[("ADMIN_OAUTH_UNTRUSTED_EMAIL", "ask")]).await;
    for (number, provider) in Provider::ALL.into_iter().enumerate() {
        let person = format!("q{number}");
        cinema.add_person(provider, &person, Some(&address(&person)), true);
        let first = begin(&cinema, Way::Password, &person).await;
        let mut browser = cinema.browser();
        let reply = browser.try_to_sign_in(provider, &person).await;
        let problem = reply.json();
        let flow = problem["flow"].as_str().unwrap().to_owned();
        assert_eq!(user_of(&login(&cinema, &person).await.pair()), first, "{provider}: left");
        let declined = if problem["code"] == "email_proof_offered" {
            browser.skip(&flow).await.pair()
        } else {
            browser.decline(&flow).await.pair()
        };
        assert_ne!(user_of(&declined), first);
        let again = login(&cinema, &person).await.pair();
        assert_eq!(
            (user_of(&again), cinema.me(&again).await["email"].clone()),
            (first, json!(address(&person)))
        );
        let me = browser.call(Method::GET, "/api/v1/me").bearer(&declined.access).send().await.expect(200);
        assert_eq!(me.json()["email"], json!(null), "{provider}");
    }
}
