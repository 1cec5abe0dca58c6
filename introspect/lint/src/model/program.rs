//! The addresses that a block's `proxy_pass`, or another directive of its kind, can lead to.

use std::collections::{BTreeSet, HashMap};

use crate::model::address::ProgramAddress;
use crate::model::places::Places;
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::values::VariableValues;
use crate::target::{ProxyTarget, after_unix};
use crate::tree::Directive;
use crate::variables::split_name;

/// The `upstream`s of an `http` or `stream` block: nginx compares their names without case.
#[derive(Debug)]
pub(crate) struct Upstreams(HashMap<String, BTreeSet<ProgramAddress>>);

impl Upstreams {
    pub(crate) fn new(block: &Directive, rules: RuleSet) -> Self {
        let loopback = rules.has(ModelRule::Loopback);
        let addresses = |upstream: &Directive| {
            let servers: BTreeSet<_> = upstream
                .named("server")
                .map(|server| ProgramAddress::parse(server.arg(0), "80", loopback))
                .collect();
            // Another module chooses its servers.
            if servers.is_empty() { BTreeSet::from([ProgramAddress::Any]) } else { servers }
        };
        let named = block.named("upstream");
        Self(named.map(|upstream| (upstream.arg(0).to_ascii_lowercase(), addresses(upstream))).collect())
    }

    /// The addresses of a host, which may be the name of an upstream.
    pub(crate) fn addresses(
        &self,
        host: &str,
        default_port: &str,
        rules: RuleSet,
    ) -> BTreeSet<ProgramAddress> {
        match self.0.get(&host.to_ascii_lowercase()).filter(|_| rules.has(ModelRule::Upstream)) {
            Some(addresses) => addresses.clone(),
            None if host.is_empty() => BTreeSet::new(),
            None => {
                BTreeSet::from([ProgramAddress::parse(host, default_port, rules.has(ModelRule::Loopback))])
            }
        }
    }
}

/// The addresses that a directive such as `proxy_pass` leads to, when it acts in `place`.
pub(crate) fn addresses<'c>(
    pass: &Directive,
    values: &VariableValues<'_, 'c>,
    (places, place): (&Places<'c>, usize),
    upstreams: &Upstreams,
    rules: RuleSet,
) -> BTreeSet<ProgramAddress> {
    let text = pass.arg(0);
    if text.contains('$') && !rules.has(ModelRule::Variables) {
        return BTreeSet::new();
    }
    let head = head(text, |name| values.begins_path(name));
    let Some(urls) = urls(head, |part| values.of(part, places, place)) else {
        return BTreeSet::from([ProgramAddress::Any]);
    };
    let is_whole = head.len() == text.len() || !head.contains('$') && head.contains("://");
    let of_url = |url: &String| match address(&pass.name, url) {
        _ if !is_whole && may_continue(url) => BTreeSet::from([ProgramAddress::Any]),
        Some((host, port)) => upstreams.addresses(host, port, rules),
        None => BTreeSet::new(),
    };
    urls.iter().flat_map(of_url).collect()
}

/// All values of the text before the path of a URL; `None` if its address is unknown.
fn urls(head: &str, expand: impl Fn(&str) -> Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    let Some((scheme, rest)) = head.split_once("://") else { return expand(head) };
    let both = || ["http", "https"].map(str::to_owned).into();
    let (schemes, heads) = (expand(scheme).unwrap_or_else(both), expand(rest)?);
    let join = |scheme: &String| heads.iter().map(|head| format!("{scheme}://{head}")).collect::<Vec<_>>();
    Some(schemes.iter().flat_map(join).collect())
}

/// Whether the text after the head may belong to the address: a scheme, or the path of a socket, of which a variable is a part.
fn may_continue(url: &str) -> bool {
    let begun = url.to_ascii_lowercase();
    let scheme = ["http:", "https:", "grpc:", "grpcs:"].contains(&&*begun);
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    scheme || after_unix(rest).is_some_and(|path| !path.contains(':'))
}

