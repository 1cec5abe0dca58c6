//! The values that the configuration's variables depend on.

use std::collections::{BTreeSet, HashMap};

use crate::source::SourcePosition;
use crate::tree::Directive;
pub(crate) use crate::variable_name::{bare, names, only, split_name};

/// The source of each variable.
#[derive(Debug, Default)]
pub(crate) struct Variables<'c> {
    /// The variables in the texts that determine it: the source and the values of a `map`, the value of a `set`.
    sources: HashMap<&'c str, BTreeSet<&'c str>>,
    /// The variables that `auth_request_set` sets.
    answers: BTreeSet<&'c str>,
    /// The texts to which `set` sets each variable.
    texts: HashMap<&'c str, Vec<&'c str>>,
    /// The `map`s, `geo`s and `split_clients`, by the variable that they define.
    blocks: HashMap<&'c str, Vec<&'c Directive>>,
    /// The variables that a regular expression captures by name.
    captured: HashMap<String, SourcePosition>,
    /// The variables that another module sets to what only it knows.
    unknown: BTreeSet<&'c str>,
}

impl<'c> Variables<'c> {
    /// Of `http`: `stream` has variables of its own.
    pub(crate) fn new(tree: &'c [Directive]) -> Self {
        let mut variables = Self::default();
        for outer in tree.iter().filter(|outer| outer.name != "stream") {
            variables.gather(std::slice::from_ref(outer));
        }
        variables
    }

    /// Of one block, such as `stream`.
    pub(crate) fn of_block(block: &'c Directive) -> Self {
        let mut variables = Self::default();
        variables.gather(block.inside());
        variables
    }

    fn gather(&mut self, tree: &'c [Directive]) {
        for directive in tree {
            let texts = std::iter::once(&directive.name).chain(&directive.args);
            self.capture(texts, directive.at);
            match (&*directive.name, directive.args.as_slice()) {
                ("set", [name, value]) => {
                    self.texts.entry(bare(name)).or_default().push(value);
                    self.sources.entry(bare(name)).or_default().extend(names(value));
                }
                ("auth_request_set", [name, _]) => {
                    self.answers.insert(bare(name));
                }
                ("map" | "split_clients" | "geo", [source, name]) => self.add_block(directive, source, name),
                ("geo", [name]) => self.add_block(directive, "", name),
                (name, args) => {
                    if is_setter(name) {
                        self.unknown.extend(args.iter().filter_map(|arg| only(arg)));
                    }
                    // `geoip2` lists variables in its block.
                    self.unknown.extend(only(name));
                    self.gather(directive.inside());
                }
            }
        }
    }

    fn add_block(&mut self, block: &'c Directive, source: &'c str, name: &'c str) {
        let name = bare(name);
        let sources = self.sources.entry(name).or_default();
        sources.extend(names(source));
        sources.extend(values_of(block).into_iter().flat_map(names));
        self.blocks.entry(name).or_default().push(block);
        // The dump does not have what it includes in binary.
        self.unknown.extend(block.named("include").next().map(|_| name));
        for entry in block.inside() {
            self.capture([&entry.name], entry.at);
        }
    }

    fn capture<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>, at: SourcePosition) {
        for name in texts.into_iter().flat_map(|text| captures(text)).filter(|name| !name.is_empty()) {
            self.captured.entry(name).or_insert(at);
        }
    }

    /// All variables that the text depends on, directly or indirectly. A named capture has an unnamed one behind it.
    pub(crate) fn behind(&self, text: &'c str) -> BTreeSet<&'c str> {
        let mut seen = BTreeSet::new();
        let mut open = names(text);
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                open.extend(self.sources.get(name).into_iter().flatten());
                open.extend(self.captured.contains_key(name).then_some("0"));
            }
        }
        seen
    }

    /// The `map` that defines a variable: the last one, as for nginx.
    pub(crate) fn map(&self, name: &str) -> Option<&'c Directive> {
        self.blocks.get(name)?.last().copied().filter(|block| block.name == "map")
    }

    /// The `map`s, `geo`s and `split_clients` that define a variable.
    pub(crate) fn blocks(&self, name: &str) -> &[&'c Directive] {
        self.blocks.get(name).map_or(&[], Vec::as_slice)
    }

    /// The values that they give it; `None` if none of them defines it.
    pub(crate) fn values(&self, name: &str) -> Option<BTreeSet<&'c str>> {
        let blocks = self.blocks.get(name)?;
        Some(blocks.iter().flat_map(|block| values_of(block)).collect())
    }

    /// Whether its value cannot be read from the configuration: a part of the request, a named capture, or set by another module.
    /// For some of nginx's own variables a `set` is only a default.
    pub(crate) fn is_unknown(&self, name: &str) -> bool {
        self.captured.contains_key(name)
            || self.unknown.contains(name)
            || is_of_nginx(name)
            || is_number(name)
    }

    /// Whether anything but `auth_request_set` gives the variable a value.
    pub(crate) fn is_set_otherwise(&self, name: &str) -> bool {
        self.texts.contains_key(name) || self.blocks.contains_key(name) || self.is_unknown(name)
    }

    /// Whether the text may be one, and not empty, that the configuration alone decides.
    pub(crate) fn may_be_constant(&self, text: &'c str) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![text];
        while let Some(text) = open.pop() {
            let named = names(text);
            if named.is_empty() && !text.is_empty() {
                return true;
            }
            for name in named.into_iter().filter(|name| seen.insert(*name)) {
                open.extend(self.values(name).into_iter().flatten());
                open.extend(self.texts.get(name).into_iter().flatten());
            }
        }
        false
    }

    /// Whether the configuration alone lists the values of a variable.
    pub(crate) fn is_listed(&self, name: &str) -> bool {
        let texts = self.texts.get(name).into_iter().flatten().copied();
        let mut all = texts.chain(self.values(name).into_iter().flatten()).peekable();
        let is_known = !self.is_unknown(name) && !self.is_answered(name) && all.peek().is_some();
        is_known && all.all(|text| !text.contains('$'))
    }

    /// Whether a client can choose the value of the text.
    pub(crate) fn client_chooses(&self, text: &'c str) -> bool {
        self.behind(text).into_iter().any(|name| is_of_the_request(name) || is_number(name))
    }

    /// Whether the value is from the sidecar's response.
    pub(crate) fn is_answered(&self, name: &str) -> bool {
        self.answers.contains(name)
    }

    /// Where a regular expression captures it by name.
    pub(crate) fn captured(&self, name: &str) -> Option<SourcePosition> {
        self.captured.get(name).copied()
    }

    /// The `map` that alone gives the variable its values.
    pub(crate) fn only_map(&self, name: &str) -> Option<&'c Directive> {
        let is_set = self.texts.contains_key(name) || self.answers.contains(name) || self.is_unknown(name);
        self.map(name).filter(|_| !is_set && self.blocks(name).len() == 1)
    }
}

