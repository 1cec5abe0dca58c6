//! The access phase of a block: who must agree before its program gets a request.

use crate::error_page::ErrorPage;
use crate::model::places::{PlaceKind, Places};
use crate::model::rule::{ModelRule, RuleSet};
use crate::source::SourcePosition;
use crate::tree::Directive;

/// The checks of a block.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AccessChecks<'c> {
    /// Whether it refuses every client.
    pub(crate) is_closed: bool,
    /// Its `auth_request`.
    pub(crate) asks: Option<&'c Directive>,
    /// The `satisfy any` by which something else replaces the answer.
    pub(crate) bypass: Option<&'c Directive>,
    /// Where nginx itself may answer the subrequest.
    pub(crate) self_answered: Option<SourcePosition>,
}

impl<'c> AccessChecks<'c> {
    pub(crate) fn new(places: &Places<'c>, index: usize, rules: RuleSet) -> Self {
        let scope = &places.get(index).scope;
        let satisfy = scope.the("satisfy").filter(|satisfy| satisfy.arg(0).eq_ignore_ascii_case("any"));
        let by_address = scope.effective_of(&["allow", "deny"]);
        let denies_all = scope.denies_all();
        let asks = asks(places, index, rules);
        let allows = by_address.iter().any(|rule| rule.name == "allow") && !denies_all;
        let is_on = |name| scope.the(name).is_some_and(|directive| directive.arg(0) != "off");
        let has_other = allows || ["auth_basic", "auth_jwt"].into_iter().any(is_on);
        let has_bypass = has_other && asks.is_some() && rules.has(ModelRule::SatisfyAny);
        Self {
            is_closed: denies_all && (satisfy.is_none() || (asks.is_none() && !has_other)),
            asks,
            bypass: satisfy.filter(|_| has_bypass),
            // A walk looks it up once for many blocks.
            self_answered: None,
        }
    }
}

/// nginx compares this `off` with case.
fn asks<'c>(places: &Places<'c>, index: usize, rules: RuleSet) -> Option<&'c Directive> {
    let asked = places.the(index, "auth_request")?;
    if asked.arg(0) == "off" && !rules.has(ModelRule::AuthOff) {
        let outer = places.get(index).scope.inherited("auth_request");
        return outer.last().copied().filter(|outer| outer.arg(0) != "off");
    }
    (asked.arg(0) != "off").then_some(asked)
}

/// The `limit_except` blocks of a location. For their methods nginx takes the block in place of the location: none of the rewrite
/// directives of the location runs.
pub(crate) fn limit_excepts<'p>(
    places: &'p Places<'_>,
    location: usize,
    rules: RuleSet,
) -> impl Iterator<Item = usize> + 'p {
    let is_known = rules.has(ModelRule::LimitExcept);
    places.inner(location, PlaceKind::LimitExcept).filter(move |_| is_known)
}

/// Whether nginx replaces errors in the responses of a block's program by its own pages.
pub(crate) fn intercepts(places: &Places<'_>, block: usize) -> bool {
    let kinds = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc"];
    kinds.iter().any(|kind| places.get(block).scope.says(&format!("{kind}_intercept_errors"), "on"))
}

/// Whether an `X-Accel-Redirect` in the response of a block's program, which the directive `name` names, leads the request on.
pub(crate) fn obeys_accel(places: &Places<'_>, block: usize, name: &str) -> bool {
    let ignoring = format!("{}ignore_headers", name.strip_suffix("pass").unwrap_or(name));
    let lines = places.effective(block, &ignoring);
    let mut ignored = lines.iter().flat_map(|line| &line.args);
    // memcached has no headers.
    name != "memcached_pass" && !ignored.any(|name| name.eq_ignore_ascii_case("X-Accel-Redirect"))
}

/// The error pages of a block.
pub(crate) fn pages<'c>(places: &Places<'c>, index: usize) -> Vec<ErrorPage<'c>> {
    places.effective(index, "error_page").into_iter().map(ErrorPage::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    fn access(server: &str, check: impl Fn(&Places<'_>, AccessChecks<'_>) -> bool) -> bool {
        let tree = tree::parse("/n", 0, &format!("server {{ {server} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
        check(&places, AccessChecks::new(&places, 1, RuleSet::ALL))
    }

    #[test]
    fn addresses_replace_the_answer_only_with_satisfy_any() {
        for (location, bypass, closed) in [
            ("satisfy any; allow 10.0.0.1; deny all;", true, false),
            ("satisfy ANY; auth_basic a;", true, false),
            ("satisfy any; deny all;", false, false),
            ("satisfy any;", false, false),
            ("satisfy all; allow 10.0.0.1; deny all;", false, false),
            ("deny all; allow 10.0.0.1;", false, true),
        ] {
            let server = format!("location / {{ auth_request /q; {location} }}");
            assert_eq!(access(&server, |_, access| access.bypass.is_some()), bypass, "{location}");
            assert_eq!(access(&server, |_, access| access.is_closed), closed, "{location}");
        }
    }
}
