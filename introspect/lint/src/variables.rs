//! The values that the configuration's variables depend on.

use std::collections::{BTreeSet, HashMap};

use crate::tree::Directive;

/// The source of each variable.
#[derive(Debug, Default)]
pub(crate) struct Variables<'c> {
    /// The texts that determine it: the source and the values of a `map`, the value of a `set`.
    texts: HashMap<&'c str, Vec<&'c str>>,
    /// The variables that `auth_request_set` sets.
    answers: BTreeSet<&'c str>,
    /// The `map`s, by the variable that they define.
    maps: HashMap<&'c str, &'c Directive>,
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
                ("set", [name, value]) => self.texts.entry(bare(name)).or_default().push(value),
                ("auth_request_set", [name, _]) => {
                    self.answers.insert(bare(name));
                }
                ("map" | "split_clients" | "geo", [source, name]) => {
                    if directive.name == "map" {
                        self.maps.insert(bare(name), directive);
                    }
                    let texts = self.texts.entry(bare(name)).or_default();
                    texts.push(source);
                    texts.extend(directive.inside().iter().map(|entry| entry.arg(0)));
                }
                _ => self.gather(directive.inside()),
            }
        }
    }

    /// All variables that the text depends on, directly or indirectly.
    pub(crate) fn behind(&self, text: &'c str) -> BTreeSet<&'c str> {
        let mut seen = BTreeSet::new();
        let mut open = names(text);
        while let Some(name) = open.pop() {
            if seen.insert(name) {
                open.extend(self.texts.get(name).into_iter().flatten().flat_map(|text| names(text)));
            }
        }
        seen
    }

    /// The `map` that defines a variable: the last one, as for nginx.
    pub(crate) fn map(&self, name: &str) -> Option<&'c Directive> {
        self.maps.get(name).copied()
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
