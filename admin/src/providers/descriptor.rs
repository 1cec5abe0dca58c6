//! How one provider differs from others, as data.

use serde_json::Value;

use super::mail_domains::MailDomains;

/// A provider: its endpoints, the form of its requests, and how its responses are read.
///
/// The fields that only some providers need are off in [`Descriptor::REGULAR`], with which a descriptor ends.
#[derive(Debug)]
pub struct Descriptor {
    /// Its name in paths, configuration and tables: `[a-z][a-z0-9-]{0,31}`.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// The authorization endpoint, to which browsers are sent.
    pub authorize_url: &'static str,
    /// The token endpoint, which exchanges a code for tokens.
    pub token_url: &'static str,
    /// The user info endpoint, which describes the owner of a token.
    pub user_url: &'static str,
    /// The scopes that are requested, with the provider's separator.
    pub scopes: &'static str,
    /// How our client authenticates at the token endpoint.
    pub client_auth: ClientAuth,
    /// How the access token is sent to `user_url`.
    pub user_request: UserRequest,
    /// Where the fields are in the response of `user_url`.
    pub fields: Fields,
    /// Whether the response vouches that this address belongs to the user.
    pub vouches: fn(user: &Value, email: &str) -> bool,
    /// Its own mail domains. For a vouched address there the provider is authoritative: no other proof is better.
    pub mail: MailDomains,
    /// Its ID tokens, where it issues verifiable ones: they then identify the user.
    pub id_token: Option<IdTokens>,
    /// A list to request with the access token too, and how it is merged into the response of `user_url`.
    pub list: Option<PagedList>,
    /// Whether the callback carries a `device_id`, which the token endpoint requires.
    pub needs_device: bool,
    /// Whether the state is sent to the token endpoint, whose response must repeat it.
    pub repeats_state: bool,
    /// Whether requests with a token carry `appsecret_proof`: the token's HMAC-SHA256 under our client secret.
    pub proves_secret: bool,
}

/// How our client authenticates at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Client identifier and secret in the body.
    Body,
    /// In `Authorization: Basic`.
    Basic,
    /// By the PKCE verifier alone; a client secret is sent in the body if there is one.
    Public,
}

/// How the access token is sent to the user info endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRequest {
    /// `Authorization: Bearer` (RFC 6750, section 2.1).
    Bearer,
    /// `Authorization: OAuth`.
    OAuth,
    /// As `access_token` in the query.
    Query,
    /// As `access_token` in a form, beside our client identifier.
    Form,
}

/// Where the fields are: JSON pointers (RFC 6901).
#[derive(Debug)]
pub struct Fields {
    /// The subject identifier: a text or a number, which is never given to another user.
    pub subject: &'static str,
    /// The e-mail address, where there is one.
    pub email: &'static str,
    /// The display name: the first of these with at least one part present, its parts joined by spaces.
    pub names: &'static [&'static [&'static str]],
    /// Our client identifier, which proves that the token was issued to us; empty where it is not repeated.
    pub client: &'static str,
}

/// How a provider's ID tokens are verified.
#[derive(Debug)]
pub struct IdTokens {
    /// Its issuer identifier, in every spelling that it uses.
    pub issuers: &'static [&'static str],
    /// Its published keys.
    pub keys_url: &'static str,
}

/// A list that the provider returns in pages.
#[derive(Debug)]
pub struct PagedList {
    /// Its part of the name of the variable that changes `url`: `ADMIN_OAUTH_<PROVIDER>_<NAME>_URL`.
    pub name: &'static str,
    /// The endpoint. A 403 or 404 is not a failure: the list is empty, or ends.
    pub url: &'static str,
    /// Merges its entries into the response of `user_url`.
    pub merge: fn(user: &mut Value, entries: &[Value]),
}

impl Descriptor {
    /// The values of a provider without peculiarities.
    pub const REGULAR: Self = Self {
        id: "",
        name: "",
        authorize_url: "",
        token_url: "",
        user_url: "",
        scopes: "",
        client_auth: ClientAuth::Body,
        user_request: UserRequest::Bearer,
        fields: Fields { subject: "/sub", email: "/email", names: &[&["/name"]], client: "" },
        vouches: never,
        mail: MailDomains::NONE,
        id_token: None,
        list: None,
        needs_device: false,
        repeats_state: false,
        proves_secret: false,
    };
}

/// For a provider that does not tell whether an address is verified.
pub(super) fn never(_user: &Value, _email: &str) -> bool {
    false
}

/// For a provider that returns verified addresses only.
pub(super) fn always(_user: &Value, _email: &str) -> bool {
    true
}

/// For a provider with a flag `email_verified`: a boolean or, at some, a text.
pub(super) fn when_verified(user: &Value, _email: &str) -> bool {
    is_true(user.get("email_verified"))
}

/// Whether a value is `true` or the text `true`.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
