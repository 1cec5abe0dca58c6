//! The addresses that a block's `proxy_pass`, or another directive of its kind, can lead to.

use std::collections::{BTreeSet, HashMap};

use crate::model::address::ProgramAddress;
use crate::model::places::Places;
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::values::VariableValues;
use crate::target::ProxyTarget;
use crate::tree::Directive;

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
    let Some(urls) = urls(text, |part| values.of(part, places, place)) else {
        return BTreeSet::from([ProgramAddress::Any]);
    };
    let of_url = |url: &String| match address(&pass.name, url) {
        Some((host, port)) => upstreams.addresses(host, port, rules),
        None => BTreeSet::new(),
    };
    urls.iter().flat_map(of_url).collect()
}

/// All values of a URL up to its path; `None` if its address is unknown.
fn urls(text: &str, expand: impl Fn(&str) -> Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    let Some((scheme, rest)) = text.split_once("://") else { return expand(head(text)) };
    let both = || ["http", "https"].map(str::to_owned).into();
    let (schemes, heads) = (expand(scheme).unwrap_or_else(both), expand(head(rest))?);
    let join = |scheme: &String| heads.iter().map(|head| format!("{scheme}://{head}")).collect::<Vec<_>>();
    Some(schemes.iter().flat_map(join).collect())
}

/// The text before the path; the variables with the request's path begin with a slash, and a colon ends that of a socket.
fn head(text: &str) -> &str {
    let ends = ["/", "?", "$request_uri", "$uri", "$document_uri", "${request_uri}", "${uri}", "$is_args"];
    let end = match text.strip_prefix("unix:") {
        Some(path) => path.find(':').map(|end| end + "unix:".len()),
        None => ends.iter().filter_map(|end| text.find(end)).min(),
    };
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
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
        ] {
            assert_eq!(read(http, pass), expected, "{pass}");
        }
    }
}
