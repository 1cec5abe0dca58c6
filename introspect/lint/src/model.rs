//! By which ways a request can reach a program behind the gateway, and which of them do not ask the sidecar.
//!
//! [`places`] are the blocks of a server, which a [`uri`] leads to, with [`inheritance`] as nginx has it; [`script`] is the rewrite phase and
//! [`access`] the access phase; [`asking`] is what a server says about policies; [`walk`] follows requests from block to block; [`program`] resolves the addresses that
//! they end at, with [`address`] and [`values`]; [`open`] says which ways are open ([`open_way`]). [`directives`] finds what the model
//! cannot read. [`rule`] lists what it knows, for the proof that it needs all of it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::ProgramAddress;
use crate::model::chain::{ChainServer, ChainWay, Chains};
use crate::model::hop::{Arrival, Node, ServerWalk, SidecarQuestion};
pub(crate) use crate::model::inheritance::passes;
use crate::model::listen::Listen;
use crate::model::open_way::OpenWay;
use crate::model::places::Places;
use crate::model::program::{Upstreams, addresses};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::values::VariableValues;
pub(crate) use crate::model::values::may_stop;
use crate::model::walk::Walker;
use crate::scope::Scope;
use crate::source::SourcePosition;
use crate::tree::Directive;
use crate::variables::Variables;

mod access;
mod address;
mod answer;
mod asking;
mod chain;
mod declared;
mod directives;
mod fallback;
pub(crate) mod hop;
mod index;
mod inheritance;
mod leads;
mod listen;
pub(crate) mod open;
pub(crate) mod open_way;
pub(crate) mod places;
mod program;
pub mod rule;
mod script;
mod uri;
mod values;
mod walk;

/// All servers of a configuration, and what leads to programs in them.
#[derive(Debug)]
pub(crate) struct Model<'c> {
    pub(crate) servers: Vec<ServerModel<'c>>,
    rules: RuleSet,
    open: OnceCell<Vec<OpenWay>>,
    /// What the model does not understand.
    pub(crate) unread: Vec<(&'c Directive, String)>,
}

/// A `server` of `http` or `stream`.
#[derive(Debug)]
pub(crate) struct ServerModel<'c> {
    pub(crate) places: Places<'c>,
    pub(crate) walk: ServerWalk<'c>,
    pub(crate) ways: Vec<ProgramWay>,
    /// The blocks that answer the subrequests of `auth_request`.
    auth_locations: BTreeSet<usize>,
    /// Where locations that ask fall back on, after the sidecar has allowed the request.
    fallbacks: BTreeSet<Node>,
    listens: Vec<Listen>,
    is_stream: bool,
}

/// How requests reach a program.
#[derive(Debug)]
pub(crate) struct ProgramWay {
    /// The index in [`ServerWalk::arrivals`].
    arrival: usize,
    /// What the sidecar was asked: the index in [`ServerWalk::questions`].
    pub(crate) asked: Option<usize>,
    pub(crate) addresses: BTreeSet<ProgramAddress>,
    /// Whether one of them, or a program behind another server of this nginx there, may be one that some location protects.
    pub(crate) leads_to_protected: bool,
}

impl<'c> Model<'c> {
    pub(crate) fn new(tree: &'c [Directive], variables: &Variables<'c>, rules: RuleSet) -> Self {
        let mut servers = Vec::new();
        for outer in tree.iter().filter(|outer| outer.name == "http" || outer.name == "stream") {
            let (around, upstreams) = (Scope::outermost(outer), Upstreams::new(outer, rules));
            let is_stream = outer.name == "stream";
            let of_stream = is_stream.then(|| Variables::of_block(outer));
            let variables = of_stream.as_ref().unwrap_or(variables);
            for server in outer.named("server").filter(|_| !is_stream || rules.has(ModelRule::Stream)) {
                servers.push(ServerModel::new(
                    &around.inner(server),
                    variables,
                    &upstreams,
                    is_stream,
                    rules,
                ));
            }
        }
        let unread = directives::unread(tree);
        let mut model = Self { servers, rules, open: OnceCell::new(), unread };
        model.protect();
        model.unread.extend(model.unknown_addresses());
        model
    }

