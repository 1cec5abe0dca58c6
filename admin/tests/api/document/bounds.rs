//! Every constraint of the document on a request is compared with the service, both ways: what the document allows is
//! accepted, and what it refuses is refused under the name of its field.
//!
//! All errors of a request are reported in one response, so one field can be judged while others are missing.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Map, Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::arrange::Person;
use super::generate::{Chance, value};
use super::spec::{Operation, Spec};
use crate::support::{Cinema, Reply};

/// How many values each field is tried with, beside those at its bounds.
const VALUES: usize = 3;

/// Errors about more than the form of a value, which no schema expresses.
const OF_MEANING: [&str; 14] = [
    "password_own_words",
    "password_common",
    "password_name",
    "password_word",
    "password_keyboard",
    "password_pattern",
    "password_guessable",
    "password_advice",
    "password_reused",
    "login_reserved",
    "login_invalid",
    "login_mixed_scripts",
    "email_invalid",
    "role_unknown",
];

/// Fields that accept only values that the service itself has issued, or that the operator has listed.
const OPAQUE: [&str; 3] = ["cursor", "everything", "return_to"];

/// The codes by which a parameter outside `errors` is refused.
const WHOLE: [&str; 1] = ["request_malformed"];

/// One field of a request.
struct Place<'s> {
    operation: Operation<'s>,
    /// In the body, or else in the query.
    is_member: bool,
    name: &'s str,
    schema: &'s Value,
}

impl<'s> Place<'s> {
    /// Every field once: pages have the same `limit` and `cursor` everywhere.
    fn all(spec: &'s Spec) -> Vec<Self> {
        let mut seen = BTreeSet::new();
        let places = spec.operations().into_iter().flat_map(|operation| Self::of(spec, operation));
        places
            .filter(|place| seen.insert(format!("{} {} {}", place.is_member, place.name, place.schema)))
            .collect()
    }

    fn of(spec: &'s Spec, operation: Operation<'s>) -> Vec<Self> {
        let form =
            operation.body().map(|(schema, _)| spec.resolve(schema.pointer("/allOf/0").unwrap_or(schema)));
        let members = form.and_then(|form| form["properties"].as_object()).into_iter().flatten();
        let members = members.map(|(name, schema)| Place { operation, is_member: true, name, schema });
        // The provider's parameters are judged by the flow that they belong to; a query of the sign-out succeeds, and ends the
        // session of the person.
        let has_strict_query = !["get_oauth_provider_callback", "post_auth_logout"].contains(&operation.id());
        let parameters = operation.parameters("query").filter(|_| has_strict_query).map(|parameter| Place {
            operation,
            is_member: false,
            name: parameter["name"].as_str().expect("a name"),
            schema: &parameter["schema"],
        });
        members.chain(parameters).collect()
    }

    async fn send(&self, cinema: &Cinema, person: &Person, value: &Value) -> Reply {
        let mut path = self.operation.path.to_owned();
        for parameter in self.operation.parameters("path") {
            let name = parameter["name"].as_str().expect("a name");
            let part = if name == "id" { json!(person.id) } else { parameter["example"].clone() };
            path = path.replace(&format!("{{{name}}}"), part.as_str().expect("a text"));
        }
        if !self.is_member {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair(self.name, &text).finish();
            path = format!("{path}?{query}");
        }
        let method: Method = self.operation.method.to_ascii_uppercase().parse().expect("a method");
        let mut call = cinema.app.client.call(method, &path).header("accept", "application/json");
        if self.operation.takes_a_token() {
            call = call.bearer(&person.access);
        }
        if self.is_member {
            // A member that no form has, so that no request succeeds and changes something.
            call = call.json(&json!({ self.name: value, "not-a-member": 1 }));
        }
        call.send().await
    }

    /// The codes of the errors of this field in a response.
    fn refusals(&self, reply: &Reply) -> Vec<String> {
        let problem: Value = serde_json::from_str(&reply.text).unwrap_or_default();
        let is_its = |field: &str| field == self.name || field.starts_with(&format!("{}[", self.name));
        let errors = problem["errors"].as_array().into_iter().flatten();
        let its = errors.filter(|error| error["field"].as_str().is_some_and(is_its));
        let mut codes: Vec<String> =
            its.map(|error| error["code"].as_str().unwrap_or_default().to_owned()).collect();
        codes.retain(|code| code != "field_missing");
        codes.extend(problem["code"].as_str().filter(|code| WHOLE.contains(code)).map(str::to_owned));
        codes
    }
}