/// The values of a `map`, `geo` or `split_clients`; empty where it has no default.
fn values_of(block: &Directive) -> BTreeSet<&str> {
    // Without a value it is a parameter.
    let entries = block.inside().iter().filter(|entry| !entry.args.is_empty());
    let values = entries.map(|entry| entry.arg(0));
    values.chain(block.named("default").next().is_none().then_some("")).collect()
}

/// Whether a directive of another module may set the variables that it names.
fn is_setter(name: &str) -> bool {
    name.starts_with("set_")
        || name.ends_with("_set")
        || matches!(name, "js_var" | "keyval" | "uploaded_file")
}

/// The names of the groups of a regular expression, in lower case.
fn captures(text: &str) -> impl Iterator<Item = String> {
    let begins = ["(?<", "(?P<", "(?'"];
    begins.into_iter().filter(|begin| text.contains(begin)).flat_map(move |begin| {
        text.split(begin).skip(1).map(|rest| {
            let end = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '_');
            rest.get(..end.unwrap_or(rest.len())).unwrap_or_default().to_ascii_lowercase()
        })
    })
}

/// A capture of a regular expression, for example of a path.
fn is_number(name: &str) -> bool {
    name.bytes().all(|digit| digit.is_ascii_digit())
}

/// Variables that nginx itself gives a value where no `set` of the configuration runs. It refuses a `set` of all others of its own.
fn is_of_nginx(name: &str) -> bool {
    let prefixes = [
        "sent_http_",
        "sent_trailer_",
        "upstream_http_",
        "upstream_cookie_",
        "upstream_trailer_",
        "jwt_claim_",
        "jwt_header_",
        "ssl_",
    ];
    let wholes = ["limit_rate", "proxy_host", "proxy_port", "proxy_add_x_forwarded_for"];
    is_of_the_request(name)
        || prefixes.iter().any(|prefix| name.starts_with(prefix))
        || wholes.contains(&name)
}

/// Anything that a client sends.
fn is_of_the_request(name: &str) -> bool {
    let prefixes = ["http_", "arg_", "cookie_"];
    let wholes = [
        "args",
        "query_string",
        "request",
        "request_uri",
        "uri",
        "document_uri",
        "host",
        "request_body",
        "remote_user",
        "request_filename",
        "content_type",
        "content_length",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix)) || wholes.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn groups_with_a_name_are_variables() {
        let found: Vec<_> =
            captures("~^(?<A>x)(?P<b_1>y)(?'c'z)(?:d)(?<=e)$").filter(|name| !name.is_empty()).collect();
        assert_eq!(found, ["a", "b_1", "c"]);
    }

    #[test]
    fn the_sources_of_a_variable_are_followed_indirectly() {
        let text = "http { map \"$http_x\" $a { default $b; } server { set $b \"$c\"; set $c $a; set $d user; if ($d ~ (?<E>.)) { } } }";
        let tree = tree::parse("/n", 0, text).unwrap();
        let variables = Variables::new(&tree);
        assert_eq!(variables.behind("$a"), BTreeSet::from(["a", "b", "c", "http_x"]));
        assert!(variables.client_chooses("$c"));
        assert!(variables.client_chooses("x$1"));
        assert!(variables.client_chooses("$e"));
        assert!(!variables.client_chooses("$d"));
    }

    #[test]
    fn what_the_configuration_alone_does_not_decide_is_unknown() {
        let text = "http { js_set $a b.c; geo $p { include q; } map $d $e { ~(?<F>.) 1; } geoip2 /g { $h i; } server { set $args j; set $k l; set_md5 $m n; } } stream { map $a $o { } }";
        let tree = tree::parse("/n", 0, text).unwrap();
        let variables = Variables::new(&tree);
        for name in ["a", "f", "h", "m", "p", "args", "http_x", "1"] {
            assert!(variables.is_unknown(name), "{name}");
        }
        assert!(!variables.is_unknown("e") && !variables.is_unknown("k"));
        assert!(variables.blocks("o").is_empty() && !Variables::of_block(&tree[1]).blocks("o").is_empty());
    }
}
