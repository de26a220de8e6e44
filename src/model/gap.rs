//! Stretches of time before the watermark that are still to be read.

use super::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// From one time up to, not including, another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// A stretch of which something is still to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gap {
    /// Which part of the cell, in the source's own words; empty for all of it.
    pub part: Arc<str>,
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// What is still to be read, by part and time. Stretches of one part neither overlap nor touch, and none is empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Gaps(BTreeMap<Arc<str>, Vec<Stretch>>);

impl Gaps {
    /// Makes a stretch of `part` one that is to be read.
    pub fn add(&mut self, part: &str, from: Timestamp, to: Timestamp) {
        if from >= to {
            return;
        }
        if !self.0.contains_key(part) {
            self.0.insert(part.into(), Vec::new());
        }
        let Some(held) = self.0.get_mut(part) else { return };
        let first = held.partition_point(|stretch| stretch.to < from);
        let past = held.partition_point(|stretch| stretch.from <= to);
        let one = held[first..past].iter().fold(Stretch { from, to }, |one, stretch| Stretch {
            from: one.from.min(stretch.from),
            to: one.to.max(stretch.to),
        });
        held.splice(first..past, [one]);
    }

    /// A stretch of `part` is read.
    pub fn remove(&mut self, part: &str, from: Timestamp, to: Timestamp) {
        let Some(held) = self.0.get_mut(part).filter(|_| from < to) else { return };
        let first = held.partition_point(|stretch| stretch.to <= from);
        let past = held.partition_point(|stretch| stretch.from < to);
        let cut = &held[first..past];
        let before = cut.first().map(|stretch| Stretch { to: from, ..*stretch });
        let after = cut.last().map(|stretch| Stretch { from: to, ..*stretch });
        let left: Vec<Stretch> =
            before.into_iter().chain(after).filter(|stretch| stretch.from < stretch.to).collect();
        held.splice(first..past, left);
        if held.is_empty() {
            self.0.remove(part);
        }
    }

    /// Forgets a part.
    pub fn forget(&mut self, part: &str) {
        self.0.remove(part);
    }

    /// Adds every stretch of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (part, stretch) in other.stretches() {
            self.add(part, stretch.from, stretch.to);
        }
    }

    /// The stretches of `part`, oldest first.
    pub fn of(&self, part: &str) -> &[Stretch] {
        self.0.get(part).map_or(&[], Vec::as_slice)
    }

    /// The newest stretch of each part.
    pub fn newest(&self) -> impl Iterator<Item = (&Arc<str>, Stretch)> {
        self.0.iter().filter_map(|(part, held)| Some((part, *held.last()?)))
    }

    /// Every stretch and its part, oldest first within a part.
    pub fn stretches(&self) -> impl Iterator<Item = (&Arc<str>, Stretch)> {
        self.0.iter().flat_map(|(part, held)| held.iter().map(move |stretch| (part, *stretch)))
    }

    /// How many stretches there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether nothing is to be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the oldest begins.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|held| held.first()).map(|stretch| stretch.from).min()
    }

    /// Leaves out what lies at or after `end`.
    pub fn end_by(&mut self, end: Timestamp) {
        for held in self.0.values_mut() {
            held.retain(|stretch| stretch.from < end);
            if let Some(last) = held.last_mut() {
                last.to = last.to.min(end);
            }
        }
        self.0.retain(|_, held| !held.is_empty());
    }

    /// Keeps at most `most` stretches, at the price of reading again what lies between them: each part becomes one
    /// stretch, and where that is not enough all parts together do.
    pub fn bound(&mut self, most: usize) {
        if self.len() <= most {
            return;
        }
        for held in self.0.values_mut() {
            if let (Some(first), Some(last)) = (held.first(), held.last()) {
                *held = vec![Stretch { from: first.from, to: last.to }];
            }
        }
        if self.len() > most {
            let ends = || self.0.values().flatten();
            let whole = ends().map(|stretch| stretch.from).min().zip(ends().map(|stretch| stretch.to).max());
            self.0.clear();
            if let Some((from, to)) = whole {
                self.add("", from, to);
            }
        }
    }
}

impl FromIterator<Gap> for Gaps {
    fn from_iter<T: IntoIterator<Item = Gap>>(gaps: T) -> Self {
        let mut all = Self::default();
        for gap in gaps {
            all.add(&gap.part, gap.from, gap.to);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    fn told(gaps: &Gaps) -> Vec<String> {
        gaps.stretches().map(|(part, s)| format!("{part}{}-{}", s.from.secs(), s.to.secs())).collect()
    }

    fn of(list: &[(&str, i64, i64)]) -> Gaps {
        let gap =
            |(part, from, to): &(&str, i64, i64)| Gap { part: (*part).into(), from: at(*from), to: at(*to) };
        list.iter().map(gap).collect()
    }

    #[test]
    fn stretches_that_touch_are_one_and_parts_stay_apart() {
        let gaps = of(&[("b", 5, 9), ("a", 10, 20), ("a", 20, 30), ("a", 40, 50), ("a", 7, 7)]);
        assert_eq!(told(&gaps), ["a10-30", "a40-50", "b5-9"]);
        assert_eq!((gaps.oldest(), gaps.len()), (Some(at(5)), 3));
        let newest: Vec<i64> = gaps.newest().map(|(_, stretch)| stretch.from.secs()).collect();
        assert_eq!(newest, [40, 5]);
    }

    #[test]
    fn what_is_read_is_cut_out() {
        let mut gaps = of(&[("", 10, 30), ("", 40, 50)]);
        gaps.remove("", at(15), at(20));
        assert_eq!(told(&gaps), ["10-15", "20-30", "40-50"]);
        gaps.remove("", at(12), at(45));
        assert_eq!(told(&gaps), ["10-12", "45-50"]);
        gaps.remove("other", at(0), at(100));
        gaps.end_by(at(46));
        assert_eq!(told(&gaps), ["10-12", "45-46"]);
        gaps.end_by(at(12));
        assert_eq!(told(&gaps), ["10-12"]);
        gaps.remove("", at(0), at(100));
        assert!(gaps.is_empty() && gaps.oldest().is_none());
    }

    #[test]
    fn too_many_become_one_a_part_and_then_one_at_all() {
        let mut gaps = of(&[("a", 0, 1), ("a", 2, 3), ("b", 5, 6), ("b", 8, 9)]);
        gaps.bound(4);
        assert_eq!(gaps.len(), 4);
        gaps.bound(3);
        assert_eq!(told(&gaps), ["a0-3", "b5-9"]);
        gaps.bound(1);
        assert_eq!(told(&gaps), ["0-9"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn they_are_the_set_of_seconds_that_they_stand_for(
            steps in prop::collection::vec((any::<bool>(), 0..40_i64, 0..10_i64), 0..30)
        ) {
            let (mut gaps, mut set) = (Gaps::default(), BTreeSet::new());
            for (add, from, long) in steps {
                if add {
                    gaps.add("p", at(from), at(from + long));
                    set.extend(from..from + long);
                } else {
                    gaps.remove("p", at(from), at(from + long));
                    set.retain(|second| !(from..from + long).contains(second));
                }
                let held = gaps.of("p");
                prop_assert!(held.is_sorted_by(|a, b| a.to < b.from));
                let seconds: BTreeSet<i64> =
                    held.iter().flat_map(|stretch| stretch.from.secs()..stretch.to.secs()).collect();
                prop_assert_eq!(&seconds, &set);
            }
        }
    }
}
