//! Where a request can go on from a block, after its rewrite phase or after its access phase.

use std::rc::Rc;

use crate::error_page::ErrorPage;
use crate::model::access::obeys_accel;
use crate::model::hop::{Hop, HopKind, Node, ServerWalk, Spot};
use crate::model::inheritance::passes;
use crate::model::places::PlaceKind;
use crate::model::rule::ModelRule;
use crate::model::script::is_sent_to_client;
use crate::model::uri::{Uri, is_comparable};
use crate::model::walk::Walker;
use crate::tree::Directive;
use crate::variables::names;

/// The directives whose values a program gets besides the path.
const SENT: [&str; 6] =
    ["proxy_set_header", "proxy_set_body", "fastcgi_param", "uwsgi_param", "scgi_param", "grpc_set_header"];

impl<'c> Walker<'_, 'c> {
    pub(crate) fn after_access(
        &mut self,
        walk: &mut ServerWalk<'c>,
        (from, node): (Node, Node),
        block: usize,
    ) {
        let hop = |to, kind, at| Hop { from: Some(from), to, kind, block, at, is_plain: false };
        if let Some(tried) =
            self.places.the(block, "try_files").filter(|_| self.rules.has(ModelRule::TryFiles))
        {
            let last = tried.args.last().map_or("", String::as_str);
            self.lead_to_page(walk, hop(node, HopKind::TryFiles, tried.at), last);
        }
        for mirror in self.places.effective(block, "mirror") {
            if mirror.arg(0) != "off" && self.rules.has(ModelRule::Mirror) {
                let sub = Node { sub: true, ..node };
                let uri = self.plain_uri(mirror.arg(0));
                self.lead_to(walk, hop(sub, HopKind::Mirror, mirror.at), &uri);
            }
        }
        self.added_bodies(walk, (from, node), block);
        self.ssi(walk, (from, node), block);
        self.index(walk, (from, node), block);
    }

    /// The filters of a response that a `return` makes, before any access check.
    pub(crate) fn body(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize, answer: &Directive) {
        // An `error_page` before may have made a success of any status.
        if answer.arg(0) == "200" || self.rules.has(ModelRule::BodyOfAnyStatus) {
            self.added_bodies(walk, (node, node), block);
        }
        // A constant text includes only what the configuration says.
        if answer.arg(1).contains('$') || answer.arg(1).contains("<!--") {
            self.ssi(walk, (node, node), block);
        }
    }

    fn added_bodies(&mut self, walk: &mut ServerWalk<'c>, (from, node): (Node, Node), block: usize) {
        let sub = Node { sub: true, ..node };
        let names = ["add_before_body", "add_after_body"];
        for added in names.iter().filter_map(|name| self.places.the(block, name)) {
            if !added.arg(0).is_empty() && self.rules.has(ModelRule::AddBody) {
                let hop = Hop {
                    from: Some(from),
                    to: sub,
                    kind: HopKind::AddBody,
                    block,
                    at: added.at,
                    is_plain: false,
                };
                let uri = self.plain_uri(added.arg(0));
                self.lead_to(walk, hop, &uri);
            }
        }
    }

    fn ssi(&self, walk: &mut ServerWalk<'c>, (from, node): (Node, Node), block: usize) {
        let ssi = self.places.the(block, "ssi").filter(|ssi| ssi.arg(0).eq_ignore_ascii_case("on"));
        if let Some(ssi) = ssi.filter(|_| self.rules.has(ModelRule::Ssi)) {
            let to = Node { spot: Spot::Anywhere, sub: true, ..node };
            walk.go(Hop { from: Some(from), to, kind: HopKind::Ssi, block, at: ssi.at, is_plain: false });
        }
    }

    /// A request for a folder continues at its index file.
    fn index(&mut self, walk: &mut ServerWalk<'c>, (from, node): (Node, Node), block: usize) {
        let location = self.places.location_of(block);
        let scope = &self.places.get(location).scope;
        let is_program = passes().any(|name| self.places.the(block, name).is_some());
        let is_file = scope.is_exact() && !scope.path().ends_with('/');
        if is_program || is_file || !self.rules.has(ModelRule::Index) {
            return;
        }
        let changes_folder = self.changes_folder(location);
        let lines = self.places.effective(block, "index");
        let files = lines.iter().flat_map(|line| line.args.iter().map(|file| (line.at, &**file)));
        for (at, file) in files.chain(lines.is_empty().then_some((self.places.get(block).at(), "index.html")))
        {
            let hop = Hop { from: Some(from), to: node, kind: HopKind::Index, block, at, is_plain: false };
            if file.starts_with(['/', '$']) {
                let uri = if self.rules.has(ModelRule::PlainUri) {
                    Uri::of_index(file)
                } else {
                    Uri::of_page(file)
                };
                self.lead_to(walk, hop, &uri);
                continue;
            }
            if changes_folder {
                self.lead_to(walk, hop, &Uri::any());
                continue;
            }
            for index in self.index_files.targets(self.places, location, file) {
                walk.go(Hop { to: Node { spot: Spot::Place(index), ..node }, ..hop });
            }
            if !scope.is_exact() {
                let regexes = self.index_regexes(location);
                self.lead_to_all(walk, hop, &regexes);
            }
        }
    }

    /// Whether a request may stay in a location with the path of a folder elsewhere.
    fn changes_folder(&self, location: usize) -> bool {
        let blocks = || [location].into_iter().chain(self.places.inner(location, PlaceKind::If));
        let own = |name: &'static str| blocks().flat_map(move |index| self.places.get(index).scope.own(name));
        let is_elsewhere = |tried: &String| tried.ends_with('/') && !tried.starts_with("$uri/");
        own("rewrite").any(|rewrite| rewrite.arg(2) != "last" && !is_sent_to_client(rewrite))
            || own("try_files").any(|tried| tried.args.iter().any(is_elsewhere))
    }

    /// The regular expressions that a file in a folder of a location may match.
    fn index_regexes(&self, location: usize) -> Rc<[usize]> {
        let (all, begin) = (self.places.regexes(), self.places.begin(location));
        let fits = |index: &usize| is_comparable(self.places.begin(*index), begin);
        if all.iter().all(fits) { all } else { all.iter().copied().filter(fits).collect() }
    }

    pub(crate) fn post_action(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize) {
        let action = self.places.the(block, "post_action").filter(|action| action.arg(0) != "off");
        if let Some(action) = action.filter(|_| self.rules.has(ModelRule::PostAction)) {
            let hop = Hop {
                from: Some(node),
                to: node,
                kind: HopKind::PostAction,
                block,
                at: action.at,
                is_plain: false,
            };
            let uri = match action.arg(0) {
                path if path.starts_with('/') => self.plain_uri(path),
                name => Uri::Named(name.to_owned()),
            };
            self.lead_to(walk, hop, &uri);
        }
    }

    /// The URI of a directive that takes it as it is written.
    fn plain_uri(&self, text: &str) -> Uri {
        if self.rules.has(ModelRule::PlainUri) { Uri::plain(text) } else { Uri::of_page(text) }
    }

    /// The program's response can lead the request anywhere, unless it is a decision.
    pub(crate) fn accel(
        &self,
        walk: &mut ServerWalk<'c>,
        (from, node): (Node, Node),
        block: usize,
        name: &str,
        pass: &Directive,
    ) {
        let obeys = obeys_accel(self.places, block, name) && !self.is_of_decision(block, pass);
        if obeys && self.rules.has(ModelRule::AccelRedirect) {
            let to = Node { spot: Spot::Anywhere, ..node };
            walk.go(Hop {
                from: Some(from),
                to,
                kind: HopKind::AccelRedirect,
                block,
                at: pass.at,
                is_plain: false,
            });
        }
    }

    pub(crate) fn error_page(
        &mut self,
        walk: &mut ServerWalk<'c>,
        (from, node): (Node, Node),
        block: usize,
        page: &ErrorPage<'c>,
    ) {
        if page.is_internal() && self.rules.has(ModelRule::ErrorPage) {
            let hop = Hop {
                from: Some(from),
                to: node,
                kind: HopKind::ErrorPage,
                block,
                at: page.at,
                is_plain: false,
            };
            self.lead_to_page(walk, hop, page.to);
        }
    }

    /// To a URI or a named location; a status, such as `=404`, leads nowhere.
    fn lead_to_page(&mut self, walk: &mut ServerWalk<'c>, hop: Hop, to: &str) {
        if to.starts_with('$') || (to.starts_with('@') && to.contains('$')) {
            walk.go(Hop { to: Node { spot: Spot::Anywhere, ..hop.to }, ..hop });
        } else if !to.starts_with('=') && !to.is_empty() {
            self.lead_to(walk, hop, &Uri::of_page(to));
        }
    }

    /// Whether a location sends its program the path by which a request came to it, and nowhere the one of the client.
    fn sends_its_path(&self, index: usize) -> bool {
        let passes = passes().flat_map(|name| self.places.effective(index, name));
        let path = ["uri", "document_uri", "is_args", "args"];
        let is_of_path = |pass: &Directive| {
            // A variable in the scheme is a gate.
            let rest = pass.arg(0).split_once("://").map_or(pass.arg(0), |(_, rest)| rest);
            names(rest).into_iter().all(|name| path.contains(&name))
        };
        let sent = SENT.into_iter().flat_map(|name| self.places.get(index).scope.effective(name));
        let has_path = |sent: &'c Directive| {
            let behind = sent.args.iter().flat_map(|text| self.variables.behind(text));
            behind.into_iter().any(|name| matches!(name, "request_uri" | "request"))
        };
        passes.into_iter().all(is_of_path) && !sent.into_iter().any(has_path)
    }

    /// To a URI. Unless it was rewritten, the rewrites of the server run again. Then a location is chosen.
    pub(crate) fn lead_to(&mut self, walk: &mut ServerWalk<'c>, hop: Hop, uri: &Uri) {
        let is_rewritten = hop.kind == HopKind::Rewrite;
        let is_fixed = matches!(uri, Uri::Whole(_))
            && matches!(hop.kind, HopKind::ErrorPage | HopKind::TryFiles | HopKind::Index);
        if !is_rewritten && !matches!(uri, Uri::Named(_)) {
            walk.go(Hop { to: Node { spot: Spot::Server, ..hop.to }, is_plain: is_fixed, ..hop });
            if self.server_ends() {
                return;
            }
        }
        if *uri == Uri::any() {
            return walk.go(Hop { to: Node { spot: Spot::AnyUri, ..hop.to }, ..hop });
        }
        let candidates = self.places.candidates(uri);
        let is_public = |index: &usize| !self.places.get(*index).is_hidden();
        let is_known = |index: &usize| is_public(index) && self.sends_its_path(*index);
        let is_plain = is_fixed && candidates.iter().all(is_known);
        let candidates = if is_rewritten && !self.rules.has(ModelRule::RewriteIsInternal) {
            candidates.iter().copied().filter(is_public).collect()
        } else {
            candidates
        };
        self.lead_to_all(walk, Hop { is_plain, ..hop }, &candidates);
    }
}
