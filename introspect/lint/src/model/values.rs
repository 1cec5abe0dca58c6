//! Which values the variables in a text can have, where that can be read from the configuration.
//!
//! In doubt a value counts. Only a `set` that surely runs in the location of the request hides what other blocks set; what a
//! subrequest sets before the program is asked counts all the same, because it shares the variables.

use std::collections::{BTreeSet, HashMap};

use crate::model::access::obeys_accel;
use crate::model::inheritance::passes;
use crate::model::places::{PlaceKind, Places};
use crate::model::script::is_sent_to_client;
use crate::model::uri::Uri;
use crate::tree::Directive;
use crate::variables::{Variables, bare, only, split_name};

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
    /// Whether it is an `auth_request_set`, which runs after every `set`.
    is_answer: bool,
}

/// The sources of the variables of one server.
#[derive(Debug)]
pub(crate) struct VariableValues<'v, 'c> {
    variables: &'v Variables<'c>,
    setters: HashMap<&'c str, Vec<Setter<'c>>>,
    /// The locations in which a `rewrite` may make a `$uri` that begins with no slash.
    rewritten: BTreeSet<usize>,
    /// Whether no request has such a URI.
    uri_is_path: bool,
}

impl<'v, 'c> VariableValues<'v, 'c> {
    pub(crate) fn new(variables: &'v Variables<'c>, places: &Places<'c>) -> Self {
        let mut values =
            Self { variables, setters: HashMap::new(), rewritten: BTreeSet::new(), uri_is_path: true };
        for (index, place) in places.all() {
            // An error before the rewrite phase leads past the server's.
            let mut certain = place.kind == PlaceKind::Location;
            for directive in place.scope.block().inside() {
                if let Some((name, text)) = set_by(directive) {
                    let is_answer = directive.name == "auth_request_set";
                    // The sidecar's response is another one for each request.
                    let always = certain && directive.name == "set";
                    values.add(name, Setter { place: index, text, always, is_answer });
                }
                certain &= !may_stop(directive);
                if !leads_to_path(directive) {
                    values.uri_is_path = false;
                    values.rewritten.extend(changes_uri(directive).then(|| places.location_of(index)));
                }
            }
            values.uri_is_path &= !may_lead_anywhere(places, index);
        }
        // `auth_request_set` may stand in `http` too.
        for directive in places.get(0).scope.inherited("auth_request_set") {
            if let Some((name, text)) = set_by(directive) {
                values.add(name, Setter { place: 0, text, always: false, is_answer: true });
            }
        }
        values
    }

    fn add(&mut self, name: &'c str, setter: Setter<'c>) {
        self.setters.entry(name).or_default().push(setter);
    }

    /// Whether a variable begins with a slash or a `?` in a block, so that an address ends before it.
    pub(crate) fn begins_path(&self, name: &str, places: &Places<'c>, place: usize) -> bool {
        match name {
            "request_uri" => true,
            "uri" | "document_uri" => self.uri_is_path || self.has_path(places, places.location_of(place)),
            _ => false,
        }
    }

    /// Whether a location has only requests whose URI begins with a slash, because it or one around it matches no others.
    fn has_path(&self, places: &Places<'c>, location: usize) -> bool {
        let mut around = Some(location);
        while let Some(index) = around {
            if places.get(index).begin().starts_with('/') {
                return !self.rewritten.contains(&location);
            }
            around = Some(places.get(index).parent).filter(|parent| *parent != index);
        }
        false
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
        if let Some(texts) = of_nginx(name) {
            return Some(texts.map(str::to_owned).into());
        }
        if self.variables.is_unknown(name) {
            return None;
        }
        let setters = self.setters.get(name).map_or(&[][..], Vec::as_slice);
        let certain = self.certain(setters, places, place);
        let mut values = BTreeSet::new();
        for setter in
            setters.iter().filter(|setter| certain.as_ref().is_none_or(|blocks| acts(blocks, setter)))
        {
            values.extend(self.expand(setter.text?, places, setter.place, depth)?);
        }
        if certain.is_none() {
            match self.variables.values(name) {
                Some(texts) if texts.len() > MAX_VALUES => return None,
                Some(texts) => {
                    for text in texts {
                        values.extend(self.expand(text, places, place, depth)?);
                    }
                }
                None if setters.is_empty() => return None,
                None => drop(values.insert(String::new())),
            }
        }
        (values.len() <= MAX_VALUES).then_some(values)
    }

