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
            // Another module chooses its servers, or the DNS their ports.
            let is_unknown = servers.is_empty()
                || upstream
                    .named("server")
                    .any(|server| server.args.iter().any(|arg| arg.starts_with("service=")));
            if is_unknown { BTreeSet::from([ProgramAddress::Any]) } else { servers }
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
        if host.is_empty() {
            return BTreeSet::new();
        }
        let name = host.to_ascii_lowercase();
        let path = after_unix(&name).unwrap_or(&name);
        let own = ProgramAddress::parse(host, default_port, rules.has(ModelRule::Loopback));
        let named = self.0.get(path).or(self.0.get(&name)).filter(|_| rules.has(ModelRule::Upstream));
        match named {
            // Which of the two nginx takes depends on how the address is written.
            Some(named) if name.contains([':', '/']) => named.iter().cloned().chain([own]).collect(),
            Some(named) => named.clone(),
            None => BTreeSet::from([own]),
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
    let parts = AddressParts { values, places, place };
    let Some(urls) = parts.urls(text) else { return BTreeSet::from([ProgramAddress::Any]) };
    let of_url = |url: &String| match address(&pass.name, url) {
        Some((host, port)) => upstreams.addresses(host, port, rules),
        None => BTreeSet::new(),
    };
    urls.iter().flat_map(of_url).collect()
}

/// Puts an address together from its texts and variables.
struct AddressParts<'v, 'p, 'c> {
    values: &'v VariableValues<'v, 'c>,
    places: &'p Places<'c>,
    place: usize,
}

impl AddressParts<'_, '_, '_> {
    /// Every URL that the text can become, up to its path; `None` if a part of the address may be anything.
    fn urls(&self, text: &str) -> Option<BTreeSet<String>> {
        let mut urls = BTreeSet::from([String::new()]);
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('$') {
            let (name, tail) = split_name(after)?;
            let tail = if name == "is_args" { without_args(tail) } else { tail };
            let values = self.values.of(&format!("${{{name}}}"), self.places, self.place);
            let mut longer = BTreeSet::new();
            for url in urls.iter().map(|url| with(url, literal)) {
                if has_whole_address(&url) {
                    longer.insert(url);
                } else if let Some(values) = &values {
                    longer.extend(values.iter().map(|value| with(&url, value)));
                } else if is_in_authority(&url) && self.begins_path(name) {
                    longer.insert(with(&url, "/"));
                } else {
                    return None;
                }
            }
            if longer.len() > MAX_URLS {
                return None;
            }
            (urls, rest) = (longer, tail);
        }
        Some(urls.iter().map(|url| with(url, rest)).collect())
    }

    fn begins_path(&self, name: &str) -> bool {
        self.values.begins_path(name, self.places, self.place)
    }
}

/// What follows `$is_args` without the `$args` that it introduces: both are empty, or it has begun the query.
fn without_args(tail: &str) -> &str {
    let args = tail.strip_prefix('$').and_then(split_name);
    args.filter(|(name, _)| matches!(*name, "args" | "query_string")).map_or(tail, |(_, rest)| rest)
}

/// How many URLs are put together; with more the address counts as unknown.
const MAX_URLS: usize = 256;

/// The URL with more text, which changes nothing after its whole address.
fn with(url: &str, text: &str) -> String {
    if has_whole_address(url) { url.to_owned() } else { format!("{url}{text}") }
}

/// Whether the path has begun: after a slash or a `?`, or after a colon for a socket.
fn has_whole_address(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    match after_unix(rest) {
        Some(path) => path.contains(':'),
        None => rest.contains(['/', '?']),
    }
}

/// Whether text that begins with a slash would begin the path.
fn is_in_authority(url: &str) -> bool {
    url.split_once("://").is_some_and(|(_, rest)| after_unix(rest).is_none())
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
        let places = Places::new(&Scope::outermost(&tree[0]).inner(server), RuleSet::ALL);
        let (variables, upstreams) = (Variables::new(&tree), Upstreams::new(&tree[0], RuleSet::ALL));
        let values = VariableValues::new(&variables, &places);
        let pass = server.inside()[0].inside().last().unwrap();
        let found = addresses(pass, &values, (&places, 1), &upstreams, RuleSet::ALL);
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_address_is_resolved() {
        let http = "upstream App { server 10.0.0.1:81; server unix:/a backup; } map $host $gate { default -no; a \"\"; } \
                    upstream 127.0.0.1:82 { server 127.0.0.1:83; } upstream /s { server 127.0.0.1:84; } upstream srv { server b service=http resolve; }";
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
            ("proxy_pass http://b$is_args:1/", "b:1 b:80"),
            ("proxy_pass http://b$is_args$args", "b:80"),
            ("proxy_pass http://b$args", "any program"),
            ("proxy_pass http://ap${is_args}p/", "unix:/a 10.0.0.1:81 ap:80"),
            ("set $x http:/; proxy_pass $x/b:1/c", "b:1"),
            ("set $x http:; proxy_pass $x$uri", "any program"),
            ("set $uri_x :1/a; rewrite ^ $uri_x break; proxy_pass http://b$uri", "any program"),
            ("rewrite ^ httpd/x break; proxy_pass http://$uri", "any program"),
            ("rewrite ^ /x; break; proxy_pass http://b$uri", "b:80"),
            ("rewrite ^ x; break; proxy_pass http://b$uri", "any program"),
            ("rewrite ^ x last; proxy_pass http://b$uri", "b:80"),
            ("proxy_pass http://127.0.0.1:82", "127.0.0.1:82 127.0.0.1:83"),
            ("set $x s; proxy_pass http://unix:/$x", "unix:/s 127.0.0.1:84"),
            ("proxy_pass http$arg_a://b", "any program"),
            ("proxy_pass http://srv", "any program"),
            ("proxy_pass http://$uri_host", "any program"),
            ("set $uri_host app; proxy_pass http://$uri_host$uri", "unix:/a 10.0.0.1:81"),
            ("set $x \"b:1?c=d:2\"; proxy_pass http://$x", "b:1"),
            ("set $x unix:; proxy_pass http://$x/run/a.sock", "unix:/run/a.sock"),
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