/// Values at each bound of a schema and just beyond it, whatever the schema says about them.
fn at_the_bounds(spec: &Spec, schema: &Value, chance: &mut Chance) -> Vec<Value> {
    let schema = spec.resolve(schema);
    let mut values = vec![
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("a\u{7f}"),
        json!(0),
        json!(true),
        json!({}),
        json!([]),
    ];
    values.push(Value::Null);
    for bound in ["minLength", "maxLength"] {
        let Some(length) = schema[bound].as_u64().and_then(|length| usize::try_from(length).ok()) else {
            continue;
        };
        for length in [length.saturating_sub(1), length, length + 1] {
            values.extend(["a", "ж", " "].map(|letter| json!(letter.repeat(length))));
        }
    }
    for bound in ["minimum", "maximum"] {
        let Some(number) = schema[bound].as_i64() else { continue };
        values.extend([number - 1, number, number + 1].map(|number| json!(number)));
        values.push(json!(format!("0{number}")));
        values.push(json!(format!("+{number}")));
    }
    for bound in ["minItems", "maxItems"] {
        let Some(length) = schema[bound].as_u64() else { continue };
        for length in [length.saturating_sub(1), length, length + 1] {
            let item = value(spec, &schema["items"], chance);
            values.push((0..length).map(|_| item.clone()).collect());
        }
    }
    values.extend(schema["enum"].as_array().into_iter().flatten().cloned());
    values.extend(["true", "false", "01", "*", "A"].map(|text| json!(text)));
    values
}

/// A value with small changes.
fn changed(value: &Value, chance: &mut Chance) -> Value {
    match value {
        Value::String(text) => {
            let mut letters: Vec<char> = text.chars().collect();
            let place = chance.below(letters.len() + 1);
            match chance.below(3) {
                0 if place < letters.len() => drop(letters.remove(place)),
                1 if place < letters.len() => letters.extend_from_within(..=place),
                _ => letters.insert(
                    place,
                    *chance.pick(&['a', 'Z', '7', '-', '_', '.', ':', '*', ' ', 'ж', '\n', '\u{0}']),
                ),
            }
            Value::String(letters.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(|item| changed(item, chance)).collect(),
        other => other.clone(),
    }
}

fn candidates(spec: &Spec, schema: &Value, chance: &mut Chance) -> Vec<Value> {
    let mut values = at_the_bounds(spec, schema, chance);
    for _ in 0..VALUES {
        let good = value(spec, schema, chance);
        values.push(changed(&good, chance));
        values.push(good);
        values.push(json!(chance.text()));
    }
    values
}

/// As the document sees a value of the query: a number is a number only in its usual spelling.
fn as_documented(place: &Place<'_>, value: &Value) -> Value {
    let is_number = place.schema["type"] == "integer";
    match value.as_str() {
        Some(text) if is_number && !place.is_member => {
            let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
            number.map_or_else(|| value.clone(), |number| json!(number))
        }
        None if !place.is_member && !is_number => json!(value.to_string()),
        _ => value.clone(),
    }
}

/// Lengths count after normalisation, which a schema cannot say.
fn changes_in_length(value: &Value) -> bool {
    let differs = |text: &str| {
        let length = text.chars().count();
        text.nfc().count() != length || text.nfkc().count() != length
    };
    value.as_str().is_some_and(differs)
}

#[tokio::test]
async fn the_document_allows_what_the_service_accepts_and_nothing_else() {
    let (cinema, spec, mut chance) = (super::arrive::cinema().await, Spec::read(), Chance::new(20_261_130));
    let person = Person::superuser(&cinema.app).await;
    let (mut found, mut judged) = (Vec::new(), BTreeSet::new());
    for place in Place::all(&spec) {
        let validator = spec.validator(place.schema);
        for value in candidates(&spec, place.schema, &mut chance) {
            if changes_in_length(&value) {
                continue;
            }
            let documented = as_documented(&place, &value);
            let is_allowed = validator.is_valid(&documented);
            let reply = place.send(&cinema, &person, &value).await;
            let refusals = place.refusals(&reply);
            let is_formal = |code: &String| !OF_MEANING.contains(&code.as_str());
            // An address is judged by more rules than its format has, and fewer than every reading of it.
            let is_address =
                place.schema["format"] == "idn-email" && value.is_string() && value.as_str() != Some("");
            let differs = match is_allowed {
                true => refusals.iter().any(is_formal) && !OPAQUE.contains(&place.name),
                false => refusals.is_empty() && !is_address,
            };
            // A body beyond 16 KiB is refused as a whole.
            let differs = differs && reply.status != 413;
            judged.insert((place.operation.id().to_owned(), place.name.to_owned(), is_allowed));
            if differs && found.len() < 40 {
                let word = if is_allowed { "allows" } else { "refuses" };
                let text: String = value.to_string().chars().take(120).collect();
                found.push(format!(
                    "{} {}: the document {word} {text}; {} {refusals:?}",
                    place.operation.id(),
                    place.name,
                    reply.status
                ));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(judged.len() > 40, "{judged:?}");
}

/// The members of a form, so that the test above fails when a constraint is added that it does not know.
#[test]
fn every_keyword_of_a_request_schema_is_compared() {
    const KNOWN: [&str; 18] = [
        "type",
        "format",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "enum",
        "default",
        "description",
        "items",
        "$ref",
        "oneOf",
        "title",
        "example",
        "const",
    ];
    let spec = Spec::read();
    for place in Place::all(&spec) {
        let mut schemas = vec![place.schema];
        while let Some(schema) = schemas.pop() {
            let members: &Map<String, Value> = spec.resolve(schema).as_object().expect("a schema");
            for (keyword, part) in members {
                assert!(KNOWN.contains(&&**keyword), "{} {}: {keyword}", place.operation.id(), place.name);
                if keyword == "items" {
                    schemas.push(part);
                }
            }
        }
    }
}
