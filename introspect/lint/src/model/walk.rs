//! A walk over one server: which blocks a request can be in, asked or unasked, and by which way it came there.
//!
//! It over-approximates. Every location that is not internal can be requested, no condition and no URI of a client is decided,
//! and a request that was asked once stays so until its end, because nginx refuses it otherwise.

use std::collections::{BTreeSet, HashMap};

use crate::error_page::ErrorPage;
use crate::model::access::{AccessChecks, answered_by_nginx, pages, with_limit_except};
use crate::model::hop::{Arrival, Hop, HopKind, Node, ServerWalk, Spot};
use crate::model::inheritance::passes;
use crate::model::places::{Place, PlaceKind, Places, Uri};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::script::Script;
use crate::source::SourcePosition;
use crate::tree::Directive;

/// What does not change during a walk.
pub(crate) struct Walker<'p, 'c> {
    places: &'p Places<'c>,
    rules: RuleSet,
    server: Script,
    /// The lines that lead to the program that decides.
    deciding: BTreeSet<(usize, SourcePosition)>,
    /// Who answers the subrequests, by the URI.
    answers: HashMap<&'c str, Option<SourcePosition>>,
}

impl<'p, 'c> Walker<'p, 'c> {
    pub(crate) fn new(
        places: &'p Places<'c>,
        deciding: BTreeSet<(usize, SourcePosition)>,
        rules: RuleSet,
    ) -> Self {
        Self { places, rules, server: Script::new(places, 0, rules), deciding, answers: HashMap::new() }
    }

