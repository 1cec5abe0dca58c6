//! The open ways: requests that reach a protected program without asking the sidecar.

use std::collections::BTreeSet;

use crate::lexer::Declaration;
use crate::model::access::AccessChecks;
use crate::model::address::ProgramAddress;
use crate::model::declared::{covered_too, declaration};
use crate::model::hop::{Hop, HopKind, Node, Spot};
use crate::model::inheritance::passes;
use crate::model::open_way::{Cause, OpenWay};
use crate::model::rule::ModelRule;
use crate::model::{Model, ProgramWay, ServerModel};
use crate::source::SourcePosition;

impl<'c> Model<'c> {
    /// The open ways of all servers; several rules report them.
    pub(crate) fn open_ways(&self) -> &[OpenWay] {
        self.open.get_or_init(|| self.servers.iter().flat_map(|server| self.open_ways_of(server)).collect())
    }

    /// The declarations of blocks that no request reaches a program through without asking.
    pub(crate) fn idle_declarations(&self) -> Vec<(SourcePosition, String)> {
        let mut idle = Vec::new();
        for server in &self.servers {
            let used = self.used_declarations(server);
            for (index, place) in server.places.all() {
                let block = place.scope.block();
                if let Some(open) = block.open.as_ref().filter(|_| !used.contains(&index)) {
                    let at = SourcePosition { line: open.line, ..block.at };
                    idle.push((
                        at,
                        format!(
                            "`{}` is declared open, but no request reaches a program through it unasked.",
                            place.scope.label()
                        ),
                    ));
                }
            }
        }
        idle
    }

    fn used_declarations(&self, server: &ServerModel<'c>) -> BTreeSet<usize> {
        let open = server.ways.iter().filter(|way| way.asked.is_none()).map(|way| server.arrival(way).block);
        let left = server.walk.hops.iter().filter(|hop| is_left(server, hop)).map(|hop| hop.block);
        open.chain(left).flat_map(|block| [block, server.places.location_of(block)]).collect()
    }

    fn open_ways_of(&self, server: &ServerModel<'c>) -> Vec<OpenWay> {
        let unasked: Vec<_> =
            server.ways.iter().filter(|way| way.asked.is_none() && way.leads_to_protected).collect();
        let nodes = leading_to(server, unasked.iter().map(|way| server.arrival(way).node));
        let mut open: Vec<_> = unasked.iter().flat_map(|way| open_ways_by(server, way)).collect();
        let left = server.walk.hops.iter().filter(|hop| {
            nodes.contains(&hop.to)
                && is_left(server, hop)
                && declared(server, hop.block).is_none()
                && !is_reported(server, hop)
        });
        open.extend(left.map(|hop| leaving(server, hop)));
        open.extend(server.walk.unsound.iter().filter_map(|(block, access)| unsound(server, *block, access)));
        open.extend(server.ways.iter().flat_map(|way| weaker(server, way)));
        open.extend(
            server.ways.iter().filter(|way| self.asks_itself(server, way)).map(|way| by_itself(server, way)),
        );
        open
    }

    /// Whether the program that a subrequest asks is a server of this nginx.
    fn asks_itself(&self, server: &ServerModel<'c>, way: &ProgramWay) -> bool {
        let location = server.places.location_of(server.arrival(way).block);
        let is_known = self.rules.has(ModelRule::Chain) && server.auth_locations.contains(&location);
        is_known && self.answers_at(way.addresses.clone())
    }

    /// Whether a server of this nginx may answer at one of these addresses, or one behind a `stream` server there.
    fn answers_at(&self, mut addresses: BTreeSet<ProgramAddress>) -> bool {
        loop {
            let (known, mut more) = (addresses.len(), Vec::new());
            for server in self.servers.iter().filter(|server| server.is_at(&addresses)) {
                match server.passed_on() {
                    Some(behind) => more.extend(behind.cloned()),
                    None => return true,
                }
            }
            addresses.extend(more);
            if addresses.len() == known {
                return false;
            }
        }
    }
}

/// The open ways at one line: that of a subrequest is open at each directive that makes it.
fn open_ways_by(server: &ServerModel<'_>, way: &ProgramWay) -> Vec<OpenWay> {
    let arrival = server.arrival(way);
    if arrival.node.sub && arrival.access.asks.is_some() {
        // The location asks, but not in a subrequest: what made the subrequest is the hole.
        let entries = server.entries_of_subrequest(arrival.node).into_iter();
        return entries.filter(|hop| !covers(server, hop)).map(|hop| leaving(server, hop)).collect();
    }
    open_way(server, way).into_iter().collect()
}

