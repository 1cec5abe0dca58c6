//! The documentation of one endpoint, written beside its handler.
//!
//! The parts that all endpoints share are added when the document is built, in `router::document`.

use std::ops::RangeInclusive;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

use super::Code;

/// The OpenAPI description of one endpoint. Methods add to it, in any order.
#[must_use]
#[derive(Default, Clone)]
pub struct Operation {
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) detail: Option<&'static str>,
    pub(crate) access: Access,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<RequestBody>,
    pub(crate) answers: Vec<Success>,
    pub(crate) codes: Vec<Code>,
    pub(crate) is_link: bool,
    pub(crate) is_for_people: bool,
    pub(crate) is_fresh: bool,
    pub(crate) is_batch: bool,
    pub(crate) takes_away: bool,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// Who may call an endpoint.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone; a token is ignored.
    #[default]
    Public,
    /// Everyone; an access token is read if present. The endpoint documents its own codes.
    Optional,
    /// The holder of a valid access token.
    SignedIn,
    /// Every holder of a valid access token.
    Permission(&'static str),
    /// Superusers.
    Superuser,
}

/// The schema of a value outside the body: a path parameter, a query parameter, a header.
#[must_use]
#[derive(Clone)]
pub struct Shape {
    pub(crate) schema: Value,
    pub(crate) example: Value,
}

/// A parameter outside the body.
#[derive(Clone)]
pub(crate) struct Parameter {
    pub(crate) position: ParameterIn,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) shape: Shape,
}

/// Where a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParameterIn {
    Path,
    Query,
    Header,
}

/// A JSON body.
#[derive(Clone)]
pub(crate) struct RequestBody {
    pub(crate) is_required: bool,
    pub(crate) schema: Ref,
    /// Exactly one of these members must be present and not null; empty for no such rule.
    pub(crate) exactly_one: &'static [&'static str],
    pub(crate) example: Value,
}

/// A successful response.
#[derive(Clone)]
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Option<ResponseBody>,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// The body of a successful response.
#[derive(Clone)]
pub(crate) struct ResponseBody {
    pub(crate) media_type: &'static str,
    pub(crate) schema: Ref,
    pub(crate) example: Value,
}

