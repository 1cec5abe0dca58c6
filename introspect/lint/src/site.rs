//! The configuration as nginx understands it: servers, the scopes in them, and which of them ask the sidecar.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::headers::POLICY;
use crate::location_regex::{LocationRegex, RegexNotUnderstood};
use crate::model::rule::RuleSet;
use crate::model::{Model, passes};
use crate::scope::{Scope, status};
use crate::tree::Directive;
use crate::variables::{self, Variables};

/// All servers, and the parts that they share.
pub(crate) struct Site<'c> {
    pub(crate) tree: &'c [Directive],
    pub(crate) variables: Variables<'c>,
    /// By which ways requests reach programs.
    pub(crate) model: Model<'c>,
    servers: Vec<ServerBlock<'c>>,
    /// The lines that lead to a program that some location protects, under any of its addresses.
    to_origin: HashSet<*const Directive>,
}

/// A `server`.
pub(crate) struct ServerBlock<'c> {
    pub(crate) scope: Scope<'c>,
    /// Its locations, including nested ones, and their `if`s and `limit_except`s.
    pub(crate) scopes: Vec<Scope<'c>>,
    /// The regular expressions of locations, by the index of the location.
    regexes: Vec<(usize, LocationRegex)>,
    /// The expressions that could not be read, or not be matched within the limit.
    not_understood: RefCell<BTreeMap<usize, RegexNotUnderstood>>,
    /// A cache of locations by path.
    looked_up: RefCell<HashMap<String, Option<usize>>>,
    /// Which of the scopes are locations of `auth_request` subrequests.
    auth_locations: BTreeSet<usize>,
    /// Whether it asks the sidecar somewhere, or leads to an origin that another server protects.
    is_ours: bool,
}

impl<'c> Site<'c> {
    pub(crate) fn new(tree: &'c [Directive], rules: RuleSet) -> Self {
        let mut servers = Vec::new();
        for http in tree.iter().filter(|directive| directive.name == "http") {
            let around = Scope::outermost(http);
            servers.extend(http.named("server").map(|server| ServerBlock::new(around.inner(server))));
        }
        let variables = Variables::new(tree);
        let model = Model::new(tree, &variables, rules);
        let to_origin = model.passes_to_protected().map(std::ptr::from_ref).collect();
        let mut site = Self { tree, variables, model, servers, to_origin };
        for server in &mut site.servers {
            let leads = |scope: &Scope<'c>| passes().any(|name| leads(&site.to_origin, scope, name));
            server.is_ours = server.scopes.iter().any(|scope| scope.auth_request().is_some() || leads(scope));
        }
        site
    }

    /// The servers that the rules check; the others on the same nginx do not use Usher.
    pub(crate) fn servers(&self) -> impl Iterator<Item = &ServerBlock<'c>> {
        self.servers.iter().filter(|server| server.is_ours)
    }

    /// The `http` blocks.
    pub(crate) fn http(&self) -> impl Iterator<Item = &'c Directive> {
        self.tree.iter().filter(|directive| directive.name == "http")
    }

    /// The protected locations.
    pub(crate) fn protected(&self) -> impl Iterator<Item = (&ServerBlock<'c>, &Scope<'c>)> {
        self.servers().flat_map(|server| server.protected().map(move |scope| (server, scope)))
    }

    /// The locations of `auth_request` subrequests.
    pub(crate) fn auth_locations(&self) -> impl Iterator<Item = &Scope<'c>> {
        self.servers().flat_map(ServerBlock::auth_locations)
    }

    /// The scopes that proxy to a program; subrequest locations are not among them.
    pub(crate) fn proxied(&self) -> impl Iterator<Item = (&ServerBlock<'c>, &Scope<'c>)> {
        let all = self.servers().flat_map(|server| server.others().map(move |scope| (server, scope)));
        all.filter(|(_, scope)| scope.target().is_some())
    }

    /// Whether the `proxy_pass` of a scope leads to a program that some location protects.
    pub(crate) fn leads_to_origin(&self, scope: &Scope<'c>) -> bool {
        leads(&self.to_origin, scope, "proxy_pass")
    }

    /// The variables that contain policies: those that any server sends to the sidecar, and ours.
    pub(crate) fn policy_variables(&self) -> BTreeSet<&'c str> {
        let sent =
            self.auth_locations().filter_map(|auth_location| variables::only(auth_location.header(POLICY)?));
        sent.chain(["auth_policy"]).collect()
    }

    /// The upstream of a name.
    pub(crate) fn upstream(&self, name: &str) -> Option<&'c Directive> {
        self.http().flat_map(|http| http.named("upstream")).find(|upstream| upstream.arg(0) == name)
    }

    /// The upstream of a scope, if it has one.
    pub(crate) fn upstream_of(&self, scope: &Scope<'c>) -> Option<&'c Directive> {
        self.upstream(scope.target()?.authority)
    }
}

impl<'c> ServerBlock<'c> {
    fn new(server: Scope<'c>) -> Self {
        let mut scopes = Vec::new();
        gather(&server, &mut scopes);
        let (mut regexes, mut not_understood) = (Vec::new(), BTreeMap::new());
        for (index, scope) in scopes.iter().enumerate() {
            match scope.regex() {
                Some(Ok(regex)) => regexes.push((index, regex)),
                Some(Err(error)) => drop(not_understood.insert(index, error)),
                None => {}
            }
        }
        let mut server = Self {
            scope: server,
            scopes,
            regexes,
            not_understood: RefCell::new(not_understood),
            looked_up: RefCell::default(),
            auth_locations: BTreeSet::new(),
            is_ours: false,
        };
        let uris: BTreeSet<_> =
            server.scopes.iter().filter_map(Scope::auth_request).map(|asked| asked.arg(0)).collect();
        server.auth_locations = uris.into_iter().filter_map(|uri| server.index(uri)).collect();
        server
    }

