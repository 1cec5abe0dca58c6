//! Turns among clients, in groups of groups.
//!
//! The members of a group have turns one after another, however many tickets each has. A member that has had no turn
//! yet is in a ring of its own, and the two rings alternate: beside one member with many tickets a new one waits for
//! at most one turn, and a flood of new members takes at most every second turn from the others.
//!
//! Every operation takes a time that grows with the logarithm of the number of members.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a ticket. Later tickets have higher numbers.
pub(super) type TicketId = u64;

/// A share of the turns of a group. `path` are the keys of the groups below it, down to one client.
pub(super) trait Share {
    /// How many tickets wait, or will as soon as their jobs are submitted.
    fn held(&self) -> usize;

    /// How many tickets may run now.
    fn ready(&self) -> usize;

    /// Adds a ticket without a job. `has_had_turn` is whether the first group of the path counts as one that has had
    /// a turn already.
    fn hold(&mut self, path: &[u64], ticket: TicketId, has_had_turn: bool);

    /// A held ticket may run.
    fn make_ready(&mut self, path: &[u64], ticket: TicketId);

    /// Removes a held ticket.
    fn remove(&mut self, path: &[u64], ticket: TicketId);

    /// Removes the ticket whose turn it is.
    fn take(&mut self) -> Option<TicketId>;

    /// The newest ticket of the client with the most tickets.
    fn newest_of_heaviest(&self) -> Option<TicketId>;

    /// The ticket that makes room for one more ticket of `path`: one of a client, or of a group, that still has at
    /// least as many afterwards.
    fn victim(&self, path: &[u64]) -> Option<TicketId>;

    /// At most how many held tickets have their turn before one more ticket of `path`. `has_had_turn` as for
    /// [`Self::hold`].
    fn turns_before(&self, path: &[u64], has_had_turn: bool) -> usize;
}

/// The tickets of one client, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    held: BTreeSet<TicketId>,
    ready: BTreeSet<TicketId>,
}

/// Members that have turns one after another.
#[derive(Debug)]
pub(super) struct TurnGroup<S> {
    held: usize,
    ready: usize,
    members: BTreeMap<u64, GroupMember<S>>,
    /// The members by their number of held tickets.
    by_held: BTreeSet<(usize, u64)>,
    /// How many members have had no turn yet.
    new_members: usize,
    rings: [BTreeMap<u64, u64>; 2],
    /// The ring of the last turn.
    last_ring: TurnRing,
    next_position: u64,
}

#[derive(Debug)]
struct GroupMember<S> {
    share: S,
    has_had_turn: bool,
    /// Its position in a ring, if it has a ready ticket.
    position: Option<(TurnRing, u64)>,
}

/// The two rings of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnRing {
    /// Members that have had no turn yet.
    New = 0,
    /// The others.
    Old = 1,
}

impl Share for Tickets {
    fn held(&self) -> usize {
        self.held.len()
    }

    fn ready(&self) -> usize {
        self.ready.len()
    }

    fn hold(&mut self, _path: &[u64], ticket: TicketId, _has_had_turn: bool) {
        self.held.insert(ticket);
    }

    fn make_ready(&mut self, _path: &[u64], ticket: TicketId) {
        if self.held.contains(&ticket) {
            self.ready.insert(ticket);
        }
    }

    fn remove(&mut self, _path: &[u64], ticket: TicketId) {
        self.held.remove(&ticket);
        self.ready.remove(&ticket);
    }

    fn take(&mut self) -> Option<TicketId> {
        let ticket = self.ready.pop_first()?;
        self.held.remove(&ticket);
        Some(ticket)
    }

    fn newest_of_heaviest(&self) -> Option<TicketId> {
        self.held.last().copied()
    }

    /// One client does not make room for itself.
    fn victim(&self, _path: &[u64]) -> Option<TicketId> {
        None
    }

    fn turns_before(&self, _path: &[u64], _has_had_turn: bool) -> usize {
        self.held.len()
    }
}

impl<S> Default for TurnGroup<S> {
    fn default() -> Self {
        Self {
            held: 0,
            ready: 0,
            members: BTreeMap::new(),
            by_held: BTreeSet::new(),
            new_members: 0,
            rings: [BTreeMap::new(), BTreeMap::new()],
            last_ring: TurnRing::Old,
            next_position: 0,
        }
    }
}

impl<S: Share + Default> Share for TurnGroup<S> {
    fn held(&self) -> usize {
        self.held
    }

    fn ready(&self) -> usize {
        self.ready
    }

    fn hold(&mut self, path: &[u64], ticket: TicketId, has_had_turn: bool) {
        let Some((key, rest)) = path.split_first() else { return };
        if !self.members.contains_key(key) {
            self.members.insert(*key, GroupMember { share: S::default(), has_had_turn, position: None });
            self.new_members += usize::from(!has_had_turn);
        }
        self.change(*key, |member| member.share.hold(rest, ticket, false));
    }

    fn make_ready(&mut self, path: &[u64], ticket: TicketId) {
        if let Some((key, rest)) = path.split_first() {
            self.change(*key, |member| member.share.make_ready(rest, ticket));
        }
    }

    fn remove(&mut self, path: &[u64], ticket: TicketId) {
        if let Some((key, rest)) = path.split_first() {
            self.change(*key, |member| member.share.remove(rest, ticket));
        }
    }

