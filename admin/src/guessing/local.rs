//! The counters of this process, for the time in which Redis does not answer: fewer slots, and no other service sees
//! them.

use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::attempt::Charge;
use super::counters::{CountVerdict, Counters, Taken};
use super::window::{WindowCounts, WindowMoment};
use crate::limits::{CounterTable, LimitRule};

/// The slots of a window. With two windows of each table it takes 1.3 MB.
const SLOTS: usize = 1 << 16;

/// The tables. Empty until they are used.
#[derive(Debug, Default)]
pub(super) struct LocalCounters {
    tables: Mutex<[LocalTable; CounterTable::ALL.len()]>,
}

/// The last windows of one table, the newest first.
#[derive(Debug, Default)]
struct LocalTable([LocalWindow; 2]);

#[derive(Debug, Default)]
struct LocalWindow {
    number: u64,
    counts: Vec<u16>,
}

impl LocalTable {
    fn counted(&self, charge: &Charge, moment: WindowMoment) -> WindowCounts {
        let in_window = |number: Option<u64>| {
            let window = self.0.iter().find(|window| Some(window.number) == number);
            window.and_then(|window| window.counts.get(place(charge.slot))).copied().map_or(0, u64::from)
        };
        WindowCounts { now: in_window(Some(moment.window)), before: in_window(moment.window.checked_sub(1)) }
    }

    /// The counter of a slot; a window that is newer than both replaces the older one.
    fn counter(&mut self, slot: u32, number: u64) -> Option<&mut u16> {
        let Self([newest, older]) = self;
        if newest.counts.is_empty() || number > newest.number {
            std::mem::swap(newest, older);
            *newest = LocalWindow { number, counts: vec![0; SLOTS] };
        }
        let window = [newest, older].into_iter().find(|window| window.number == number)?;
        window.counts.get_mut(place(slot))
    }
}

fn place(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(0) % SLOTS
}

