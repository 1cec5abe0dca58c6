//! The origin gets the path as the client sent it; nginx chose the location by the normalised path. Where the two differ
//! (`..;`, `//`, encoded `/`), the policy of one path opens another.
//!
//! A list of refused paths is never complete, so the guard must refuse every path that it does not allow.

use crate::finding::{Problems, Rule, Severity};
use crate::scope::Scope;
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::{Variables, only};

pub(crate) const RULE: Rule = Rule {
    name: "path-guard",
    severity: Severity::Error,
    finds: "a server that passes on paths without a guard, or with one that lists the refused paths instead of \
            the allowed ones",
    risk: "A client writes a path that nginx and the program read in two ways, and gets a resource under the policy of another.",
    remedy: "Include snippets/path-guard.conf in the server, and conf.d/paths.conf in `http`.",
    check,
};

/// How many maps may lead from the guard to the path.
const MAX_MAPS: usize = 8;

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let Some(scope) = server.others().find(|scope| leads_to_a_program(scope)) else { continue };
        if server.guards().any(|guard| allows_listed_paths_only(guard, &site.variables)) {
            continue;
        }
        let is_a_list = server.guarded_by(&site.variables).contains("request_uri");
        let problem =
            if is_a_list { "Paths that are missing in the list of refused paths" } else { "Ambiguous paths" };
        let label = scope.label();
        found.add(server.scope.at(), format!("{problem} are passed on, for example by `{label}`."));
    }
}

fn leads_to_a_program(scope: &Scope<'_>) -> bool {
    let passes = ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"];
    passes.into_iter().any(|name| scope.own(name).next().is_some())
}

/// `if ($path_refused)`, where a `map` of `$request_uri` refuses by default; or `if ($request_uri !~ ...)`.
fn allows_listed_paths_only(guard: &Directive, variables: &Variables<'_>) -> bool {
    match guard.args.as_slice() {
        [condition] => {
            let condition = condition.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            let name = condition.and_then(|condition| only(condition.trim()));
            name.is_some_and(|name| refuses_by_default(name, variables))
        }
        [source, operator, ..] if operator.starts_with("!~") => {
            only(source.trim_start_matches('(')) == Some("request_uri")
        }
        _ => false,
    }
}

/// Follows the `default`s of the maps.
fn refuses_by_default(name: &str, variables: &Variables<'_>) -> bool {
    let mut name = name;
    for _ in 0..MAX_MAPS {
        let Some(map) = variables.map(name) else { return false };
        let Some(default) = map.named("default").next().map(|default| default.arg(0)) else { return false };
        match only(default) {
            Some(next) => name = next,
            None => return only(map.arg(0)) == Some("request_uri") && !matches!(default, "" | "0"),
        }
    }
    false
}
