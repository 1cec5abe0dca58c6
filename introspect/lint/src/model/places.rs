//! The blocks of a server, and which of its locations a URI can lead to.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::location_regex::LocationRegex;
use crate::model::inheritance::{Inherit, inheritance};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::uri::{Uri, is_comparable};
use crate::scope::Scope;
use crate::source::SourcePosition;
use crate::tree::Directive;

/// The kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    Server,
    Location,
    If,
    LimitExcept,
}

/// A block that can handle a request.
#[derive(Debug)]
pub(crate) struct Place<'c> {
    pub(crate) scope: Scope<'c>,
    pub(crate) kind: PlaceKind,
    pub(crate) parent: usize,
    /// The blocks directly in it, in the order of the text.
    pub(crate) children: Vec<usize>,
    regex: Option<Result<LocationRegex, ()>>,
    level: Level<'c>,
}

/// The locations directly in a block, by how they match.
#[derive(Debug, Default)]
struct Level<'c> {
    exact: HashMap<&'c str, usize>,
    prefixes: HashMap<&'c str, usize>,
    regexes: Vec<usize>,
}

impl<'c> Level<'c> {
    fn add(&mut self, location: &Scope<'c>, index: usize) {
        if location.is_regex() {
            self.regexes.push(index);
        } else if location.is_exact() {
            self.exact.entry(location.path()).or_insert(index);
        } else if location.is_prefix() {
            self.prefixes.insert(location.path(), index);
        }
    }
}

/// A server and all blocks in it. The server itself is the first.
#[derive(Debug)]
pub(crate) struct Places<'c> {
    all: Vec<Place<'c>>,
    /// A cache: many locations have the same error pages.
    candidates: RefCell<HashMap<Uri, Rc<[usize]>>>,
    /// The locations of regular expressions.
    regexes: OnceCell<Rc<[usize]>>,
    rules: RuleSet,
}

impl<'c> Place<'c> {
    pub(crate) fn at(&self) -> SourcePosition {
        self.scope.at()
    }

    /// Whether no client can request it: a named location, or one that is `internal`.
    pub(crate) fn is_hidden(&self) -> bool {
        self.is_named() || self.scope.the("internal").is_some()
    }

    /// What every path begins with that the location matches, as far as that is known.
    pub(crate) fn begin(&self) -> &str {
        match &self.regex {
            Some(regex) => regex.as_ref().map_or("", LocationRegex::lead),
            None if self.is_named() => "",
            None => self.scope.path(),
        }
    }

    /// Whether its regular expression surely does not match the path.
    pub(crate) fn surely_differs(&self, path: &str) -> bool {
        self.regex_matches(path, RuleSet::ALL) == Some(false)
    }

    /// Whether its expression matches; `None` if that is not known.
    fn regex_matches(&self, path: &str, rules: RuleSet) -> Option<bool> {
        let regex = self.regex.as_ref()?.as_ref().ok()?;
        // One that surely does not match is passed over; PCRE may read others in another way.
        let is_certain = regex.is_certain(path) || !rules.has(ModelRule::RegexBytes);
        if is_certain { regex.is_match(path).ok() } else { None }
    }

    pub(crate) fn is_named(&self) -> bool {
        let is_name = self.scope.path().starts_with('@') && !self.scope.is_exact() && !self.scope.is_regex();
        self.kind == PlaceKind::Location && is_name
    }
}

impl<'c> Places<'c> {
    pub(crate) fn new(server: &Scope<'c>, rules: RuleSet) -> Self {
        let (candidates, regexes) = (RefCell::default(), OnceCell::new());
        let mut places = Self { all: Vec::new(), candidates, regexes, rules };
        places.add(server, PlaceKind::Server, 0);
        places
    }

