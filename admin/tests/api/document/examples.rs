//! Every example of the document, against a running service.

use serde_json::Value;

use super::arrange::{Ask, Person};
use super::arrive;
use super::spec::{Operation, Spec};
use crate::support::{Reply, TestApp};

fn fault(operation: Operation<'_>, reply: &Reply, faults: &[String]) -> String {
    format!("{}: {} {} {}", operation.id(), faults.join("; "), reply.status, reply.text)
}

#[tokio::test]
async fn every_example_succeeds_as_documented() {
    let (cinema, spec) = (arrive::cinema().await, Spec::read());
    let mut found = Vec::new();
    for operation in spec.operations() {
        let caller = Person::for_operation(&cinema.app, operation).await;
        let reply = Ask::example(&cinema, operation, &caller).await.send(&cinema.app).await;
        let mut faults = operation.faults(&reply);
        if !(200..400).contains(&reply.status) {
            faults.push("its example fails".to_owned());
        }
        if !faults.is_empty() {
            found.push(fault(operation, &reply, &faults));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[tokio::test]
async fn callers_without_the_right_are_refused_as_documented() {
    let (app, spec) = (TestApp::start().await, Spec::read());
    let ordinary_user = Person::register(&app).await;
    for operation in spec.operations().into_iter().filter(|operation| operation.needs_a_token()) {
        let mut ask = Ask::bare(operation);
        ask.parts = operation.parameters("path").map(example_of).collect();
        let reply = ask.send(&app).await;
        assert_eq!(operation.faults(&reply), Vec::<String>::new(), "{}", operation.id());
        reply.problem(401, "token_missing");
        if operation.required_permission().is_some() {
            ask.token = Some(ordinary_user.access.clone());
            let reply = ask.send(&app).await;
            assert_eq!(operation.faults(&reply), Vec::<String>::new(), "{}", operation.id());
            // The response must not reveal that the other user exists.
            let expected = if operation.path.contains("/{id}") { 404 } else { 403 };
            assert_eq!(reply.status, expected, "{}: {reply:?}", operation.id());
        }
    }
}

fn example_of(parameter: &Value) -> (String, String) {
    let text = |name: &str| parameter[name].as_str().expect("a text").to_owned();
    (text("name"), text("example"))
}
