//! Fairness, bounds, work conservation: properties of the queue.

use proptest::prelude::*;

use super::model::{HASH, Model, ModelState, ROOM, TestQueue, event, known, party, queue, slow, stranger};
use super::*;

/// Issues a ticket and submits a job, which has the number of the ticket.
fn add(queue: &mut TestQueue, party: Party) -> Option<TicketId> {
    let ticket = queue.issue(party).ok()?.ticket;
    queue.submit(ticket, ticket, Duration::ZERO).unwrap();
    Some(ticket)
}

fn add_all(queue: &mut TestQueue, count: usize, party: impl Fn(u64) -> Party) -> Vec<TicketId> {
    (0..count as u64).filter_map(|number| add(queue, party(number))).collect()
}

/// Runs the next job to its end.
fn step(queue: &mut TestQueue, now: Duration) -> Option<TicketId> {
    let turn = queue.take(now)?;
    assert_eq!(turn.ticket, turn.job);
    queue.finish(turn.ticket, HASH);
    queue.release(turn.ticket);
    Some(turn.ticket)
}

/// Runs `count` jobs, or fewer if there are fewer.
fn run(queue: &mut TestQueue, count: usize) -> Vec<TicketId> {
    (0..count).map_while(|_| step(queue, Duration::ZERO)).collect()
}

const LONG: Duration = Duration::from_secs(2);

#[test]
fn beside_one_flooding_address_a_stranger_has_the_next_turn() {
    let mut queue = queue(1, LONG);
    assert_eq!(add_all(&mut queue, 80, |_| stranger(1, 1, 1)).len(), 80);
    run(&mut queue, 3);
    let honest = add(&mut queue, stranger(2, 2, 2)).unwrap();
    assert_eq!(run(&mut queue, 1), [honest]);
    // In the same network, and even at the same address, it waits for one turn more at most.
    let neighbour = add(&mut queue, stranger(1, 9, 9)).unwrap();
    assert_eq!(run(&mut queue, 1), [neighbour]);
    let same_address = add(&mut queue, stranger(1, 1, 1_000)).unwrap();
    assert!(run(&mut queue, 2).contains(&same_address));
}

#[test]
fn a_flood_that_fills_the_queue_makes_room_for_every_new_client() {
    let mut queue = queue(1, LONG);
    let flood = add_all(&mut queue, 10_000, |number| stranger(1, 1, number));
    assert!(flood.len() <= ROOM);
    assert_eq!(queue.issue(stranger(1, 1, 77_777)).err().map(|refused| refused.retry_after), Some(MIN));
    for network in 2..20 {
        let issued = queue.issue(stranger(network, network, 1)).unwrap();
        let (lane, job, _) = issued.evicted.expect("the queue is full");
        // The newest goes first.
        let newest = flood[flood.len() - 1 - usize::try_from(network - 2).unwrap()];
        assert_eq!((lane, job), (Lane::Stranger, Some(newest)));
        assert_eq!(
            queue.submit(newest, 0, Duration::ZERO).err().map(|refused| refused.retry_after),
            Some(MIN)
        );
    }
}

const MIN: Duration = Duration::from_secs(1);

#[test]
fn a_flood_from_thousands_of_networks_is_bounded_and_delays_no_known_client() {
    let mut queue = queue(2, LONG);
    let admitted = add_all(&mut queue, 2_000, |number| stranger(number, number, number)).len();
    assert!(admitted <= ROOM, "{admitted}");
    run(&mut queue, 5);
    let honest = add(&mut queue, known(7)).unwrap();
    assert!(run(&mut queue, 2).contains(&honest));
}

#[test]
fn networks_that_had_their_turn_do_not_delay_a_new_one() {
    let mut queue = queue(1, LONG);
    for _ in 0..3 {
        for network in 0..2_000 {
            if add(&mut queue, stranger(network, 1, 1)).is_none() {
                run(&mut queue, 1);
            }
        }
    }
    // All networks that wait had a turn before, and so had the one of the last turn.
    run(&mut queue, 1);
    let honest = add(&mut queue, stranger(5_000, 1, 1)).unwrap();
    assert!(run(&mut queue, 2).contains(&honest));
}

