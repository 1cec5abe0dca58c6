//! The access phase of a block: who must agree before its program gets a request.

use std::collections::BTreeSet;

use crate::error_page::ErrorPage;
use crate::model::inheritance::passes;
use crate::model::places::{PlaceKind, Places, Uri};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::script::Script;
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
        let denies_all =
            by_address.first().is_some_and(|first| first.name == "deny" && first.arg(0) == "all");
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

/// Whether nginx itself may answer the subrequest of an `auth_request` with 2xx: then it asks no program.
///
/// Returns the block that answers.
pub(crate) fn answered_by_nginx(
    places: &Places<'_>,
    asked: &Directive,
    rules: RuleSet,
) -> Option<SourcePosition> {
    if !rules.has(ModelRule::AuthAnsweredByNginx) {
        return None;
    }
    // The text is used as it is: a `?` begins no query, and a `$` no variable.
    let mut open = places.candidates(&Uri::Whole(asked.arg(0).to_owned())).to_vec();
    let mut seen = BTreeSet::new();
    while let Some(index) = open.pop() {
        if !seen.insert(index) {
            continue;
        }
        let script = Script::new(places, index, rules);
        let is_success = |(_, status): &(usize, u16)| (200..300).contains(status);
        if index == 0 || script.ends.iter().any(is_success) {
            return Some(places.get(index).at());
        }
        open.extend(script.jumps.iter().flat_map(|jump| places.candidates(&jump.to).to_vec()));
        for content in with_limit_except(places, &script.content, rules) {
            if passes().all(|name| places.the(content, name).is_none()) {
                return Some(places.get(content).at());
            }
            let tried = places.the(content, "try_files").and_then(|tried| tried.args.last());
            open.extend(tried.into_iter().flat_map(|to| targets(places, to)));
        }
        let blocks = script.content.iter().chain(script.ends.iter().map(|(block, _)| block));
        for block in blocks {
            let mut pages =
                pages(places, *block).into_iter().filter(|page| replaces(places, *block, page, &script));
            if let Some(page) = pages.find(|page| lets_in(places, page, rules)) {
                return Some(page.at);
            }
        }
    }
    None
}

/// Whether a page can replace the answer to a subrequest. nginx itself has no 401 and no 403 in one, which skips the access
/// phase, unless it returns them; those of a program stay unless it intercepts them.
fn replaces(places: &Places<'_>, block: usize, page: &ErrorPage<'_>, script: &Script) -> bool {
    let scope = &places.get(block).scope;
    let intercepts = ["proxy", "fastcgi", "uwsgi", "scgi", "grpc"]
        .iter()
        .any(|kind| scope.says(&format!("{kind}_intercept_errors"), "on"));
    let returned = |code: &str| script.ends.iter().any(|(_, status)| status.to_string() == code);
    intercepts || page.codes.iter().any(|code| !matches!(*code, "401" | "403") || returned(code))
}

/// Whether an `error_page` can make a success of a failed subrequest.
fn lets_in(places: &Places<'_>, page: &ErrorPage<'_>, rules: RuleSet) -> bool {
    if page.is_success() {
        return true;
    }
    let refuses = |index: &usize| {
        let script = Script::new(places, *index, rules);
        *index != 0
            && script.content.is_empty()
            && script.jumps.is_empty()
            && script.ends.iter().all(|(_, status)| *status >= 300)
    };
    page.is_status_of_page() && page.is_internal() && !targets(places, page.to).iter().all(refuses)
}

/// The blocks that can handle the request, with those for other methods.
pub(crate) fn with_limit_except(
    places: &Places<'_>,
    content: &BTreeSet<usize>,
    rules: RuleSet,
) -> BTreeSet<usize> {
    let mut all = content.clone();
    if rules.has(ModelRule::LimitExcept) {
        all.extend(
            content.iter().flat_map(|index| places.inner(places.location_of(*index), PlaceKind::LimitExcept)),
        );
    }
    all
}

/// The error pages of a block.
pub(crate) fn pages<'c>(places: &Places<'c>, index: usize) -> Vec<ErrorPage<'c>> {
    places.effective(index, "error_page").into_iter().map(ErrorPage::parse).collect()
}

/// The locations of a URI or a name; none for a status.
fn targets(places: &Places<'_>, to: &str) -> Vec<usize> {
    if to.starts_with('=') { Vec::new() } else { places.candidates(&Uri::of_text(to)).to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    fn access(server: &str, check: impl Fn(&Places<'_>, AccessChecks<'_>) -> bool) -> bool {
        let tree = tree::parse("/n", 0, &format!("server {{ {server} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]));
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

    #[test]
    fn a_subrequest_must_reach_a_program() {
        for (server, expected) in [
            ("location = /q { proxy_pass http://a; }", false),
            ("location = /q { proxy_pass http://a; error_page 500 =200 /x; }", true),
            ("location = /q { proxy_pass http://a; error_page 500 = @x; } location @x { return 204; }", true),
            (
                "location = /q { proxy_pass http://a; error_page 500 = @x; } location @x { return 503; }",
                false,
            ),
            ("location = /q { proxy_pass http://a; error_page 401 =200 /x; }", false),
            (
                "location = /q { proxy_pass http://a; error_page 401 =200 /x; proxy_intercept_errors On; }",
                true,
            ),
            ("location = /q { return 401; error_page 401 =200 /x; }", true),
            ("location = /q { return 204; }", true),
            ("location = /q { return 401; }", false),
            ("location = /q { if ($a) { return 200; } proxy_pass http://a; }", true),
            ("location = /q { rewrite ^ /b last; proxy_pass http://a; } location = /b { return 204; }", true),
            ("location = /q { }", true),
            ("", true),
            ("location ~ \\.php$ { proxy_pass http://a; } location /q { proxy_pass http://b; }", false),
        ] {
            let server = format!("location = /p {{ auth_request /q; }} {server}");
            let is_answered = access(&server, |places, access| {
                answered_by_nginx(places, access.asks.unwrap(), RuleSet::ALL).is_some()
            });
            assert_eq!(is_answered, expected, "{server}");
        }
    }
}
