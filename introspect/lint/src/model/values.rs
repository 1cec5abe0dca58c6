//! Which values the variables in a text can have, where that can be read from the configuration.

use std::collections::{BTreeSet, HashMap};

use crate::model::places::{PlaceKind, Places};
use crate::tree::Directive;
use crate::variables::{Variables, bare, only};

/// How deeply variables may depend on each other.
const MAX_DEPTH: usize = 8;

/// How many values a text may have; beyond that it counts as unknown.
const MAX_VALUES: usize = 256;

/// A `set` or `auth_request_set`, and the block that it is in.
#[derive(Debug)]
struct Setter<'c> {
    place: usize,
    /// `None`: another module sets it.
    text: Option<&'c str>,
    /// Whether it runs whenever the request is in its location.
    always: bool,
}

/// The sources of the variables of one server.
#[derive(Debug)]
pub(crate) struct VariableValues<'v, 'c> {
    variables: &'v Variables<'c>,
    setters: HashMap<&'c str, Vec<Setter<'c>>>,
}

impl<'v, 'c> VariableValues<'v, 'c> {
    pub(crate) fn new(variables: &'v Variables<'c>, places: &Places<'c>) -> Self {
        let mut values = Self { variables, setters: HashMap::new() };
        for (index, place) in places.all() {
            let mut certain = matches!(place.kind, PlaceKind::Server | PlaceKind::Location);
            for directive in place.scope.block().inside() {
                if let Some((name, text)) = set_by(directive) {
                    // The sidecar's response is another one for each request.
                    let always = certain && directive.name == "set";
                    values.setters.entry(name).or_default().push(Setter { place: index, text, always });
                }
                certain &= !may_stop(directive);
            }
        }
        // `auth_request_set` may stand in `http` too.
        for directive in places.get(0).scope.inherited("auth_request_set") {
            if let Some((name, text)) = set_by(directive) {
                values.setters.entry(name).or_default().push(Setter { place: 0, text, always: false });
            }
        }
        values
    }

    /// Every text that this one can become in a block; `None` if it may be anything.
    pub(crate) fn of(&self, text: &str, places: &Places<'c>, place: usize) -> Option<BTreeSet<String>> {
        self.expand(text, places, place, MAX_DEPTH)
    }

    fn expand(
        &self,
        text: &str,
        places: &Places<'c>,
        place: usize,
        depth: usize,
    ) -> Option<BTreeSet<String>> {
        let Some((head, rest)) = text.split_once('$') else { return Some(BTreeSet::from([text.to_owned()])) };
        let depth = depth.checked_sub(1)?;
        let (name, tail) = split_name(rest)?;
        let values = self.variable(name, places, place, depth)?;
        let tails = self.expand(tail, places, place, depth)?;
        if values.len() * tails.len() > MAX_VALUES {
            return None;
        }
        let join =
            |value: &String| tails.iter().map(|tail| format!("{head}{value}{tail}")).collect::<Vec<_>>();
        Some(values.iter().flat_map(join).collect())
    }

    fn variable(
        &self,
        name: &str,
        places: &Places<'c>,
        place: usize,
        depth: usize,
    ) -> Option<BTreeSet<String>> {
        if name == "scheme" {
            return Some(["http", "https"].map(str::to_owned).into());
        }
        let mut values = BTreeSet::new();
        if let Some(setters) = self.setters.get(name) {
            let location = places.location_of(place);
            let own = |setter: &&Setter<'c>| places.location_of(setter.place) == location;
            let is_certain = setters.iter().filter(own).any(|setter| setter.always);
            let for_all =
                setters.iter().all(|setter| setter.place == 0) && setters.iter().any(|setter| setter.always);
            for setter in setters.iter().filter(|setter| !is_certain || own(setter)) {
                values.extend(self.expand(setter.text?, places, setter.place, depth)?);
            }
            if !is_certain && !for_all {
                values.insert(String::new());
            }
        } else if let Some(texts) = self.variables.values(name).filter(|texts| texts.len() <= MAX_VALUES) {
            for text in texts {
                values.extend(self.expand(text, places, place, depth)?);
            }
        } else {
            return None;
        }
        (values.len() <= MAX_VALUES).then_some(values)
    }
}

/// The variable that a directive of a server sets, and the text.
fn set_by(directive: &Directive) -> Option<(&str, Option<&str>)> {
    let name = directive.args.first()?;
    match &*directive.name {
        "set" | "auth_request_set" => Some((bare(name), Some(directive.arg(1)))),
        // Modules that set variables to what only they know.
        other if other.starts_with("set_") || other == "js_set" || other == "perl_set" => {
            only(name).map(|name| (name, None))
        }
        _ => None,
    }
}

/// Whether the directives after it may not run although the request stays in the location.
fn may_stop(directive: &Directive) -> bool {
    match &*directive.name {
        "break" => true,
        "rewrite" => directive.arg(2) == "break",
        "if" => directive.inside().iter().any(may_stop),
        _ => false,
    }
}

/// The name after a `$`, and the rest.
fn split_name(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        return inner.split_once('}');
    }
    let end = text.find(|next: char| !next.is_ascii_alphanumeric() && next != '_').unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;
    use crate::tree;

    fn values(http: &str, server: &str, text: &str) -> Option<Vec<String>> {
        let tree = tree::parse("/n", 0, &format!("http {{ {http} server {{ {server} }} }}")).unwrap();
        let variables = Variables::new(&tree);
        let block = tree[0].named("server").next().unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]).inner(block));
        let values = VariableValues::new(&variables, &places);
        let location =
            places.all().find(|(_, place)| place.kind == PlaceKind::Location).map(|(index, _)| index);
        Some(values.of(text, &places, location.unwrap())?.into_iter().collect())
    }

    #[test]
    fn values_are_read_from_the_configuration() {
        let map = "map $host $m { default a; x \"\"; }";
        for (server, text, expected) in [
            ("location / { set $a b; }", "http://$a:1", &["http://b:1"][..]),
            ("location / { set $a b; set $a c; }", "$a", &["b", "c"]),
            ("location / { set $a b; } location /c { set $a d; }", "$a", &["b"]),
            ("location / { break; set $a b; } location /c { set $a d; }", "$a", &["", "b", "d"]),
            ("location / { if ($x) { set $a b; } set $a c; }", "$a", &["b", "c"]),
            ("set $a b; location / { }", "${a}c", &["bc"]),
            ("location / { auth_request_set $a $m; }", "$a", &["", "a"]),
            ("location / { }", "x${m}y", &["xay", "xy"]),
        ] {
            assert_eq!(values(map, server, text).unwrap(), expected, "{server} {text}");
        }
    }

    #[test]
    fn what_the_client_or_a_module_chooses_is_unknown() {
        for (server, text) in [
            ("location / { }", "$host"),
            ("location / { set $a $1; }", "$a"),
            ("location / { set $a b; set_if_empty $a c; }", "$a"),
            ("set $a $a; location / { }", "$a"),
            ("location / { }", "$"),
        ] {
            assert_eq!(values("", server, text), None, "{server} {text}");
        }
    }
}