fn open_way(server: &ServerModel<'_>, way: &ProgramWay) -> Option<OpenWay> {
    let arrival = server.arrival(way);
    let label = server.label(way);
    if declared(server, arrival.block).is_some() {
        let too = covered_too(&server.places, arrival.block, arrival.pass)?;
        let problem = format!(
            "`{label}` is declared open, and can pass on paths of `{}` too, which asks the sidecar.",
            too.scope.label()
        );
        return Some(OpenWay { cause: Cause::NeverAsks, at: arrival.pass.at, problem });
    }
    if arrival.access.bypass.is_some() || arrival.access.self_answered.is_some() {
        // Reported for the block, whatever it serves.
        return None;
    }
    let problem = format!(
        "`{label}` leads to {}, which other locations protect, without asking the sidecar{}.",
        program(way),
        came_by(server, arrival.node)
    );
    Some(OpenWay { cause: Cause::NeverAsks, at: arrival.pass.at, problem })
}

fn by_itself(server: &ServerModel<'_>, way: &ProgramWay) -> OpenWay {
    let problem = format!(
        "`{}` asks {}, which is a server of this nginx: it can answer with 2xx without the sidecar.",
        server.label(way),
        program(way)
    );
    OpenWay { cause: Cause::AnsweredByNginx, at: server.arrival(way).pass.at, problem }
}

/// Whether a declaration covers a subrequest. What the responses of a program include is not for the configuration to declare.
fn covers(server: &ServerModel<'_>, hop: &Hop) -> bool {
    let is_static = || passes().all(|name| server.places.the(hop.block, name).is_none());
    declared(server, hop.block).is_some() && (hop.kind != HopKind::Ssi || is_static())
}

/// A subrequest that enters a location which demands more than was asked before.
fn weaker(server: &ServerModel<'_>, way: &ProgramWay) -> Vec<OpenWay> {
    let arrival = server.arrival(way);
    let (Some(question), Some(asks)) = (server.question(way), arrival.access.asks) else { return Vec::new() };
    let own = server.places.policy(arrival.block);
    let is_enough = question.by == asks.arg(0) && is_covered(own, question.policy);
    if !arrival.node.sub || is_enough || server.is_led_by_program(arrival.node) {
        return Vec::new();
    }
    let entries = server.entries_of_subrequest(arrival.node).into_iter().filter(|hop| !covers(server, hop));
    let open = entries.map(|hop| {
        let problem = format!(
            "{} of `{}` leads on to `{}`, which demands `{}`, but the sidecar was asked for `{}` alone.",
            hop.kind.title(),
            server.label_of(hop.block),
            server.label(way),
            own.unwrap_or("another policy"),
            question.policy.unwrap_or("another policy")
        );
        OpenWay { cause: Cause::Left, at: hop.at, problem }
    });
    open.collect()
}

/// Whether a policy demands all that another one does.
fn is_covered(demanded: Option<&str>, asked: Option<&str>) -> bool {
    let (Some(demanded), Some(asked)) = (demanded, asked) else { return demanded == asked };
    demanded
        .split(';')
        .all(|term| term == "anonymous" || term == "cookie=allow" || asked.split(';').any(|own| own == term))
}

/// Whether a hop is open because the answer of its block does not count, which is reported for the block.
fn is_reported(server: &ServerModel<'_>, hop: &Hop) -> bool {
    let access = server.walk.unsound.get(&hop.block);
    let is_after_access = !matches!(hop.kind, HopKind::Rewrite | HopKind::ErrorPage);
    is_after_access && access.is_some_and(|access| access.bypass.is_some() || access.self_answered.is_some())
}

/// A block that asks, and whose answer does not count.
fn unsound(server: &ServerModel<'_>, block: usize, access: &AccessChecks<'_>) -> Option<OpenWay> {
    if declared(server, block).is_some() {
        return None;
    }
    if let Some(satisfy) = access.bypass {
        let label = server.label_of(block);
        let problem =
            format!("With `satisfy any`, an address or a password opens `{label}` without the sidecar.");
        return Some(OpenWay { cause: Cause::SatisfyAny, at: satisfy.at, problem });
    }
    let (asked, at) = (access.asks?, access.self_answered?);
    let problem = format!(
        "nginx itself can answer the subrequest `{}` with 2xx here, which opens each location that asks it.",
        asked.arg(0)
    );
    Some(OpenWay { cause: Cause::AnsweredByNginx, at, problem })
}

impl<'c> ServerModel<'c> {
    /// The hops that make a request the subrequest at a node.
    fn entries_of_subrequest(&self, node: Node) -> Vec<&Hop> {
        let (mut seen, mut open, mut entries) = (BTreeSet::new(), vec![node], Vec::new());
        while let Some(node) = open.pop() {
            if !seen.insert(node) {
                continue;
            }
            for hop in self.walk.hops_to(node) {
                match hop.from {
                    Some(from) if from.sub => open.push(from),
                    _ => entries.push(hop),
                }
            }
        }
        entries
    }

