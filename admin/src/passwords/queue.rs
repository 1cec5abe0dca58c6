//! The queue of passwords to be hashed: who is admitted, and whose turn it is.
//!
//! A pure data structure: time is a parameter, and the threads are elsewhere (`workers`).
//!
//! * **Lanes.** Known clients and strangers have every second turn while both wait; each has all of them while the
//!   other does not. The slow lane has at most a tenth of the capacity, whether others wait or not.
//! * **Turns.** Within a lane clients take turns: known clients by account, strangers by network, then address, then
//!   identifier (`share`).
//! * **Admission.** A ticket is refused at once when it would wait longer than the limit. When the lane is full, a
//!   client with fewer tickets evicts the newest ticket of the one with the most.

mod lane;
#[cfg(test)]
mod model;
mod recent;
mod share;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use super::party::Party;
pub use lane::Lane;
use lane::LanePlace;
use recent::RecentNetworks;
use share::{Share, TicketId, Tickets, TurnGroup};

/// The slow lane holds this part of what another lane may hold.
const SLOW_ROOM_PART: usize = 8;

/// The slow lane gets one of this many parts of the capacity.
const SLOW_PART: u32 = 10;

/// The first assumption about the duration of a job.
const FIRST_GUESS: Duration = Duration::from_millis(20);

/// A client with more to wait than this should come back after this time.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// The limits of a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueLimits {
    /// How many jobs run at the same time.
    pub(super) threads: usize,
    /// The longest wait, as estimated when a ticket is issued.
    pub(super) wait: Duration,
    /// The most tickets that wait in a lane, however long the longest wait is.
    pub(super) room: usize,
}

impl QueueLimits {
    /// The most tickets that wait in all lanes.
    pub(super) const fn most(room: usize) -> usize {
        2 * room + room / SLOW_ROOM_PART
    }
}

/// Jobs `J` that wait, and tickets for jobs that will be submitted.
#[derive(Debug)]
pub(super) struct Queue<J> {
    limits: QueueLimits,
    tickets: HashMap<TicketId, QueueTicket<J>>,
    next_ticket: TicketId,
    known: TurnGroup<Tickets>,
    strangers: TurnGroup<TurnGroup<TurnGroup<Tickets>>>,
    slow: TurnGroup<TurnGroup<TurnGroup<Tickets>>>,
    recent: RecentNetworks,
    running: usize,
    /// The running mean of the duration of a job.
    mean: Duration,
    /// The lane of the last turn that was not of the slow lane.
    last_lane: Lane,
    /// From this time on the slow lane may have a turn.
    slow_from: Duration,
}

#[derive(Debug)]
struct QueueTicket<J> {
    place: LanePlace,
    state: TicketState<J>,
}

#[derive(Debug)]
enum TicketState<J> {
    /// Held, without a job.
    Issued,
    /// Held, with a job and the time of its submission.
    Ready(J, Duration),
    /// Not held: the job runs.
    Running,
    /// Not held: there is no job any more.
    Idle,
    /// Not held: it made room for another one.
    Evicted,
}

/// A new ticket.
#[derive(Debug)]
pub(super) struct IssuedTicket<J> {
    pub(super) ticket: TicketId,
    /// The ticket that made room for it, if one had to: its lane, its job if it has one, and what it is told.
    pub(super) evicted: Option<(Lane, Option<J>, RefusedTicket)>,
}

/// No ticket is issued, or it was evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefusedTicket {
    pub(super) retry_after: Duration,
}

