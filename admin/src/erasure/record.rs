//! The record of an erasure: who is gone, and what was destroyed. It has no data of the user but the identifier.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::Object;
use uuid::Uuid;

use crate::api::schema::one_of;

/// A user who was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Erasure)]
pub(crate) struct ErasureRecord {
    /// The identifier that the user had.
    pub(crate) user_id: Uuid,
    /// When the erasure was requested.
    pub(crate) requested_at: Timestamp,
    /// When the user was erased.
    pub(crate) erased_at: Timestamp,
    #[schema(schema_with = origin_schema)]
    pub(crate) origin: String,
    /// The categories of data that were destroyed. Later versions may add categories.
    pub(crate) categories: Vec<String>,
}

fn origin_schema() -> Object {
    let description =
        "Who wanted it: the user, an operator, or a repetition after the database was restored.";
    one_of(["user", "operator", "replay"], description)
}