impl LocalCounters {
    fn with<T>(&self, work: impl FnOnce(&mut [LocalTable; CounterTable::ALL.len()]) -> T) -> T {
        work(&mut self.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn windows(
    tables: &mut [LocalTable; CounterTable::ALL.len()],
    table: CounterTable,
) -> Option<&mut LocalTable> {
    let place = CounterTable::ALL.iter().position(|known| *known == table)?;
    tables.get_mut(place)
}

impl Counters for LocalCounters {
    type Error = Infallible;

    async fn reserve(&self, charges: &[Charge], now: u64) -> Result<CountVerdict, Infallible> {
        Ok(self.with(|tables| {
            let (mut counted, mut is_slow) = (Vec::new(), false);
            let (mut full, mut may_downgrade) = (None, true);
            for charge in charges {
                let table = charge.bucket.table();
                let moment = WindowMoment::at(now, table.window());
                let Some(windows) = windows(tables, table) else { continue };
                let wait = windows.counted(charge, moment).wait(charge.limit, moment.elapsed, table.window());
                let is_over = wait > 0;
                match charge.rule {
                    LimitRule::RefuseIfSlow if !is_slow => continue,
                    LimitRule::Refuse | LimitRule::Downgrade | LimitRule::RefuseIfSlow if is_over => {
                        full = full.filter(|(_, longest)| *longest >= wait).or(Some((charge.bucket, wait)));
                        may_downgrade &= charge.rule == LimitRule::Downgrade;
                    }
                    LimitRule::Slow => is_slow |= is_over,
                    LimitRule::Refuse | LimitRule::Downgrade | LimitRule::RefuseIfSlow | LimitRule::Count => {
                    }
                }
                if !is_over {
                    counted.push(Taken { bucket: charge.bucket, window: moment.window, slot: charge.slot });
                }
            }
            if let Some((bucket, wait)) = full {
                return CountVerdict::Refused { bucket, wait, may_downgrade };
            }
            for taken in &counted {
                let counter = windows(tables, taken.bucket.table());
                if let Some(counter) = counter.and_then(|windows| windows.counter(taken.slot, taken.window)) {
                    *counter = counter.saturating_add(1);
                }
            }
            CountVerdict::Reserved { taken: counted, is_slow }
        }))
    }

    async fn give_back(&self, taken: &[Taken]) -> Result<(), Infallible> {
        self.with(|tables| {
            for taken in taken {
                let counter = windows(tables, taken.bucket.table());
                let is_kept = |windows: &&mut LocalTable| {
                    windows.0.iter().any(|window| window.number == taken.window && !window.counts.is_empty())
                };
                let counter = counter.filter(is_kept);
                if let Some(counter) = counter.and_then(|windows| windows.counter(taken.slot, taken.window)) {
                    *counter = counter.saturating_sub(1);
                }
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Bucket;

    fn charge(bucket: Bucket, slot: u32, rule: LimitRule) -> Charge {
        Charge { bucket, slot, limit: bucket.usual_limit(), rule }
    }

    async fn reserve(counters: &LocalCounters, charges: &[Charge], now: u64) -> CountVerdict {
        let Ok(verdict) = counters.reserve(charges, now).await;
        verdict
    }

    fn passed(verdict: &CountVerdict) -> bool {
        matches!(verdict, CountVerdict::Reserved { .. })
    }

    #[tokio::test]
    async fn an_attempt_is_counted_in_all_of_its_buckets_or_in_none() {
        let counters = LocalCounters::default();
        let (full, other) =
            (charge(Bucket::Session, 1, LimitRule::Refuse), charge(Bucket::Device, 2, LimitRule::Refuse));
        for _ in 0..5 {
            assert!(passed(&reserve(&counters, &[full], 6000).await));
        }
        for _ in 0..20 {
            let refused = CountVerdict::Refused { bucket: Bucket::Session, wait: 720, may_downgrade: false };
            assert_eq!(reserve(&counters, &[other, full], 6000).await, refused);
        }
        for _ in 0..10 {
            assert!(passed(&reserve(&counters, &[other], 6000).await));
        }
        assert!(!passed(&reserve(&counters, &[other], 6000).await));
    }

    #[tokio::test]
    async fn the_wait_is_that_of_the_full_bucket_that_has_room_last() {
        let counters = LocalCounters::default();
        let (short, day) =
            (charge(Bucket::NetworkAddress, 1, LimitRule::Downgrade), Bucket::NetworkAddressDay);
        let day = Charge { limit: 10, ..charge(day, 2, LimitRule::Downgrade) };
        for _ in 0..10 {
            assert!(passed(&reserve(&counters, &[short, day], 0).await));
        }
        let refused = |may_downgrade| CountVerdict::Refused {
            bucket: Bucket::NetworkAddressDay,
            wait: 86_400 + 8_640,
            may_downgrade,
        };
        assert_eq!(reserve(&counters, &[short, day], 0).await, refused(true));
        assert_eq!(reserve(&counters, &[day, short], 0).await, refused(true));
        let own = Charge { rule: LimitRule::Refuse, ..short };
        assert_eq!(reserve(&counters, &[own, day], 0).await, refused(false));
    }

    #[tokio::test]
    async fn past_the_limit_of_an_address_one_attempt_an_identifier_is_slow_and_the_next_is_refused() {
        let counters = LocalCounters::default();
        let address = Charge { limit: 2, ..charge(Bucket::AddressAttempts, 1, LimitRule::Slow) };
        let known = Charge { rule: LimitRule::Count, ..address };
        let slow = |slot| charge(Bucket::SlowIdentifier, slot, LimitRule::RefuseIfSlow);
        for _ in 0..2 {
            let CountVerdict::Reserved { taken, is_slow: false } =
                reserve(&counters, &[address, slow(1)], 0).await
            else {
                panic!("it is not slow yet");
            };
            assert_eq!(taken.len(), 1, "the slow bucket is not counted");
        }
        for slot in [1, 2] {
            let CountVerdict::Reserved { taken, is_slow: true } =
                reserve(&counters, &[address, slow(slot)], 0).await
            else {
                panic!("it is slow");
            };
            assert_eq!(taken.len(), 1, "past the limit the address is not counted any more");
            assert!(!passed(&reserve(&counters, &[address, slow(slot)], 0).await));
        }
        assert!(passed(&reserve(&counters, &[known], 0).await), "a known device is never refused");
    }

    #[tokio::test]
    async fn an_attempt_is_taken_back_in_the_window_in_which_it_was_counted() {
        let counters = LocalCounters::default();
        let one = charge(Bucket::Device, 7, LimitRule::Refuse);
        let CountVerdict::Reserved { taken, .. } = reserve(&counters, &[one], 599).await else {
            panic!("counted")
        };
        for _ in 0..9 {
            assert!(passed(&reserve(&counters, &[one], 600).await));
        }
        assert!(!passed(&reserve(&counters, &[one], 600).await));
        let Ok(()) = counters.give_back(&taken).await;
        assert!(passed(&reserve(&counters, &[one], 600).await));
        assert!(!passed(&reserve(&counters, &[one], 600).await));
        // Twice is a mistake of the caller, and takes nothing of others.
        let Ok(()) = counters.give_back(&taken).await;
        assert!(!passed(&reserve(&counters, &[one], 600).await));
        // A window that is gone stays gone.
        assert!(passed(&reserve(&counters, &[one], 6000).await));
        let Ok(()) = counters.give_back(&taken).await;
    }
}