/// A job whose turn it is.
#[derive(Debug)]
pub(super) struct JobTurn<J> {
    pub(super) ticket: TicketId,
    pub(super) lane: Lane,
    pub(super) job: J,
    /// How long it waited.
    pub(super) waited: Duration,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueStatus {
    /// Waiting jobs of known clients.
    pub known: usize,
    /// Waiting jobs of strangers.
    pub strangers: usize,
    /// Waiting jobs of the slow lane.
    pub slow: usize,
    /// Jobs that run.
    pub running: usize,
    /// Threads.
    pub threads: usize,
}

impl QueueStatus {
    /// Waiting jobs of a lane.
    pub const fn waiting(&self, lane: Lane) -> usize {
        match lane {
            Lane::Known => self.known,
            Lane::Stranger => self.strangers,
            Lane::Slow => self.slow,
        }
    }
}

impl<J> Queue<J> {
    /// An empty queue.
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            tickets: HashMap::new(),
            next_ticket: 0,
            known: TurnGroup::default(),
            strangers: TurnGroup::default(),
            slow: TurnGroup::default(),
            recent: RecentNetworks::default(),
            running: 0,
            mean: FIRST_GUESS,
            last_lane: Lane::Stranger,
            slow_from: Duration::ZERO,
        }
    }

    /// Issues a ticket, if its job would not wait too long.
    pub(super) fn issue(&mut self, party: Party) -> Result<IssuedTicket<J>, RefusedTicket> {
        let place = LanePlace::of(party);
        let wait = self.estimate(place);
        if wait > self.limits.wait {
            return Err(self.refusal(wait));
        }
        let lane = self.lane(place.lane);
        let evicted = if lane.held() < self.room(place.lane) {
            None
        } else {
            let victim = lane.victim(&place.path).ok_or_else(|| self.refusal(wait))?;
            Some((place.lane, self.evict(victim), self.refusal(wait)))
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let has_had_turn = self.has_had_turn(place);
        self.lane_mut(place.lane).hold(&place.path, ticket, has_had_turn);
        self.tickets.insert(ticket, QueueTicket { place, state: TicketState::Issued });
        Ok(IssuedTicket { ticket, evicted })
    }

    /// Submits the job of a ticket. A ticket may have several, one after another.
    pub(super) fn submit(&mut self, ticket: TicketId, job: J, now: Duration) -> Result<(), RefusedTicket> {
        let refused = self.refusal(self.limits.wait);
        let Some(QueueTicket { place, state }) = self.tickets.get_mut(&ticket) else { return Err(refused) };
        let place = *place;
        let is_held = match state {
            TicketState::Evicted => return Err(refused),
            TicketState::Issued | TicketState::Ready(..) => true,
            TicketState::Running | TicketState::Idle => false,
        };
        *state = TicketState::Ready(job, now);
        let has_had_turn = self.has_had_turn(place);
        let lane = self.lane_mut(place.lane);
        if !is_held {
            lane.hold(&place.path, ticket, has_had_turn);
        }
        lane.make_ready(&place.path, ticket);
        Ok(())
    }

    /// The job whose turn it is.
    pub(super) fn take(&mut self, now: Duration) -> Option<JobTurn<J>> {
        let lane = self.next_lane(now)?;
        let ticket = self.lane_mut(lane).take()?;
        match lane {
            Lane::Slow => {
                let pause = self.mean * SLOW_PART / threads(self.limits.threads);
                self.slow_from = now + pause;
            }
            Lane::Known | Lane::Stranger => self.last_lane = lane,
        }
        let found = self.tickets.get_mut(&ticket)?;
        let state = std::mem::replace(&mut found.state, TicketState::Running);
        if lane == Lane::Stranger {
            let network = found.place.network();
            self.recent.note(network);
        }
        let TicketState::Ready(job, since) = state else { return None };
        self.running += 1;
        Some(JobTurn { ticket, lane, job, waited: now.saturating_sub(since) })
    }

    /// When a thread that found no job must look again: when the slow lane may have its next turn.
    pub(super) fn next_look(&self) -> Option<Duration> {
        (self.slow.ready() > 0).then_some(self.slow_from)
    }

    /// The job of a ticket ran, for `took`.
    pub(super) fn finish(&mut self, ticket: TicketId, took: Duration) {
        self.running = self.running.saturating_sub(1);
        // A mean of about the last sixteen, which one stalled job does not raise beyond twice the value.
        let took = took.min(self.mean * 16);
        self.mean = (self.mean * 15 + took) / 16;
        if let Some(found) = self.tickets.get_mut(&ticket)
            && matches!(found.state, TicketState::Running)
        {
            found.state = TicketState::Idle;
        }
    }

    /// Removes the waiting job of a ticket: no handler waits for it any more.
    pub(super) fn withdraw(&mut self, ticket: TicketId) -> Option<J> {
        self.end(ticket, TicketState::Idle)
    }

    /// Ends a ticket, and removes its waiting job.
    pub(super) fn release(&mut self, ticket: TicketId) -> Option<J> {
        let job = self.withdraw(ticket);
        self.tickets.remove(&ticket);
        job
    }

    /// How full it is.
    pub(super) fn status(&self) -> QueueStatus {
        QueueStatus {
            known: self.known.ready(),
            strangers: self.strangers.ready(),
            slow: self.slow.ready(),
            running: self.running,
            threads: self.limits.threads,
        }
    }

    /// At most how long a new ticket would wait before its job runs, if all others submitted theirs now and those who may
    /// overtake it, if any wait now, keep coming.
    fn estimate(&self, place: LanePlace) -> Duration {
        let own = self.lane(place.lane).turns_before(&place.path, self.has_had_turn(place));
        let has_other_lane = match place.lane {
            Lane::Known => self.strangers.held() > 0,
            Lane::Stranger => self.known.held() > 0,
            Lane::Slow => true,
        };
        let turns = match place.lane {
            // Each of its turns waits for the others of the capacity.
            Lane::Slow => (own + 1) * as_usize(SLOW_PART) - 1,
            Lane::Known | Lane::Stranger => {
                let turns = own + if has_other_lane { own + 1 } else { 0 };
                turns + self.slow.held().min(turns.div_ceil(as_usize(SLOW_PART)))
            }
        };
        // A job that runs has half of its time left, on average; without a free thread one of them must end first.
        let is_busy = self.running + self.held() >= self.limits.threads;
        let halves = 2 * turns + usize::from(is_busy);
        self.mean * u32::try_from(halves).unwrap_or(u32::MAX) / 2 / threads(self.limits.threads)
    }

    fn refusal(&self, wait: Duration) -> RefusedTicket {
        let retry_after = wait.saturating_sub(self.limits.wait);
        RefusedTicket { retry_after: retry_after.clamp(Duration::from_secs(1), MAX_RETRY_AFTER) }
    }

    /// How many tickets a lane holds at most: as many jobs as end within the limit of the wait.
    fn room(&self, lane: Lane) -> usize {
        let most = match lane {
            Lane::Known | Lane::Stranger => self.limits.room,
            Lane::Slow => self.limits.room / SLOW_ROOM_PART,
        };
        let each = self.mean.max(Duration::from_micros(1));
        let within = usize::try_from(self.limits.wait.as_nanos() / each.as_nanos()).unwrap_or(usize::MAX);
        within.saturating_mul(self.limits.threads).clamp(self.limits.threads, most.max(self.limits.threads))
    }

    /// Takes a held ticket's place away, and returns its job.
    fn evict(&mut self, ticket: TicketId) -> Option<J> {
        self.end(ticket, TicketState::Evicted)
    }

    /// A held ticket is held no longer and gets the state `end`.
    fn end(&mut self, ticket: TicketId, end: TicketState<J>) -> Option<J> {
        let found = self.tickets.get_mut(&ticket)?;
        let place = found.place;
        if !matches!(found.state, TicketState::Issued | TicketState::Ready(..)) {
            return None;
        }
        let state = std::mem::replace(&mut found.state, end);
        self.lane_mut(place.lane).remove(&place.path, ticket);
        match state {
            TicketState::Ready(job, _) => Some(job),
            TicketState::Issued | TicketState::Running | TicketState::Idle | TicketState::Evicted => None,
        }
    }

    /// The lane of the next turn.
    fn next_lane(&self, now: Duration) -> Option<Lane> {
        if self.slow.ready() > 0 && now >= self.slow_from {
            return Some(Lane::Slow);
        }
        match (self.known.ready() > 0, self.strangers.ready() > 0) {
            (true, true) if self.last_lane == Lane::Known => Some(Lane::Stranger),
            (true, _) => Some(Lane::Known),
            (false, true) => Some(Lane::Stranger),
            (false, false) => None,
        }
    }

    /// Whether a network counts as one that has had its first turn.
    fn has_had_turn(&self, place: LanePlace) -> bool {
        place.lane == Lane::Stranger && self.recent.contains(place.network())
    }

    fn held(&self) -> usize {
        self.known.held() + self.strangers.held() + self.slow.held()
    }

    fn lane(&self, lane: Lane) -> &dyn Share {
        match lane {
            Lane::Known => &self.known,
            Lane::Stranger => &self.strangers,
            Lane::Slow => &self.slow,
        }
    }

    fn lane_mut(&mut self, lane: Lane) -> &mut dyn Share {
        match lane {
            Lane::Known => &mut self.known,
            Lane::Stranger => &mut self.strangers,
            Lane::Slow => &mut self.slow,
        }
    }
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn threads(count: usize) -> u32 {
    u32::try_from(count.max(1)).unwrap_or(u32::MAX)
}
