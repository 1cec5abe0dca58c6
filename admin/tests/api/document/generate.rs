//! Values generated from schemas, valid and invalid ones. The same seed generates the same values.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::spec::Spec;
use crate::support::PASSWORD;

/// How deep a recursive schema may be nested.
const DEEPEST: usize = 6;

/// Characters that often cause errors: multi-byte, joining, right-to-left, control characters, zero.
const LETTERS: &[char] = &[
    'a', 'Z', '0', '9', '-', '_', '.', ' ', '@', '\'', '"', '\\', '/', '%', '<', ';', 'ж', 'é', '\u{301}',
    '\u{fdfa}', '🎬', '\u{202e}', '\u{feff}', '\u{1}', '\n', '\u{7f}', '\0',
];

/// A pseudo-random generator (`SplitMix64`: Steele, Lea and Flood, 2014).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("it fits");
        usize::try_from(self.number() % bound).expect("it fits")
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn seed(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| self.number().to_be_bytes()[0])
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.number(), self.number())
    }

    /// An arbitrary text.
    pub(super) fn text(&mut self) -> String {
        let length = *self.pick(&[0, 1, 2, 3, 8, 36, 64, 65, 200]);
        (0..length).map(|_| *self.pick(LETTERS)).collect()
    }

    /// Any JSON value.
    pub(super) fn anything(&mut self) -> Value {
        match self.below(9) {
            0 => Value::Null,
            1 => json!(self.one_in(2)),
            2 => json!(self.number()),
            3 => json!(-1.5e300),
            4 => json!([]),
            5 => json!({ self.text(): self.text() }),
            6 => (0..self.below(12)).fold(json!("deep"), |inner, _| json!([inner])),
            7 => json!(i64::MIN),
            _ => json!(self.text()),
        }
    }
}

/// A value of the schema.
pub(super) fn value(spec: &Spec, schema: &Value, chance: &mut Chance) -> Value {
    nested(spec, schema, chance, 0)
}

fn nested(spec: &Spec, schema: &Value, chance: &mut Chance, depth: usize) -> Value {
    assert!(depth < DEEPEST, "a schema contains itself: {schema}");
    let schema = spec.resolve(schema);
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(words) = schema["enum"].as_array() {
        return chance.pick(words).clone();
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let chosen = chance.pick(choices);
            return nested(spec, chosen, chance, depth + 1);
        }
    }
    match kind(schema, chance).as_str() {
        "object" => object(spec, schema, chance, depth),
        "array" => array(spec, schema, chance, depth),
        "string" => json!(text(schema, chance)),
        "integer" => json!(integer(schema, chance)),
        "number" => json!(0.5),
        "boolean" => json!(chance.one_in(2)),
        "null" => Value::Null,
        other => panic!("no value is made of type {other:?}: {schema}"),
    }
}

fn kind(schema: &Value, chance: &mut Chance) -> String {
    let kind = match &schema["type"] {
        Value::Array(kinds) => chance.pick(kinds),
        kind => kind,
    };
    kind.as_str().unwrap_or("object").to_owned()
}

fn object(spec: &Spec, schema: &Value, chance: &mut Chance, depth: usize) -> Value {
    let mut members = Map::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        if let Value::Object(more) = nested(spec, part, chance, depth + 1) {
            members.extend(more);
        }
    }
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&name.as_str()) || chance.one_in(2) {
            members.insert(name.clone(), nested(spec, member, chance, depth + 1));
        }
    }
    Value::Object(members)
}

fn array(spec: &Spec, schema: &Value, chance: &mut Chance, depth: usize) -> Value {
    let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
    let least = bound("minItems").unwrap_or(0);
    let most = bound("maxItems").unwrap_or(3).min(least + 3);
    let length = least + chance.below(most - least + 1);
    (0..length).map(|_| nested(spec, &schema["items"], chance, depth + 1)).collect()
}

