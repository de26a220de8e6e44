//! The remembered runs of a cell: 24 bytes each, found by key, forgotten by slice.

use crate::model::{RunKey, Seen, Slice};
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
    shelves: Vec<Vec<(RunKey, u64)>>,
    bits: u32,
    len: usize,
    /// How many runs stand in each slice.
    slices: BTreeMap<Slice, usize>,
}

impl Default for Index {
    fn default() -> Self {
        Self { shelves: vec![Vec::new()], bits: 0, len: 0, slices: BTreeMap::new() }
    }
}

impl Index {
    /// An index of `entries`; where a run stands in it twice, the later one holds.
    pub(super) fn build(entries: &[(RunKey, Seen)]) -> Self {
        let mut index = Self::default();
        while entries.len() > FULL << index.bits {
            index.bits += 1;
        }
        let mut sizes = vec![0; 1 << index.bits];
        for (run, _) in entries {
            sizes[index.shelf(*run)] += 1;
        }
        index.shelves = sizes.into_iter().map(Vec::with_capacity).collect();
        for (run, seen) in entries {
            let shelf = index.shelf(*run);
            index.shelves[shelf].push((*run, seen.pack()));
        }
        for shelf in &mut index.shelves {
            shelf.sort_by_key(|(run, _)| *run);
            // Of equal neighbours `dedup` keeps the first, so the later one's value is moved there.
            shelf.dedup_by(|later, first| {
                let same = later.0 == first.0;
                if same {
                    first.1 = later.1;
                }
                same
            });
            for seen in shelf.iter().filter_map(|(_, bits)| Seen::unpack(*bits)) {
                *index.slices.entry(Slice::of(seen.at)).or_default() += 1;
            }
        }
        index.len = index.shelves.iter().map(Vec::len).sum();
        index
    }

    /// How many runs are remembered.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What is remembered of a run.
    pub(super) fn get(&self, run: RunKey) -> Option<Seen> {
        let shelf = &self.shelves[self.shelf(run)];
        let place = shelf.binary_search_by_key(&run, |(run, _)| *run).ok()?;
        Seen::unpack(shelf[place].1)
    }

    /// Remembers a run, in the place of what was remembered of it.
    pub(super) fn insert(&mut self, run: RunKey, seen: Seen) {
        let at = self.shelf(run);
        let shelf = &mut self.shelves[at];
        *self.slices.entry(Slice::of(seen.at)).or_default() += 1;
        match shelf.binary_search_by_key(&run, |(run, _)| *run) {
            Ok(place) => {
                let before = std::mem::replace(&mut shelf[place].1, seen.pack());
                if let Some(before) = Seen::unpack(before) {
                    self.leave(Slice::of(before.at));
                }
            }
            Err(place) => {
                if shelf.len() == shelf.capacity() {
                    // Doubling, as a Vec does by itself, would leave a third of all memory unused.
                    shelf.reserve_exact(shelf.len() / 8 + 4);
                }
                shelf.insert(place, (run, seen.pack()));
                self.len += 1;
                if self.len > FULL << self.bits {
                    self.double();
                }
            }
        }
    }

    /// Forgets the runs of every slice before `first`.
    pub(super) fn forget_before(&mut self, first: Slice) {
        if self.slices.range(..first).next().is_none() {
            return;
        }
        self.slices = self.slices.split_off(&first);
        for shelf in &mut self.shelves {
            shelf.retain(|(_, bits)| Seen::unpack(*bits).is_some_and(|seen| Slice::of(seen.at) >= first));
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
        let shelf =
            |shelf: &Vec<(RunKey, u64)>| size_of_val(shelf) + shelf.capacity() * size_of::<(RunKey, u64)>();
        self.shelves.iter().map(shelf).sum()
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
            let upper = lower.split_off(lower.partition_point(|(run, _)| run.spread() < upper_first));
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
        let flat: Vec<RunKey> = index.shelves.iter().flatten().map(|(run, _)| *run).collect();
        flat.is_sorted() && flat.len() == index.len && index.shelves.len() == 1 << index.bits
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]
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
            twice.extend([(key(run), seen(9)), (key(run), seen(run % 168))]);
            if run > 1000 && run % 1000 == 0 {
                assert!(grown.bytes() < grown.len() * 32, "{} for {}", grown.bytes(), grown.len());
            }
        }
        let built = Index::build(&twice);
        assert_eq!((built.len(), built.slices.clone()), (grown.len(), grown.slices.clone()));
        for run in 0..200_000 {
            assert_eq!(built.get(key(run)), grown.get(key(run)));
        }
        grown.forget_before(Slice(160));
        assert!(sorted(&grown) && grown.bytes() < grown.len() * 32);
        assert!(grown.bits < 9, "shelves that are nearly empty are put together");
    }
}
