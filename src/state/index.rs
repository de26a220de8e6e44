//! The remembered runs of a cell: 24 bytes each, found by key, forgotten by slice.

use crate::model::{RunKey, Seen, SeenRun, Slice};
use std::collections::BTreeMap;

/// Entries of one shelf, on average, when shelves are doubled: moving half of it for one insertion is still cheap.
const FULL: usize = 512;

/// What is remembered of each run.
///
/// Sorted shelves, chosen by the first bits of the key, which are evenly spread. A hash map would take twice the memory
/// while it grows, a tree a third more at all times; this takes 24 bytes an entry and some 5 % of slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// 2^bits shelves.
    shelves: Vec<Vec<SeenRun>>,
    bits: u32,
    len: usize,
    /// How many runs stand in each slice.
    slices: BTreeMap<Slice, usize>,
    /// Runs as a ledger gave them back, each once. The first page needs none of them, so they are put on the shelves
    /// when that is out; until then they are found one by one.
    heap: Vec<SeenRun>,
}

impl Default for Index {
    fn default() -> Self {
        Self { shelves: vec![Vec::new()], bits: 0, len: 0, slices: BTreeMap::new(), heap: Vec::new() }
    }
}

impl Index {
    /// An index of `runs`, in any order, that are not sorted yet.
    pub(super) fn heaped(runs: Vec<SeenRun>) -> Self {
        Self { heap: runs, ..Self::default() }
    }

    /// Puts the heap on shelves. Where a run stands in it twice, the later time holds.
    pub(super) fn settle(&mut self) {
        if self.heap.is_empty() {
            return;
        }
        let mut heap = std::mem::take(&mut self.heap);
        heap.sort_unstable();
        // Of equal neighbours `dedup` keeps the first, so the later one is moved there.
        heap.dedup_by(|later, first| {
            let same = later.run == first.run;
            if same {
                *first = *later;
            }
            same
        });
        for run in &heap {
            *self.slices.entry(Slice::of(run.at())).or_default() += 1;
        }
        self.len = heap.len();
        while self.len > FULL << self.bits {
            self.bits += 1;
        }
        // Shelves are cut from its end and the rest given back by and by: the runs are never there twice.
        let mut shelves = Vec::with_capacity(1 << self.bits);
        for number in (1..1_u64 << self.bits).rev() {
            let first = number << (u64::BITS - self.bits);
            shelves.push(heap.split_off(heap.partition_point(|run| run.run.spread() < first)));
            if heap.capacity() / 8 * 7 > heap.len() {
                heap.shrink_to_fit();
            }
        }
        heap.shrink_to_fit();
        shelves.push(heap);
        shelves.reverse();
        self.shelves = shelves;
    }

    /// How many runs are remembered.
    pub(super) fn len(&self) -> usize {
        self.len + self.heap.len()
    }

    /// How many runs stand in each slice, the oldest first.
    pub(super) fn slices(&self) -> impl Iterator<Item = (Slice, usize)> {
        self.slices.iter().map(|(slice, count)| (*slice, *count))
    }

    /// What is remembered of a run.
    pub(super) fn get(&self, run: RunKey) -> Option<Seen> {
        let shelf = &self.shelves[self.shelf(run)];
        let shelved = shelf.binary_search_by_key(&run, |known| known.run).ok().map(|place| shelf[place]);
        shelved.or_else(|| self.heap.iter().find(|known| known.run == run).copied()).map(SeenRun::seen)
    }

    /// Remembers a run, in the place of what was remembered of it.
    pub(super) fn insert(&mut self, run: RunKey, seen: Seen) {
        self.settle();
        let at = self.shelf(run);
        let shelf = &mut self.shelves[at];
        *self.slices.entry(Slice::of(seen.at)).or_default() += 1;
        match shelf.binary_search_by_key(&run, |known| known.run) {
            Ok(place) => {
                let before = std::mem::replace(&mut shelf[place], SeenRun::new(run, seen));
                self.leave(Slice::of(before.at()));
            }
            Err(place) => {
                if shelf.len() == shelf.capacity() {
                    // Doubling, as a Vec does by itself, would leave a third of all memory unused.
                    shelf.reserve_exact(shelf.len() / 8 + 4);
                }
                shelf.insert(place, SeenRun::new(run, seen));
                self.len += 1;
                if self.len > FULL << self.bits {
                    self.double();
                }
            }
        }
    }

    /// Forgets the runs of every slice before `first`.
    pub(super) fn forget_before(&mut self, first: Slice) {
        self.settle();
        if self.slices.range(..first).next().is_none() {
            return;
        }
        self.slices = self.slices.split_off(&first);
        for shelf in &mut self.shelves {
            shelf.retain(|run| Slice::of(run.at()) >= first);
            if shelf.capacity() > shelf.len() / 4 * 5 + 8 {
                shelf.shrink_to_fit();
            }
        }
        self.len = self.shelves.iter().map(Vec::len).sum();
        while self.bits > 0 && self.len < (FULL / 4) << self.bits {
            self.halve();
        }
    }