fn integer(schema: &Value, chance: &mut Chance) -> i64 {
    let least = schema["minimum"].as_i64().unwrap_or(-1_000_000);
    let most = schema["maximum"].as_i64().unwrap_or(1_000_000);
    let span = usize::try_from(most.saturating_sub(least)).expect("the bounds are in order");
    match chance.below(4) {
        0 => least,
        1 => most,
        _ => least + i64::try_from(chance.below(span + 1)).expect("it fits"),
    }
}

fn text(schema: &Value, chance: &mut Chance) -> String {
    // Otherwise hardly any request would contain a correct password.
    if schema["format"] == "password" && !chance.one_in(3) {
        return PASSWORD.to_owned();
    }
    let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
    let (least, most) = (bound("minLength").unwrap_or(0), bound("maxLength"));
    if let Some(pattern) = schema["pattern"].as_str() {
        let mut texts = std::iter::repeat_with(|| matching(pattern, chance)).take(1000);
        let fits = |length| length >= least && most.is_none_or(|most| length <= most);
        let fitting = texts.find(|text| fits(text.chars().count()));
        return fitting.unwrap_or_else(|| panic!("say how long it is in the pattern itself: {pattern}"));
    }
    match schema["format"].as_str() {
        Some("uuid") => return chance.uuid().to_string(),
        Some("date-time") => {
            return format!("20{}-0{}-11T09:26:53Z", 30 + chance.below(9), 1 + chance.below(9));
        }
        Some("idn-email" | "email") => return format!("{:x}@example.org", chance.number()),
        _ => {}
    }
    let most = most.unwrap_or(40);
    let length = if chance.one_in(3) { most } else { least + chance.below((most - least).min(20) + 1) };
    let plain = chance.one_in(2);
    (0..length).map(|_| if plain { *chance.pick(&['a', 'b', '7']) } else { *chance.pick(LETTERS) }).collect()
}

/// A text that matches the regular expression, whether or not that is anchored.
fn matching(pattern: &str, chance: &mut Chance) -> String {
    let bare = pattern.trim_start_matches('^').trim_end_matches('$');
    let strategy = proptest::string::string_regex(bare).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    let source = TestRng::from_seed(RngAlgorithm::ChaCha, &chance.seed());
    let mut runner = TestRunner::new_with_rng(Config::default(), source);
    strategy.new_tree(&mut runner).expect("a text").current()
}

/// The bytes of a body like `good` with one error.
pub(super) fn broken(good: &Value, chance: &mut Chance) -> Vec<u8> {
    let text = good.to_string();
    let mut value = good.clone();
    match chance.below(12) {
        0 => return text.as_bytes()[..chance.below(text.len())].to_vec(),
        1 => return format!("{text}{text}").into_bytes(),
        2 => return text.replacen(':', ":[[[[[[[[[", 1).into_bytes(),
        3 => return text.into_bytes().iter().flat_map(|byte| [*byte, 0xff]).collect(),
        4 => return repeated(good).into_bytes(),
        5 => return format!("{text:17000}").into_bytes(),
        6 => value = chance.anything(),
        // After an earlier error it may not be an object any more.
        7 if value.is_object() || value.is_null() => value[chance.text()] = chance.anything(),
        _ => wrong_member(&mut value, chance),
    }
    value.to_string().into_bytes()
}

/// One member is missing or replaced.
fn wrong_member(value: &mut Value, chance: &mut Chance) {
    let Some(members) = value.as_object_mut().filter(|members| !members.is_empty()) else { return };
    let names: Vec<String> = members.keys().cloned().collect();
    let name = chance.pick(&names).clone();
    match chance.below(4) {
        0 => drop(members.remove(&name)),
        1 => drop(members.insert(name, json!(chance.text()))),
        2 => drop(members.insert(name, json!("x".repeat(1000)))),
        _ => drop(members.insert(name, chance.anything())),
    }
}

/// Every member is repeated.
fn repeated(value: &Value) -> String {
    let text = value.to_string();
    let inner = text.trim_start_matches('{').trim_end_matches('}');
    format!("{{{inner},{inner}}}")
}
