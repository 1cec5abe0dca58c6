//! Everything that ends a session, as nginx applies it.

use harness::Stack;
use hyper::Method;
use serde_json::{Value, json};

use crate::people::{PASSWORD, Pair, Person};

const OTHER_PASSWORD: &str = "copper meadow 57 telescope";

#[tokio::test]
async fn signing_out_ends_one_session_and_no_other() {
    let stack = Stack::builder().sidecars(2).start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    first.sign_out(&stack).await;
    first.is_refused(&stack, "a signed-out token").await;
    second.is_let_in(&stack).await;
}

#[tokio::test]
async fn a_refresh_token_signs_out_too_and_the_access_token_dies_with_it() {
    let stack = Stack::start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let url = stack.gateway("/api/v1/auth/logout");
    let question = harness::http::post(&url).json(&json!({ "refresh_token": pair.refresh }));
    assert_eq!(question.send().await.status, 204);
    pair.is_refused(&stack, "the access token of a session ended by its refresh token").await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session() {
    let stack = Stack::start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    let other_user = Person::signed_in(&stack).await.1;
    let answer = first.ask(&stack, Method::POST, "/api/v1/auth/logout-all", &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    first.is_refused(&stack, "the session that asked").await;
    second.is_refused(&stack, "the other session").await;
    assert_eq!(second.try_refresh(&stack).await.code(), "session_revoked");
    other_user.is_let_in(&stack).await;
    person.sign_in(&stack).await.is_let_in(&stack).await;
}

#[tokio::test]
async fn an_operator_signs_all_users_out() {
    let stack = Stack::builder().sidecars(2).start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let other_user = Person::signed_in(&stack).await.1;
    stack.admins[0].command(&["sessions", "end-all", "--yes"], "").unwrap();
    first.is_refused(&stack, "one").await;
    other_user.is_refused(&stack, "another").await;
    person.sign_in(&stack).await.is_let_in(&stack).await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_goes_on_with_a_new_pair() {
    let stack = Stack::start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let answer = first.ask(&stack, Method::PUT, "/api/v1/me/password", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let renewed = Pair::of(&answer);
    second.is_refused(&stack, "another session").await;
    first.is_refused(&stack, "the old token of this session").await;
    renewed.is_let_in(&stack).await;
    renewed.refresh(&stack).await.is_let_in(&stack).await;
    assert_eq!(person.try_password(&stack, PASSWORD).await.code(), "invalid_credentials");
    assert_eq!(person.try_password(&stack, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn ending_another_session_of_one_s_own_ends_its_tokens() {
    let stack = Stack::start().await.unwrap();
    let (person, first) = Person::signed_in(&stack).await;
    let second = person.sign_in(&stack).await;
    let path = format!("/api/v1/me/sessions/{}", second.session);
    assert_eq!(first.ask(&stack, Method::DELETE, &path, &Value::Null).await.status, 204);
    second.is_refused(&stack, "the ended session").await;
    first.is_let_in(&stack).await;
}

#[tokio::test]
async fn another_person_s_session_cannot_be_ended() {
    let stack = Stack::start().await.unwrap();
    let mine = Person::signed_in(&stack).await.1;
    let theirs = Person::signed_in(&stack).await.1;
    let path = format!("/api/v1/me/sessions/{}", theirs.session);
    assert_eq!(mine.ask(&stack, Method::DELETE, &path, &Value::Null).await.status, 404);
    theirs.is_let_in(&stack).await;
}

#[tokio::test]
async fn fifty_parallel_refreshes_all_get_the_one_child() {
    let stack = Stack::builder().admins(2).start().await.unwrap();
    let (_person, pair) = Person::signed_in(&stack).await;
    let url = stack.gateway("/api/v1/auth/refresh");
    let body = json!({ "refresh_token": pair.refresh });
    let tries: Vec<_> = (0..50).map(|_| tokio::spawn(harness::http::post(&url).json(&body).send())).collect();
    let mut children = std::collections::HashSet::new();
    for answer in tries {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        children.insert(Pair::of(&answer).refresh);
    }
    assert_eq!(children.len(), 1);
}

#[tokio::test]
async fn reuse_of_an_old_refresh_token_revokes_the_session_at_nginx() {
    let stack = Stack::start().await.unwrap();
    let (person, grandparent) = Person::signed_in(&stack).await;
    let parent = grandparent.refresh(&stack).await;
    let child = parent.refresh(&stack).await;
    let elsewhere = person.sign_in(&stack).await;
    let answer = grandparent.try_refresh(&stack).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "refresh_token_reused"));
    for (what, member) in [("grandparent", &grandparent), ("parent", &parent), ("child", &child)] {
        member.is_refused(&stack, what).await;
    }
    assert_eq!(child.try_refresh(&stack).await.status, 401);
    elsewhere.is_let_in(&stack).await;
}
