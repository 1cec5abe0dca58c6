//! The names of the headers that a gateway's configuration has to set, clear or check.
//!
//! The sidecar's own list is `introspect/src/headers.rs`; a test there compares the two.

/// The headers that carry the user's identity, to the origin, and the requirement of a location, to the
/// sidecar. Only the gateway may set them.
pub const IDENTITY: [&str; 5] =
    ["X-User-Id", "X-User-Roles", "X-Session-Id", "X-Auth-Freshness", "X-Auth-Policy"];

/// The user's identifier, which every protected location sends to the origin.
pub const USER: &str = "X-User-Id";

/// The requirement of the location.
pub const POLICY: &str = "X-Auth-Policy";

/// The sidecar's decision: `allow`, or the code of a refusal.
pub const DECISION: &str = "X-Auth-Decision";

/// The decision that allows a request.
pub const ALLOW: &str = "allow";

/// The name of nginx's variable with a header of a response.
pub(crate) fn response_variable(header: &str) -> String {
    format!("upstream_http_{}", header.to_ascii_lowercase().replace('-', "_"))
}
