//! Schemas of response members that take one of a fixed set of words.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Array, Object};

/// One of these words.
pub(crate) fn one_of(words: impl IntoIterator<Item = &'static str>, description: &str) -> Object {
    let words: Vec<&str> = words.into_iter().collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .description(Some(description))
        .build()
}

/// Some of these words.
pub(crate) fn some_of(words: impl IntoIterator<Item = &'static str>, description: &str) -> Array {
    let words: Vec<&str> = words.into_iter().collect();
    let item = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build();
    ArrayBuilder::new().items(item).description(Some(description)).build()
}
