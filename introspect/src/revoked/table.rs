//! Open-addressing tables of atomic words: one writer, readers that never wait.
//!
//! An entry is a tag of 64 bits, and in some tables a number beside it. From high to low a tag holds 59 bits of
//! the hash, 4 bits for the time bucket in which the entry ends, and one flag. The other 5 bits of the hash
//! choose the shard, so that a tag represents the whole hash: a table can be rebuilt from itself, and two names
//! are confused with a probability of 2^-64, which can only refuse a valid token.
//!
//! Shards limit the cost of a rebuild: one thirty-second of the entries is copied, and all others stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};

const SHARD_BITS: u32 = 5;
const SHARDS: usize = 1 << SHARD_BITS;
const SMALLEST: usize = 16;

/// The number beside a tag.
pub(super) trait Number: Default + Send + Sync {
    /// Raises the number to `to`; it never falls.
    fn raise(&self, to: u64);
    /// The number.
    fn get(&self) -> u64;
}

/// The end of an entry and its flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// The bucket in which it ends, 1 to 15.
    pub(super) bucket: u8,
    /// The owner of the table defines its meaning; once set it stays set.
    pub(super) flag: bool,
}

/// All shards of a table.
pub(super) struct Sharded<N>(ArcSwap<Shards<N>>);

/// The shards at one moment.
pub(super) struct Shards<N>([Arc<Shard<N>>; SHARDS]);

struct Shard<N> {
    slots: Box<[Slot<N>]>,
    /// Changed only by the writer.
    used: AtomicUsize,
}

#[derive(Default)]
struct Slot<N> {
    /// Zero while the slot is empty; the bucket of an entry is never zero.
    tag: AtomicU64,
    number: N,
}

impl Number for () {
    fn raise(&self, _to: u64) {}

    fn get(&self) -> u64 {
        0
    }
}

impl Number for AtomicU64 {
    fn raise(&self, to: u64) {
        self.fetch_max(to, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
}

impl Label {
    const BITS: u32 = 5;

    fn of(tag: u64) -> Self {
        Self { bucket: (tag >> 1) as u8 & 15, flag: tag & 1 == 1 }
    }

    fn tag(self, hash: u64) -> u64 {
        hash << Self::BITS | u64::from(self.bucket) << 1 | u64::from(self.flag)
    }
}

impl<N: Number> Sharded<N> {
    pub(super) fn new() -> Self {
        let shards = std::array::from_fn(|_| Arc::new(Shard::with_room_for(0)));
        Self(ArcSwap::from_pointee(Shards(shards)))
    }

    /// The table as it is now, for several lookups.
    pub(super) fn read(&self) -> Guard<Arc<Shards<N>>> {
        self.0.load()
    }

    /// Adds `hash`, or raises its entry: the later bucket by `rank`, the flag, the number.
    ///
    /// Only one thread may write at a time; the owner holds a lock.
    pub(super) fn put(&self, hash: u64, label: Label, number: u64, rank: impl Fn(u8) -> u64) {
        if self.read().shard(hash).is_some_and(Shard::is_full) {
            self.rebuild(|place| place == shard_of(hash), |_| true);
        }
        if let Some(shard) = self.read().shard(hash) {
            shard.put(hash, label, number, rank);
        }
    }

    /// Keeps only the entries whose bucket passes the test.
    pub(super) fn retain(&self, keep: impl Fn(u8) -> bool) {
        self.rebuild(|_| true, keep);
    }

    fn rebuild(&self, which: impl Fn(usize) -> bool, keep: impl Fn(u8) -> bool) {
        let Shards(shards) = &**self.0.load();
        let rebuilt = std::array::from_fn(|place| match shards.get(place) {
            Some(shard) if !which(place) => Arc::clone(shard),
            Some(shard) => Arc::new(shard.rebuilt(&keep)),
            None => Arc::new(Shard::with_room_for(0)),
        });
        self.0.store(Arc::new(Shards(rebuilt)));
    }
}

impl<N: Number> Shards<N> {
    /// The entry of `hash`.
    pub(super) fn find(&self, hash: u64) -> Option<(Label, u64)> {
        let (slot, tag) = self.shard(hash)?.probe(hash)?;
        (tag != 0).then(|| (Label::of(tag), slot.number.get()))
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|shard| shard.used.load(Ordering::Relaxed)).sum()
    }

    /// How many bytes the entries take, including empty slots.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|shard| size_of_val(&*shard.slots)).sum()
    }

