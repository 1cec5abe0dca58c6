//! What the model knows of nginx, as a list of rules that can be taken out one by one.
//!
//! A configuration is always judged with all of them. The proof (`tests/proof`) takes each of them out in turn, and
//! shows a way that a real nginx then leaves open and the rest of the model does not know.

/// One thing that nginx does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelRule {
    /// A `rewrite` of a location leads to another one before any access check.
    LocationRewrite,
    /// A `rewrite` of the server acts before a location is chosen.
    ServerRewrite,
    /// A rewritten request may enter locations that are `internal`.
    RewriteIsInternal,
    /// `break` ends the rewrite phase, so that a `return` after it does not run.
    Break,
    /// An `if` that matches replaces the location, with a program of its own.
    IfBlock,
    /// `limit_except` replaces the location for other methods, with a program of its own.
    LimitExcept,
    /// `auth_request off` in an inner block ends what the outer block asks.
    AuthOff,
    /// With `satisfy any` an address or a password is enough.
    SatisfyAny,
    /// A subrequest that nginx itself answers with 2xx asks no program.
    AuthAnsweredByNginx,
    /// The subrequest of `auth_request` is itself a request to a program.
    AuthIsARequest,
    /// `error_page` leads from a refusal to another location.
    ErrorPage,
    /// `try_files` leads to another location.
    TryFiles,
    /// `index` leads to another location.
    Index,
    /// `X-Accel-Redirect` in a response leads to any location.
    AccelRedirect,
    /// `mirror` sends the request to another location too.
    Mirror,
    /// `add_before_body` and `add_after_body` request another location too.
    AddBody,
    /// `ssi` lets a response request any location.
    Ssi,
    /// Subrequests skip the access checks of their location.
    SubrequestSkipsAccess,
    /// `post_action` requests another location after each response.
    PostAction,
    /// A `stream` server leads to a program without asking.
    Stream,
    /// An `upstream` is its servers' addresses, under any name.
    Upstream,
    /// An address may come from variables.
    Variables,
    /// All names of this machine with the same port are one program.
    Loopback,
    /// A program's address may be another server of the same nginx.
    Chain,
    /// The URI of `mirror`, `add_before_body`, `post_action` and `index` is used as it is, with its `?` and `@`.
    PlainUri,
    /// A `return` with content can become 412, by `If-Match` in a request.
    Precondition,
    /// A `return` of any status may have the filters of a response that succeeds.
    BodyOfAnyStatus,
    /// PCRE matches bytes.
    RegexBytes,
}

impl ModelRule {
    /// All rules.
    pub const ALL: [Self; 28] = [
        Self::LocationRewrite,
        Self::ServerRewrite,
        Self::RewriteIsInternal,
        Self::Break,
        Self::IfBlock,
        Self::LimitExcept,
        Self::AuthOff,
        Self::SatisfyAny,
        Self::AuthAnsweredByNginx,
        Self::AuthIsARequest,
        Self::ErrorPage,
        Self::TryFiles,
        Self::Index,
        Self::AccelRedirect,
        Self::Mirror,
        Self::AddBody,
        Self::Ssi,
        Self::SubrequestSkipsAccess,
        Self::PostAction,
        Self::Stream,
        Self::Upstream,
        Self::Variables,
        Self::Loopback,
        Self::Chain,
        Self::PlainUri,
        Self::Precondition,
        Self::BodyOfAnyStatus,
        Self::RegexBytes,
    ];
}

/// The rules that a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleSet(u32);

impl RuleSet {
    /// All rules: what a configuration is judged with.
    pub const ALL: Self = Self(u32::MAX);

    /// All but one, for the proof that this one is needed.
    #[must_use]
    pub fn without(self, rule: ModelRule) -> Self {
        Self(self.0 & !(1 << rule as u32))
    }

    pub(crate) fn has(self, rule: ModelRule) -> bool {
        self.0 & (1 << rule as u32) != 0
    }
}
