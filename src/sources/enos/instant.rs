//! Times in the API's texts, which name no zone and may be in two.

use crate::model::{RejectCause, Timestamp, Zone};
use crate::sources::lenient::Field;
use chrono::NaiveDateTime;
use std::time::Duration;

const HOUR: i64 = 3_600_000;

/// How long after its planned time a run starts, at most, for its times to be taken for ones of another zone.
const NEAR: i64 = HOUR / 2;

/// The widest two zones can be apart, in hours.
const WIDEST: i64 = 26;

/// How far ahead of ours the server's clock may be.
const AHEAD: Duration = Duration::from_secs(300);

/// Reads `yyyy-MM-dd HH:mm:ss`; what is there and cannot be read is noted in `flaws`.
pub(super) fn read(text: &Field<String>, zone: Zone, flaws: &mut Vec<RejectCause>) -> Option<Timestamp> {
    let read = zone.read(text.text());
    if read.is_none() && *text != Field::Absent {
        flaws.push(RejectCause::InvalidTimestamp);
    }
    read
}

/// Reads `EEE MMM dd HH:mm:ss zzz yyyy`, as Java prints a date.
///
/// Its zone is an abbreviation that means different zones in different places ("CST"), so all but UTC and GMT are
/// taken for the server's own.
pub(super) fn read_java(text: &str, zone: Zone) -> Option<Timestamp> {
    let [weekday, month, day, time, abbreviation, year] =
        text.split_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let plain = format!("{weekday} {month} {day} {time} {year}");
    let naive = NaiveDateTime::parse_from_str(&plain, "%a %b %d %H:%M:%S %Y").ok()?;
    let zone = match abbreviation {
        "UTC" | "GMT" => Zone::utc(),
        _ => zone,
    };
    zone.read(&naive.to_string())
}

/// The three times of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Times {
    pub(super) planned: Option<Timestamp>,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
}

impl Times {
    /// All three in one zone.
    ///
    /// Some deployments write the planned time in the zone they name and start and end in UTC (one record of the
    /// document's own samples does). Such a run seems to start whole hours before it was to. The planned time is the
    /// one that can be trusted: the search finds it by milliseconds since the epoch. So start and end are moved by
    /// those hours, which keeps the order of runs, makes the delay right and puts the end where it was; only left
    /// alone it would be hours off, and a run that has just ended could fall before the first poll's lookback.
    /// The run's duration is the same either way. A start that is early by some other time is left as it is.
    pub(super) fn aligned(self, now: Timestamp) -> Self {
        let (Some(planned), Some(started)) = (self.planned, self.started) else { return self };
        let early = planned.millis().saturating_sub(started.millis());
        let hours = early.saturating_add(HOUR - 1).div_euclid(HOUR);
        if !(1..=WIDEST).contains(&hours) || hours * HOUR - early > NEAR {
            return self;
        }
        let moved = |at: Timestamp| Timestamp::from_millis(at.millis().saturating_add(hours * HOUR));
        let aligned =
            Self { started: Some(moved(started)), ended: self.ended.map(moved), planned: self.planned };
        // What would lie in the future was not written in another zone: the run really started early.
        let latest = aligned.ended.max(aligned.started);
        if latest > Some(now.plus(AHEAD)) { self } else { aligned }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Zone::east8().read(text)
    }

    #[test]
    fn a_run_written_in_two_zones_is_put_into_one() {
        // tests/fixtures/enos/flow_instance_get_mixed_zone.json
        let told = Times {
            planned: at("2019-07-26 20:39:00"),
            started: at("2019-07-26 12:39:37"),
            ended: at("2019-07-26 12:39:42"),
        };
        let now = at("2019-07-26 21:00:00").unwrap();
        let aligned = told.aligned(now);
        assert_eq!(aligned.started, at("2019-07-26 20:39:37"));
        assert_eq!(aligned.ended, at("2019-07-26 20:39:42"));
        assert_eq!(aligned.planned, told.planned);
        let before_it_was_planned = at("2019-07-26 13:00:00").unwrap();
        assert_eq!(told.aligned(before_it_was_planned), told, "it really started early");
    }

    #[test]
    fn late_and_oddly_early_starts_are_left_alone() {
        let now = at("2021-02-03 00:00:00").unwrap();
        for started in
            ["2021-02-02 19:35:24", "2021-02-02 19:34:00", "2021-02-02 18:10:00", "2021-01-30 19:35:10"]
        {
            let told = Times { planned: at("2021-02-02 19:35:00"), started: at(started), ended: None };
            assert_eq!(told.aligned(now), told, "{started}");
        }
        let waiting = Times { planned: at("2021-02-02 19:35:00"), started: None, ended: None };
        assert_eq!(waiting.aligned(now), waiting);
        let extreme = Timestamp::from_millis(i64::MIN);
        let told = Times { planned: Some(extreme), started: at("2021-02-02 19:35:00"), ended: Some(extreme) };
        assert_eq!(told.aligned(now), told);
    }

    #[test]
    fn java_dates_are_read_in_the_servers_zone() {
        let zone = Zone::east8();
        assert_eq!(read_java("Tue Feb 02 17:35:00 CST 2021", zone), at("2021-02-02 17:35:00"));
        assert_eq!(read_java("Tue Feb 02 09:35:00 UTC 2021", zone), at("2021-02-02 17:35:00"));
        for bad in
            ["", "Tue Feb 02 17:35:00 2021", "Mon Feb 02 17:35:00 CST 2021", "a b c d e f", "1 2 3 4 5 6 7"]
        {
            assert_eq!(read_java(bad, zone), None, "{bad}");
        }
    }
}
