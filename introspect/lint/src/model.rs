//! By which ways a request can reach a program behind the gateway, and which of them do not ask the sidecar.
//!
//! [`places`] are the blocks of a server, with [`inheritance`] as nginx has it; [`script`] is the rewrite phase and
//! [`access`] the access phase; [`asking`] is what a server says about policies; [`walk`] follows requests from block to block; [`program`] resolves the addresses that
//! they end at, with [`address`] and [`values`]; [`open`] says which ways are open ([`open_way`]). [`directives`] finds what the model
//! cannot read. [`rule`] lists what it knows, for the proof that it needs all of it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::{Host, ProgramAddress};
use crate::model::hop::{Arrival, Hop, HopKind, Node, ServerWalk};
use crate::model::inheritance::passes;
use crate::model::open_way::OpenWay;
use crate::model::places::Places;
use crate::model::program::{Upstreams, addresses};
use crate::model::rule::{ModelRule, RuleSet};
use crate::model::values::VariableValues;
use crate::model::walk::Walker;
use crate::scope::Scope;
use crate::source::SourcePosition;
use crate::tree::Directive;
use crate::variables::Variables;

mod access;
mod address;
mod asking;
mod directives;
pub(crate) mod hop;
mod inheritance;
pub(crate) mod open;
pub(crate) mod open_way;
pub(crate) mod places;
mod program;
pub mod rule;
mod script;
mod values;
mod walk;

/// All servers of a configuration, and what leads to programs in them.
#[derive(Debug)]
pub(crate) struct Model<'c> {
    pub(crate) servers: Vec<ServerModel<'c>>,
    /// The programs that some location protects.
    protected: BTreeSet<ProgramAddress>,
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
    listens: Vec<ProgramAddress>,
    is_stream: bool,
}

/// How requests reach a program.
#[derive(Debug)]
pub(crate) struct ProgramWay {
    /// The index in [`ServerWalk::arrivals`].
    arrival: usize,
    pub(crate) asked: bool,
    pub(crate) addresses: BTreeSet<ProgramAddress>,
    /// The programs behind another server of the same nginx, if an address is that server's.
    beyond: BTreeSet<ProgramAddress>,
}

impl<'c> Model<'c> {
    pub(crate) fn new(tree: &'c [Directive], variables: &Variables<'c>, rules: RuleSet) -> Self {
        let mut servers = Vec::new();
        for outer in tree.iter().filter(|outer| outer.name == "http" || outer.name == "stream") {
            let (around, upstreams) = (Scope::outermost(outer), Upstreams::new(outer, rules));
            let is_stream = outer.name == "stream";
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
        let mut model = Self { servers, protected: BTreeSet::new(), rules, open: OnceCell::new(), unread };
        if rules.has(ModelRule::Chain) {
            model.follow_chains();
        }
        model.protected = model.servers.iter().flat_map(ServerModel::protected).collect();
        model.unread.extend(model.unknown_addresses());
        model
    }

    /// Whether a way leads to a program that some location protects.
    pub(crate) fn leads_to_protected(&self, way: &ProgramWay) -> bool {
        let loopback = self.rules.has(ModelRule::Loopback);
        let is_one =
            |address: &ProgramAddress| self.protected.iter().any(|other| address.may_be(other, loopback));
        way.addresses.iter().chain(&way.beyond).any(is_one)
    }

    /// Finds which programs are behind an address that is a server of this nginx.
    fn follow_chains(&mut self) {
        /// How many servers may stand behind each other.
        const MAX_CHAIN: usize = 4;
        for _ in 0..MAX_CHAIN {
            let behind: Vec<_> = self.servers.iter().map(ServerModel::behind).collect();
            let listens: Vec<_> = self.servers.iter().map(|server| server.listens.clone()).collect();
            let mut has_changed = false;
            for way in self.servers.iter_mut().flat_map(|server| &mut server.ways) {
                let reached = listens.iter().zip(&behind).filter(|(listens, _)| {
                    listens
                        .iter()
                        .any(|listen| way.addresses.iter().any(|address| is_served(address, listen)))
                });
                let new: BTreeSet<_> = reached
                    .flat_map(|(_, (unasked, all))| if way.asked { all } else { unasked })
                    .cloned()
                    .collect();
                let before = way.beyond.len();
                way.beyond.extend(new);
                has_changed |= way.beyond.len() != before;
            }
            if !has_changed {
                break;
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
        let listens = server.own("listen").map(|listen| listen_address(listen.arg(0))).collect();
        let places = Places::new(server);
        let programs = programs(&places, &VariableValues::new(variables, &places), upstreams, rules);
        let auth_locations = places.auth_locations();
        let walk = if is_stream {
            ServerWalk::of_stream(&places)
        } else {
            let deciding = deciding(&places, &programs, &auth_locations, rules);
            Walker::new(&places, deciding, rules).walk()
        };
        let ways = ways(&walk, &programs);
        let is_fallback = |hop: &&Hop| {
            let tries = matches!(hop.kind, HopKind::TryFiles | HopKind::Index);
            tries && hop.to.asked && places.asks(hop.block)
        };
        let fallbacks = walk.hops.iter().filter(is_fallback).map(|hop| hop.to).collect();
        Self { places, walk, ways, auth_locations, fallbacks, listens, is_stream }
    }

    pub(crate) fn arrival(&self, way: &ProgramWay) -> &Arrival<'c> {
        self.walk.arrivals.get(way.arrival).expect("a way is made of an arrival")
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

    /// The programs behind it: those that it does not ask for, and all.
    fn behind(&self) -> (BTreeSet<ProgramAddress>, BTreeSet<ProgramAddress>) {
        let programs =
            |way: &ProgramWay| way.addresses.iter().chain(&way.beyond).cloned().collect::<Vec<_>>();
        let unasked = self.ways.iter().filter(|way| !way.asked);
        (unasked.flat_map(programs).collect(), self.ways.iter().flat_map(programs).collect())
    }

    /// The programs that it is meant to protect.
    fn protected(&self) -> BTreeSet<ProgramAddress> {
        let meant = self.ways.iter().filter(|way| self.is_meant_to_be_protected(way));
        let programs = meant.flat_map(|way| way.addresses.iter().chain(&way.beyond));
        programs.filter(|address| **address != ProgramAddress::Any).cloned().collect()
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

/// The ways of a walk: each line once asked and once unasked, if requests come to it so.
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
                beyond: BTreeSet::new(),
            });
        }
    }
    ways
}

/// The address of a `listen`: a port, an address, or a socket.
fn listen_address(text: &str) -> ProgramAddress {
    let text = text.strip_prefix("*:").unwrap_or(text);
    if text.bytes().all(|digit| digit.is_ascii_digit()) {
        return ProgramAddress::parse(&format!("0.0.0.0:{text}"), "80", true);
    }
    ProgramAddress::parse(text, "80", true)
}

/// Whether requests to an address come to a server that listens there. Names of other machines are not looked up, and a name
/// may be this machine; but then a server of this nginx would be behind nearly every program.
fn is_served(address: &ProgramAddress, listen: &ProgramAddress) -> bool {
    match (address, listen) {
        (ProgramAddress::Host(Host::Loopback, port), ProgramAddress::Host(Host::Loopback, listening)) => {
            port == listening
        }
        _ => address == listen && *address != ProgramAddress::Any,
    }
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
