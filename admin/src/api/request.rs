//! The request that a handler receives.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use deserr::Deserr;
use http::{HeaderMap, Method};
use secrecy::SecretString;
use shared::request_id::RequestId;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::actor::{Actor, Caller, Client, cookie};
use crate::context::Context;
use crate::turn::Turn;

use super::fields::Findings;
use super::form::Form;
use super::{Code, Problem, REFRESH_COOKIE, json, text};

/// A request whose body has been read completely, within the limits of size and time.
#[derive(Clone)]
pub struct Request {
    /// The shared state.
    pub context: Context,
    /// Its method.
    pub method: Method,
    /// The path of its route, as in the route table.
    pub route: &'static str,
    /// The identifier of this request in all log lines.
    pub id: RequestId,
    /// The sender, as reported by the connection.
    pub client: Client,
    /// All headers.
    pub headers: HeaderMap,
    /// The path parameters.
    pub params: Params,
    /// The query string, still percent-encoded.
    pub query: String,
    /// The user named by its access token, for the log and the trace; the token may have been revoked.
    pub user: Arc<OnceLock<Uuid>>,
    /// The owner of its access token, once the token was found valid.
    pub(crate) caller: Arc<OnceLock<Caller>>,
    /// Its place among the requests of its user, kept until its end.
    pub(crate) place: Arc<OnceLock<Option<OwnedSemaphorePermit>>>,
    /// Whether a browser sent it that keeps its tokens in cookies, from a page of the own origin.
    pub by_cookie: bool,
    /// The access token that a page of this service found for the user, instead of that of the headers.
    pub(crate) access: Option<SecretString>,
    /// The fields that a page of this service read, instead of a body.
    pub(crate) given: Option<Form>,
    /// Whether the route accepts a body.
    pub takes_body: bool,
    /// The body as received.
    pub body: Bytes,
    /// Its place among the requests in progress.
    pub turn: Turn,
}

/// The body of a route that accepts none: empty, or an empty object.
#[derive(Deserr)]
#[deserr(error = Findings, deny_unknown_fields)]
struct Nothing {}

/// The path parameters of a route, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Request {
    /// Its sender: the caller once `access` found a valid token, a visitor before.
    pub(crate) fn actor(&self) -> Actor {
        let actor = Actor::of_request(self.caller.get().copied(), self.client.clone(), self.id.clone());
        actor.with_turn(self.turn.clone())
    }

    /// The members of the JSON body.
    ///
    /// # Errors
    ///
    /// 415 for another content type, 400 `request_malformed` for a body that is not strict JSON, 422
    /// `validation_failed` for JSON that is not an object.
    pub(crate) fn form(&self) -> Result<Form, Problem> {
        if let Some(given) = &self.given {
            return Ok(given.clone());
        }
        json::check_content_type(&self.headers)?;
        json::parse(&self.body)
    }

    /// The members of the JSON body; none when the body is empty.
    ///
    /// # Errors
    ///
    /// As [`Self::form`].
    pub(crate) fn form_if_any(&self) -> Result<Form, Problem> {
        if self.body.is_empty() && self.given.is_none() { Ok(Form::default()) } else { self.form() }
    }

    /// The same, and for a browser that keeps its tokens in cookies with the refresh token as a member.
    ///
    /// # Errors
    ///
    /// As [`Self::form`].
    pub(crate) fn form_with_refresh_token(&self) -> Result<Form, Problem> {
        if !self.by_cookie {
            return self.form_if_any();
        }
        let token = cookie(&self.headers, REFRESH_COOKIE);
        Ok(self.form_if_any()?.with_text_if_absent("refresh_token", token))
    }

    /// The same request, sent by a page for its user: with these fields as its body, and perhaps another access token.
    #[must_use]
    pub(crate) fn of_page(&self, fields: Form, access: Option<SecretString>) -> Self {
        let access = access.or_else(|| self.access.clone());
        Self {
            access,
            given: Some(fields),
            takes_body: true,
            body: Bytes::new(),
            caller: Arc::default(),
            ..self.clone()
        }
    }

    /// The same request with this parameter of a path.
    #[must_use]
    pub(crate) fn with_param(mut self, name: &'static str, value: &str) -> Self {
        self.params.0.push((name, value.to_owned()));
        self
    }

    /// Refuses a body on a route that accepts none, naming its fields, instead of ignoring it.
    ///
    /// # Errors
    ///
    /// As [`Self::form`], and 422 `validation_failed` with every field.
    pub fn refuse_unknown_body(&self) -> Result<(), Problem> {
        if !self.takes_body {
            self.form_if_any()?.finish::<Nothing>()?;
        }
        Ok(())
    }

    /// A path parameter that is a UUID. Any other text cannot exist.
    ///
    /// # Errors
    ///
    /// 404 `not_found`.
    pub fn uuid(&self, name: &str) -> Result<Uuid, Problem> {
        self.params.get(name).and_then(text::uuid).ok_or_else(|| Problem::new(Code::NotFound))
    }

    /// The query parameters, decoded; of a repeated name the last value is last.
    pub fn query_pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        url::form_urlencoded::parse(self.query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
    }
}

impl Params {
    /// The path parameter `name` of the route.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(&'static str, String)> for Params {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}
