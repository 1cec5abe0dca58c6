//! What the document says of one endpoint, put together beside its handler.
//!
//! What all endpoints share is added where the document is made, in `router::document`.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::Code;

/// What is said of one endpoint. Methods add to it, in any order.
#[must_use]
#[derive(Default, Clone)]
pub struct Operation {
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) detail: Option<&'static str>,
    pub(crate) access: Access,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) codes: Vec<Code>,
    pub(crate) is_without_head: bool,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// Who may ask.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; a token is not looked at.
    #[default]
    Public,
    /// Anybody; an access token that is sent is looked at. The endpoint names the codes of its own.
    Optional,
    /// Whoever holds a good access token.
    SignedIn,
    /// Whoever has this permission, and superusers.
    Permission(&'static str),
    /// Superusers.
    Superuser,
}

/// The form of a value that is no struct: a part of a path, of a query, a header.
#[must_use]
#[derive(Clone)]
pub struct Shape {
    pub(crate) schema: Value,
    pub(crate) example: Value,
}

/// A value outside the body.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) place: Place,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) shape: Shape,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// A JSON body.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) is_required: bool,
    pub(crate) schema: Ref,
    /// Of which members it has one, and not null; no rule when there are none.
    pub(crate) exactly_one: &'static [&'static str],
    pub(crate) example: Value,
}

/// A success.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Option<Content>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// What a success carries.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) media_type: &'static str,
    pub(crate) schema: Ref,
    pub(crate) example: Value,
}

impl Operation {
    /// The group it stands in; `router::document` lists them with their descriptions.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// What it does, in one short sentence.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// What else is worth knowing, in Markdown.
    pub fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Who may ask; without this everybody.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// An open part of the path, by an example alone: an identifier if it looks like one, else a text.
    pub fn path_example(self, name: &'static str, example: &'static str) -> Self {
        let is_uuid = example.parse::<uuid::Uuid>().is_ok();
        self.path(name, "", if is_uuid { Shape::uuid(example) } else { Shape::text(example) })
    }

    /// An open part of the path.
    pub fn path(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(Place::Path, name, description, shape)
    }

    /// A value of the query string that may be left out.
    pub fn query(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(Place::Query, name, description, shape)
    }

    /// A header that may be left out.
    pub fn header(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(Place::Header, name, description, shape)
    }

    fn parameter(
        mut self,
        place: Place,
        name: &'static str,
        description: &'static str,
        shape: Shape,
    ) -> Self {
        self.parameters.push(Parameter { place, name, description, shape });
        self
    }

    /// The JSON body, and an example that works.
    pub fn body<T: ToSchema>(self, example: Value) -> Self {
        self.any_body::<T>(true, example)
    }

    /// A JSON body that may be left out.
    pub fn optional_body<T: ToSchema>(self, example: Value) -> Self {
        self.any_body::<T>(false, example)
    }

    fn any_body<T: ToSchema>(mut self, is_required: bool, example: Value) -> Self {
        self.body = Some(Body { is_required, schema: self.reference::<T>(), exactly_one: &[], example });
        self
    }

    /// Of these members the body, which must have been named before, has exactly one.
    pub fn exactly_one(mut self, members: &'static [&'static str]) -> Self {
        if let Some(body) = &mut self.body {
            body.exactly_one = members;
        }
        self
    }

    /// A success with a JSON body, and an example of it.
    pub fn answer<T: ToSchema>(self, status: u16, description: &'static str, example: Value) -> Self {
        self.answer_as::<T>("application/json", status, description, example)
    }

    /// A success with a body of another type that is JSON all the same.
    pub fn answer_as<T: ToSchema>(
        mut self,
        media_type: &'static str,
        status: u16,
        description: &'static str,
        example: Value,
    ) -> Self {
        let content = Some(Content { media_type, schema: self.reference::<T>(), example });
        self.answers.push(Answer { status, description, content, headers: Vec::new() });
        self
    }

    /// A success without a body.
    pub fn empty(mut self, status: u16, description: &'static str) -> Self {
        self.answers.push(Answer { status, description, content: None, headers: Vec::new() });
        self
    }

    /// A header of the answer with this status, which must have been named before.
    pub fn answer_header(mut self, status: u16, name: &'static str, description: &'static str) -> Self {
        for answer in self.answers.iter_mut().filter(|answer| answer.status == status) {
            answer.headers.push((name, description));
        }
        self
    }

    /// The codes that are its own. Those that every endpoint has, or its access, body or path, are added.
    pub fn problems(mut self, codes: &[Code]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    /// For a GET that changes something: whoever only looks, with HEAD, must not.
    pub fn without_head(mut self) -> Self {
        self.is_without_head = true;
        self
    }

    /// The types that it speaks of, by name. A name may stand here more than once.
    pub fn schemas(&self) -> &[(String, RefOr<Schema>)] {
        &self.schemas
    }

    /// Notes the schema of `T` and those that it is made of.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        self.schemas.extend(parts);
        Ref::from_schema_name(T::name())
    }
}

impl Shape {
    /// Any text.
    pub fn text(example: &str) -> Self {
        Self { schema: json!({ "type": "string" }), example: json!(example) }
    }

    /// An identifier.
    pub fn uuid(example: &str) -> Self {
        Self::text(example).with("format", json!("uuid"))
    }

    /// A moment.
    pub fn moment(example: &str) -> Self {
        Self::text(example).with("format", json!("date-time"))
    }

    /// One of these words, the first being the example.
    pub fn one_of(words: &[&str]) -> Self {
        Self::text(words.first().copied().unwrap_or_default()).with("enum", json!(words))
    }

    /// A whole number.
    pub fn integer(bounds: RangeInclusive<u32>, example: u32) -> Self {
        let schema = json!({ "type": "integer", "minimum": bounds.start(), "maximum": bounds.end() });
        Self { schema, example: json!(example) }
    }

    /// `true` or `false`.
    pub fn boolean(example: bool) -> Self {
        Self { schema: json!({ "type": "boolean" }), example: json!(example) }
    }

    /// Of the form of this regular expression.
    pub fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", json!(pattern))
    }

    /// With so many characters.
    pub fn length(self, bounds: RangeInclusive<u32>) -> Self {
        self.with("minLength", json!(bounds.start())).with("maxLength", json!(bounds.end()))
    }

    /// What counts when it is left out.
    pub fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value.into())
    }

    fn with(mut self, keyword: &str, value: Value) -> Self {
        if let Some(schema) = self.schema.as_object_mut() {
            schema.insert(keyword.to_owned(), value);
        }
        self
    }
}
