//! A sign-out that nginx has read happens, however its client leaves.

use harness::Stack;
use harness::hang_up::{Departure, hang_up, pipelined_sign_out, sign_outs};
use harness::wait::until;

use crate::people::{Pair, Person};
use crate::support::LIMIT;

async fn is_signed_out(stack: &Stack, pair: &Pair, how: &str) {
    let refused = async || pair.get(stack, "/api/v1/films/").await.status == 401;
    until(how, LIMIT, refused).await.unwrap();
}

#[tokio::test]
async fn a_sign_out_happens_however_its_client_leaves() {
    let stack = Stack::start().await.unwrap();
    for departure in Departure::ALL {
        let person = Person::register(&stack).await;
        for form in 0..3 {
            for _ in 0..3 {
                let pair = person.sign_in(&stack).await;
                hang_up(
                    &stack.nginx.url(),
                    sign_outs(&pair.access, &pair.refresh)[form].as_bytes(),
                    departure,
                )
                .await
                .unwrap();
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
        let requests = pairs.each_ref().map(|pair| pipelined_sign_out(&pair.access));
        hang_up(&stack.nginx.url(), requests.concat().as_bytes(), departure).await.unwrap();
        for pair in &pairs {
            is_signed_out(&stack, pair, &format!("{departure:?}")).await;
        }
    }
}
