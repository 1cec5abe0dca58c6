//! A walk over one server: which blocks a request can be in, what the sidecar was asked before, and by which way it came there.
//!
//! It over-approximates. Every location that is not internal can be requested, no condition and no URI of a client is decided,
//! and a request that was asked once stays so until its end, because nginx refuses it otherwise.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::model::access::{AccessChecks, intercepts, limit_excepts, pages};
use crate::model::answer::Answers;
use crate::model::hop::{Arrival, Hop, HopKind, Node, ServerWalk, SidecarQuestion, Spot};
use crate::model::index::IndexFiles;
use crate::model::inheritance::passes;
use crate::model::places::{Place, PlaceKind, Places};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::script::Script;
use crate::model::uri::Uri;
use crate::source::SourcePosition;
use crate::tree::Directive;
use crate::variables::Variables;

/// How many lists of locations with one element less a hop names each of them.
const FEW: usize = 4;

/// How many questions are distinguished; those beyond count as one that has no policy.
const MAX_QUESTIONS: usize = 64;

/// What does not change during a walk.
pub(crate) struct Walker<'p, 'c> {
    pub(crate) places: &'p Places<'c>,
    pub(crate) rules: RuleSet,
    server: Rc<Script<'c>>,
    /// The lines that lead to the program that decides.
    deciding: BTreeSet<(usize, SourcePosition)>,
    /// The blocks that answer subrequests of `auth_request`.
    auth_locations: BTreeSet<usize>,
    answers: Answers<'p, 'c>,
    pub(crate) variables: &'p Variables<'c>,
    scripts: HashMap<usize, Rc<Script<'c>>>,
    pub(crate) index_files: IndexFiles<'c>,
    /// The lists of [`Spot::Group`].
    groups: Vec<Rc<[usize]>>,
    group_of: HashMap<*const usize, usize>,
}

impl<'p, 'c> Walker<'p, 'c> {
    pub(crate) fn new(
        places: &'p Places<'c>,
        variables: &'p Variables<'c>,
        deciding: BTreeSet<(usize, SourcePosition)>,
        auth_locations: BTreeSet<usize>,
        rules: RuleSet,
    ) -> Self {
        Self {
            places,
            rules,
            server: Rc::new(Script::new(places, 0, rules)),
            deciding,
            auth_locations,
            answers: Answers::new(places, variables, rules),
            variables,
            scripts: HashMap::new(),
            index_files: IndexFiles::default(),
            groups: Vec::new(),
            group_of: HashMap::new(),
        }
    }