    /// Whether the response of a program that was asked for led a request on to here.
    fn is_led_by_program(&self, node: Node) -> bool {
        steps_to(self, node).iter().any(|hop| hop.kind == HopKind::AccelRedirect && hop.to.asked.is_some())
    }

    /// Why a block is open, if it declares it; an `if` may leave that to its location.
    pub(crate) fn declaration(&self, way: &ProgramWay) -> Option<&'c Declaration> {
        declared(self, self.arrival(way).block)
    }

    /// The steps by which a request first came to the block of a way, from the client on.
    pub(crate) fn steps(&self, way: &ProgramWay) -> Vec<&Hop> {
        steps_to(self, self.arrival(way).node)
    }
}

fn steps_to<'s>(server: &'s ServerModel<'_>, mut node: Node) -> Vec<&'s Hop> {
    let mut steps = Vec::new();
    while let Some(hop) = server.walk.came.get(&node) {
        let Some(from) = hop.from else { break };
        // A spread over many locations repeats the hop that led to it.
        if steps.last().is_none_or(|last: &&Hop| (last.kind, last.at) != (hop.kind, hop.at)) {
            steps.push(hop);
        }
        node = from;
    }
    steps.reverse();
    steps
}

fn came_by(server: &ServerModel<'_>, node: Node) -> String {
    let steps = steps_to(server, node);
    let names: Vec<_> =
        steps.iter().map(|hop| format!("{} of `{}`", hop.kind.name(), server.label_of(hop.block))).collect();
    if names.is_empty() { String::new() } else { format!(" (by {})", names.join(", then ")) }
}

fn declared<'c>(server: &ServerModel<'c>, block: usize) -> Option<&'c Declaration> {
    declaration(&server.places, block)
}

/// Whether a hop leaves a location that asks before it has asked. A fixed URI that a client can request as well gives it
/// nothing new.
fn is_left(server: &ServerModel<'_>, hop: &Hop) -> bool {
    // The hop from many URIs to one has the block of the hop that led there; and a subrequest is reported for what made it.
    let is_first = hop.from.is_some_and(|from| matches!(from.spot, Spot::Place(_)) && !from.sub);
    is_first
        && hop.kind != HopKind::AuthRequest
        && hop.to.asked.is_none()
        && !hop.is_plain
        && server.places.asks(hop.block)
}

fn leaving(server: &ServerModel<'_>, hop: &Hop) -> OpenWay {
    let label = server.label_of(hop.block);
    let problem = format!(
        "{} of `{label}` leads on to a protected program, and nothing on that way asks the sidecar.",
        hop.kind.title()
    );
    OpenWay { cause: Cause::Left, at: hop.at, problem }
}

/// The programs of a way, as text.
pub(crate) fn program(way: &ProgramWay) -> String {
    way.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

/// All nodes from which these can be reached, but not by what a program answers to a request that any client can send it.
fn leading_to(server: &ServerModel<'_>, to: impl Iterator<Item = Node>) -> BTreeSet<Node> {
    let (mut seen, mut open) = (BTreeSet::new(), to.collect::<Vec<_>>());
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            let hops = server.walk.hops_to(node).filter(|hop| !is_public_answer(server, hop));
            open.extend(hops.filter_map(|hop| hop.from));
        }
    }
    seen
}

/// Whether a hop is by the `X-Accel-Redirect` of a program in a location that clients can request unasked.
fn is_public_answer(server: &ServerModel<'_>, hop: &Hop) -> bool {
    let location = server.places.location_of(hop.block);
    hop.kind == HopKind::AccelRedirect
        && hop.from.is_some_and(|from| from.spot == Spot::Place(location) && !from.sub)
        && !server.places.get(location).is_hidden()
        && !server.places.asks(hop.block)
        && !server.places.asks(location)
}

impl HopKind {
    /// What leads on, as the beginning of a sentence.
    fn title(self) -> &'static str {
        match self {
            Self::Client => "A request",
            Self::Rewrite => "A `rewrite`",
            Self::ErrorPage => "An `error_page`",
            Self::TryFiles => "`try_files`",
            Self::Index => "`index`",
            Self::AccelRedirect => "`X-Accel-Redirect` in a response",
            Self::Mirror => "A `mirror`",
            Self::AddBody => "`add_before_body` or `add_after_body`",
            Self::Ssi => "SSI in a response",
            Self::PostAction => "`post_action`",
            Self::AuthRequest => "`auth_request`",
        }
    }

    /// What leads on, inside a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "a request",
            Self::Rewrite => "`rewrite`",
            Self::ErrorPage => "`error_page`",
            Self::TryFiles => "`try_files`",
            Self::Index => "`index`",
            Self::AccelRedirect => "`X-Accel-Redirect`",
            Self::Mirror => "`mirror`",
            Self::AddBody => "`add_before_body`",
            Self::Ssi => "SSI",
            Self::PostAction => "`post_action`",
            Self::AuthRequest => "`auth_request`",
        }
    }
}
