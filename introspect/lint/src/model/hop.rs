//! Where a request is, and by which steps it came there.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::model::access::AccessChecks;
use crate::source::SourcePosition;
use crate::tree::Directive;

/// Where a request can be, besides the blocks of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Spot {
    /// In a location; in the first place, when it has none.
    Place(usize),
    /// Before a location is chosen.
    Server,
    /// At a URI that may be any.
    AnyUri,
    /// At a URI for which several locations are possible: the number of the list.
    Group(usize),
    /// At any URI or named location.
    Anywhere,
}

/// A spot, and what nginx knows of the request there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    pub(crate) spot: Spot,
    /// What the sidecar was asked when it last allowed it: the index in [`ServerWalk::questions`].
    pub(crate) asked: Option<usize>,
    /// Whether it is a subrequest, which skips the access phase.
    pub(crate) sub: bool,
}

/// By what a request came to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum HopKind {
    Client,
    Rewrite,
    ErrorPage,
    TryFiles,
    Index,
    AccelRedirect,
    Mirror,
    AddBody,
    Ssi,
    PostAction,
    AuthRequest,
}

/// One step of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hop {
    /// The node that the walk has visited; a request that is allowed there goes on as asked.
    pub(crate) from: Option<Node>,
    pub(crate) to: Node,
    pub(crate) kind: HopKind,
    /// The block whose directive leads on; the server for clients.
    pub(crate) block: usize,
    pub(crate) at: SourcePosition,
    /// Whether it leads to a fixed URI that a client can request as well.
    pub(crate) is_plain: bool,
}

/// What the sidecar is asked: every location with the same policy asks the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SidecarQuestion<'c> {
    /// The first location that asks it.
    pub(crate) asker: usize,
    /// The path of the subrequest.
    pub(crate) by: &'c str,
    /// The policy, where the configuration has it as a constant.
    pub(crate) policy: Option<&'c str>,
}

/// A block whose program gets requests.
#[derive(Debug)]
pub(crate) struct Arrival<'c> {
    pub(crate) node: Node,
    /// The block: a location, or an `if` or `limit_except` in it.
    pub(crate) block: usize,
    /// What the sidecar was asked when it allowed the request, here or before.
    pub(crate) asked: Option<usize>,
    pub(crate) access: AccessChecks<'c>,
    pub(crate) pass: &'c Directive,
}

impl<'c> Arrival<'c> {
    /// In a block that has no checks at all.
    pub(crate) fn unasked(block: usize, pass: &'c Directive) -> Self {
        let node = Node { spot: Spot::Place(block), asked: None, sub: false };
        Self { node, block, asked: None, access: AccessChecks::default(), pass }
    }
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(crate) struct ServerWalk<'c> {
    pub(crate) arrivals: Vec<Arrival<'c>>,
    pub(crate) hops: Vec<Hop>,
    /// The indices of the hops to each node.
    to: HashMap<Node, Vec<usize>>,
    /// The first hop to each node.
    pub(crate) came: HashMap<Node, Hop>,
    /// The blocks whose checks do not hold, with or without a program.
    pub(crate) unsound: BTreeMap<usize, AccessChecks<'c>>,
    pub(crate) open: VecDeque<Node>,
    pub(crate) questions: Vec<SidecarQuestion<'c>>,
}

impl ServerWalk<'_> {
    /// Notes a hop; a node that is new is visited later.
    pub(crate) fn go(&mut self, hop: Hop) {
        if let Entry::Vacant(vacant) = self.came.entry(hop.to) {
            vacant.insert(hop);
            self.open.push_back(hop.to);
        }
        self.to.entry(hop.to).or_default().push(self.hops.len());
        self.hops.push(hop);
    }

    /// All hops to a node.
    pub(crate) fn hops_to(&self, node: Node) -> impl Iterator<Item = &Hop> {
        self.to.get(&node).into_iter().flatten().filter_map(|index| self.hops.get(*index))
    }
}