    pub(crate) fn walk(mut self) -> ServerWalk<'c> {
        let mut walk = ServerWalk::default();
        let start = Node { spot: Spot::Server, asked: None, sub: false };
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
                Spot::Server => {
                    // Such as a request that nginx cannot read, for which it chooses no location.
                    self.early(&mut walk, node, 0);
                    let script = Rc::clone(&self.server);
                    self.script(&mut walk, node, &script);
                }
                Spot::AnyUri | Spot::Anywhere | Spot::Group(_) => self.spread(&mut walk, node),
            }
        }
        walk
    }

    /// A client that requests an internal location gets its page for 404.
    fn refuse_internal(&mut self, walk: &mut ServerWalk<'c>, start: Node) {
        let locations = self.places.all().filter(|(_, place)| place.kind == PlaceKind::Location);
        for (index, _) in locations.filter(|(_, place)| place.is_hidden() && !place.is_named()) {
            for page in pages(self.places, index).iter().filter(|page| page.codes.contains(&404)) {
                self.error_page(walk, (start, start), index, page);
            }
        }
    }

    /// From a spot for many URIs to each of their locations.
    fn spread(&self, walk: &mut ServerWalk<'c>, node: Node) {
        let Some(came) = walk.came.get(&node).copied() else { return };
        let group = match node.spot {
            Spot::Group(number) => self.groups.get(number).map(Rc::clone).unwrap_or_default(),
            _ => {
                let all = self
                    .places
                    .all()
                    .filter(|(index, place)| place.kind == PlaceKind::Location || *index == 0);
                let fits = all.filter(|(_, place)| node.spot == Spot::Anywhere || !place.is_named());
                fits.map(|(index, _)| index).collect()
            }
        };
        for index in group.iter() {
            walk.go(Hop {
                from: Some(node),
                to: Node { spot: Spot::Place(*index), ..node },
                is_plain: false,
                ..came
            });
        }
    }

    fn place(&mut self, walk: &mut ServerWalk<'c>, node: Node, index: usize) {
        let (places, rules) = (self.places, self.rules);
        let script = self.scripts.entry(index).or_insert_with(|| Rc::new(Script::new(places, index, rules)));
        let script = Rc::clone(script);
        self.early(walk, node, index);
        self.script(walk, node, &script);
        let excepted: Vec<_> = limit_excepts(places, index, rules).collect();
        for block in script.content.iter().copied().chain(excepted) {
            self.content(walk, node, block, &script);
        }
    }

    /// Errors before the rewrite phase of a location.
    fn early(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize) {
        for page in pages(self.places, block) {
            if page.codes.iter().any(|code| is_before_rewrites(*code)) {
                self.error_page(walk, (node, node), block, &page);
            }
        }
    }

    /// The rewrite phase.
    fn script(&mut self, walk: &mut ServerWalk<'c>, node: Node, script: &Script<'c>) {
        for jump in &script.jumps {
            let hop = Hop {
                from: Some(node),
                to: node,
                kind: HopKind::Rewrite,
                block: jump.from,
                at: jump.at,
                is_plain: false,
            };
            self.lead_to(walk, hop, &jump.to);
        }
        // The filters of a response can make these errors of it.
        let is_conditional = self.rules.has(ModelRule::Precondition);
        for (block, status) in &script.ends {
            let fits = |code: &u16| code == status || (is_conditional && matches!(code, 412 | 416));
            for page in pages(self.places, *block).iter().filter(|page| page.codes.iter().any(fits)) {
                self.error_page(walk, (node, node), *block, page);
            }
            self.post_action(walk, node, *block);
        }
        for (block, body) in &script.bodies {
            self.body(walk, node, *block, body);
        }
    }

    /// The access phase and what follows it.
    fn content(&mut self, walk: &mut ServerWalk<'c>, node: Node, block: usize, script: &Script<'c>) {
        let mut access = AccessChecks::new(self.places, block, self.rules);
        let skips = node.sub && self.rules.has(ModelRule::SubrequestSkipsAccess);
        let asks = access.asks.filter(|_| !skips);
        access.self_answered = asks.and_then(|asked| self.answers.of(asked));
        let is_decided = asks.is_none_or(|asked| self.is_decided(asked));
        let is_sound = access.bypass.is_none() && access.self_answered.is_none() && is_decided;
        if !is_sound {
            walk.unsound.insert(block, access);
        }
        let own = asks.filter(|_| is_sound).map(|asked| self.question(walk, block, asked));
        let passed = Node { asked: own.or(node.asked), ..node };
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
            self.lead_to(walk, hop, &Uri::Whole(asked.arg(0).to_owned()));
        }
        let limits = self.limit_codes(block);
        for page in pages(self.places, block) {
            let set =
                |code: &u16| limits.contains(code) || script.ends.iter().any(|(_, status)| status == code);
            let occurs = |code: &&u16| set(code) || self.may_occur(block, skips, **code);
            let codes: Vec<_> = page.codes.iter().filter(occurs).collect();
            if codes.iter().any(|code| is_before_access(**code) || set(code)) {
                self.error_page(walk, (node, node), block, &page);
            }
            if !codes.is_empty() && (!access.is_closed || skips) {
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

    /// Whether a block can have an error: nginx passes on those of a program, and refuses no subrequest.
    fn may_occur(&self, block: usize, skips: bool, code: u16) -> bool {
        let has = |name: &str| self.places.the(block, name).is_some();
        let is_passed_on = passes().any(has)
            && !["memcached_pass", "try_files"].into_iter().any(has)
            && !intercepts(self.places, block);
        match code {
            404 => !is_passed_on,
            401 | 403 => !is_passed_on || !skips,
            _ => true,
        }
    }

    /// The number of what a block asks.
    fn question(&self, walk: &mut ServerWalk<'c>, block: usize, asked: &'c Directive) -> usize {
        let asker = self.places.location_of(block);
        let question = SidecarQuestion { asker, by: asked.arg(0), policy: self.places.policy(block) };
        let is_same =
            |known: &SidecarQuestion<'c>| known.by == question.by && known.policy == question.policy;
        match walk.questions.iter().position(is_same) {
            Some(known) => known,
            None if walk.questions.len() > MAX_QUESTIONS => MAX_QUESTIONS,
            None => {
                let is_last = walk.questions.len() == MAX_QUESTIONS;
                walk.questions.push(if is_last {
                    SidecarQuestion { policy: None, ..question }
                } else {
                    question
                });
                walk.questions.len() - 1
            }
        }
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

    /// Whether a line answers the subrequests of `auth_request`: what its program leads to is a decision like its others.
    pub(crate) fn is_of_decision(&self, block: usize, pass: &Directive) -> bool {
        self.auth_locations.contains(&self.places.location_of(block))
            && self.deciding.contains(&(block, pass.at))
    }

    /// The statuses of `limit_req` and `limit_conn`, which act before the access phase.
    fn limit_codes(&self, block: usize) -> BTreeSet<u16> {
        let names = ["limit_req_status", "limit_conn_status"];
        let lines = names.into_iter().filter_map(|name| self.places.the(block, name));
        lines.filter_map(|status| status.arg(0).parse().ok()).collect()
    }

    /// To each location of a list: by one hop, if it is long, because many blocks have the same lists.
    pub(crate) fn lead_to_all(&mut self, walk: &mut ServerWalk<'c>, hop: Hop, candidates: &Rc<[usize]>) {
        if candidates.len() > FEW {
            let next = self.groups.len();
            let number = *self.group_of.entry(candidates.as_ptr()).or_insert(next);
            if number == next {
                self.groups.push(Rc::clone(candidates));
            }
            return walk.go(Hop { to: Node { spot: Spot::Group(number), ..hop.to }, is_plain: false, ..hop });
        }
        for index in candidates.iter() {
            walk.go(Hop { to: Node { spot: Spot::Place(*index), ..hop.to }, ..hop });
        }
    }

    /// Whether no request survives the rewrite phase of the server.
    pub(crate) fn server_ends(&self) -> bool {
        self.server.content.is_empty()
    }
}

/// Whether nginx can answer with this status before it asks: all but those that only content can cause. 301 is its redirect to
/// a path with a slash at the end.
fn is_before_access(code: u16) -> bool {
    code == 301 || (!matches!(code, 404 | 412 | 416 | 502 | 504) && (400..=599).contains(&code))
}

/// Whether nginx can answer with this status before it runs the rewrite directives of a location: requests that it cannot read, too
/// large ones, methods that it refuses, and errors of TLS.
fn is_before_rewrites(code: u16) -> bool {
    is_before_access(code) && !matches!(code, 401 | 402 | 403 | 429 | 503)
}
