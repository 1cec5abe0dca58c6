//! What one provider is like, as data.

use serde_json::Value;

/// A provider: where it is, what it is asked, and how its answers are read.
///
/// The fields that only some providers need are off in [`Descriptor::REGULAR`], which a descriptor ends with.
#[derive(Debug)]
pub struct Descriptor {
    /// Its name in paths, configuration and tables: `[a-z][a-z0-9-]{0,31}`.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Where a person is sent to.
    pub authorize_url: &'static str,
    /// Where a code is given for tokens.
    pub token_url: &'static str,
    /// Where a token is given for what is known of the person.
    pub user_url: &'static str,
    /// What is asked for, with its own separator.
    pub scopes: &'static str,
    /// How we prove who we are when a code is given for tokens.
    pub client_auth: ClientAuth,
    /// How the token is shown at `user_url`.
    pub user_request: UserRequest,
    /// Where in the answer of `user_url` what stands.
    pub fields: Fields,
    /// Whether the provider vouches that this address is the person's, by its answer.
    pub vouches: fn(user: &Value, email: &str) -> bool,
    /// Its ID tokens, where it gives any that can be verified: they then say who the person is.
    pub id_token: Option<IdTokens>,
    /// Where else something is asked for with the token, and how it becomes part of the answer of `user_url`.
    pub second_request: Option<SecondRequest>,
    /// Whether the callback brings a `device_id`, which the token endpoint wants to have.
    pub needs_device: bool,
    /// Whether the token endpoint is told the state, and must repeat it.
    pub repeats_state: bool,
    /// Whether requests with a token carry `appsecret_proof`: the token's HMAC-SHA256 under our secret.
    pub proves_secret: bool,
}

/// How we prove who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Identifier and secret in the body.
    Body,
    /// In `Authorization: Basic`.
    Basic,
    /// By the PKCE verifier alone; a secret goes into the body when there is one.
    Public,
}

/// How a token is shown where the person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserRequest {
    /// `Authorization: Bearer` (RFC 6750, section 2.1).
    Bearer,
    /// `Authorization: OAuth`.
    OAuth,
    /// As `access_token` in the query.
    Query,
    /// As `access_token` in a form, beside our identifier.
    Form,
}

/// Where what stands: JSON pointers (RFC 6901).
#[derive(Debug)]
pub struct Fields {
    /// Who it is there: a text or a number, never given to another person.
    pub subject: &'static str,
    /// The address, where there is one.
    pub email: &'static str,
    /// What the person is called: the first of these of which a part is there, its parts joined.
    pub names: &'static [&'static [&'static str]],
    /// Our own identifier, which proves that the token was given to us; empty where it is not repeated.
    pub client: &'static str,
}

/// How a provider's ID tokens are verified.
#[derive(Debug)]
pub struct IdTokens {
    /// What it calls itself, in every spelling.
    pub issuers: &'static [&'static str],
    /// Its keys.
    pub keys_url: &'static str,
}

/// One more question with the same token.
#[derive(Debug)]
pub struct SecondRequest {
    /// Its part of the name of the variable that says where else to ask: `ADMIN_OAUTH_<PROVIDER>_<NAME>_URL`.
    pub name: &'static str,
    /// Where to ask. Being told that there is no such thing is no failure.
    pub url: &'static str,
    /// Puts its answer into that of `user_url`.
    pub merge: fn(user: &mut Value, answer: &Value),
}

impl Descriptor {
    /// All that a regular provider is not.
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
        id_token: None,
        second_request: None,
        needs_device: false,
        repeats_state: false,
        proves_secret: false,
    };
}

/// For a provider that says nothing of whether an address was proved.
pub(super) fn never(_user: &Value, _email: &str) -> bool {
    false
}

/// For a provider that gives only addresses that were proved.
pub(super) fn always(_user: &Value, _email: &str) -> bool {
    true
}

/// For a provider that says so in `email_verified`, as a boolean or, as some do, as a text.
pub(super) fn when_verified(user: &Value, _email: &str) -> bool {
    is_true(user.get("email_verified"))
}

/// Whether a value means true.
pub(super) fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