    /// The memory it takes, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let shelf = |shelf: &Vec<SeenRun>| size_of_val(shelf) + shelf.capacity() * size_of::<SeenRun>();
        self.shelves.iter().chain([&self.heap]).map(shelf).sum()
    }

    fn shelf(&self, run: RunKey) -> usize {
        // A shift by 64 is none; with one shelf there is nothing to choose.
        let place = run.spread().checked_shr(u64::BITS - self.bits).unwrap_or(0);
        usize::try_from(place).unwrap_or(0)
    }

    fn leave(&mut self, slice: Slice) {
        if let Some(count) = self.slices.get_mut(&slice) {
            *count -= 1;
            if *count == 0 {
                self.slices.remove(&slice);
            }
        }
    }

    fn double(&mut self) {
        self.bits += 1;
        let shelves = std::mem::take(&mut self.shelves);
        for (number, mut lower) in shelves.into_iter().enumerate() {
            let upper_first = (number as u64 * 2 + 1) << (u64::BITS - self.bits);
            let upper = lower.split_off(lower.partition_point(|known| known.run.spread() < upper_first));
            lower.shrink_to_fit();
            self.shelves.extend([lower, upper]);
        }
    }

    fn halve(&mut self) {
        self.bits -= 1;
        let mut shelves = std::mem::take(&mut self.shelves).into_iter();
        while let (Some(mut lower), Some(upper)) = (shelves.next(), shelves.next()) {
            lower.reserve_exact(upper.len());
            lower.extend(upper);
            self.shelves.push(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Facets, Outcome, RunId, Timestamp};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn key(n: u32) -> RunKey {
        RunKey::of(&RunId { instance: n.to_string().into(), round: 0 })
    }

    fn seen(hour: u32) -> Seen {
        let at = Timestamp::from_secs(i64::from(hour * 3600 + 7));
        Seen { outcome: Some(Outcome::Failed), facets: Facets::default(), unknown: 0, at }
    }

    fn sorted(index: &Index) -> bool {
        let flat: Vec<RunKey> = index.shelves.iter().flatten().map(|known| known.run).collect();
        let placed = |(number, shelf): (usize, &Vec<SeenRun>)| {
            shelf.iter().all(|known| index.shelf(known.run) == number)
        };
        index.shelves.iter().enumerate().all(placed)
            && flat.is_sorted()
            && flat.len() == index.len
            && index.shelves.len() == 1 << index.bits
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn it_is_a_map_that_forgets_by_slice(
            steps in prop::collection::vec((0..3000_u32, 0..50_u32, prop::bool::weighted(0.002)), 0..4000)
        ) {
            let (mut index, mut map, mut first) = (Index::default(), HashMap::new(), 0);
            for (run, hour, forget) in steps {
                if forget {
                    first = first.max(hour);
                    index.forget_before(Slice(first));
                    map.retain(|_, hour| *hour >= first);
                }
                index.insert(key(run), seen(hour.max(first)));
                map.insert(run, hour.max(first));
            }
            prop_assert!(sorted(&index));
            prop_assert_eq!(index.len(), map.len());
            prop_assert_eq!(index.slices.values().sum::<usize>(), map.len());
            for run in 0..3000 {
                prop_assert_eq!(index.get(key(run)), map.get(&run).map(|hour| seen(*hour)));
            }
        }
    }

    #[test]
    fn a_run_takes_at_most_32_bytes_however_the_index_came_about() {
        let mut grown = Index::default();
        let mut twice = Vec::new();
        for run in 0..200_000 {
            grown.insert(key(run), seen(run % 168));
            twice.extend([SeenRun::new(key(run), seen(run % 168)), SeenRun::new(key(run), seen(0))]);
            if run > 1000 && run % 1000 == 0 {
                assert!(grown.bytes() < grown.len() * 32, "{} for {}", grown.bytes(), grown.len());
            }
        }
        let mut built = Index::heaped(twice);
        assert_eq!(built.get(key(7)), grown.get(key(7)), "found before it is shelved");
        built.settle();
        assert!(sorted(&built) && built.bytes() < built.len() * 32);
        assert_eq!((built.len(), built.slices.clone()), (grown.len(), grown.slices.clone()));
        for run in 0..200_000 {
            assert_eq!(built.get(key(run)), grown.get(key(run)));
        }
        grown.forget_before(Slice(160));
        assert!(sorted(&grown) && grown.bytes() < grown.len() * 32);
        assert!(grown.bits < 9, "shelves that are nearly empty are put together");
    }
}
