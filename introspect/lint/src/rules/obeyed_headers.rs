//! Programs obey some headers that clients can send: another path, another method, another user. A list of them is never
//! complete, so nginx should pass on only the headers that the configuration names.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "obeyed-headers",
    severity: Severity::Error,
    finds: "a location that passes on headers of clients that programs obey, such as `X-Original-URL`",
    risk: "A client makes the program serve another path, method or user than the one that was checked.",
    remedy: "Include snippets/proxy.conf in the location, which sets `proxy_pass_request_headers off`.",
    check,
};

/// The headers that widely used frameworks and servers obey.
const OBEYED: [&str; 18] = [
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-Method",
    "X-HTTP-Method",
    "X-HTTP-Method-Override",
    "X-Method-Override",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-User",
    "X-Real-IP",
    "X-Remote-User",
    "Remote-User",
    "Transfer_Encoding",
    "Proxy",
];

/// How many of them a finding names.
const NAMED: usize = 3;

fn check(site: &Site<'_>, found: &mut Problems) {
    for (_, scope) in site.proxied().filter(|(_, scope)| !scope.says("proxy_pass_request_headers", "off")) {
        let passed: Vec<_> = OBEYED.into_iter().filter(|name| scope.header(name).is_none()).collect();
        if !passed.is_empty() {
            let more = if passed.len() > NAMED { " and more" } else { "" };
            let named = passed.iter().copied().take(NAMED).collect::<Vec<_>>().join(", ");
            found.add(scope.at(), format!("`{}` passes on {named}{more}.", scope.label()));
        }
    }
}
