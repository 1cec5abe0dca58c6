//! A sign-out that nginx has read happens, however its client leaves.

use harness::Stack;
use harness::hang_up::{Departure, hang_up};
use harness::wait::until;
use serde_json::json;

use crate::people::{Pair, Person};
use crate::support::LIMIT;

/// Sign-outs as clients write them.
fn sign_outs(pair: &Pair) -> [String; 3] {
    let bearer = format!("Authorization: Bearer {}\r\n", pair.access);
    let body = json!({ "refresh_token": pair.refresh }).to_string();
    let length = body.len();
    [
        format!("POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\n{bearer}Connection: close\r\n\r\n"),
        format!("POST /api/v1/auth/logout HTTP/1.0\r\n{bearer}\r\n"),
        format!(
            "POST /api/v1/auth/logout HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    ]
}

async fn is_signed_out(stack: &Stack, pair: &Pair, how: &str) {
    let refused = async || pair.get(stack, "/api/v1/films/").await.status == 401;
    until(how, LIMIT, refused).await.unwrap();
}

#[tokio::test]
async fn a_sign_out_happens_however_its_client_leaves() {
    let stack = Stack::start().await.unwrap();
    let person = Person::register(&stack).await;
    for departure in Departure::ALL {
        for form in 0..3 {
            for _ in 0..3 {
                let pair = person.sign_in(&stack).await;
                hang_up(&stack.nginx.url(), sign_outs(&pair)[form].as_bytes(), departure).await.unwrap();
                is_signed_out(&stack, &pair, &format!("{departure:?}, form {form}")).await;
            }
        }
    }
}

#[tokio::test]
async fn a_pipelined_sign_out_happens_too() {
    let stack = Stack::start().await.unwrap();
    let person = Person::register(&stack).await;
    for departure in [Departure::Close, Departure::HalfClose] {
        let pairs = [person.sign_in(&stack).await, person.sign_in(&stack).await];
        let requests = pairs.each_ref().map(|pair| sign_outs(pair)[0].replace("Connection: close\r\n", ""));
        hang_up(&stack.nginx.url(), requests.concat().as_bytes(), departure).await.unwrap();
        for pair in &pairs {
            is_signed_out(&stack, pair, &format!("{departure:?}")).await;
        }
    }
}
