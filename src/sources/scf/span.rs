//! Stretches of time that one query may cover.

use crate::model::{Stretch, Timestamp, Zone};

/// The longest stretch, in seconds: the API refuses more than a day between start and end.
const LONGEST: i64 = 86_400;

/// From the second `from` to the second `to`, both part of it.
///
/// Whether the API counts a row that starts in the second of `EndTime` is not documented, so neighbouring spans share
/// the second between them: read twice it is counted once, read never it is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    from: i64,
    to: i64,
}

impl Span {
    /// The spans that cover `stretch`, oldest first. The second in which it ends is read whole.
    pub(super) fn cover(stretch: Stretch) -> impl Iterator<Item = Self> {
        let end = Timestamp::from_millis(stretch.to.millis().saturating_add(999));
        let (from, to) = (stretch.from.secs(), end.secs());
        let next = move |start: i64| Some(start.saturating_add(LONGEST)).filter(|next| *next < to);
        std::iter::successors((from < to).then_some(from), move |start| next(*start))
            .map(move |start| Self { from: start, to: to.min(start.saturating_add(LONGEST)) })
    }

    /// Both halves, or `None` where there is but one second.
    pub(super) fn halves(self) -> Option<(Self, Self)> {
        let middle = self.from + (self.to - self.from) / 2;
        (middle > self.from).then_some((Self { to: middle, ..self }, Self { from: middle, ..self }))
    }

    /// The time it covers.
    pub(super) fn stretch(self) -> Stretch {
        Stretch { from: Timestamp::from_secs(self.from), to: Timestamp::from_secs(self.to) }
    }

    /// `StartTime` and `EndTime`.
    pub(super) fn write(self, zone: Zone) -> (String, String) {
        (zone.write(self.stretch().from), zone.write(Timestamp::from_secs(self.to)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_time_is_covered_day_by_day_with_no_gap() {
        let cover = |from, to| {
            let at = Timestamp::from_millis;
            Span::cover(Stretch { from: at(i64::from(from) * 1000), to: at(to) })
        };
        let spans: Vec<Span> = cover(1000, (1000 + 2 * 86_400 + 5) * 1000 + 1).collect();
        assert_eq!(
            spans,
            [
                Span { from: 1000, to: 87_400 },
                Span { from: 87_400, to: 173_800 },
                Span { from: 173_800, to: 173_806 }
            ]
        );
        assert_eq!(cover(5, 5001).count(), 1, "a second begun is one");
        assert_eq!(cover(9, 5000).count(), 0);
        assert_eq!(cover(0, 86_400_000).count(), 1);
        let at = Timestamp::from_secs;
        assert_eq!(spans[0].stretch(), Stretch { from: at(1000), to: at(87_400) });
    }

    #[test]
    fn halving_ends_at_one_second() {
        let span = Span { from: 10, to: 13 };
        let (left, right) = span.halves().unwrap();
        assert_eq!((left, right), (Span { from: 10, to: 11 }, Span { from: 11, to: 13 }));
        assert_eq!(left.halves(), None);
        assert_eq!(span.write(Zone::utc()), ("1970-01-01 00:00:10".into(), "1970-01-01 00:00:13".into()));
    }
}
