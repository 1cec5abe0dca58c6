//! The values that the configuration's variables depend on.

use std::collections::{BTreeSet, HashMap};

use crate::tree::Directive;

/// The source of each variable.
#[derive(Debug, Default)]
pub(crate) struct Variables<'c> {
    /// The variables in the texts that determine it: the source and the values of a `map`, the value of a `set`.
    sources: HashMap<&'c str, BTreeSet<&'c str>>,
    /// The variables that `auth_request_set` sets.
    answers: BTreeSet<&'c str>,
    /// The `map`s, by the variable that they define.
    maps: HashMap<&'c str, &'c Directive>,
    /// The values of each `map`, `geo` and `split_clients`, by the variable that it defines.
    values: HashMap<&'c str, BTreeSet<&'c str>>,
}

impl<'c> Variables<'c> {
    pub(crate) fn new(tree: &'c [Directive]) -> Self {
        let mut variables = Self::default();
        variables.gather(tree);
        variables
    }

    fn gather(&mut self, tree: &'c [Directive]) {
        for directive in tree {
            match (&*directive.name, directive.args.as_slice()) {
                ("set", [name, value]) => self.sources.entry(bare(name)).or_default().extend(names(value)),
                ("auth_request_set", [name, _]) => {
                    self.answers.insert(bare(name));
                }
                ("map" | "split_clients" | "geo", [source, name]) => self.add_block(directive, source, name),
                ("geo", [name]) => self.add_block(directive, "", name),
                _ => self.gather(directive.inside()),
            }
        }
    }

    /// The later definition of a variable wins, as for nginx.
    fn add_block(&mut self, block: &'c Directive, source: &'c str, name: &'c str) {
        let name = bare(name);
        // Without a value it is a parameter.
        let entries = block.inside().iter().filter(|entry| !entry.args.is_empty());
        let mut values: BTreeSet<_> = entries.map(|entry| entry.arg(0)).collect();
        let sources = self.sources.entry(name).or_default();
        sources.extend(names(source));
        sources.extend(values.iter().flat_map(|value| names(value)));
        if block.named("default").next().is_none() {
            values.insert("");
        }
        self.values.insert(name, values);
        if block.name == "map" {
            self.maps.insert(name, block);
        }
    }

    /// All variables that the text depends on, directly or indirectly.
    pub(crate) fn behind(&self, text: &'c str) -> BTreeSet<&'c str> {
        let mut seen = BTreeSet::new();
        let mut open = names(text);
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                open.extend(self.sources.get(name).into_iter().flatten());
            }
        }
        seen
    }

    /// The `map` that defines a variable: the last one, as for nginx.
    pub(crate) fn map(&self, name: &str) -> Option<&'c Directive> {
        self.maps.get(name).copied()
    }

    /// The values of the `map`, `geo` or `split_clients` that defines a variable.
    pub(crate) fn values(&self, name: &str) -> Option<&BTreeSet<&'c str>> {
        self.values.get(name)
    }

    /// Whether a client can choose the value of the text.
    pub(crate) fn client_chooses(&self, text: &'c str) -> bool {
        self.behind(text).into_iter().any(|name| is_of_the_request(name) || is_captured(name))
    }

    /// Whether the value is from the sidecar's response.
    pub(crate) fn is_answered(&self, name: &str) -> bool {
        self.answers.contains(name)
    }
}

/// A name without its `$`.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_prefix('$').unwrap_or(name)
}

/// The variable, if the text is exactly one.
pub(crate) fn only(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    (!name.is_empty() && name.bytes().all(is_of_a_name)).then_some(name)
}

/// The variables in a text: `$a` and `${a}`.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let parts = text.split('$').skip(1).map(|part| part.strip_prefix('{').unwrap_or(part));
    let names = parts.map(|part| {
        part.find(|next: char| !next.is_ascii() || !is_of_a_name(next as u8))
            .map_or(part, |end| part.split_at(end).0)
    });
    names.filter(|name| !name.is_empty()).collect()
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A capture of a regular expression, for example of a path.
fn is_captured(name: &str) -> bool {
    name.bytes().all(|digit| digit.is_ascii_digit())
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
    fn variables_are_found_in_a_text() {
        assert_eq!(names("a$b-${c}d$$e$"), ["b", "c", "e"]);
        assert_eq!(only("$a_1"), Some("a_1"));
        assert_eq!(only("${a}"), Some("a"));
        assert_eq!(only("$a$b"), None);
        assert_eq!(only("a"), None);
    }

    #[test]
    fn the_sources_of_a_variable_are_followed_indirectly() {
        let text =
            "http { map \"$http_x\" $a { default $b; } server { set $b \"$c\"; set $c $a; set $d user; } }";
        let tree = tree::parse("/n", 0, text).unwrap();
        let variables = Variables::new(&tree);
        assert_eq!(variables.behind("$a"), BTreeSet::from(["a", "b", "c", "http_x"]));
        assert!(variables.client_chooses("$c"));
        assert!(variables.client_chooses("x$1"));
        assert!(!variables.client_chooses("$d"));
    }
}
