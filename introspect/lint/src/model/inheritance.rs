//! How nginx inherits the directives that decide where a request goes.
//!
//! A directive that is neither here nor in [`super::directives`] is not understood, and is a finding.

/// How a directive of an outer block acts in an inner one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inherit {
    /// The innermost block that has the directive counts, with all of its lines.
    Innermost,
    /// Only inside its location: its `if` and `limit_except` blocks have the program of the location, unless they have their
    /// own; locations in it do not.
    InLocation,
    /// Only in the location that has it.
    Never,
}

/// The directives that lead a request somewhere.
const TABLE: [(&str, Inherit); 25] = [
    ("auth_request", Inherit::Innermost),
    ("satisfy", Inherit::Innermost),
    ("auth_basic", Inherit::Innermost),
    ("error_page", Inherit::Innermost),
    ("mirror", Inherit::Innermost),
    ("index", Inherit::Innermost),
    ("ssi", Inherit::Innermost),
    ("add_before_body", Inherit::Innermost),
    ("add_after_body", Inherit::Innermost),
    ("post_action", Inherit::Innermost),
    ("internal", Inherit::Innermost),
    ("limit_req_status", Inherit::Innermost),
    ("limit_conn_status", Inherit::Innermost),
    ("proxy_ignore_headers", Inherit::Innermost),
    ("fastcgi_ignore_headers", Inherit::Innermost),
    ("uwsgi_ignore_headers", Inherit::Innermost),
    ("scgi_ignore_headers", Inherit::Innermost),
    ("grpc_ignore_headers", Inherit::Innermost),
    ("try_files", Inherit::Never),
    ("proxy_pass", Inherit::InLocation),
    ("fastcgi_pass", Inherit::InLocation),
    ("uwsgi_pass", Inherit::InLocation),
    ("scgi_pass", Inherit::InLocation),
    ("grpc_pass", Inherit::InLocation),
    ("memcached_pass", Inherit::InLocation),
];

/// How a directive is inherited; those that are not in the table are not inherited.
pub(crate) fn inheritance(name: &str) -> Inherit {
    TABLE.iter().find(|(known, _)| *known == name).map_or(Inherit::Never, |(_, how)| *how)
}

/// Whether the model follows it.
pub(crate) fn is_followed(name: &str) -> bool {
    TABLE.iter().any(|(known, _)| *known == name)
}

/// The directives that name a program.
pub(crate) fn passes() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|(_, how)| *how == Inherit::InLocation).map(|(name, _)| *name)
}