    fn take(&mut self) -> Option<TicketId> {
        let ring = self.next_ring();
        let (_, key) = self.ring(ring).pop_first()?;
        self.last_ring = ring;
        self.new_members -= usize::from(ring == TurnRing::New);
        self.change(key, |member| {
            (member.has_had_turn, member.position) = (true, None);
            member.share.take()
        })?
    }

    fn newest_of_heaviest(&self) -> Option<TicketId> {
        let (_, heaviest) = self.by_held.last()?;
        self.members.get(heaviest)?.share.newest_of_heaviest()
    }

    fn victim(&self, path: &[u64]) -> Option<TicketId> {
        let (key, rest) = path.split_first()?;
        let own = self.members.get(key).map(|member| &member.share);
        let (most, _) = self.by_held.last()?;
        match *most >= own.map_or(0, Share::held) + 2 {
            true => self.newest_of_heaviest(),
            false => own?.victim(rest),
        }
    }

    fn turns_before(&self, path: &[u64], has_had_turn: bool) -> usize {
        let Some((key, rest)) = path.split_first() else { return self.held };
        let own = self.members.get(key);
        let is_new = own.map_or(!has_had_turn, |member| !member.has_had_turn);
        let (own_before, own_held) =
            own.map_or((0, 0), |own| (own.share.turns_before(rest, false), own.share.held()));
        let new_others = self.new_members - usize::from(own.is_some() && is_new);
        let old_others = self.members.len() - usize::from(own.is_some()) - new_others;
        let held_by_others = self.held - own_held;
        // Where members of a ring wait now, more of them may come.
        if is_new && own_before == 0 {
            // The rings alternate until the turn of this one.
            let alternating = 2 * new_others + 1;
            return if old_others == 0 { alternating.min(held_by_others) } else { alternating };
        }
        // One round of the others for each own ticket, and for each of these turns one of the new members'.
        let rounds = ((own_before + 1) * (old_others + new_others)).min(held_by_others);
        let turns_of_new = if new_others == 0 { 0 } else { rounds + own_before + 1 };
        own_before + rounds + turns_of_new
    }
}

impl<S: Share + Default> TurnGroup<S> {
    /// Changes a member, and then everything that depends on its numbers. A member without tickets is forgotten.
    fn change<R>(&mut self, key: u64, change: impl FnOnce(&mut GroupMember<S>) -> R) -> Option<R> {
        let member = self.members.get_mut(&key)?;
        let before = (member.share.held(), member.share.ready());
        let result = change(member);
        let after = (member.share.held(), member.share.ready());
        self.held = self.held + after.0 - before.0;
        self.ready = self.ready + after.1 - before.1;
        if before.0 != after.0 {
            self.by_held.remove(&(before.0, key));
            self.by_held.insert((after.0, key));
        }
        self.place(key, after.1 > 0);
        if after.0 == 0 {
            self.by_held.remove(&(0, key));
            let gone = self.members.remove(&key);
            self.new_members -= usize::from(gone.is_some_and(|member| !member.has_had_turn));
        }
        Some(result)
    }

    /// A member is in a ring exactly while it has a ready ticket.
    fn place(&mut self, key: u64, is_ready: bool) {
        let Some(member) = self.members.get_mut(&key) else { return };
        match (member.position, is_ready) {
            (None, true) => {
                let ring = if member.has_had_turn { TurnRing::Old } else { TurnRing::New };
                let position = self.next_position;
                member.position = Some((ring, position));
                self.next_position += 1;
                self.ring(ring).insert(position, key);
            }
            (Some((ring, position)), false) => {
                member.position = None;
                self.ring(ring).remove(&position);
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    /// The other one than last time, if it is not empty.
    fn next_ring(&mut self) -> TurnRing {
        let other = if self.last_ring == TurnRing::New { TurnRing::Old } else { TurnRing::New };
        if self.ring(other).is_empty() { self.last_ring } else { other }
    }

    fn ring(&mut self, ring: TurnRing) -> &mut BTreeMap<u64, u64> {
        let [new, old] = &mut self.rings;
        match ring {
            TurnRing::New => new,
            TurnRing::Old => old,
        }
    }
}

#[cfg(test)]
impl<S: Share + Default> TurnGroup<S> {
    /// Checks that its numbers agree with its members.
    pub(super) fn check(&self) {
        let sum = |of: fn(&S) -> usize| self.members.values().map(|member| of(&member.share)).sum::<usize>();
        assert_eq!((self.held, self.ready), (sum(S::held), sum(S::ready)));
        assert_eq!(self.new_members, self.members.values().filter(|member| !member.has_had_turn).count());
        let by_held = self.members.iter().map(|(key, member)| (member.share.held(), *key));
        assert_eq!(by_held.collect::<BTreeSet<_>>(), self.by_held);
        let placed = self.members.values().filter_map(|member| member.position).collect::<Vec<_>>();
        assert_eq!(placed.len(), self.rings.iter().map(BTreeMap::len).sum::<usize>());
        for (key, member) in &self.members {
            assert!(member.share.held() > 0);
            assert_eq!(member.position.is_some(), member.share.ready() > 0);
            if let Some((ring, position)) = member.position {
                assert_eq!(self.rings[ring as usize].get(&position), Some(key));
            }
        }
    }

    /// Whether any other member than `key` has had no turn yet.
    pub(super) fn has_new_members_beside(&self, key: u64) -> bool {
        self.members.iter().any(|(other, member)| *other != key && !member.has_had_turn)
    }

    /// Whether nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.by_held.is_empty() && self.rings.iter().all(BTreeMap::is_empty)
    }
}