    pub(crate) fn walk(mut self) -> ServerWalk<'c> {
        let mut walk = ServerWalk::default();
        let start = Node { spot: Spot::Server, asked: false, sub: false };
        let client = |node: Node| Hop {
            from: None,
            to: node,
            kind: HopKind::Client,
            block: 0,
            at: self.places.get(0).at(),
            is_plain: true,
        };
        walk.go(client(start));
        if !self.server.content.is_empty() {
            let locations = self.places.all().filter(|(_, place)| place.kind == PlaceKind::Location);
            let public = locations.filter(|(_, place)| !place.is_hidden()).map(|(index, _)| index);
            // Without a location for all paths a request may have none.
            let is_total =
                |place: &Place<'c>| place.parent == 0 && place.scope.is_prefix() && place.scope.path() == "/";
            let has_total =
                self.places.all().any(|(_, place)| place.kind == PlaceKind::Location && is_total(place));
            for index in public.chain((!has_total).then_some(0)) {
                walk.go(client(Node { spot: Spot::Place(index), ..start }));
            }
            self.refuse_internal(&mut walk, start);
        }
        while let Some(node) = walk.open.pop_front() {
            match node.spot {
                Spot::Place(index) => self.place(&mut walk, node, index),
                Spot::Server => self.script(&mut walk, node, &self.server),
                Spot::AnyUri | Spot::Anywhere => self.spread(&mut walk, node),
            }
        }
        walk
    }

    /// A client that requests an internal location gets its page for 404.
    fn refuse_internal(&self, walk: &mut ServerWalk<'c>, start: Node) {
        let locations = self.places.all().filter(|(_, place)| place.kind == PlaceKind::Location);
        for (index, _) in locations.filter(|(_, place)| place.is_hidden() && !place.is_named()) {
            for page in pages(self.places, index).iter().filter(|page| page.codes.contains(&"404")) {
                self.error_page(walk, (start, start), index, page);
            }
        }
    }

    /// From a spot for many URIs to each of their locations.
    fn spread(&self, walk: &mut ServerWalk<'c>, node: Node) {
        let Some(came) = walk.came.get(&node).copied() else { return };
        let all = self.places.all().filter(|(index, place)| place.kind == PlaceKind::Location || *index == 0);
        for (index, _) in all.filter(|(_, place)| node.spot == Spot::Anywhere || !place.is_named()) {
            walk.go(Hop {
                from: Some(node),
                to: Node { spot: Spot::Place(index), ..node },
                is_plain: false,
                ..came
            });
        }
    }

    fn place(&mut self, walk: &mut ServerWalk<'c>, node: Node, index: usize) {
        let script = Script::new(self.places, index, self.rules);
        self.script(walk, node, &script);
        for block in with_limit_except(self.places, &script.content, self.rules) {
            self.content(walk, node, block, &script);
        }
    }

    /// The rewrite phase.
    fn script(&self, walk: &mut ServerWalk<'c>, node: Node, script: &Script) {
        for jump in &script.jumps {
            let hop = Hop {
                from: Some(node),
                to: node,
                kind: HopKind::Rewrite,
                block: jump.from,
                at: jump.at,
                is_plain: false,
            };
            self.to_uri(walk, hop, &jump.to);
        }
        for (block, status) in &script.ends {
            let code = status.to_string();
            for page in pages(self.places, *block).iter().filter(|page| page.codes.contains(&&*code)) {
                self.error_page(walk, (node, node), *block, page);
            }
        }
    }

    /// The access phase and what follows it.
    fn content(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize, script: &Script) {
        let mut access = AccessChecks::new(self.places, block, self.rules);
        let skips = node.sub && self.rules.has(ModelRule::SubrequestSkipsAccess);
        let asks = access.asks.filter(|_| !skips);
        access.self_answered = asks.and_then(|asked| self.answer(asked));
        let is_decided = asks.is_none_or(|asked| self.is_decided(asked));
        let is_sound = access.bypass.is_none() && access.self_answered.is_none() && is_decided;
        if !is_sound {
            walk.unsound.insert(block, access);
        }
        let passed = Node { asked: node.asked || (asks.is_some() && is_sound), ..node };
        if let Some(asked) = asks.filter(|_| self.rules.has(ModelRule::AuthIsARequest)) {
            let to = Node { sub: true, ..node };
            let hop = Hop {
                from: Some(node),
                to,
                kind: HopKind::AuthRequest,
                block,
                at: asked.at,
                is_plain: false,
            };
            self.to_uri(walk, hop, &Uri::Whole(asked.arg(0).to_owned()));
        }
        let limits = self.limit_codes(block);
        for page in pages(self.places, block) {
            let is_early = page
                .codes
                .iter()
                .any(|code| is_before_access(code) || limits.contains(code) || returns(script, code));
            if is_early {
                self.error_page(walk, (node, node), block, &page);
            }
            if !access.is_closed || skips {
                self.error_page(walk, (node, passed), block, &page);
            }
        }
        self.post_action(walk, node, block);
        if access.is_closed && !skips {
            return;
        }
        self.after_access(walk, (node, passed), block);
        for name in passes() {
            for pass in self.places.effective(block, name) {
                walk.arrivals.push(Arrival { node, block, asked: passed.asked, access, pass });
                self.accel(walk, (node, passed), block, name, pass);
            }
        }
    }

    fn answer(&mut self, asked: &'c Directive) -> Option<SourcePosition> {
        let (places, rules) = (self.places, self.rules);
        *self.answers.entry(asked.arg(0)).or_insert_with(|| answered_by_nginx(places, asked, rules))
    }

    /// Whether a subrequest asks no program that is itself protected: such a program answers every client.
    fn is_decided(&self, asked: &Directive) -> bool {
        let blocks = self.places.candidates(&Uri::Whole(asked.arg(0).to_owned()));
        let lines = blocks.iter().flat_map(|block| {
            let named = passes().flat_map(|name| self.places.effective(*block, name));
            named.map(|pass| (*block, pass.at)).collect::<Vec<_>>()
        });
        lines.into_iter().all(|line| self.deciding.contains(&line))
    }

    /// The statuses of `limit_req` and `limit_conn`, which act before the access phase.
    fn limit_codes(&self, block: usize) -> BTreeSet<&'c str> {
        let names = ["limit_req_status", "limit_conn_status"];
        names
            .into_iter()
            .filter_map(|name| self.places.the(block, name))
            .map(|status| status.arg(0))
            .collect()
    }

    fn after_access(&self, walk: &mut ServerWalk<'c>, (from, node): (Node, Node), block: usize) {
        let sub = Node { sub: true, ..node };
        let hop = |to, kind, at| Hop { from: Some(from), to, kind, block, at, is_plain: false };
        if let Some(tried) =
            self.places.the(block, "try_files").filter(|_| self.rules.has(ModelRule::TryFiles))
        {
            self.to_page(
                walk,
                hop(node, HopKind::TryFiles, tried.at),
                tried.args.last().map_or("", String::as_str),
            );
        }
        for mirror in self.places.effective(block, "mirror") {
            if mirror.arg(0) != "off" && self.rules.has(ModelRule::Mirror) {
                self.to_uri(walk, hop(sub, HopKind::Mirror, mirror.at), &Uri::of_text(mirror.arg(0)));
            }
        }
        for added in
            ["add_before_body", "add_after_body"].iter().filter_map(|name| self.places.the(block, name))
        {
            if !added.arg(0).is_empty() && self.rules.has(ModelRule::AddBody) {
                self.to_uri(walk, hop(sub, HopKind::AddBody, added.at), &Uri::of_text(added.arg(0)));
            }
        }
        let ssi = self.places.the(block, "ssi").filter(|ssi| ssi.arg(0).eq_ignore_ascii_case("on"));
        if let Some(ssi) = ssi.filter(|_| self.rules.has(ModelRule::Ssi)) {
            walk.go(hop(Node { spot: Spot::Anywhere, ..sub }, HopKind::Ssi, ssi.at));
        }
        self.index(walk, (from, node), block);
    }

    /// A request for a folder continues at its index file.
    fn index(&self, walk: &mut ServerWalk<'c>, (from, node): (Node, Node), block: usize) {
        let scope = &self.places.get(self.places.location_of(block)).scope;
        let is_program = passes().any(|name| self.places.the(block, name).is_some());
        let is_file = scope.is_exact() && !scope.path().ends_with('/');
        if is_program || is_file || !self.rules.has(ModelRule::Index) {
            return;
        }
        let lines = self.places.effective(block, "index");
        let files = lines.iter().flat_map(|line| line.args.iter().map(|file| (line.at, &**file)));
        let path = scope.path();
        for (at, file) in files.chain(lines.is_empty().then_some((self.places.get(block).at(), "index.html")))
        {
            let hop = Hop { from: Some(from), to: node, kind: HopKind::Index, block, at, is_plain: false };
            if file.starts_with('/') {
                self.to_page(walk, hop, file);
                continue;
            }
            // Into an exact location or a regular expression, or a location that ends within the name of the file.
            for (index, place) in
                self.places.all().filter(|(_, place)| place.kind == PlaceKind::Location && !place.is_named())
            {
                let last = place.scope.path().rsplit('/').next().unwrap_or_default();
                let fits = if place.scope.is_regex() {
                    true
                } else {
                    !last.is_empty() && (file.starts_with(last) || file.contains('$'))
                };
                if fits && place.scope.path() != path {
                    walk.go(Hop { to: Node { spot: Spot::Place(index), ..node }, ..hop });
                }
            }
        }
    }

    fn post_action(&self, walk: &mut ServerWalk<'c>, node: Node, block: usize) {
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
            self.to_page(walk, hop, action.arg(0));
        }
    }

    /// The program's response can lead the request anywhere, unless the program is the one that decides.
    fn accel(
        &self,
        walk: &mut ServerWalk<'c>,
        (from, node): (Node, Node),
        block: usize,
        pass: &str,
        at: &Directive,
    ) {
        let ignoring = format!("{}ignore_headers", pass.strip_suffix("pass").unwrap_or(pass));
        let lines = self.places.effective(block, &ignoring);
        let mut ignored = lines.iter().flat_map(|line| &line.args);
        // memcached and gRPC have no such header.
        let obeys = !matches!(pass, "memcached_pass" | "grpc_pass")
            && !self.deciding.contains(&(block, at.at))
            && !ignored.any(|name| name.eq_ignore_ascii_case("X-Accel-Redirect"));
        if obeys && self.rules.has(ModelRule::AccelRedirect) {
            let to = Node { spot: Spot::Anywhere, ..node };
            walk.go(Hop {
                from: Some(from),
                to,
                kind: HopKind::AccelRedirect,
                block,
                at: at.at,
                is_plain: false,
            });
        }
    }

    fn error_page(
        &self,
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
            self.to_page(walk, hop, page.to);
        }
    }

    /// To a URI or a named location; a status, such as `=404`, leads nowhere.
    fn to_page(&self, walk: &mut ServerWalk<'c>, hop: Hop, to: &str) {
        if to.starts_with('$') {
            walk.go(Hop { to: Node { spot: Spot::Anywhere, ..hop.to }, ..hop });
        } else if !to.starts_with('=') && !to.is_empty() {
            self.to_uri(walk, hop, &Uri::of_text(to));
        }
    }

    /// To a URI. Unless it was rewritten, the rewrites of the server run again. Then a location is chosen.
    fn to_uri(&self, walk: &mut ServerWalk<'c>, hop: Hop, uri: &Uri) {
        let is_rewritten = hop.kind == HopKind::Rewrite;
        let is_fixed = matches!(uri, Uri::Whole(_))
            && matches!(hop.kind, HopKind::ErrorPage | HopKind::TryFiles | HopKind::Index);
        if !is_rewritten && !matches!(uri, Uri::Named(_)) {
            walk.go(Hop { to: Node { spot: Spot::Server, ..hop.to }, is_plain: is_fixed, ..hop });
            if self.server.content.is_empty() {
                return;
            }
        }
        if *uri == Uri::any() {
            return walk.go(Hop { to: Node { spot: Spot::AnyUri, ..hop.to }, ..hop });
        }
        let only_public = is_rewritten && !self.rules.has(ModelRule::RewriteIsInternal);
        let candidates = self.places.candidates(uri);
        let is_public = |index: &usize| !self.places.get(*index).is_hidden();
        let is_plain = is_fixed && candidates.iter().all(is_public);
        for index in candidates.iter().filter(|index| !only_public || is_public(index)) {
            walk.go(Hop { to: Node { spot: Spot::Place(*index), ..hop.to }, is_plain, ..hop });
        }
    }
}

/// Whether nginx can answer with this status before it asks: all but those that only content can cause.
fn is_before_access(code: &str) -> bool {
    !matches!(code, "404" | "412" | "416" | "502" | "504") && matches!(code.parse(), Ok(400..=599_u16))
}

fn returns(script: &Script, code: &str) -> bool {
    script.ends.iter().any(|(_, status)| status.to_string() == code)
}