#[test]
fn the_lanes_alternate_and_neither_waits_for_an_empty_one() {
    let mut queue = queue(1, LONG);
    let strangers = add_all(&mut queue, 20, |number| stranger(number, 1, 1));
    let accounts = add_all(&mut queue, 5, known);
    let first = run(&mut queue, 10);
    assert_eq!(first.iter().filter(|ticket| accounts.contains(ticket)).count(), 5);
    let rest = run(&mut queue, 100);
    assert!(rest.len() == 15 && rest.iter().all(|ticket| strangers.contains(ticket)));
}

#[test]
fn the_slow_lane_has_a_tenth_of_the_capacity_even_alone() {
    for (threads, others) in [(1, 0), (2, 0), (1, 100)] {
        let mut queue = queue(threads, LONG);
        let slow = add_all(&mut queue, 20, slow);
        let mut done = 0;
        let mut now = Duration::ZERO;
        // Ten seconds of one thread; the other threads are idle.
        while now < Duration::from_secs(10) {
            if queue.strangers.ready() < others {
                add(&mut queue, stranger(1, 1, 1));
            }
            add(&mut queue, self::slow(1_000));
            done += usize::from(step(&mut queue, now).is_some_and(|ticket| is_slow(&slow, ticket, others)));
            now += HASH;
        }
        let share = HASH * u32::try_from(done).unwrap() / u32::try_from(threads).unwrap();
        assert!(share <= Duration::from_millis(1_050), "{threads} {others} {done}");
        assert!(done >= slow.len().min(20), "{threads} {others} {done}");
    }
}

/// Beside others only the tickets that are known to be slow count.
fn is_slow(slow: &[TicketId], ticket: TicketId, others: usize) -> bool {
    others == 0 || slow.contains(&ticket)
}

#[test]
fn a_slow_client_learns_at_once_that_it_would_wait_too_long() {
    let mut queue = queue(1, LONG);
    let admitted = add_all(&mut queue, 1_000, slow).len();
    assert!((5..=ROOM / SLOW_ROOM_PART).contains(&admitted), "{admitted}");
    assert!(queue.issue(known(1)).is_ok() && queue.issue(stranger(1, 1, 1)).is_ok());
}

#[test]
fn without_a_wait_a_ticket_is_issued_only_for_a_free_thread() {
    let mut queue = queue(2, Duration::ZERO);
    let first = queue.issue(known(1)).unwrap().ticket;
    queue.submit(first, first, Duration::ZERO).unwrap();
    queue.take(Duration::ZERO).unwrap();
    let second = queue.issue(stranger(1, 1, 1)).unwrap().ticket;
    assert!(queue.issue(known(2)).is_err() && queue.issue(stranger(2, 2, 2)).is_err());
    queue.release(second);
    assert!(queue.issue(known(2)).is_ok());
}

#[test]
fn slower_hashes_make_the_queue_shorter() {
    let mut queue = queue(1, LONG);
    let fast = queue.room(Lane::Stranger);
    for _ in 0..64 {
        let ticket = add(&mut queue, known(1)).unwrap();
        queue.take(Duration::ZERO).unwrap();
        queue.finish(ticket, 10 * HASH);
        queue.release(ticket);
    }
    assert!(queue.room(Lane::Stranger) < fast / 4);
    let admitted = add_all(&mut queue, 1_000, |number| stranger(1, 1, number)).len();
    assert!(queue.mean * u32::try_from(admitted).unwrap() <= LONG + queue.mean);
}

