//! The server must refuse requests with identity headers, so that no location can forget to clear them.

use crate::finding::{Problems, Rule, Severity};
use crate::headers::IDENTITY;
use crate::site::ServerBlock;
use crate::site::Site;

pub(crate) const RULE: Rule = Rule {
    name: "identity-guard",
    severity: Severity::Error,
    finds: "a server that does not refuse identity headers of clients",
    risk: "A client that sends such a header is another user for a program that reads it where nginx does not replace it.",
    remedy: "Include snippets/identity-guard.conf in the server, and conf.d/identity.conf in `http`.",
    check,
};

fn check(site: &Site<'_>, found: &mut Problems) {
    for server in site.servers() {
        let missing = unguarded(server, site);
        if !missing.is_empty() {
            found.add(server.scope.at(), format!("Clients may send {} here.", missing.join(", ")));
        }
    }
}

/// The identity headers that the server does not refuse.
pub(crate) fn unguarded(server: &ServerBlock<'_>, site: &Site<'_>) -> Vec<&'static str> {
    let guarded = server.guarded_by(&site.variables);
    let is_guarded =
        |name: &str| guarded.contains(&*format!("http_{}", name.to_ascii_lowercase().replace('-', "_")));
    IDENTITY.into_iter().filter(|name| !is_guarded(name)).collect()
}