    fn shard(&self, hash: u64) -> Option<&Shard<N>> {
        self.0.get(shard_of(hash)).map(|shard| &**shard)
    }
}

impl<N: Number> Shard<N> {
    /// Sized so that `entries` fill 8/15 of it: it grows by half when 4/5 are full.
    fn with_room_for(entries: usize) -> Self {
        let slots = (entries * 15 / 8).max(SMALLEST);
        Self { slots: (0..slots).map(|_| Slot::default()).collect(), used: AtomicUsize::new(0) }
    }

    fn is_full(&self) -> bool {
        (self.used.load(Ordering::Relaxed) + 1) * 5 > self.slots.len() * 4
    }

    /// The slot of `hash` and its tag, or the empty slot for it. There always is one, because a fifth of the
    /// slots is empty.
    fn probe(&self, hash: u64) -> Option<(&Slot<N>, u64)> {
        let within = hash << SHARD_BITS;
        let start = ((u128::from(within) * self.slots.len() as u128) >> 64) as usize;
        let (before, after) = self.slots.split_at_checked(start)?;
        after.iter().chain(before).find_map(|slot| {
            let tag = slot.tag.load(Ordering::Acquire);
            let found = tag == 0 || tag >> Label::BITS == within >> SHARD_BITS;
            found.then_some((slot, tag))
        })
    }

    fn put(&self, hash: u64, label: Label, number: u64, rank: impl Fn(u8) -> u64) {
        let Some((slot, tag)) = self.probe(hash) else { return };
        let old = if tag == 0 { label } else { Label::of(tag) };
        let bucket = if rank(old.bucket) > rank(label.bucket) { old.bucket } else { label.bucket };
        let merged = Label { bucket, flag: label.flag || old.flag };
        // The number is written first: a reader that sees the tag of a new entry must also see its number.
        slot.number.raise(number);
        slot.tag.store(merged.tag(hash), Ordering::Release);
        self.used.fetch_add(usize::from(tag == 0), Ordering::Relaxed);
    }

    fn rebuilt(&self, keep: impl Fn(u8) -> bool) -> Self {
        let kept = || {
            self.slots.iter().filter_map(|slot| {
                let tag = slot.tag.load(Ordering::Relaxed);
                (tag != 0 && keep(Label::of(tag).bucket)).then_some((tag, slot.number.get()))
            })
        };
        let rebuilt = Self::with_room_for(kept().count());
        for (tag, number) in kept() {
            // The bits of the hash that choose the shard are not needed here: they are shifted out again.
            rebuilt.put(tag >> Label::BITS, Label::of(tag), number, |_| 0);
        }
        rebuilt
    }
}

fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARD_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(bucket: u8) -> Label {
        Label { bucket, flag: false }
    }

    /// Spreads small numbers over all 64 bits.
    fn spread(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    #[test]
    fn entries_survive_growth_and_only_the_named_buckets_go() {
        let table = Sharded::<AtomicU64>::new();
        for number in 1..10_000 {
            table.put(spread(number), label(1 + (number % 3) as u8), number, u64::from);
        }
        assert_eq!(table.read().len(), 9_999);
        table.retain(|bucket| bucket != 2);
        for number in 1..10_000 {
            let expected = (number % 3 != 1).then(|| (label(1 + (number % 3) as u8), number));
            assert_eq!(table.read().find(spread(number)), expected, "{number}");
        }
        assert_eq!(table.read().len(), 6_666);
    }

    #[test]
    fn entering_again_keeps_the_greater_of_all() {
        let table = Sharded::<AtomicU64>::new();
        table.put(7, Label { bucket: 3, flag: true }, 5, u64::from);
        table.put(7, Label { bucket: 2, flag: false }, 9, u64::from);
        table.put(7, Label { bucket: 1, flag: false }, 8, u64::from);
        assert_eq!(table.read().find(7), Some((Label { bucket: 3, flag: true }, 9)));
        assert_eq!(table.read().len(), 1);
    }

    #[test]
    fn neighbouring_and_extreme_hashes_are_distinguished() {
        let table = Sharded::<()>::new();
        let hashes = [0, 1, 2, u64::MAX, u64::MAX - 1, 1 << 59, 1 << 63, (1 << 59) - 1];
        for hash in hashes {
            assert_eq!(table.read().find(hash), None);
            table.put(hash, label(1), 0, u64::from);
        }
        assert!(hashes.iter().all(|hash| table.read().find(*hash).is_some()));
        assert_eq!(table.read().len(), hashes.len());
    }
}