#[test]
fn a_withdrawn_job_is_not_run_and_its_ticket_may_have_another() {
    let mut queue = queue(1, LONG);
    let ticket = add(&mut queue, known(1)).unwrap();
    assert_eq!(queue.withdraw(ticket), Some(ticket));
    assert!(queue.take(Duration::ZERO).is_none());
    queue.submit(ticket, ticket, Duration::ZERO).unwrap();
    assert_eq!(run(&mut queue, 2), [ticket]);
    assert_eq!((queue.held(), queue.tickets.len(), queue.running), (0, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_order_of_events_loses_no_job_and_leaves_nothing_behind(
        events in proptest::collection::vec(event(), 0..300),
        threads in 1..4_usize,
        wait in prop_oneof![Just(0), Just(100), Just(2_000)],
    ) {
        let mut queue = queue(threads, Duration::from_millis(wait));
        let mut model = Model::default();
        let mut now = Duration::ZERO;
        for event in events {
            now += HASH / 4;
            model.apply(&mut queue, event, now);
            model.check(&queue);
        }
        for ticket in model.in_state(ModelState::Running) {
            queue.finish(ticket, HASH);
        }
        // No starvation: every job has its turn.
        for _ in model.in_state(ModelState::Ready) {
            now += HASH * SLOW_PART;
            prop_assert!(queue.take(now).is_some());
        }
        for ticket in model.live.keys() {
            queue.release(*ticket);
        }
        prop_assert_eq!((queue.held(), queue.tickets.len()), (0, 0));
        prop_assert!(queue.known.is_empty() && queue.strangers.is_empty() && queue.slow.is_empty());
    }

    #[test]
    fn a_ticket_has_its_turn_no_later_than_estimated(
        parties in proptest::collection::vec(party(), 0..120),
        turns in 0..20_usize,
        last in party(),
    ) {
        prop_assume!(Lane::of(last) != Lane::Slow);
        let mut queue = queue(1, LONG);
        for party in parties.into_iter().filter(|party| Lane::of(*party) != Lane::Slow) {
            add(&mut queue, party);
        }
        run(&mut queue, turns);
        let place = LanePlace::of(last);
        let estimated = queue.estimate(place);
        if let Some(ticket) = add(&mut queue, last) {
            let before = run(&mut queue, 1_000).iter().position(|taken| *taken == ticket).unwrap();
            prop_assert!(queue.mean * u32::try_from(before).unwrap() <= estimated, "{before} {estimated:?}");
        }
    }

    #[test]
    fn those_who_overtake_and_keep_coming_delay_a_ticket_no_longer_than_estimated(
        parties in proptest::collection::vec(party(), 0..60),
        turns in 0..20_usize,
        last in party(),
    ) {
        prop_assume!(Lane::of(last) != Lane::Slow);
        let mut queue = queue(1, LONG);
        for party in parties.into_iter().filter(|party| Lane::of(*party) != Lane::Slow) {
            add(&mut queue, party);
        }
        run(&mut queue, turns);
        let is_known = Lane::of(last) == Lane::Known;
        let others = if is_known { queue.strangers.held() } else { queue.known.held() };
        let first = LanePlace::of(last).path[0];
        let has_new = match is_known {
            true => queue.known.has_new_members_beside(first),
            false => queue.strangers.has_new_members_beside(first),
        };
        let estimated = queue.estimate(LanePlace::of(last));
        let Some(ticket) = add(&mut queue, last) else { return Ok(()) };
        let mut before = 0_u32;
        for number in 1_000.. {
            for (comes, of_known) in [(others > 0, !is_known), (has_new, is_known)] {
                let party = if of_known { known(number) } else { stranger(number, number, number) };
                comes.then(|| add(&mut queue, party));
            }
            // It made room for others: it was refused then.
            if !queue.tickets.get(&ticket).is_some_and(|found| matches!(found.state, TicketState::Ready(..))) {
                return Ok(());
            }
            if step(&mut queue, Duration::ZERO) == Some(ticket) {
                break;
            }
            before += 1;
        }
        prop_assert!(queue.mean * before <= estimated, "{before} {estimated:?}");
    }

    #[test]
    fn clients_that_always_wait_have_equal_shares(
        clients in 2..6_u64,
        rounds in 1..20_usize,
        depth in 0..4_usize,
        most in 3..8_u64,
    ) {
        let mut queue = queue(1, LONG);
        let party = |client: u64, number: u64| match depth {
            0 => known(client),
            1 => stranger(client, number, number),
            2 => stranger(1, client, number),
            _ => stranger(1, 1, client),
        };
        let mut owners = HashMap::new();
        let mut turn = |queue: &mut TestQueue| {
            // The first client has more tickets than the others.
            for client in 0..clients {
                let wanted = if client == 0 { most } else { 2 };
                for number in owners.values().filter(|owner| **owner == client).count() as u64..wanted {
                    owners.insert(add(queue, party(client, number)).unwrap(), client);
                }
            }
            owners.remove(&step(queue, Duration::ZERO).unwrap()).unwrap()
        };
        let mut unserved: Vec<_> = (0..clients).collect();
        while !unserved.is_empty() {
            let client = turn(&mut queue);
            unserved.retain(|other| *other != client);
        }
        let mut turns = vec![0; usize::try_from(clients).unwrap()];
        for _ in 0..rounds * turns.len() {
            turns[usize::try_from(turn(&mut queue)).unwrap()] += 1;
        }
        prop_assert!(turns.iter().all(|turns| *turns == rounds), "{turns:?}");
    }
}
