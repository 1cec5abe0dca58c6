//! What a handler is given.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::request_id::RequestId;
use uuid::Uuid;

use crate::context::Context;

use super::{Client, Code, Problem, json};

/// A request whose body has arrived whole, within its bounds of size and time.
#[derive(Clone)]
pub struct Request {
    /// What to work with.
    pub context: Context,
    /// The name of this request in every log line.
    pub id: RequestId,
    /// Who sent it, as far as the connection tells.
    pub client: Client,
    /// Every header.
    pub headers: HeaderMap,
    /// The parts of the path that the route leaves open.
    pub params: Params,
    /// The query string, still encoded.
    pub query: String,
    /// Who sent it, once that is known: for the log and the trace.
    pub caller: Arc<OnceLock<Uuid>>,
    /// Whether the route knows a body.
    pub takes_body: bool,
    /// The body as it came.
    pub body: Bytes,
}

/// The body of a route that knows none: nothing, or nothing in braces.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// The parts of a path that a route leaves open, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Request {
    /// The JSON body.
    ///
    /// # Errors
    ///
    /// 415 for another content type, 400 `request_malformed` for what is not strict JSON, 422
    /// `validation_failed` with the field for what is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        json::check_content_type(&self.headers)?;
        json::parse(&self.body)
    }

    /// The JSON body, or `None` when there is no body at all.
    ///
    /// # Errors
    ///
    /// As [`Self::json`].
    pub fn json_if_any<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        if self.body.is_empty() { Ok(None) } else { self.json().map(Some) }
    }

    /// Refuses a body where the route knows none, with its fields named, rather than let it go unheard.
    ///
    /// # Errors
    ///
    /// As [`Self::json`].
    pub fn refuse_unknown_body(&self) -> Result<(), Problem> {
        if !self.takes_body {
            self.json_if_any::<Nothing>()?;
        }
        Ok(())
    }

    /// A part of the path that is an identifier. What is none cannot be found.
    ///
    /// # Errors
    ///
    /// 404 `not_found`.
    pub fn uuid(&self, name: &str) -> Result<Uuid, Problem> {
        let text = self.params.get(name).filter(|text| text.len() == 36);
        text.and_then(|text| text.parse().ok()).ok_or_else(|| Problem::new(Code::NotFound))
    }

    /// The values of the query string, decoded; the last of a name stands last.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        url::form_urlencoded::parse(self.query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
    }
}

impl Params {
    /// The part called `name` in the route's path.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(&'static str, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}