/// The text before the path: up to a slash, a `?`, or a variable that begins with one of them. The path of a socket
/// ends with a colon.
fn head(text: &str, begins_path: impl Fn(&str) -> bool) -> &str {
    let start = text.find("://").map_or(0, |at| at + "://".len());
    let rest = text.get(start..).unwrap_or_default();
    let is_socket = after_unix(rest).is_some();
    let mut at = start + if is_socket { "unix:".len() } else { 0 };
    while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let ends = if is_socket { next == ':' } else { matches!(next, '/' | '?') };
        let variable = text.get(at..).and_then(|rest| split_name(rest.strip_prefix('$')?));
        match variable {
            _ if ends => break,
            Some((name, _)) if begins_path(name) && !is_socket => break,
            Some((_, tail)) => at = text.len() - tail.len(),
            None => at += next.len_utf8(),
        }
    }
    text.get(..at).unwrap_or_default()
}

/// The host of a URL, and the port of its scheme; none for a URL that nginx refuses.
fn address<'u>(directive: &str, url: &'u str) -> Option<(&'u str, &'static str)> {
    let target = ProxyTarget::parse(url);
    let scheme = target.scheme.to_ascii_lowercase();
    let port = match (directive, &*scheme) {
        // A `stream` has no scheme.
        ("proxy_pass", "http" | "") | ("grpc_pass", "" | "grpc") => "80",
        ("proxy_pass", "https") | ("grpc_pass", "grpcs") => "443",
        ("proxy_pass" | "grpc_pass", _) => return None,
        ("memcached_pass", _) => "11211",
        _ => "",
    };
    Some((target.authority, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;
    use crate::variables::Variables;

    fn read(http: &str, pass: &str) -> String {
        let text = format!("http {{ {http} server {{ location / {{ {pass}; }} }} }}");
        let tree = tree::parse("/n", 0, &text).unwrap();
        let server = tree[0].named("server").next().unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]).inner(server));
        let (variables, upstreams) = (Variables::new(&tree), Upstreams::new(&tree[0], RuleSet::ALL));
        let values = VariableValues::new(&variables, &places);
        let pass = server.inside()[0].inside().last().unwrap();
        let found = addresses(pass, &values, (&places, 1), &upstreams, RuleSet::ALL);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_address_is_resolved() {
        let http = "upstream App { server 10.0.0.1:81; server unix:/a backup; } map $host $gate { default -no; a \"\"; }";
        for (pass, expected) in [
            ("proxy_pass http://app", "unix:/a 10.0.0.1:81"),
            ("proxy_pass HTTPS://b/c", "b:443"),
            ("proxy_pass http://localhost:8000$request_uri", "127.0.0.1:8000"),
            ("proxy_pass http${gate}://app/", "unix:/a 10.0.0.1:81"),
            ("proxy_pass http://unix:/a:/b$uri", "unix:/a"),
            ("set $x http://b:1/c; proxy_pass $x", "b:1"),
            ("set $x b; set $y 2; proxy_pass $scheme://$x:$y/$1", "b:2"),
            ("proxy_pass http://$host", "any program"),
            ("proxy_pass $http_x", "any program"),
            ("proxy_pass ftp://b", ""),
            ("fastcgi_pass b:9000", "b:9000"),
            ("fastcgi_pass unix:/run/php.sock", "unix:/run/php.sock"),
            ("grpc_pass grpc://b", "b:80"),
            ("proxy_pass http:/$request_uri", "any program"),
            ("proxy_pass http:/$uri", "any program"),
            ("proxy_pass http://$uri_host", "any program"),
            ("set $uri_host app; proxy_pass http://$uri_host$uri", "unix:/a 10.0.0.1:81"),
            ("set $x \"b:1?c=d:2\"; proxy_pass http://$x", "b:1"),
            ("set $x unix:; proxy_pass http://$x/run/a.sock", "any program"),
            ("set $x unix:/run/a.sock; proxy_pass http://$x:/b", "unix:/run/a.sock"),
            ("proxy_pass http://UNIX:/a:/b", "unix:/a"),
            ("rewrite ^/(.*)$ $1 break; proxy_pass http://$uri", "any program"),
            ("rewrite ^/(.*)$ /$1 break; proxy_pass http://app$uri", "unix:/a 10.0.0.1:81"),
            ("set $http_x app; proxy_pass http://$http_x", "any program"),
            ("set $gate app; proxy_pass http://$gate", "unix:/a 10.0.0.1:81"),
        ] {
            assert_eq!(read(http, pass), expected, "{pass}");
        }
    }
}