    /// The blocks whose `set`s can act in `place`, if one of its location surely does.
    fn certain(&self, setters: &[Setter<'c>], places: &Places<'c>, place: usize) -> Option<BTreeSet<usize>> {
        // For the methods of a `limit_except` the rewrite directives of the location do not run.
        let is_excepted = places.get(place).kind == PlaceKind::LimitExcept;
        let location = places.location_of(place);
        let own = |setter: &&Setter<'c>| places.location_of(setter.place) == location;
        if is_excepted || !setters.iter().filter(own).any(|setter| setter.always) {
            return None;
        }
        let mut blocks = subrequests(places, place);
        blocks.insert(location);
        Some(
            setters
                .iter()
                .map(|setter| setter.place)
                .filter(|at| blocks.contains(&places.location_of(*at)))
                .collect(),
        )
    }
}

/// The values of variables that nginx gives one of two.
fn of_nginx(name: &str) -> Option<[&'static str; 2]> {
    match name {
        "scheme" => Some(["http", "https"]),
        "is_args" => Some(["", "?"]),
        _ => None,
    }
}

fn acts(blocks: &BTreeSet<usize>, setter: &Setter<'_>) -> bool {
    setter.is_answer || blocks.contains(&setter.place)
}

/// The server and the locations whose `set`s run in a subrequest before the program of a block is asked.
fn subrequests(places: &Places<'_>, place: usize) -> BTreeSet<usize> {
    let lines = ["auth_request", "mirror"].into_iter().flat_map(|name| places.effective(place, name));
    let mut blocks = BTreeSet::new();
    for line in lines.filter(|line| line.arg(0) != "off") {
        let found = places.candidates(&Uri::plain(line.arg(0)));
        let leads_on = |index: &usize| {
            let block = places.get(*index).scope.block();
            block.inside().iter().any(|inner| matches!(&*inner.name, "rewrite" | "try_files" | "if"))
        };
        if found.iter().any(leads_on) {
            return places.all().map(|(index, _)| index).collect();
        }
        blocks.extend(found.iter().copied().chain([0]));
    }
    blocks
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
pub(crate) fn may_stop(directive: &Directive) -> bool {
    match &*directive.name {
        "break" => true,
        "rewrite" => directive.arg(2) == "break",
        "if" => directive.inside().iter().any(may_stop),
        _ => false,
    }
}

/// Whether the URI begins with a slash after it, if it did before.
fn leads_to_path(directive: &Directive) -> bool {
    let is_uri = |to: &str| {
        let named = to.strip_prefix('$').and_then(split_name);
        named.is_some_and(|(name, _)| matches!(name, "uri" | "document_uri"))
    };
    let is_path = |to: &str| to.starts_with('/') || is_uri(to);
    match &*directive.name {
        "rewrite" => is_path(directive.arg(1)) || is_sent_to_client(directive),
        "try_files" => directive.args.iter().all(|to| is_path(to) || to.starts_with(['@', '='])),
        "mirror" => is_path(directive.arg(0)) || directive.arg(0) == "off",
        "add_before_body" | "add_after_body" => is_path(directive.arg(0)) || directive.arg(0).is_empty(),
        "index" => directive.args.iter().all(|file| !file.starts_with('$')),
        _ => true,
    }
}

/// Whether a request can stay in its location with the URI that the directive makes: with `last` another location is chosen.
fn changes_uri(directive: &Directive) -> bool {
    match &*directive.name {
        "rewrite" => directive.arg(2) != "last",
        name => name == "try_files",
    }
}

/// Whether a response in the block can lead a request to any URI: by SSI, or by the `X-Accel-Redirect` of a program.
fn may_lead_anywhere(places: &Places<'_>, index: usize) -> bool {
    let includes = places.get(index).scope.says("ssi", "on");
    includes
        || passes().any(|name| !places.effective(index, name).is_empty() && obeys_accel(places, index, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rule::RuleSet;
    use crate::scope::Scope;
    use crate::tree;

    fn values(http: &str, server: &str, text: &str) -> Option<Vec<String>> {
        let tree = tree::parse("/n", 0, &format!("http {{ {http} server {{ {server} }} }}")).unwrap();
        let variables = Variables::new(&tree);
        let block = tree[0].named("server").next().unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]).inner(block), RuleSet::ALL);
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
            ("set $a b; location / { }", "${a}c", &["bc", "c"]),
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
