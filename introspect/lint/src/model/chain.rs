//! Which programs are behind an address that is another server of the same nginx.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::address::ProgramAddress;
use crate::model::listen::Listen;

/// The programs behind the addresses of each way, through any number of servers.
#[derive(Debug)]
pub(crate) struct Chains {
    addresses: Vec<ProgramAddress>,
    /// For each server and way: those that may be there.
    ways: Vec<Vec<Bits>>,
}

/// A server of a chain.
pub(crate) struct ChainServer<'s> {
    pub(crate) listens: &'s [Listen],
    pub(crate) ways: Vec<ChainWay<'s>>,
    /// Whether it passes each connection on as it is, so that its clients are those of the server behind.
    pub(crate) is_stream: bool,
}

/// A way of a server.
pub(crate) struct ChainWay<'s> {
    pub(crate) is_asked: bool,
    /// Whether it is declared open in a server that asks, which is a declaration for all clients.
    pub(crate) is_for_all: bool,
    pub(crate) addresses: &'s BTreeSet<ProgramAddress>,
}

/// A set of addresses by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn insert(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (number % 64);
        }
    }

    /// Whether any of them is new.
    fn extend(&mut self, other: &Self) -> bool {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        let mut is_new = false;
        for (bits, more) in self.0.iter_mut().zip(&other.0) {
            is_new |= *more & !*bits != 0;
            *bits |= more;
        }
        is_new
    }

    fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|bits| bits & (1 << (number % 64)) != 0)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(bits, others)| bits & others != 0)
    }
}

impl Chains {
    /// Without `known` no address is a server of this nginx.
    pub(crate) fn new(servers: &[ChainServer<'_>], known: bool) -> Self {
        let ways = || servers.iter().flat_map(|server| &server.ways);
        let distinct: BTreeSet<_> = ways().flat_map(|way| way.addresses).collect();
        let numbers: BTreeMap<_, _> = distinct.iter().copied().zip(0..).collect();
        let ways = beyond(servers, &numbers, |listen, address| known && listen.may_serve(address));
        Self { addresses: distinct.into_iter().cloned().collect(), ways }
    }

    /// The programs that a way may lead to.
    pub(crate) fn of(&self, (server, way): (usize, usize)) -> impl Iterator<Item = &ProgramAddress> {
        let own = self.ways.get(server).and_then(|ways| ways.get(way));
        let numbered = self.addresses.iter().enumerate();
        numbered
            .filter(move |(number, _)| own.is_some_and(|own| own.has(*number)))
            .map(|(_, address)| address)
    }

    /// For each server and way, whether it may lead to one of the addresses that `wanted` has.
    pub(crate) fn leading_to(&self, wanted: impl Fn(&ProgramAddress) -> bool) -> Vec<Vec<bool>> {
        let mut all = Bits::default();
        for (number, _) in self.addresses.iter().enumerate().filter(|(_, address)| wanted(address)) {
            all.insert(number);
        }
        self.ways.iter().map(|ways| ways.iter().map(|way| way.meets(&all)).collect()).collect()
    }
}

/// For each server and way its programs and those beyond.
fn beyond(
    servers: &[ChainServer<'_>],
    numbers: &BTreeMap<&ProgramAddress, usize>,
    serves: impl Fn(&Listen, &ProgramAddress) -> bool,
) -> Vec<Vec<Bits>> {
    let at = |address: &ProgramAddress| -> Vec<usize> {
        let is_at = |server: &ChainServer<'_>| server.listens.iter().any(|listen| serves(listen, address));
        servers.iter().enumerate().filter(|(_, server)| is_at(server)).map(|(index, _)| index).collect()
    };
    let served: BTreeMap<_, _> = numbers.keys().map(|address| (*address, at(address))).collect();
    let reached = |way: &ChainWay<'_>| -> BTreeSet<usize> {
        way.addresses.iter().filter_map(|address| served.get(address)).flatten().copied().collect()
    };
    let own = |way: &ChainWay<'_>| {
        let mut bits = Bits::default();
        way.addresses
            .iter()
            .filter_map(|address| numbers.get(address))
            .for_each(|number| bits.insert(*number));
        bits
    };
    let reached: Vec<Vec<_>> =
        servers.iter().map(|server| server.ways.iter().map(reached).collect()).collect();
    let mut ways: Vec<Vec<_>> = servers.iter().map(|server| server.ways.iter().map(own).collect()).collect();
    let mut behind: Vec<_> = servers.iter().map(|_| Behind::default()).collect();
    // Each round adds the programs of one more server; it ends because there are only so many.
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        // From the last server on, because an inner one often follows.
        for (index, server) in servers.iter().enumerate().rev() {
            let of_server =
                ways.get_mut(index).into_iter().flatten().zip(reached.get(index).into_iter().flatten());
            for (way, (bits, reached)) in server.ways.iter().zip(of_server) {
                for to in reached.iter().filter_map(|to| behind.get(*to)) {
                    bits.extend(to.for_way(way, server.is_stream));
                }
                if let Some(own) = behind.get_mut(index) {
                    has_changed |= own.add(way, bits);
                }
            }
        }
    }
    ways
}

/// The programs behind a server: those that it does not ask for, those of them that are not declared for all clients, and all.
#[derive(Default)]
struct Behind {
    unasked: Bits,
    undeclared: Bits,
    all: Bits,
}

impl Behind {
    /// A way that asked leads to protected locations as well.
    fn for_way(&self, way: &ChainWay<'_>, is_stream: bool) -> &Bits {
        match (way.is_asked, is_stream) {
            (true, _) => &self.all,
            (false, true) => &self.undeclared,
            (false, false) => &self.unasked,
        }
    }

    fn add(&mut self, way: &ChainWay<'_>, bits: &Bits) -> bool {
        let is_unasked = !way.is_asked && self.unasked.extend(bits);
        let is_undeclared = !way.is_asked && !way.is_for_all && self.undeclared.extend(bits);
        self.all.extend(bits) || is_unasked || is_undeclared
    }
}
