//! The one table of every exposed family.

use crate::model::NativeGauge;

/// The type of a family, as Prometheus names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

impl Type {
    /// The word of `# TYPE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// How long a family's name, labels and meaning are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stability {
    /// Changes only with a major version.
    Stable,
    /// May change with a minor version, named in the change log.
    Experimental,
}

impl Stability {
    /// The word of the catalogue.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Experimental => "experimental",
        }
    }
}

/// What every series of a family is labelled with, beside its own labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// One task.
    Task,
    /// One source, region and project.
    Cell,
    /// The exporter.
    Exporter,
}

impl Subject {
    /// The labels.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Task => &["kind", "source", "region", "project", "workflow", "task", "task_id"],
            Self::Cell => &["kind", "source", "region", "project"],
            Self::Exporter => &[],
        }
    }
}

/// One family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// The base unit, empty where there is none.
    pub unit: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Its own labels.
    pub labels: &'static [&'static str],
    /// How long it is kept.
    pub stability: Stability,
    /// Its HELP.
    pub help: &'static str,
}

const fn family(
    name: &'static str,
    kind: Type,
    unit: &'static str,
    subject: Subject,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind, unit, subject, labels, stability: Stability::Stable, help }
}

macro_rules! families {
    ($($id:ident = $name:literal, $kind:ident, $unit:literal, $subject:ident, [$($label:literal),*], $help:literal;)*) => {
        $(#[doc = $help] pub const $id: Family = family($name, Type::$kind, $unit, Subject::$subject, &[$($label),*], $help);)*
        /// Every family but the kinds' own gauges, in the order in which they are exposed.
        pub const FAMILIES: &[Family] = &[$($id),*];
    };
}

families! {
    RUNS = "taskrun_runs_total", Counter, "", Task, ["outcome"], "Finished runs by outcome; each is counted exactly once.";
    RUN_DURATION = "taskrun_run_duration_seconds", Histogram, "seconds", Task, ["outcome"], "Cost time of finished runs: end less start, else the source's own figure.";
    RUN_WAIT = "taskrun_run_wait_seconds", Histogram, "seconds", Task, ["phase"], "Time before a run started: for other tasks or events (upstream), for a place to run (dispatch).";
    RUN_MEMORY = "taskrun_run_memory_bytes", Histogram, "bytes", Task, [], "Memory used by one run, where the source tells.";
    RETURN_CODES = "taskrun_return_codes_total", Counter, "", Task, ["code"], "Finished runs by return or exit code; at most 32 codes a task, then other.";
    BILLED = "taskrun_billed_seconds_total", Counter, "seconds", Task, [], "Billed time of finished runs.";
    RETRIES = "taskrun_retries_total", Counter, "", Task, [], "Automatic retries of finished runs.";
    REVISED = "taskrun_runs_revised_total", Counter, "", Task, [], "Finished runs whose outcome the source changed after they were counted.";
    UNKNOWN_STATES = "taskrun_unknown_states_total", Counter, "", Task, [], "Undocumented states seen, once per run and code.";
    LAST_SUCCESSFUL = "taskrun_last_run_success", Gauge, "", Task, [], "Whether the task's last finished run succeeded or was skipped.";
    LAST_CODE = "taskrun_last_run_return_code", Gauge, "", Task, [], "Return or exit code of the task's last finished run.";
    LAST_DURATION = "taskrun_last_run_duration_seconds", Gauge, "seconds", Task, [], "Cost time of the task's last finished run.";
    LAST_MEMORY = "taskrun_last_run_memory_bytes", Gauge, "bytes", Task, [], "Memory used by the task's last finished run.";
    LAST_START = "taskrun_last_run_start_timestamp_seconds", Gauge, "seconds", Task, [], "When the task's last finished run started.";
    LAST_END = "taskrun_last_run_end_timestamp_seconds", Gauge, "seconds", Task, [], "When the task's last finished run ended.";
    LAST_DELAY = "taskrun_last_run_start_delay_seconds", Gauge, "seconds", Task, [], "Start less planned time of the task's last finished run.";
    LAST_SUCCESS_TIME = "taskrun_last_success_timestamp_seconds", Gauge, "seconds", Task, [], "When the task's last successful run ended.";
    LAST_FAILURE_TIME = "taskrun_last_failure_timestamp_seconds", Gauge, "seconds", Task, [], "When the task's last failed or timed-out run ended.";
    CONSECUTIVE_FAILURES = "taskrun_consecutive_failures", Gauge, "", Task, [], "Failed and timed-out runs since the task's last success.";
    LAST_FAILED_INFO = "taskrun_last_failed_run_info", Gauge, "", Task, ["run_id", "outcome", "return_code"], "The task's newest failed run; always 1.";
    CURRENT_RUNS = "taskrun_current_runs", Gauge, "", Task, ["state"], "Runs that have not finished, by state.";
    OLDEST_CURRENT = "taskrun_oldest_current_run_timestamp_seconds", Gauge, "seconds", Task, ["state"], "Start, else planned time, of the oldest run in a state.";
    TASK_INFO = "taskrun_task_info", Gauge, "", Task, ["task_type", "cycle", "owner", "workflow_id"], "What the source tells of a task; always 1.";
    EXPECTED_INTERVAL = "taskrun_task_expected_interval_seconds", Gauge, "seconds", Task, [], "Time between two planned runs of the task.";
    LOG_LINES = "taskrun_log_lines_total", Counter, "", Task, ["level"], "Log lines of finished runs that were read, by level.";
    LOG_BYTES = "taskrun_log_bytes_total", Counter, "bytes", Task, [], "Bytes of log of finished runs that were read.";
    TAT_INVOCATION_TASKS = "taskrun_tat_invocation_tasks", Gauge, "", Task, ["status"], "TAT invocation tasks created within the lookback, by TaskStatus; without the machine.";
    TAT_INVOCATIONS = "taskrun_tat_invocations", Gauge, "", Cell, ["status"], "TAT invocations created within the lookback, by InvocationStatus.";
    SOURCE_UP = "taskrun_source_up", Gauge, "", Cell, [], "Whether the last poll reached the source.";
    SOURCE_LAST_SUCCESS = "taskrun_source_last_success_timestamp_seconds", Gauge, "seconds", Cell, [], "When a poll last read everything there was.";
    SOURCE_WATERMARK = "taskrun_source_watermark_timestamp_seconds", Gauge, "seconds", Cell, [], "Everything that changed at the source before this time has been read, but for what taskrun_source_backlog counts.";
    SOURCE_POLL_DURATION = "taskrun_source_poll_duration_seconds", Histogram, "seconds", Cell, [], "How long polls took.";
    SOURCE_INTERVAL = "taskrun_source_interval_seconds", Gauge, "seconds", Cell, [], "Time between two polls as it is now: the schedule, or where it adapts between its bounds.";
    SOURCE_POLLS = "taskrun_source_polls_total", Counter, "", Cell, ["result"], "Polls by result.";
    SOURCE_SKIPPED_TICKS = "taskrun_source_skipped_ticks_total", Counter, "", Cell, [], "Scheduled polls left out because the one before was still running.";
    SOURCE_REJECTED = "taskrun_source_records_rejected_total", Counter, "", Cell, ["cause"], "Records, and values in them, that could not be used.";
    SOURCE_BACKLOG = "taskrun_source_backlog", Gauge, "", Cell, [], "Records known to be left for later polls; at least 1 for each stretch of time of which something is left.";
    API_REQUESTS = "taskrun_api_requests_total", Counter, "", Exporter, ["account", "service", "action", "region", "code"], "Requests sent to an API, by how they ended.";
    API_DURATION = "taskrun_api_request_duration_seconds", Histogram, "seconds", Exporter, ["service", "action"], "How long API requests took.";
    API_WAIT = "taskrun_api_rate_limit_wait_seconds_total", Counter, "seconds", Exporter, ["account", "service", "action"], "Time requests waited for their turn under the rate limit.";
    API_RATE = "taskrun_api_rate_limit_per_second", Gauge, "", Exporter, ["account", "service", "action"], "Requests a second that the limiter allows now.";
    API_BREAKER = "taskrun_api_breaker_state", Gauge, "", Exporter, ["account", "host", "state"], "Whether the endpoint is asked (closed), only tried by one request at a time (half_open) or left alone for the moment (open): 1 for the state it is in.";
    API_SKEW = "taskrun_api_clock_skew_seconds", Gauge, "seconds", Exporter, ["account"], "How far this machine's clock is ahead of the API's by the Date of the last answer, which tells whole seconds; negative where it is behind.";
    CREDENTIALS_EXPIRY = "taskrun_credentials_expiry_timestamp_seconds", Gauge, "seconds", Exporter, ["account"], "When the credentials in use end; absent for ones that never do.";
    BUILD_INFO = "taskrun_exporter_build_info", Gauge, "", Exporter, ["version"], "The exporter's version; always 1.";
    SERIES = "taskrun_exporter_series", Gauge, "", Exporter, [], "Series of sources and tasks in the exposition.";
    SERIES_OVERFLOW = "taskrun_exporter_series_overflow_total", Counter, "", Exporter, ["family"], "Records folded into the overflow task because a limit was reached.";
    STATE_RUNS = "taskrun_exporter_state_runs", Gauge, "", Exporter, [], "Finished runs remembered, so that none is counted twice.";
    STATE_BYTES = "taskrun_exporter_state_bytes", Gauge, "bytes", Exporter, [], "Size of the state on disk; 0 while it is kept in memory only.";
    STATE_COMMITS = "taskrun_exporter_state_commits_total", Counter, "", Exporter, ["result"], "Commits of the state, by result.";
    STATE_DAMAGED = "taskrun_exporter_state_damaged_values_total", Counter, "", Exporter, [], "Kept values that could not be read any more at the start.";
    STATE_FORGOTTEN_EARLY = "taskrun_exporter_state_runs_forgotten_early_total", Counter, "", Exporter, [], "Finished runs forgotten before their time because limits.runs was reached.";
    CONFIG_RELOAD_OK = "taskrun_exporter_config_last_reload_successful", Gauge, "", Exporter, [], "Whether the configuration was last read without a problem.";
    CONFIG_RELOAD_TIME = "taskrun_exporter_config_last_reload_success_timestamp_seconds", Gauge, "seconds", Exporter, [], "When the configuration was last read without a problem.";
    WEB_CONFIG_OK = "taskrun_exporter_web_config_last_reload_successful", Gauge, "", Exporter, [], "Whether the web configuration file (web.web_config) was last read without a problem; absent where there is none.";
    WEB_CONFIG_TIME = "taskrun_exporter_web_config_last_reload_success_timestamp_seconds", Gauge, "seconds", Exporter, [], "When the web configuration file was last read without a problem: at the start, and when it or a file that it names had changed.";
    HTTP_REFUSED = "taskrun_exporter_http_refused_total", Counter, "", Exporter, ["reason"], "Requests refused and connections closed on their clients, by reason.";
    SCRAPES = "taskrun_exporter_scrapes_total", Counter, "", Exporter, ["code"], "Scrapes served, by HTTP status code.";
    SCRAPE_DURATION = "taskrun_exporter_scrape_duration_seconds", Histogram, "seconds", Exporter, [], "How long scrapes took to answer.";
    PROCESS_CPU = "process_cpu_seconds_total", Counter, "seconds", Exporter, [], "Total user and system CPU time spent in seconds.";
    PROCESS_RSS = "process_resident_memory_bytes", Gauge, "bytes", Exporter, [], "Resident memory size in bytes.";
    PROCESS_VIRTUAL = "process_virtual_memory_bytes", Gauge, "bytes", Exporter, [], "Virtual memory size in bytes.";
    PROCESS_FDS = "process_open_fds", Gauge, "", Exporter, [], "Number of open file descriptors.";
    PROCESS_MAX_FDS = "process_max_fds", Gauge, "", Exporter, [], "Maximum number of open file descriptors.";
    PROCESS_START = "process_start_time_seconds", Gauge, "seconds", Exporter, [], "Start time of the process since unix epoch in seconds.";
}

/// The family of a kind's own gauge.
pub const fn native(gauge: &'static NativeGauge) -> Family {
    family(gauge.name, Type::Gauge, gauge.unit, Subject::Task, &[], gauge.help)
}

/// The whole catalogue: every family, with the kinds' own gauges after the others.
pub fn whole(natives: &[&'static NativeGauge]) -> Vec<Family> {
    FAMILIES.iter().copied().chain(natives.iter().map(|gauge| native(gauge))).collect()
}

/// The catalogue as a Markdown table.
pub fn markdown(families: &[Family]) -> String {
    let mut out = String::from(
        "| family | type | unit | labels | stability | meaning |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for family in families {
        let subject = match family.subject {
            Subject::Task => "{task…}",
            Subject::Cell => "{source…}",
            Subject::Exporter => "",
        };
        let labels: Vec<&str> =
            [subject].into_iter().filter(|s| !s.is_empty()).chain(family.labels.iter().copied()).collect();
        let columns = [
            &format!("`{}`", family.name),
            family.kind.name(),
            family.unit,
            &labels.join(", "),
            family.stability.name(),
            family.help,
        ];
        out.push_str(&format!("| {} |\n", columns.join(" | ")));
    }
    out
}

/// The catalogue as JSON: an array of objects.
pub fn json(families: &[Family]) -> String {
    let rows: Vec<serde_json::Value> = families
        .iter()
        .map(|family| {
            let labels: Vec<&str> = family.subject.labels().iter().chain(family.labels).copied().collect();
            serde_json::json!({
                "name": family.name,
                "type": family.kind.name(),
                "unit": family.unit,
                "labels": labels,
                "stability": family.stability.name(),
                "help": family.help,
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules() {
        for family in FAMILIES {
            let name = family.name;
            assert!(name.starts_with("taskrun_") || name.starts_with("process_"), "{name}");
            assert_eq!(family.kind == Type::Counter, name.ends_with("_total"), "{name}");
            let bare = name.strip_suffix("_total").unwrap_or(name);
            assert!(family.unit.is_empty() || bare.ends_with(&format!("_{}", family.unit)), "{name}");
            assert!(family.help.ends_with('.'), "{name}");
            assert_eq!(FAMILIES.iter().filter(|other| other.name == name).count(), 1, "{name}");
        }
    }
}
