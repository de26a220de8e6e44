//! Stretches of LastUpdateTime, each read as one listing.

use crate::model::{Stretch, Timestamp};
use std::time::Duration;

/// What changed from one time to another; without them, since ever or until whenever it is read.
///
/// Whether the API counts a change in the second of `LastUpdateTimeTo` is not documented, so neighbouring slices share
/// the second between them: read twice it is counted once, read never it is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Slice {
    /// `LastUpdateTimeFrom`.
    pub(super) from: Option<Timestamp>,
    /// `LastUpdateTimeTo`.
    pub(super) to: Option<Timestamp>,
}

impl Slice {
    /// What changed since `from`, changes still to come included.
    pub(super) fn since(from: Option<Timestamp>) -> Self {
        Self { from, to: None }
    }

    /// A stretch of what changed long ago. The second in which it ends is read whole.
    pub(super) fn of(stretch: Stretch) -> Self {
        let end = Timestamp::from_millis(stretch.to.millis().saturating_add(999));
        Self { from: Some(stretch.from), to: Some(Timestamp::from_secs(end.secs())) }
    }

    /// The older and the newer half, the open ends taken to be at `first` and `last`; `None` where there is but one
    /// second.
    pub(super) fn halves(self, first: Timestamp, last: Timestamp) -> Option<(Self, Self)> {
        let from = self.from.unwrap_or(first).secs();
        let long = Timestamp::from_secs(self.to.unwrap_or(last).secs()).since(Timestamp::from_secs(from))?;
        let middle = Timestamp::from_secs(from).plus(Duration::from_secs(long.as_secs() / 2));
        (middle.secs() > from)
            .then_some((Self { to: Some(middle), ..self }, Self { from: Some(middle), ..self }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn slice(from: i64, to: i64) -> Slice {
        Slice { from: Some(at(from)), to: Some(at(to)) }
    }

    #[test]
    fn halves_meet_at_a_whole_second_and_end_at_one() {
        let (first, last) = (at(0), at(20_999));
        assert_eq!(
            slice(10_500, 13_200).halves(first, last),
            Some((slice(10_500, 11_000), slice(11_000, 13_200)))
        );
        assert_eq!(slice(10_500, 11_000).halves(first, last), None);
        assert_eq!(slice(10_000, 11_000).halves(first, last), None);
        assert_eq!(slice(11_000, 10_000).halves(first, last), None);
    }

    #[test]
    fn a_stretch_is_read_with_the_second_in_which_it_ends() {
        let of = |from, to| Slice::of(Stretch { from: at(from), to: at(to) });
        assert_eq!(of(10_500, 13_001), slice(10_500, 14_000));
        assert_eq!(of(10_500, 13_000), slice(10_500, 13_000));
    }

    #[test]
    fn open_ends_stay_open() {
        let (older, newer) = Slice::since(None).halves(at(0), at(20_999)).unwrap();
        assert_eq!(
            (older, newer),
            (Slice { from: None, to: Some(at(10_000)) }, Slice { from: Some(at(10_000)), to: None })
        );
        assert_eq!(newer.halves(at(0), at(20_999)).unwrap().1, Slice::since(Some(at(15_000))));
        assert_eq!(Slice::since(Some(at(20_000))).halves(at(0), at(20_999)), None);
    }
}