    /// The lines that lead to a program that some location protects.
    pub(crate) fn passes_to_protected(&self) -> impl Iterator<Item = &'c Directive> {
        self.servers.iter().flat_map(move |server| {
            let leading = server.ways.iter().filter(|way| way.leads_to_protected);
            leading.map(|way| server.arrival(way).pass)
        })
    }

    /// Finds the programs that some location protects, and the ways that lead to them.
    fn protect(&mut self) {
        let (chain, loopback) = (self.rules.has(ModelRule::Chain), self.rules.has(ModelRule::Loopback));
        let servers: Vec<_> = self.servers.iter().map(ServerModel::in_chain).collect();
        let chains = Chains::new(&servers, chain);
        let mut protected = BTreeSet::new();
        for (index, server) in self.servers.iter().enumerate() {
            let ways = server.ways.iter().enumerate().filter(|(_, way)| server.is_meant_to_be_protected(way));
            protected.extend(ways.flat_map(|(way, _)| chains.of((index, way))));
        }
        protected.remove(&ProgramAddress::Any);
        let leading = chains.leading_to(|address| {
            protected.contains(address) || protected.iter().any(|other| address.may_be(other, loopback))
        });
        for (server, leading) in self.servers.iter_mut().zip(leading) {
            for (way, leads) in server.ways.iter_mut().zip(leading) {
                way.leads_to_protected = leads;
            }
        }
    }

    /// Protected locations whose program depends on the request: what they protect is unknown.
    fn unknown_addresses(&self) -> Vec<(&'c Directive, String)> {
        let ways = self.servers.iter().flat_map(|server| server.ways.iter().map(move |way| (server, way)));
        let unknown = ways.filter(|(server, way)| {
            way.addresses.contains(&ProgramAddress::Any) && server.is_meant_to_be_protected(way)
        });
        let seen = unknown.map(|(server, way)| (server.arrival(way).pass, server.label(way)));
        let texts: BTreeMap<_, _> = seen.map(|(pass, label)| (pass.at, (pass, label))).collect();
        let sentence = |(pass, label): (&'c Directive, String)| {
            (pass, format!("The program of `{label}` depends on the request: `{}`.", pass.arg(0)))
        };
        texts.into_values().map(sentence).collect()
    }
}

impl<'c> ServerModel<'c> {
    fn new(
        server: &Scope<'c>,
        variables: &Variables<'c>,
        upstreams: &Upstreams,
        is_stream: bool,
        rules: RuleSet,
    ) -> Self {
        let mut listens: Vec<_> = server.own("listen").map(|listen| Listen::parse(listen.arg(0))).collect();
        if listens.is_empty() {
            listens.extend(Listen::defaults());
        }
        let places = Places::new(server, rules);
        let programs = programs(&places, &VariableValues::new(variables, &places), upstreams, rules);
        let auth_locations = places.auth_locations();
        let walk = if is_stream {
            ServerWalk::of_stream(&places)
        } else {
            let deciding = deciding(&places, &programs, &auth_locations, rules);
            Walker::new(&places, variables, deciding, auth_locations.clone(), rules).walk()
        };
        let ways = ways(&walk, &programs);
        let fallbacks = fallback::fallbacks(&places, &walk);
        Self { places, walk, ways, auth_locations, fallbacks, listens, is_stream }
    }

    pub(crate) fn arrival(&self, way: &ProgramWay) -> &Arrival<'c> {
        self.walk.arrivals.get(way.arrival).expect("a way is made of an arrival")
    }

    /// What the sidecar was asked before the program gets the request.
    pub(crate) fn question(&self, way: &ProgramWay) -> Option<&SidecarQuestion<'c>> {
        self.walk.questions.get(way.asked?)
    }

    fn in_chain(&self) -> ChainServer<'_> {
        let asks = !self.walk.questions.is_empty();
        let ways = self.ways.iter().map(|way| ChainWay {
            is_asked: way.asked.is_some(),
            is_for_all: asks && self.declaration(way).is_some(),
            addresses: &way.addresses,
        });
        let ways = ways.collect();
        ChainServer { listens: &self.listens, ways, is_stream: self.is_stream }
    }

    /// Whether the server may be at one of these addresses.
    pub(crate) fn is_at(&self, addresses: &BTreeSet<ProgramAddress>) -> bool {
        self.listens.iter().any(|listen| addresses.iter().any(|address| listen.may_serve(address)))
    }

    /// The addresses that a `stream` server passes connections on to; none if it may answer itself.
    pub(crate) fn passed_on(&self) -> Option<impl Iterator<Item = &ProgramAddress>> {
        let answers = self.places.get(0).scope.own("return").next().is_some();
        (self.is_stream && !answers).then(|| self.ways.iter().flat_map(|way| &way.addresses))
    }

    /// Whether the block of a way asks for another policy than was asked on the way.
    pub(crate) fn asks_other(&self, way: &ProgramWay) -> bool {
        let arrival = self.arrival(way);
        let own = self.places.policy(arrival.block);
        arrival.access.asks.is_some() && self.question(way).is_some_and(|question| question.policy != own)
    }

    /// The names of the server, or where it listens.
    pub(crate) fn name(&self) -> String {
        let scope = &self.places.get(0).scope;
        let words =
            |name| scope.own(name).flat_map(|line| line.args.iter().map(String::as_str)).collect::<Vec<_>>();
        let names: Vec<_> = words("server_name").into_iter().filter(|name| !name.is_empty()).collect();
        let own =
            if names.is_empty() { scope.own("listen").map(|listen| listen.arg(0)).collect() } else { names };
        let kind = if self.is_stream { "stream server" } else { "server" };
        if own.is_empty() { kind.to_owned() } else { format!("{kind} {}", own.join(" ")) }
    }

    /// The name of the block of a way.
    pub(crate) fn label(&self, way: &ProgramWay) -> String {
        self.label_of(self.arrival(way).block)
    }

    /// The name of a block, with the location that it is in.
    pub(crate) fn label_of(&self, block: usize) -> String {
        let location = self.places.location_of(block);
        let label = self.places.get(location).scope.label();
        if location == block { label } else { format!("{label}, {}", self.places.get(block).scope.label()) }
    }

    /// Whether a way is one of a location that asks or has a policy, or that such a location falls back on.
    fn is_meant_to_be_protected(&self, way: &ProgramWay) -> bool {
        let arrival = self.arrival(way);
        self.places.is_meant_to_be_protected(arrival.block, &self.auth_locations)
            || self.fallbacks.contains(&arrival.node)
    }
}

