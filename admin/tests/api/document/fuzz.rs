//! Requests generated from the document, most of them invalid in some way. Every response must be one that
//! the document describes.
//!
//! `TEST_FUZZ_SEED` and `TEST_FUZZ_ROUNDS` explore further than a test run has time for:
//! `TEST_FUZZ_SEED=7 TEST_FUZZ_ROUNDS=500 cargo nextest run -p admin no_request_made`.

use std::collections::BTreeMap;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use runtime::env::{ProcessVars, Vars as _};
use serde_json::Value;

use super::arrange::{Ask, Person};
use super::arrive;
use super::generate::{Chance, broken, value};
use super::spec::{Operation, Spec};
use crate::support::{Cinema, Reply};

/// A fixed seed, so that a test that fails does so because of a change.
const SEED: u64 = 20_261_125;
/// How often each operation is called, 13 times a round. A count, so that a slow machine tries the same cases.
const ROUNDS: u64 = 4;

/// The caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Visitor,
    Viewer,
    Superuser,
}

/// The callers, replaced when they have signed out.
struct People {
    viewer: Person,
    superuser: Person,
}

/// Everything that requests are generated from.
struct Fuzzer<'s> {
    cinema: Cinema,
    spec: &'s Spec,
    people: People,
    chance: Chance,
    /// How often each operation returned each status.
    seen: BTreeMap<String, BTreeMap<u16, usize>>,
}

#[tokio::test]
async fn no_request_made_of_the_document_is_answered_otherwise_than_documented() {
    let number = |name: &str| {
        let text = ProcessVars.get(name).expect("it is UTF-8")?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
    };
    let seed = number("TEST_FUZZ_SEED").unwrap_or(SEED);
    let rounds = number("TEST_FUZZ_ROUNDS").unwrap_or(ROUNDS);
    let spec = Spec::read();
    let mut fuzzer = Fuzzer::start(&spec, seed).await;
    for _ in 0..rounds {
        for operation in spec.operations() {
            let caller = *fuzzer.chance.pick(&[Caller::Visitor, Caller::Viewer, Caller::Superuser]);
            let good = fuzzer.request(operation, caller).await;
            // Invalid ones are cheap: they are refused before a password is hashed.
            for spoiled in [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2] {
                let ask = fuzzer.spoil(operation, caller, &good, spoiled);
                let reply = fuzzer.ask(operation, caller, &ask).await;
                let mut faults = operation.faults(&reply);
                // A provider refuses a code that it did not issue.
                if reply.status >= 500 && !reply.text.contains("\"provider_") {
                    faults.push("it is a fault of the service".to_owned());
                }
                let faults = faults.join("; ");
                assert!(faults.is_empty(), "seed {seed}, {}: {faults}\n{ask:?}\n{reply:?}", operation.id());
            }
        }
    }
    eprintln!("{:#?}", fuzzer.seen);
}

impl<'s> Fuzzer<'s> {
    async fn start(spec: &'s Spec, seed: u64) -> Self {
        let cinema = arrive::cinema().await;
        let app = &cinema.app;
        let people = People { viewer: Person::register(app).await, superuser: Person::superuser(app).await };
        Self { cinema, spec, people, chance: Chance::new(seed), seen: BTreeMap::new() }
    }

    async fn ask(&mut self, operation: Operation<'_>, caller: Caller, ask: &Ask) -> Reply {
        let reply = ask.send(&self.cinema.app).await;
        let seen = self.seen.entry(operation.id().to_owned()).or_default();
        *seen.entry(reply.status).or_default() += 1;
        if operation.method != "get" {
            self.look_after(caller).await;
        }
        reply
    }