    /// The protected locations. A location that refuses every client does not count, nor one that clients cannot request and that
    /// answers by itself: it is the page of a refusal.
    pub(crate) fn protected(&self) -> impl Iterator<Item = &Scope<'c>> {
        self.others().filter(|scope| {
            let refuses = scope.is_hidden() && scope.answer().is_some();
            scope.is_location() && scope.auth_request().is_some() && !refuses && !scope.is_closed()
        })
    }

    /// The locations of `auth_request` subrequests.
    pub(crate) fn auth_locations(&self) -> impl Iterator<Item = &Scope<'c>> {
        self.auth_locations.iter().filter_map(|index| self.scopes.get(*index))
    }

    /// All other scopes.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Scope<'c>> {
        self.scopes
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.auth_locations.contains(index))
            .map(|(_, scope)| scope)
    }

    /// The location of a path, as nginx chooses it: an exact one, else the first regular expression that matches, else
    /// the longest prefix; a prefix with `^~` takes precedence over regular expressions.
    pub(crate) fn find(&self, path: &str) -> Option<&Scope<'c>> {
        self.scopes.get(self.index(path)?)
    }

    /// The locations whose regular expression was not understood, and why. Matching can fail too, so this is
    /// complete only after every other rule has looked up its paths.
    pub(crate) fn not_understood(&self) -> Vec<(&Scope<'c>, RegexNotUnderstood)> {
        let failed = self.not_understood.borrow();
        failed.iter().filter_map(|(index, why)| Some((self.scopes.get(*index)?, why.clone()))).collect()
    }

    /// Looked up once, because many scopes use the same few paths.
    fn index(&self, path: &str) -> Option<usize> {
        let known = self.looked_up.borrow().get(path).copied();
        known.unwrap_or_else(|| {
            let index = self.search(path.split('?').next().unwrap_or_default());
            self.looked_up.borrow_mut().insert(path.to_owned(), index);
            index
        })
    }

    fn search(&self, path: &str) -> Option<usize> {
        let locations = || self.scopes.iter().enumerate().filter(|(_, scope)| scope.is_location());
        let same = |scope: &Scope<'c>| scope.path() == path && (scope.is_exact() || path.starts_with('@'));
        if let Some((index, _)) = locations().find(|(_, scope)| same(scope)) {
            return Some(index);
        }
        let begins = |scope: &Scope<'c>| scope.is_prefix() && path.starts_with(scope.path());
        let prefix =
            locations().filter(|(_, scope)| begins(scope)).max_by_key(|(_, scope)| scope.path().len());
        if let Some((index, _)) = prefix.filter(|(_, scope)| scope.is_settled()) {
            return Some(index);
        }
        let regex = self.regexes.iter().find(|(index, regex)| self.matches(*index, regex, path));
        regex.map(|(index, _)| *index).or(prefix.map(|(index, _)| index))
    }

    fn matches(&self, index: usize, regex: &LocationRegex, path: &str) -> bool {
        regex.is_match(path).unwrap_or_else(|error| {
            self.not_understood.borrow_mut().insert(index, error);
            false
        })
    }

    /// The location of the subrequest of a scope.
    pub(crate) fn auth_location_of(&self, scope: &Scope<'c>) -> Option<&Scope<'c>> {
        self.find(scope.auth_request()?.arg(0))
    }

    /// The variable with the policy of a scope; none when the subrequest location has the policy written out.
    pub(crate) fn policy_variable(&self, scope: &Scope<'c>) -> Option<&'c str> {
        variables::only(self.auth_location_of(scope)?.header(POLICY)?)
    }

    /// The `if`s by which the server refuses a request before it chooses a location.
    pub(crate) fn guards(&self) -> impl Iterator<Item = &'c Directive> {
        self.scope.ifs().filter(|guard| guard.named("return").any(|answer| status(answer) >= 400))
    }

    /// All variables that their conditions depend on, directly or indirectly.
    pub(crate) fn guarded_by(&self, variables: &Variables<'c>) -> BTreeSet<&'c str> {
        let conditions = self.guards().flat_map(|guard| guard.args.iter().map(String::as_str));
        conditions.flat_map(|condition| variables.behind(condition)).collect()
    }
}

fn leads(lines: &HashSet<*const Directive>, scope: &Scope<'_>, name: &str) -> bool {
    scope.own(name).any(|pass| lines.contains(&std::ptr::from_ref(pass)))
}

fn gather<'c>(around: &Scope<'c>, scopes: &mut Vec<Scope<'c>>) {
    for inner in around.block().inside() {
        let is_scope = match &*inner.name {
            "location" => true,
            // An `if` of the server itself is not a scope: it acts before a location is chosen.
            "if" | "limit_except" => around.block().name != "server",
            _ => false,
        };
        if is_scope {
            let scope = around.inner(inner);
            scopes.push(scope.clone());
            gather(&scope, scopes);
        }
    }
}