    fn add(&mut self, scope: &Scope<'c>, kind: PlaceKind, parent: usize) -> usize {
        let index = self.all.len();
        let regex = scope.regex().map(|regex| regex.map_err(drop));
        self.all.push(Place {
            scope: scope.clone(),
            kind,
            parent,
            children: Vec::new(),
            regex,
            level: Level::default(),
        });
        for directive in scope.block().inside() {
            let kind = match &*directive.name {
                "location" => PlaceKind::Location,
                "if" => PlaceKind::If,
                "limit_except" => PlaceKind::LimitExcept,
                _ => continue,
            };
            let inner = scope.inner(directive);
            let child = self.add(&inner, kind, index);
            if let Some(place) = self.all.get_mut(index) {
                place.children.push(child);
                if kind == PlaceKind::Location {
                    place.level.add(&inner, child);
                }
            }
        }
        index
    }

    /// The place of an index; indices come from here, so that each has one.
    pub(crate) fn get(&self, index: usize) -> &Place<'c> {
        self.all.get(index).or(self.all.first()).expect("a server is the first of its places")
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Place<'c>)> {
        self.all.iter().enumerate()
    }

    /// The location, or else the server, that a block is in.
    pub(crate) fn location_of(&self, index: usize) -> usize {
        let place = self.get(index);
        match place.kind {
            PlaceKind::If | PlaceKind::LimitExcept => self.location_of(place.parent),
            PlaceKind::Server | PlaceKind::Location => index,
        }
    }

    /// The children of one kind.
    pub(crate) fn inner(&self, index: usize, kind: PlaceKind) -> impl Iterator<Item = usize> {
        let children = &self.get(index).children;
        children.iter().copied().filter(move |child| self.get(*child).kind == kind)
    }

    /// The directives of a name that act in a block, by the way in which nginx inherits them.
    pub(crate) fn effective(&self, index: usize, name: &str) -> Vec<&'c Directive> {
        let place = self.get(index);
        match inheritance(name) {
            Inherit::Innermost => place.scope.effective(name),
            Inherit::Never => self.get(self.location_of(index)).scope.own(name).collect(),
            Inherit::InLocation => {
                let own: Vec<_> = place.scope.own(name).collect();
                let passes_on = matches!(place.kind, PlaceKind::If | PlaceKind::LimitExcept);
                if own.is_empty() && passes_on && !self.has_handler(index) {
                    return self.effective(place.parent, name);
                }
                own
            }
        }
    }

    /// Whether the block itself names a program, which replaces that of the block around it.
    fn has_handler(&self, index: usize) -> bool {
        let is_handler = |directive: &Directive| inheritance(&directive.name) == Inherit::InLocation;
        self.get(index).scope.block().inside().iter().any(is_handler)
    }

    /// The last directive of a name that acts in a block; for directives that appear once.
    pub(crate) fn the(&self, index: usize, name: &str) -> Option<&'c Directive> {
        self.effective(index, name).last().copied()
    }

    /// The locations of regular expressions, each of which may match.
    pub(crate) fn regexes(&self) -> Rc<[usize]> {
        let list =
            || self.all().filter(|(_, place)| place.scope.is_regex()).map(|(index, _)| index).collect();
        Rc::clone(self.regexes.get_or_init(list))
    }

    /// The longest text that each path of a location begins with, as far as that is known.
    pub(crate) fn begin(&self, mut index: usize) -> &str {
        let mut longest = self.get(index).begin();
        while self.get(index).parent != 0 {
            index = self.get(index).parent;
            let outer = self.get(index).begin();
            longest = if outer.len() > longest.len() { outer } else { longest };
        }
        longest
    }

    /// Every location that a URI can lead to; the server itself, if there may be none.
    pub(crate) fn candidates(&self, uri: &Uri) -> Rc<[usize]> {
        if let Some(known) = self.candidates.borrow().get(uri) {
            return Rc::clone(known);
        }
        let found: Rc<[usize]> = match uri {
            Uri::Whole(path) => {
                let (mut found, mut fallback) = (Vec::new(), 0);
                if !self.search(0, path, &mut found, &mut fallback) {
                    found.push(fallback);
                }
                found.into()
            }
            Uri::Begins(begin) => {
                let locations =
                    self.all().map(|(index, _)| index).filter(|index| self.may_begin(*index, begin));
                locations.chain([0]).collect()
            }
            Uri::Named(name) => {
                let is_it = |place: &Place<'c>| place.is_named() && place.scope.path() == name;
                self.all().filter(|(_, place)| is_it(place)).map(|(index, _)| index).collect()
            }
        };
        self.candidates.borrow_mut().insert(uri.clone(), Rc::clone(&found));
        found
    }

    fn may_begin(&self, index: usize, begin: &str) -> bool {
        let place = self.get(index);
        if place.kind != PlaceKind::Location || place.is_named() {
            return false;
        }
        let path = place.scope.path();
        if place.scope.is_exact() { path.starts_with(begin) } else { is_comparable(self.begin(index), begin) }
    }

    /// Chooses as `ngx_http_core_find_location` does, and adds what may be chosen. Whether it was chosen for certain;
    /// `fallback` is chosen otherwise.
    fn search(&self, level: usize, path: &str, found: &mut Vec<usize>, fallback: &mut usize) -> bool {
        let level = &self.get(level).level;
        if let Some(exact) = level.exact.get(path) {
            found.push(*exact);
            return true;
        }
        let lengths = (0..=path.len()).rev();
        let prefix = lengths.filter_map(|end| level.prefixes.get(path.get(..end)?)).next();
        if let Some(index) = prefix.copied() {
            *fallback = index;
            if self.search(index, path, found, fallback) {
                return true;
            }
            if self.get(index).scope.is_settled() {
                return false;
            }
        }
        for index in level.regexes.iter().copied() {
            let matches = self.get(index).regex_matches(path, self.rules);
            if matches == Some(false) {
                continue;
            }
            let mut inner = index;
            if !self.search(index, path, found, &mut inner) {
                found.push(inner);
            }
            if matches == Some(true) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    fn found(server: &str, uri: &str) -> Vec<String> {
        let tree = tree::parse("/n", 0, &format!("server {{ {server} }}")).unwrap();
        let places = Places::new(&Scope::outermost(&tree[0]), RuleSet::ALL);
        let found = places.candidates(&Uri::of_page(uri));
        found.iter().map(|index| places.get(*index).scope.label()).collect()
    }

    #[test]
    fn a_constant_uri_leads_where_nginx_leads_it() {
        let server = "location / { } location = /a { } location /b/ { location ~ c$ { } location /b/d/ { } } \
                      location ^~ /e { } location ~ ^/(b|e|f) { } location @n { }";
        for (uri, expected) in [
            ("/a", "location = /a"),
            ("/a?b", "location = /a"),
            ("/ab", "location /"),
            ("/b/c", "location ~ c$"),
            ("/b/d/", "location ~ ^/(b|e|f)"),
            ("/e", "location ^~ /e"),
            ("/f", "location ~ ^/(b|e|f)"),
        ] {
            assert_eq!(found(server, uri), [expected], "{uri}");
        }
        assert_eq!(found("location /a { }", "/b"), ["server"]);
    }

    #[test]
    fn an_expression_that_cannot_be_read_may_match() {
        assert_eq!(found("location / { } location ~ \\Q { }", "/a"), ["location ~ \\Q", "location /"]);
    }

    #[test]
    fn a_uri_with_variables_leads_wherever_it_may() {
        let server = "location / { } location = /a/b { } location /a/c { } location /d { } location ~ e { } location @n { }";
        assert_eq!(
            found(server, "/a/$1"),
            ["location /", "location = /a/b", "location /a/c", "location ~ e", "server"]
        );
    }

    #[test]
    fn an_expression_that_begins_otherwise_does_not_match() {
        let server = "location /a/ { } location ~ ^/b/(c|d)/ { } location ~ ^/a/b { } location ~* ^/d { }";
        let expected = ["location /a/", "location ~ ^/a/b", "location ~* ^/d", "server"];
        assert_eq!(found(server, "/a/$1"), expected);
    }

    #[test]
    fn expressions_match_bytes() {
        let server = "location /i/ { } location ~ ^/i/..$ { } location ~ ^/i/x$ { } location ~* ^/i/s$ { }";
        for (uri, expected) in [("/i/é", 4), ("/i/x\n", 4), ("/i/ab", 1), ("/i/\u{17f}", 4)] {
            assert_eq!(found(server, uri).len(), expected, "{uri:?}");
        }
    }
}