    /// A request that should succeed, or one with well-formed values.
    async fn request(&mut self, operation: Operation<'_>, caller: Caller) -> Ask {
        if self.chance.one_in(3) {
            let person = self.people.person(caller).clone();
            return Ask::example(&self.cinema, operation, &person).await;
        }
        let mut ask = Ask::bare(operation);
        for parameter in operation.parameters("path") {
            let part = self.part(parameter);
            ask.parts.insert(name_of(parameter), part);
        }
        for parameter in operation.parameters("query") {
            if self.chance.one_in(2) {
                let value = self.parameter(parameter);
                ask.query.push((name_of(parameter), value));
            }
        }
        for parameter in operation.parameters("header") {
            if self.chance.one_in(2) {
                let value = HeaderValue::from_bytes(self.parameter(parameter).as_bytes());
                ask.headers.extend(value.ok().map(|value| (header_of(parameter), value)));
            }
        }
        if let Some((schema, example)) = operation.body() {
            let body = value(self.spec, schema, &mut self.chance);
            ask = ask.json(if self.chance.one_in(4) { example } else { &body });
        }
        ask
    }

    fn parameter(&mut self, parameter: &Value) -> String {
        let value = match self.chance.below(3) {
            0 => parameter["example"].clone(),
            1 => value(self.spec, &parameter["schema"], &mut self.chance),
            _ => Value::String(self.chance.text()),
        };
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Never empty and never only dots, which would be another path.
    fn part(&mut self, parameter: &Value) -> String {
        let text = self.parameter(parameter);
        if text.trim_matches('.').is_empty() { "x".to_owned() } else { text }
    }

    /// The request with this number of errors.
    fn spoil(&mut self, operation: Operation<'_>, caller: Caller, good: &Ask, times: usize) -> Ask {
        let mut ask = good.clone();
        ask.token = self.people.token(caller);
        (0..times).for_each(|_| self.spoil_once(operation, &mut ask));
        ask
    }

    fn spoil_once(&mut self, operation: Operation<'_>, ask: &mut Ask) {
        let chance = &mut self.chance;
        match chance.below(8) {
            0 => ask.token = Some("not.a.token".to_owned()),
            1 => {
                ask.token = None;
                let odd = [&b"Bearer"[..], b"Bearer ", b"bearer \xff", b"Basic YTpi", b"Bearer a b"];
                let odd = HeaderValue::from_bytes(chance.pick::<&[u8]>(&odd)).expect("a value");
                ask.headers.push((AUTHORIZATION, odd));
            }
            2 => ask.content_type = Some((*chance.pick(&["text/plain", "application/xml", ";"])).to_owned()),
            3 => ask.content_type = None,
            4 => ask.body.clear(),
            5 => ask.query.push((chance.text(), chance.text())),
            _ => {
                let good = operation.body().map_or(Value::Null, |(_, example)| example.clone());
                let good = serde_json::from_slice(&ask.body).unwrap_or(good);
                ask.body = broken(&good, chance);
            }
        }
    }

    /// A caller who is no longer signed in is replaced, so that the next request is not refused only for
    /// that.
    async fn look_after(&mut self, caller: Caller) {
        let Some(token) = self.people.token(caller) else { return };
        if self.cinema.app.client.get("/api/v1/me").bearer(&token).send().await.status == 200 {
            return;
        }
        match caller {
            Caller::Visitor => {}
            Caller::Viewer => self.people.viewer = Person::register(&self.cinema.app).await,
            Caller::Superuser => self.people.superuser = Person::superuser(&self.cinema.app).await,
        }
    }
}

impl People {
    fn person(&self, caller: Caller) -> &Person {
        match caller {
            Caller::Visitor | Caller::Viewer => &self.viewer,
            Caller::Superuser => &self.superuser,
        }
    }

    fn token(&self, caller: Caller) -> Option<String> {
        (caller != Caller::Visitor).then(|| self.person(caller).access.clone())
    }
}

fn name_of(parameter: &Value) -> String {
    parameter["name"].as_str().expect("a name").to_owned()
}

fn header_of(parameter: &Value) -> reqwest::header::HeaderName {
    name_of(parameter).parse().expect("a name")
}
