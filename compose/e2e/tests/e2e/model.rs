//! admin's check and explanation and the sidecar's decision, compared with one simple model of roles.
//!
//! The model shares no code with them. A user has a permission when a chain of roles leads from an assigned role to
//! one with a matching pattern; the model tries all chains.

use harness::http::Client;
use harness::wait::until;
use hyper::Method;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::people::{Pair, Person, send};
use crate::roles::Cinema;
use crate::support::LIMIT;

/// How many graphs are tried; each needs a few hundred requests to real servers.
const GRAPHS: usize = 12;
const ROLES: usize = 6;
const AREAS: [&str; 2] = ["films", "users"];
const ACTIONS: [&str; 2] = ["watch", "edit"];

/// Some roles: the permissions of each, and the earlier roles that it inherits.
#[derive(Debug, Clone)]
struct Graph(Vec<(Vec<String>, Vec<usize>)>);

/// A graph, and the roles that each user has.
#[derive(Debug, Clone)]
struct Scene {
    graph: Graph,
    held: Vec<usize>,
}

fn patterns() -> impl Strategy<Value = String> {
    let area = proptest::sample::select(AREAS.to_vec());
    let action = proptest::sample::select(ACTIONS.to_vec());
    prop_oneof![
        6 => (area.clone(), action).prop_map(|(area, action)| format!("{area}:{action}")),
        3 => area.prop_map(|area| format!("{area}:*")),
        1 => Just("*".to_owned()),
    ]
}

fn scenes() -> impl Strategy<Value = Scene> {
    let role = (
        proptest::collection::vec(patterns(), 0..2),
        proptest::collection::vec(any::<prop::sample::Index>(), 0..3),
    );
    let roles = proptest::collection::vec(role, ROLES);
    (roles, proptest::collection::vec(0..ROLES, 0..3)).prop_map(|(roles, held)| {
        let graph = roles.into_iter().enumerate().map(|(place, (patterns, parents))| {
            // A role inherits earlier ones only, so that there is no cycle.
            let parents = parents.into_iter().filter(|_| place > 0).map(|parent| parent.index(place.max(1)));
            (patterns, parents.collect())
        });
        Scene { graph: Graph(graph.collect()), held }
    })
}

impl Graph {
    /// Every chain of roles from `role` upward.
    fn chains(&self, role: usize) -> Vec<Vec<usize>> {
        let mut chains = vec![vec![role]];
        for parent in &self.0[role].1 {
            chains.extend(self.chains(*parent).into_iter().map(|chain| [vec![role], chain].concat()));
        }
        chains
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        self.chains(from).iter().any(|chain| chain.last() == Some(&to))
    }

    fn may(&self, held: &[usize], permission: &str) -> bool {
        let ends = held.iter().flat_map(|role| self.chains(*role)).filter_map(|chain| chain.last().copied());
        ends.into_iter().any(|role| self.0[role].0.iter().any(|pattern| fits(pattern, permission)))
    }
}

fn fits(pattern: &str, permission: &str) -> bool {
    pattern == "*"
        || pattern == permission
        || pattern == format!("{}:*", permission.split(':').next().unwrap())
}

fn permissions() -> Vec<String> {
    AREAS.iter().flat_map(|area| ACTIONS.iter().map(move |action| format!("{area}:{action}"))).collect()
}

/// The sidecar's own answer, under a policy that the test chooses.
async fn decide(cinema: &Cinema, pair: &Pair, policy: &str) -> u16 {
    let question = Client::over(cinema.stack.sidecars[0].socket()).get("/");
    send(question.bearer(&pair.access).header("X-Auth-Policy", policy)).await.status
}

async fn ask(cinema: &Cinema, pair: &Pair, what: &str) -> Value {
    let url = cinema.stack.admins[0].url(&format!("/api/v1/authz/{what}"));
    let question =
        harness::http::post(&url).bearer(&pair.access).json(&json!({ "permissions": permissions() }));
    let answer = send(question).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["results"].clone()
}

/// Creates the roles of `graph`, and returns their names.
async fn define(cinema: &Cinema, number: usize, graph: &Graph) -> Vec<String> {
    let names: Vec<_> = (0..graph.0.len()).map(|role| format!("g{number}-r{role}")).collect();
    for (place, (patterns, parents)) in graph.0.iter().enumerate() {
        let parents: Vec<_> = parents.iter().map(|parent| names[*parent].as_str()).collect();
        let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
        cinema.role(&names[place], &patterns, &parents).await;
    }
    names
}

