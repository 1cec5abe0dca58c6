//! What the configuration's variables are made of.

use std::collections::{BTreeSet, HashMap};

use crate::tree::Directive;

/// Where each variable comes from.
#[derive(Debug, Default)]
pub(crate) struct Variables<'c> {
    /// The texts whose variables it may be made of: the source and the values of a `map`, the value of a `set`.
    texts: HashMap<&'c str, Vec<&'c str>>,
    /// Those that `auth_request_set` fills.
    answers: BTreeSet<&'c str>,
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
                    let texts = self.texts.entry(bare(name)).or_default();
                    texts.push(source);
                    texts.extend(directive.inside().iter().map(|entry| entry.arg(0)));
                }
                _ => self.gather(directive.inside()),
            }
        }
    }

    /// All variables that the text is made of, at first or at second hand.
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

    /// Whether a client can choose what the text becomes.
    pub(crate) fn client_chooses(&self, text: &'c str) -> bool {
        self.behind(text).into_iter().any(|name| is_of_the_request(name) || is_captured(name))
    }

    /// Whether it is something of the sidecar's answer.
    pub(crate) fn is_answered(&self, name: &str) -> bool {
        self.answers.contains(name)
    }
}

/// A name without its `$`.
pub(crate) fn bare(name: &str) -> &str {
    name.strip_prefix('$').unwrap_or(name)
}

/// The one variable that the text is, if it is no more than that.
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

/// What a regular expression has cut out, of a path say.
fn is_captured(name: &str) -> bool {
    name.bytes().all(|digit| digit.is_ascii_digit())
}

/// What a client sends, in any form.
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
    fn what_a_variable_is_made_of_is_followed_to_the_end() {
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
