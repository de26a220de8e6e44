//! How often a task runs.

use super::super::wire::Instance;
use crate::model::Zone;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86400);

/// The time to the task's next run: between the two data times where the answer has both, else what the cycle says
/// by its name alone. Minutes, hours and crontabs leave the number open.
pub(super) fn interval(instance: &Instance) -> Option<Duration> {
    // Both stand in the same zone, whichever that is.
    let date = |text| Zone::utc().read(text);
    let between = date(instance.next_cur_date.text())
        .zip(date(instance.cur_run_date.text()))
        .and_then(|(next, this)| next.since(this))
        .filter(|between| !between.is_zero());
    between.or_else(|| by_name(instance.task_cycle_type.text()))
}

/// The longest time between two runs of a cycle. Other actions of this API write the long forms.
fn by_name(cycle: &str) -> Option<Duration> {
    match cycle {
        "D" | "DAY" | "DAY_CYCLE" => Some(DAY),
        "W" | "WEEK" | "WEEK_CYCLE" => Some(7 * DAY),
        "M" | "MONTH" | "MONTH_CYCLE" => Some(31 * DAY),
        "Y" | "YEAR" | "YEAR_CYCLE" => Some(366 * DAY),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::lenient::Field;

    #[test]
    fn data_times_go_before_the_name_of_the_cycle() {
        let told = |next: &str, cycle: &str| {
            interval(&Instance {
                cur_run_date: Field::Value("2025-03-28 00:00:00".into()),
                next_cur_date: Field::Value(next.into()),
                task_cycle_type: Field::Value(cycle.into()),
                ..Instance::default()
            })
            .map(|interval| interval.as_secs())
        };
        assert_eq!(told("2025-03-28 00:20:00", "I"), Some(1200));
        assert_eq!(told("2025-03-28 06:00:00", "D"), Some(21600));
        assert_eq!(told("2025-03-28 00:00:00", "D"), Some(86400));
        assert_eq!(told("2025-03-27 00:00:00", "W"), Some(604_800));
        assert_eq!(told("never", "MONTH_CYCLE"), Some(31 * 86400));
        for open in ["I", "H", "C", "O", "MINUTE_CYCLE", "", "d"] {
            assert_eq!(told("", open), None, "{open}");
        }
    }
}
