//! The configuration as nginx understands it: servers, the places in them, and who asks whom.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use super::pattern::Pattern;
use super::place::{POLICY, Place, status};
use super::tree::Directive;
use super::variables::{self, Variables};

/// All servers, and what they share.
pub(super) struct Site<'c> {
    pub(super) tree: &'c [Directive],
    pub(super) variables: Variables<'c>,
    servers: Vec<Server<'c>>,
}

/// A `server`.
pub(super) struct Server<'c> {
    pub(super) place: Place<'c>,
    /// Its locations, those inside others too, and the `if`s and `limit_except`s in them.
    pub(super) places: Vec<Place<'c>>,
    patterns: Vec<(usize, Pattern)>,
    known: RefCell<HashMap<String, Option<usize>>>,
    /// Which of them are the questions to the sidecar.
    askers: BTreeSet<usize>,
    /// Whether it asks the sidecar somewhere, or leads to an origin that another server guards.
    is_ours: bool,
}

impl<'c> Site<'c> {
    pub(super) fn new(tree: &'c [Directive]) -> Self {
        let mut servers = Vec::new();
        for http in tree.iter().filter(|directive| directive.name == "http") {
            servers.extend(http.named("server").map(|server| Server::new(http, server)));
        }
        let mut site = Self { tree, variables: Variables::new(tree), servers };
        let origins = site.origins();
        for server in &mut site.servers {
            server.is_ours = server.places.iter().any(|place| {
                place.auth_request().is_some()
                    || place.target().is_some_and(|to| origins.contains(to.authority))
            });
        }
        site
    }

    /// The servers that the rules are about; others on the same nginx are nobody's business here.
    pub(super) fn servers(&self) -> impl Iterator<Item = &Server<'c>> {
        self.servers.iter().filter(|server| server.is_ours)
    }

    /// The `http` blocks.
    pub(super) fn http(&self) -> impl Iterator<Item = &'c Directive> {
        self.tree.iter().filter(|directive| directive.name == "http")
    }

    /// The locations where the sidecar is asked.
    pub(super) fn protected(&self) -> impl Iterator<Item = (&Server<'c>, &Place<'c>)> {
        self.servers().flat_map(|server| server.protected().map(move |place| (server, place)))
    }

    /// The locations by which it is asked.
    pub(super) fn askers(&self) -> impl Iterator<Item = &Place<'c>> {
        self.servers().flat_map(Server::askers)
    }

    /// The places that pass requests on to a program behind; the question to the sidecar is none.
    pub(super) fn proxied(&self) -> impl Iterator<Item = (&Server<'c>, &Place<'c>)> {
        let all = self.servers().flat_map(|server| server.others().map(move |place| (server, place)));
        all.filter(|(_, place)| place.target().is_some())
    }

    /// Whom protected locations lead to.
    pub(super) fn origins(&self) -> BTreeSet<&'c str> {
        let protected = self.servers.iter().flat_map(Server::others);
        let protected = protected.filter(|place| place.auth_request().is_some());
        protected.filter_map(Place::target).map(|target| target.authority).collect()
    }

    /// The variables in which locations say what they demand: those that are sent, by whichever server, and ours.
    pub(super) fn policy_variables(&self) -> BTreeSet<&'c str> {
        let sent = self.askers().filter_map(|asker| variables::only(asker.header(POLICY)?));
        sent.chain(["auth_policy"]).collect()
    }

    /// The locations that lead to an origin and ask nobody.
    pub(super) fn open(&self) -> impl Iterator<Item = &Place<'c>> {
        let origins = self.origins();
        let open =
            |place: &Place<'c>| place.is_location() && place.auth_request().is_none() && !place.is_hidden();
        let all = self.proxied().map(|(_, place)| place).filter(move |place| open(place));
        all.filter(move |place| place.target().is_some_and(|target| origins.contains(target.authority)))
    }

    /// The upstream of a name.
    pub(super) fn upstream(&self, name: &str) -> Option<&'c Directive> {
        self.http().flat_map(|http| http.named("upstream")).find(|upstream| upstream.arg(0) == name)
    }

    /// The upstream of the question to the sidecar, if it has one.
    pub(super) fn upstream_of(&self, place: &Place<'c>) -> Option<&'c Directive> {
        self.upstream(place.target()?.authority)
    }
}

