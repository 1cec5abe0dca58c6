//! The contract with nginx: the name of every header that the sidecar reads, and of every one that it sends.
//!
//! `nginx/snippets/introspect.conf` sets the headers of the `auth_request` subrequest, so that no client can;
//! `nginx/snippets/protect.conf` reads the headers of the response. Constant values are here too.

use http::{HeaderName, HeaderValue};

// Read from the subrequest.

/// The credentials of the client (RFC 9110, section 11.6.2).
pub const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;
/// The cookies of the client, one of which may carry its token.
pub const COOKIE: HeaderName = http::header::COOKIE;
/// The requirements of the location: `shared::policy`.
pub const POLICY: HeaderName = HeaderName::from_static("x-auth-policy");
/// The method of the client's request; that of the subrequest is always GET.
pub const ORIGINAL_METHOD: HeaderName = HeaderName::from_static("x-original-method");
/// [`OWN_PAGE`] if a page of the own origin sent the request and said that it acts on cookies.
pub const ORIGINAL_PAGE: HeaderName = HeaderName::from_static("x-original-page");
/// Its value.
pub const OWN_PAGE: HeaderValue = HeaderValue::from_static("own");
/// The id of the client's request, for the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static(shared::request_id::HEADER);
/// The trace of the request (W3C Trace Context).
pub const TRACEPARENT: HeaderName = HeaderName::from_static(runtime::telemetry::TRACEPARENT);

// Sent in every response.

/// The decision: [`ALLOW`], or the code of the refusal. nginx allows a request only for `allow`.
pub const DECISION: HeaderName = HeaderName::from_static("x-auth-decision");
/// The decision that allows a request.
pub const ALLOW: HeaderValue = HeaderValue::from_static(ALLOWED);
/// The same as text.
pub const ALLOWED: &str = "allow";

// Sent when a request with a token is allowed.

/// The user's id, for the program behind nginx.
pub const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
/// The user's roles, separated by commas.
pub const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
/// The session's id; not sent for a token without one.
pub const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");

/// How old the knowledge about revocations was: `fresh`, `stale;age=` and seconds, or `uncertified`.
pub const FRESHNESS: HeaderName = HeaderName::from_static("x-auth-freshness");

// Sent with a refusal.

/// The challenge (RFC 6750, section 3), with 401 and with a missing role or permission.
pub const CHALLENGE: HeaderName = http::header::WWW_AUTHENTICATE;
/// When to try again, where the sidecar cannot decide.
pub const RETRY_AFTER: HeaderName = http::header::RETRY_AFTER;
/// Zero: nginx closes a connection after each response that has a body.
pub const CONTENT_LENGTH: HeaderName = http::header::CONTENT_LENGTH;
