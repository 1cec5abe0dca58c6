//! The examples of responses that several operations have, such as a token pair: each is in the document once.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::operation::ResponseBody;
use crate::router::route::Route;

/// They are named after their schemas.
#[derive(Default)]
pub(super) struct SharedExamples(BTreeMap<String, Value>);

impl SharedExamples {
    /// The first example of each schema that more than one response has.
    pub(super) fn of(routes: &[Route]) -> Self {
        let answers = routes.iter().flat_map(|route| &route.operation.answers);
        let mut counted = BTreeMap::<&str, (&Value, usize)>::new();
        for content in answers.filter_map(|answer| answer.content.as_ref()) {
            let (first, count) = counted.entry(schema_name(content)).or_insert((&content.example, 0));
            *count += usize::from(**first == content.example);
        }
        let shared = counted.into_iter().filter(|(_, (_, count))| *count > 1);
        Self(shared.map(|(name, (example, _))| (name.to_owned(), example.clone())).collect())
    }

    /// The member of a body with its example: a reference, if it is one of these.
    pub(super) fn member(&self, content: &ResponseBody) -> (&'static str, Value) {
        let name = schema_name(content);
        match self.0.get(name) {
            Some(shared) if *shared == content.example => {
                ("examples", json!({ name: { "$ref": format!("#/components/examples/{name}") } }))
            }
            _ => ("example", content.example.clone()),
        }
    }

    /// Their definitions.
    pub(super) fn definitions(self) -> impl Iterator<Item = (String, Value)> {
        self.0.into_iter().map(|(name, value)| (name, json!({ "value": value })))
    }
}

fn schema_name(content: &ResponseBody) -> &str {
    content.schema.ref_location.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use utoipa::openapi::Ref;

    use super::*;

    fn body(example: &str) -> ResponseBody {
        let schema = Ref::from_schema_name("Pair");
        ResponseBody { media_type: "application/json", schema, example: json!(example) }
    }

    #[test]
    fn only_the_same_example_is_a_reference() {
        let shared = SharedExamples(BTreeMap::from([("Pair".to_owned(), json!("a"))]));
        let (name, value) = shared.member(&body("a"));
        assert_eq!((name, value), ("examples", json!({ "Pair": { "$ref": "#/components/examples/Pair" } })));
        assert_eq!(shared.member(&body("b")), ("example", json!("b")));
        assert_eq!(SharedExamples::default().member(&body("a")), ("example", json!("a")));
    }
}
