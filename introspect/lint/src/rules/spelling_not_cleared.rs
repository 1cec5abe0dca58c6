//! If `_` is accepted, nginx before 1.23 sees only the first of several headers with one name: a second spelling passes
//! the guard behind the first.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::IDENTITY;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "spelling-not-cleared",
    severity: Severity::Error,
    finds: "with `underscores_in_headers on`, a location that passes on `X_User_Id` or the like",
    risk: "A client sends `X_User_Id`, which many programs read as `X-User-Id`, and is another user.",
    remedy: "Set `proxy_pass_request_headers off`, as snippets/proxy.conf does, or remove `underscores_in_headers on`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for (server, scope) in site.proxied() {
        if !server.scope.says("underscores_in_headers", "on")
            || scope.says("proxy_pass_request_headers", "off")
        {
            continue;
        }
        let spellings = IDENTITY.into_iter().flat_map(spellings);
        let missing: Vec<_> = spellings.filter(|name| scope.header(name) != Some("")).collect();
        if let Some(first) = missing.first() {
            let more = if missing.len() > 1 { " and other spellings" } else { "" };
            found.add(scope.at(), format!("`{}` passes on {first}{more}.", scope.label()));
        }
    }
}

/// The spellings with `_` for one `-` or for both.
fn spellings(name: &str) -> [String; 3] {
    let last = name.rfind('-').unwrap_or_default();
    let (head, tail) = name.split_at(last);
    [name.replace('-', "_"), name.replacen('-', "_", 1), format!("{head}{}", tail.replacen('-', "_", 1))]
}