/// The addresses of the programs that each block names.
type Programs = BTreeMap<(usize, SourcePosition), BTreeSet<ProgramAddress>>;

fn programs<'c>(
    places: &Places<'c>,
    values: &VariableValues<'_, 'c>,
    upstreams: &Upstreams,
    rules: RuleSet,
) -> Programs {
    let blocks = places.all().flat_map(|(block, _)| {
        let named = passes().flat_map(move |name| places.effective(block, name));
        named.map(move |pass| (block, pass))
    });
    let resolved = |(block, pass): (usize, &Directive)| {
        ((block, pass.at), addresses(pass, values, (places, block), upstreams, rules))
    };
    blocks.map(resolved).collect()
}

/// The lines that lead to the program that decides, and that no location protects: an `X-Accel-Redirect` of it is a decision
/// like its others.
fn deciding(
    places: &Places<'_>,
    programs: &Programs,
    auth_locations: &BTreeSet<usize>,
    rules: RuleSet,
) -> BTreeSet<(usize, SourcePosition)> {
    let of = |filter: &dyn Fn(usize) -> bool| -> BTreeSet<&ProgramAddress> {
        programs
            .iter()
            .filter(|((block, _), _)| filter(*block))
            .flat_map(|(_, addresses)| addresses)
            .collect()
    };
    let asked = of(&|block| auth_locations.contains(&places.location_of(block)));
    let meant = of(&|block| places.is_meant_to_be_protected(block, auth_locations));
    let loopback = rules.has(ModelRule::Loopback);
    let decides = |address: &ProgramAddress| {
        asked.contains(address) && !meant.iter().any(|other| address.may_be(other, loopback))
    };
    programs.iter().filter(|(_, addresses)| addresses.iter().all(decides)).map(|(line, _)| *line).collect()
}

/// The ways of a walk: each line once for each question after which requests come to it, and once without one.
fn ways(walk: &ServerWalk<'_>, programs: &Programs) -> Vec<ProgramWay> {
    let mut seen = BTreeSet::new();
    let mut ways = Vec::new();
    // The walk goes in breadth: the first arrival at a line came by the shortest way.
    for (index, arrival) in walk.arrivals.iter().enumerate() {
        let skipped = arrival.node.sub && arrival.access.asks.is_some();
        let line = (arrival.block, arrival.pass.at);
        if seen.insert((line, arrival.asked, skipped)) {
            let addresses = programs.get(&line).cloned().unwrap_or_default();
            ways.push(ProgramWay {
                arrival: index,
                asked: arrival.asked,
                addresses,
                leads_to_protected: false,
            });
        }
    }
    ways
}

impl<'c> ServerWalk<'c> {
    /// A `stream` server passes every connection on.
    fn of_stream(places: &Places<'c>) -> Self {
        let mut walk = Self::default();
        for pass in places.get(0).scope.own("proxy_pass") {
            walk.arrivals.push(Arrival::unasked(0, pass));
        }
        walk
    }
}
