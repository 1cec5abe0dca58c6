//! Where a request can go on from a block, after its rewrite phase or after its access phase.

use crate::error_page::ErrorPage;
use crate::model::hop::{Hop, HopKind, Node, ServerWalk, Spot};
use crate::model::inheritance::passes;
use crate::model::places::Uri;
use crate::model::rule::ModelRule;
use crate::model::walk::Walker;
use crate::tree::Directive;
use crate::variables::names;

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
                self.lead_to(walk, hop(sub, HopKind::Mirror, mirror.at), &Uri::of_text(mirror.arg(0)));
            }
        }
        self.added_bodies(walk, (from, node), block);
        self.ssi(walk, (from, node), block);
        self.index(walk, (from, node), block);
    }

    /// The filters of a response that a `return` makes, before any access check.
    pub(crate) fn body(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize, answer: &Directive) {
        if answer.arg(0) == "200" {
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
                self.lead_to(walk, hop, &Uri::of_text(added.arg(0)));
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
        let lines = self.places.effective(block, "index");
        let files = lines.iter().flat_map(|line| line.args.iter().map(|file| (line.at, &**file)));
        for (at, file) in files.chain(lines.is_empty().then_some((self.places.get(block).at(), "index.html")))
        {
            let hop = Hop { from: Some(from), to: node, kind: HopKind::Index, block, at, is_plain: false };
            if file.starts_with('/') {
                self.lead_to_page(walk, hop, file);
                continue;
            }
            for index in self.index_files.targets(self.places, location, file) {
                walk.go(Hop { to: Node { spot: Spot::Place(index), ..node }, ..hop });
            }
            if !scope.is_exact() {
                let regexes = self.places.regexes();
                self.lead_to_all(walk, hop, &regexes);
            }
        }
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
            self.lead_to_page(walk, hop, action.arg(0));
        }
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
        let ignoring = format!("{}ignore_headers", name.strip_suffix("pass").unwrap_or(name));
        let lines = self.places.effective(block, &ignoring);
        let mut ignored = lines.iter().flat_map(|line| &line.args);
        // memcached has no headers.
        let obeys = name != "memcached_pass"
            && !self.is_of_decision(block, pass)
            && !ignored.any(|name| name.eq_ignore_ascii_case("X-Accel-Redirect"));
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
            self.lead_to(walk, hop, &Uri::of_text(to));
        }
    }

    /// Whether a location sends its program the path by which a request came to it, and not the one of the client.
    fn sends_its_path(&self, index: usize) -> bool {
        let passes = passes().flat_map(|name| self.places.effective(index, name));
        let path = ["uri", "document_uri", "is_args", "args"];
        let is_of_path = |pass: &Directive| {
            // A variable in the scheme is a gate.
            let rest = pass.arg(0).split_once("://").map_or(pass.arg(0), |(_, rest)| rest);
            names(rest).into_iter().all(|name| path.contains(&name))
        };
        passes.into_iter().all(is_of_path)
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
