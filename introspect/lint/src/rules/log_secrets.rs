//! Queries, `Referer`, cookies and `Authorization` contain codes and tokens, and many people read logs.

use crate::finding::{Problems, Rule, Severity};
use crate::site::Site;
use crate::tree::Directive;
use crate::variables::names;

pub(crate) const RULE: Rule = Rule {
    name: "log-secrets",
    severity: Severity::Error,
    finds: "an access log with queries, `Referer`, cookies or `Authorization`",
    risk: "Everyone who can read the log can use the codes and tokens in it.",
    remedy: "Use the format of conf.d/logs.conf, which logs the path without its query.",
    check,
};

/// Variables that contain secrets or the query.
const SECRETS: [&str; 11] = [
    "request",
    "request_uri",
    "args",
    "query_string",
    "request_body",
    "http_authorization",
    "http_cookie",
    "http_referer",
    "sent_http_set_cookie",
    "sent_http_location",
    "upstream_http_set_cookie",
];

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let scopes = std::iter::once(&server.scope).chain(&server.scopes);
        let logs: Vec<_> = scopes.flat_map(|scope| scope.effective("access_log")).collect();
        if server.scope.the("access_log").is_none() {
            found.add(server.scope.at(), "Without `access_log` nginx logs the whole request with its query.");
        }
        for log in logs.into_iter().filter(|log| log.arg(0) != "off") {
            check_log(site, log, found);
        }
    }
}

fn check_log(site: &Site<'_>, log: &Directive, found: &mut Problems) {
    let format = if log.arg(1).contains('=') { "" } else { log.arg(1) };
    let declared =
        site.http().flat_map(|http| http.named("log_format")).find(|declared| declared.arg(0) == format);
    let Some(declared) = declared else {
        found.add(log.at, "The format `combined` logs the query and `Referer`.");
        return;
    };
    let secret =
        |name: &&str| SECRETS.contains(name) || name.starts_with("cookie_") || name.starts_with("arg_");
    let secrets: Vec<_> = declared.args.iter().skip(1).flat_map(|part| names(part)).filter(secret).collect();
    if !secrets.is_empty() {
        found.add(declared.at, format!("The format `{format}` logs ${}.", secrets.join(", $")));
    }
}