/// Every path of an explanation is also a path of the model, and is no longer than necessary.
fn check_paths(scene: &Scene, names: &[String], permission: &str, explained: &Value) {
    for path in explained["paths"].as_array().unwrap() {
        let place =
            |name: &Value| names.iter().position(|known| *name == **known).expect("a role of the graph");
        let inherited = path["inherited"].as_array().unwrap().iter().map(place);
        let chain: Vec<_> = [place(&path["role"])].into_iter().chain(inherited).collect();
        assert!(scene.held.contains(&chain[0]), "{path}");
        assert!(scene.graph.chains(chain[0]).contains(&chain), "{path}");
        let pattern = path["permission"].as_str().unwrap();
        let has = |role: usize| scene.graph.0[role].0.iter().any(|one| one == pattern);
        assert!(fits(pattern, permission) && has(*chain.last().unwrap()), "{path}");
        let shortest = scene.graph.chains(chain[0]).into_iter().filter(|other| has(*other.last().unwrap()));
        assert_eq!(shortest.map(|other| other.len()).min(), Some(chain.len()), "{path}");
        assert_eq!(path["expires_at"], Value::Null);
    }
}

/// Waits until the sidecar knows all roles that were created so far: a role map is complete or absent, so it is
/// enough to wait for one more role.
async fn known(cinema: &Cinema, number: usize) {
    let role = format!("g{number}-probe");
    cinema.role(&role, &["probe:probe"], &[]).await;
    let prober = Person::register(&cinema.stack).await;
    cinema.give(&prober, &role).await;
    let prober = prober.sign_in(&cinema.stack).await;
    let is_known = async || decide(cinema, &prober, "user;permission=probe:probe").await == 204;
    until("the sidecar knows the graph", LIMIT, is_known).await.unwrap();
    cinema.operate(Method::DELETE, &format!("/roles/{role}"), &Value::Null).await;
}

async fn check(cinema: &Cinema, number: usize, scene: &Scene) {
    let names = define(cinema, number, &scene.graph).await;
    let person = Person::register(&cinema.stack).await;
    for role in &scene.held {
        cinema.give(&person, &names[*role]).await;
    }
    let pair = person.sign_in(&cinema.stack).await;
    known(cinema, number).await;
    check_permissions(cinema, scene, &names, &pair).await;
    check_roles(cinema, scene, &names, &pair).await;
    for name in names.iter().rev() {
        cinema.operate(Method::DELETE, &format!("/roles/{name}"), &Value::Null).await;
    }
}

async fn check_permissions(cinema: &Cinema, scene: &Scene, names: &[String], pair: &Pair) {
    let checked = ask(cinema, pair, "check").await;
    let explained = ask(cinema, pair, "explain").await;
    for permission in permissions() {
        let expected = scene.graph.may(&scene.held, &permission);
        let status = decide(cinema, pair, &format!("user;permission={permission}")).await;
        assert_eq!(checked[&permission], expected, "check of {permission}");
        assert_eq!(explained[&permission]["allowed"], expected, "explanation of {permission}");
        assert_eq!(explained[&permission]["paths"].as_array().unwrap().is_empty(), !expected);
        assert_eq!(status, if expected { 204 } else { 403 }, "the sidecar's decision for {permission}");
        check_paths(scene, names, &permission, &explained[&permission]);
    }
}

async fn check_roles(cinema: &Cinema, scene: &Scene, names: &[String], pair: &Pair) {
    for (place, name) in names.iter().enumerate() {
        let expected = scene.held.iter().any(|held| scene.graph.reaches(*held, place));
        let status = decide(cinema, pair, &format!("user;role={name}")).await;
        assert_eq!(status, if expected { 204 } else { 403 }, "the sidecar's decision for the role {name}");
    }
}

#[tokio::test]
async fn check_explanation_and_decision_agree_with_the_model_over_random_graphs() {
    let cinema = Cinema::start().await;
    // Every run uses other graphs.
    let mut runner = TestRunner::default();
    for number in 0..GRAPHS {
        let scene = scenes().new_tree(&mut runner).unwrap().current();
        // Printed when the test fails.
        println!("{scene:?}");
        check(&cinema, number, &scene).await;
    }
}