impl<'c> Server<'c> {
    fn new(http: &'c Directive, server: &'c Directive) -> Self {
        let mut places = Vec::new();
        gather(&[http, server], server, &mut places);
        let regexes = places.iter().enumerate().filter_map(|(index, place)| Some((index, place.pattern()?)));
        let mut server = Self {
            place: Place::new(&[http], server),
            patterns: regexes.collect(),
            places,
            known: RefCell::default(),
            askers: BTreeSet::new(),
            is_ours: false,
        };
        let uris: BTreeSet<_> =
            server.places.iter().filter_map(Place::auth_request).map(|asked| asked.arg(0)).collect();
        server.askers = uris.into_iter().filter_map(|uri| server.index(uri)).collect();
        server
    }

    /// The locations where the sidecar is asked. Those that answer by themselves and that no client gets to are
    /// not counted: they are pages of refusals.
    pub(super) fn protected(&self) -> impl Iterator<Item = &Place<'c>> {
        self.others().filter(|place| {
            let refuses = place.is_hidden() && place.answer().is_some();
            place.is_location() && place.auth_request().is_some() && !refuses
        })
    }

    /// The locations by which it is asked.
    pub(super) fn askers(&self) -> impl Iterator<Item = &Place<'c>> {
        self.askers.iter().filter_map(|index| self.places.get(*index))
    }

    /// All places but those.
    pub(super) fn others(&self) -> impl Iterator<Item = &Place<'c>> {
        self.places
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.askers.contains(index))
            .map(|(_, place)| place)
    }

    /// The location of a path, as nginx chooses it: the one that is the path, else the longest that begins it,
    /// unless a regular expression takes it away.
    pub(super) fn find(&self, path: &str) -> Option<&Place<'c>> {
        self.places.get(self.index(path)?)
    }

    /// Found once: many places ask for the same few paths.
    fn index(&self, path: &str) -> Option<usize> {
        let known = self.known.borrow().get(path).copied();
        known.unwrap_or_else(|| {
            let index = self.search(path.split('?').next().unwrap_or_default());
            self.known.borrow_mut().insert(path.to_owned(), index);
            index
        })
    }

    fn search(&self, path: &str) -> Option<usize> {
        let locations = || self.places.iter().enumerate().filter(|(_, place)| place.is_location());
        let same = |place: &Place<'c>| place.path() == path && (place.is_exact() || path.starts_with('@'));
        if let Some((index, _)) = locations().find(|(_, place)| same(place)) {
            return Some(index);
        }
        let begins = |place: &Place<'c>| place.is_prefix() && path.starts_with(place.path());
        let prefix =
            locations().filter(|(_, place)| begins(place)).max_by_key(|(_, place)| place.path().len());
        if let Some((index, _)) = prefix.filter(|(_, place)| place.is_settled()) {
            return Some(index);
        }
        let regex = self.patterns.iter().find(|(_, pattern)| pattern.is_match(path));
        regex.map(|(index, _)| *index).or(prefix.map(|(index, _)| index))
    }

    /// The location by which a place asks the sidecar.
    pub(super) fn asker_of(&self, place: &Place<'c>) -> Option<&Place<'c>> {
        self.find(place.auth_request()?.arg(0))
    }

    /// The variable in which a place says what it demands; none when the question has it written out.
    pub(super) fn policy_variable(&self, place: &Place<'c>) -> Option<&'c str> {
        variables::only(self.asker_of(place)?.header(POLICY)?)
    }

    /// What decides in the server, before any location, that a request is refused: the conditions' texts.
    pub(super) fn guards(&self) -> impl Iterator<Item = &'c str> {
        let refuses = |guard: &&Directive| guard.named("return").any(|answer| status(answer) >= 400);
        self.place.ifs().filter(refuses).flat_map(|guard| guard.args.iter().map(String::as_str))
    }

    /// All variables by which it does so, at first or at second hand.
    pub(super) fn guarded_by(&self, variables: &Variables<'c>) -> BTreeSet<&'c str> {
        self.guards().flat_map(|condition| variables.behind(condition)).collect()
    }
}

fn gather<'c>(around: &[&'c Directive], block: &'c Directive, places: &mut Vec<Place<'c>>) {
    for inner in block.inside() {
        let is_place = match &*inner.name {
            "location" => true,
            // In the server itself an `if` is no place: it decides before there is one.
            "if" | "limit_except" => block.name != "server",
            _ => false,
        };
        if is_place {
            places.push(Place::new(around, inner));
            gather(&[around, &[inner]].concat(), inner, places);
        }
    }
}
