//! Random events, compared with a simple model of the queue.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::passwords::party::StrangerOrigin;

/// Every job takes as long as the queue assumes at first.
pub(super) const HASH: Duration = FIRST_GUESS;

pub(super) const ROOM: usize = 192;

pub(super) type TestQueue = Queue<u64>;

pub(super) fn queue(threads: usize, wait: Duration) -> TestQueue {
    Queue::new(QueueLimits { threads, wait, room: ROOM })
}

pub(super) fn stranger(network: u64, address: u64, identifier: u64) -> Party {
    Party::Stranger(StrangerOrigin { network, address, identifier })
}

pub(super) fn slow(network: u64) -> Party {
    Party::Slow(StrangerOrigin { network, address: network, identifier: network })
}

pub(super) fn known(account: u64) -> Party {
    Party::Known { account }
}

/// What may happen to a queue.
#[derive(Debug, Clone, Copy)]
pub(super) enum QueueEvent {
    Issue(Party),
    Submit(usize),
    Take,
    Finish(usize),
    Withdraw(usize),
    Release(usize),
}

pub(super) fn party() -> impl Strategy<Value = Party> {
    let origin = || (0..6_u64, 0..3_u64, 0..3_u64);
    let of = |(network, address, identifier)| StrangerOrigin { network, address, identifier };
    prop_oneof![
        (0..5_u64).prop_map(known),
        origin().prop_map(move |numbers| Party::Stranger(of(numbers))),
        origin().prop_map(move |numbers| Party::Slow(of(numbers))),
        Just(Party::Operator),
    ]
}

pub(super) fn event() -> impl Strategy<Value = QueueEvent> {
    let any = || any::<usize>();
    prop_oneof![
        4 => party().prop_map(QueueEvent::Issue),
        4 => any().prop_map(QueueEvent::Submit),
        2 => Just(QueueEvent::Take),
        2 => any().prop_map(QueueEvent::Finish),
        1 => any().prop_map(QueueEvent::Withdraw),
        1 => any().prop_map(QueueEvent::Release),
    ]
}

pub(super) fn pick<T: Copy>(from: &[T], number: usize) -> Option<T> {
    from.get(number.checked_rem(from.len())?).copied()
}

/// The states of tickets as they must be.
#[derive(Default)]
pub(super) struct Model {
    pub(super) live: HashMap<TicketId, ModelState>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelState {
    Issued,
    Ready,
    Running,
    Idle,
    Evicted,
}

impl Model {
    pub(super) fn in_state(&self, state: ModelState) -> Vec<TicketId> {
        let mut found: Vec<_> =
            self.live.iter().filter(|(_, is)| **is == state).map(|(ticket, _)| *ticket).collect();
        found.sort_unstable();
        found
    }

    pub(super) fn apply(&mut self, queue: &mut TestQueue, event: QueueEvent, now: Duration) {
        use ModelState as Is;
        let any = |model: &Self, states: &[Is], number| {
            let found: Vec<_> = states.iter().flat_map(|state| model.in_state(*state)).collect();
            pick(&found, number)
        };
        match event {
            QueueEvent::Issue(party) => {
                let Ok(issued) = queue.issue(party) else { return };
                if let Some((_, job, _)) = issued.evicted {
                    let held = [self.in_state(Is::Ready), self.in_state(Is::Issued)].concat();
                    let gone = held.into_iter().find(|ticket| {
                        queue.tickets.get(ticket).is_some_and(|it| matches!(it.state, TicketState::Evicted))
                    });
                    let gone = gone.expect("an evicted ticket was held");
                    assert_eq!(job, (self.live[&gone] == Is::Ready).then_some(gone));
                    self.live.insert(gone, Is::Evicted);
                }
                assert_eq!(self.live.insert(issued.ticket, Is::Issued), None);
            }
            QueueEvent::Submit(number) => {
                let Some(ticket) = any(self, &[Is::Issued, Is::Idle, Is::Evicted], number) else { return };
                let submitted = queue.submit(ticket, ticket, now).is_ok();
                assert_eq!(submitted, self.live[&ticket] != Is::Evicted);
                if submitted {
                    self.live.insert(ticket, Is::Ready);
                }
            }
            QueueEvent::Take => {
                let fast_ready = queue.known.ready() + queue.strangers.ready();
                match queue.take(now) {
                    Some(turn) => {
                        assert_eq!(self.live.insert(turn.ticket, Is::Running), Some(Is::Ready));
                        assert_eq!(turn.ticket, turn.job);
                    }
                    // Work conservation: only the slow lane may leave a thread idle.
                    None => assert!(fast_ready == 0 && (queue.slow.ready() == 0 || now < queue.slow_from)),
                }
            }
            QueueEvent::Finish(number) => {
                let Some(ticket) = any(self, &[Is::Running], number) else { return };
                queue.finish(ticket, HASH);
                self.live.insert(ticket, Is::Idle);
            }
            QueueEvent::Withdraw(number) => {
                let Some(ticket) = any(self, &[Is::Ready], number) else { return };
                assert_eq!(queue.withdraw(ticket), Some(ticket));
                self.live.insert(ticket, Is::Idle);
            }
            QueueEvent::Release(number) => {
                let states = [Is::Issued, Is::Ready, Is::Idle, Is::Evicted];
                let Some(ticket) = any(self, &states, number) else { return };
                let job = queue.release(ticket);
                assert_eq!(job.is_some(), self.live.remove(&ticket) == Some(Is::Ready));
            }
        }
    }

    pub(super) fn check(&self, queue: &TestQueue) {
        let count = |state| self.in_state(state).len();
        let ready = queue.known.ready() + queue.strangers.ready() + queue.slow.ready();
        assert_eq!(ready, count(ModelState::Ready));
        assert_eq!(queue.held(), count(ModelState::Ready) + count(ModelState::Issued));
        assert_eq!(queue.running, count(ModelState::Running));
        assert_eq!(queue.tickets.len(), self.live.len());
        queue.known.check();
        queue.strangers.check();
        queue.slow.check();
    }
}