impl Operation {
    /// The OpenAPI tag; `router::document` lists all tags with their descriptions.
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tag = tag;
        self
    }

    /// The summary: one short sentence.
    pub fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Further details, in Markdown.
    pub fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Who may call it; the default is everyone.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// A path parameter.
    pub fn path(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(ParameterIn::Path, name, description, shape)
    }

    /// An optional query parameter.
    pub fn query(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(ParameterIn::Query, name, description, shape)
    }

    /// An optional header.
    pub fn header(self, name: &'static str, description: &'static str, shape: Shape) -> Self {
        self.parameter(ParameterIn::Header, name, description, shape)
    }

    fn parameter(
        mut self,
        position: ParameterIn,
        name: &'static str,
        description: &'static str,
        shape: Shape,
    ) -> Self {
        self.parameters.push(Parameter { position, name, description, shape });
        self
    }

    /// The JSON body, and an example that works.
    pub fn body<T: ToSchema>(self, example: Value) -> Self {
        self.any_body::<T>(true, example)
    }

    /// An optional JSON body.
    pub fn optional_body<T: ToSchema>(self, example: Value) -> Self {
        self.any_body::<T>(false, example)
    }

    fn any_body<T: ToSchema>(mut self, is_required: bool, example: Value) -> Self {
        self.body =
            Some(RequestBody { is_required, schema: self.reference::<T>(), exactly_one: &[], example });
        self
    }

    /// Requires exactly one of these members in the body, which must be declared before.
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

    /// A success with a JSON body of another media type.
    pub fn answer_as<T: ToSchema>(
        mut self,
        media_type: &'static str,
        status: u16,
        description: &'static str,
        example: Value,
    ) -> Self {
        let content = Some(ResponseBody { media_type, schema: self.reference::<T>(), example });
        self.answers.push(Success { status, description, content, headers: Vec::new() });
        self
    }

    /// A success without a body.
    pub fn empty(mut self, status: u16, description: &'static str) -> Self {
        self.answers.push(Success { status, description, content: None, headers: Vec::new() });
        self
    }

    /// A header of the response with this status, which must be declared before.
    pub fn answer_header(mut self, status: u16, name: &'static str, description: &'static str) -> Self {
        for answer in self.answers.iter_mut().filter(|answer| answer.status == status) {
            answer.headers.push((name, description));
        }
        self
    }

    /// The endpoint's own codes. Codes of all endpoints, of the access rule, the body and the path are added.
    pub fn problems(mut self, codes: &[Code]) -> Self {
        self.codes.extend_from_slice(codes);
        self
    }

    /// For a GET that changes something because a person opens it as a link: HEAD requests and prefetches must not, and
    /// are refused.
    pub fn link(mut self) -> Self {
        self.is_link = true;
        self.problems(&[Code::PrefetchRefused])
    }

    /// A person's browser may show the response: with `Accept: text/html` a problem is a page.
    pub fn for_people(mut self) -> Self {
        self.is_for_people = true;
        self
    }

    /// It works on any number of rows for an operator, so it may wait longer for PostgreSQL than a viewer's request.
    pub fn batch(mut self) -> Self {
        self.is_batch = true;
        self
    }

    /// It takes rights away, so it must not wait for requests that do not: some connections to PostgreSQL are set aside for it.
    pub fn takes_away(mut self) -> Self {
        self.takes_away = true;
        self
    }

    /// Requires that the caller proved who they are within the last ten minutes.
    pub fn fresh(mut self) -> Self {
        self.is_fresh = true;
        self.problems(&[Code::FreshAuthRequired])
    }

    /// The schemas that it refers to, by name. A name may appear more than once.
    pub fn schemas(&self) -> &[(String, RefOr<Schema>)] {
        &self.schemas
    }

    /// Collects the schema of `T` and the schemas that it contains.
    fn reference<T: ToSchema>(&mut self) -> Ref {
        let mut parts = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut parts);
        self.schemas.extend(parts);
        Ref::from_schema_name(T::name())
    }
}

impl Shape {
    /// Any text without U+0000.
    pub fn text(example: &str) -> Self {
        Self::string(example).pattern("^[^\\x00]*$")
    }

    fn string(example: &str) -> Self {
        Self { schema: json!({ "type": "string" }), example: json!(example) }
    }

    /// An e-mail address in any script.
    pub fn email(example: &str) -> Self {
        let shape = Self::string(example).with("format", json!("idn-email")).with("maxLength", json!(254));
        shape.pattern("^[\\t-\\r ]*[^\\x00-\\x20\\x7f]+[\\t-\\r ]*$")
    }

    /// A UUID.
    pub fn uuid(example: &str) -> Self {
        Self::string(example).with("format", json!("uuid"))
    }

    /// A time.
    pub fn moment(example: &str) -> Self {
        Self::string(example).with("format", json!("date-time"))
    }

    /// One of these words; the first is the example.
    pub fn one_of(words: &[&str]) -> Self {
        Self::string(words.first().copied().unwrap_or_default()).with("enum", json!(words))
    }

    /// An integer.
    pub fn integer(bounds: RangeInclusive<u32>, example: u32) -> Self {
        let schema = json!({ "type": "integer", "minimum": bounds.start(), "maximum": bounds.end() });
        Self { schema, example: json!(example) }
    }

    /// `true` or `false`.
    pub fn boolean(example: bool) -> Self {
        Self { schema: json!({ "type": "boolean" }), example: json!(example) }
    }

    /// Matching this regular expression.
    pub fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", json!(pattern))
    }

    /// With a number of characters within these bounds.
    pub fn length(self, bounds: RangeInclusive<u32>) -> Self {
        self.with("minLength", json!(bounds.start())).with("maxLength", json!(bounds.end()))
    }

    /// The value used when it is absent.
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
