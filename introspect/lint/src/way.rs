//! The rows of the report's table: what protects each way to a program.

use std::collections::BTreeSet;

use crate::finding::FindingList;
use crate::headers::POLICY;
use crate::model::open::program;
use crate::model::{ProgramWay, ServerModel};
use crate::site::Site;

/// What protects a way to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// The sidecar is asked.
    Asked {
        /// The path of the subrequest.
        by: String,
        /// The policy, where the configuration has it as a constant.
        policy: Option<String>,
    },
    /// Nothing; the block declares it, with this reason.
    Declared(String),
    /// Nothing, although another location protects the program, and no block declares it.
    Open,
    /// Nothing, and no location protects the program.
    Unprotected,
}

/// A way by which requests reach a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayRow {
    /// The names of the server, or where it listens.
    pub server: String,
    /// The location that passes the request on, with the `if` or `limit_except` in it.
    pub location: String,
    /// The directives that lead a client's request there; empty if a client can request it.
    pub steps: Vec<String>,
    /// The addresses of the program.
    pub program: String,
    /// What protects it.
    pub protection: Protection,
    /// The headers that carry the sidecar's answer to the program.
    pub identity: Vec<String>,
    /// The file of the line that passes the request on.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// The ways of each server, in the order of the locations.
///
/// A location that clients can request, or that is reached unasked, is described by that, and not also by requests that came there
/// after another location had asked.
pub(crate) fn rows(site: &Site<'_>, found: &FindingList<'_>) -> Vec<WayRow> {
    let mut rows = Vec::new();
    for server in &site.model.servers {
        let line = |way: &ProgramWay| (server.arrival(way).block, server.arrival(way).pass.at);
        let is_plain = |way: &ProgramWay| way.asked.is_none() || server.steps(way).is_empty();
        let plain: BTreeSet<_> = server.ways.iter().filter(|way| is_plain(way)).map(line).collect();
        let is_weaker = |way: &ProgramWay| server.arrival(way).node.sub && server.asks_other(way);
        let shown =
            server.ways.iter().filter(|way| is_plain(way) || is_weaker(way) || !plain.contains(&line(way)));
        let mut ways: Vec<_> = shown.collect();
        ways.sort_by_key(|way| (line(way), way.asked));
        rows.extend(ways.into_iter().map(|way| row(site, server, way, found)));
    }
    rows
}

fn row<'c>(site: &Site<'c>, server: &ServerModel<'c>, way: &ProgramWay, found: &FindingList<'_>) -> WayRow {
    let arrival = server.arrival(way);
    let steps = server.steps(way).into_iter();
    let scope = &server.places.get(arrival.block).scope;
    let set = scope.effective("proxy_set_header").into_iter();
    let identity =
        set.filter(|set| way.asked.is_some() && set.arg(0) != POLICY && is_of_the_answer(site, set.arg(1)));
    WayRow {
        server: server.name(),
        location: server.label(way),
        steps: steps.map(|hop| format!("{} of {}", hop.kind.name(), server.label_of(hop.block))).collect(),
        program: program(way),
        protection: protection(server, way),
        identity: identity.map(|set| set.arg(0).to_owned()).collect(),
        file: found.file(arrival.pass.at).to_owned(),
        line: arrival.pass.at.line,
    }
}

fn is_of_the_answer<'c>(site: &Site<'c>, value: &'c str) -> bool {
    site.variables.behind(value).iter().any(|name| site.variables.is_answered(name))
}

fn protection(server: &ServerModel<'_>, way: &ProgramWay) -> Protection {
    if let Some(question) = server.question(way) {
        return Protection::Asked { by: question.by.to_owned(), policy: question.policy.map(str::to_owned) };
    }
    match server.declaration(way) {
        Some(open) => Protection::Declared(open.reason.clone()),
        None if way.leads_to_protected => Protection::Open,
        None => Protection::Unprotected,
    }
}
