"""What several dashboards show alike."""

from .colours import FAILURES, GOOD, LOG, STATES
from .panels import Query, graph, stat
from .queries import TASK, exporters_down, gain, is_

EXPORTER_PAGE = {"title": "Why: the exporter's dashboard", "url": "/d/taskrun-exporter?${__all_variables}&${__url_time_range}", "targetBlank": False}
OUTCOMES = {name: STATES[name] for name in ("success", "failed", "timeout", "cancelled", "skipped")}
CURRENT = {name: STATES[name] for name in ("waiting", "queued", "running", "retrying")}


def trust(scope):
    """The first row: can what is below be believed?"""
    link = EXPORTER_PAGE
    return ("Can this page be trusted?", [(4, [
        (3, stat("Exporters", "Exporters, of those seen in the range of time shown, that Prometheus cannot scrape now. While one is down, its figures are missing below, not zero.",
                 exporters_down(), unit="suffix: down", levels=[1], values={"0": ("up", GOOD)}, unknown="none seen", link=link)),
        (3, stat("Sources", "Sources, regions and projects whose last poll did not reach the API. What is shown of them is as old as that.",
                 f"sum(1 - {scope.cell('taskrun_source_up')})", unit="suffix: down", levels=[1], values={"0": ("up", GOOD)}, link=link)),
        (3, stat("Freshness", "Sources, regions and projects that were not read whole for three of their intervals and ten minutes: there the alert TaskrunSourceStale fires.",
                 scope.stale(), unit="suffix: stale", levels=[1], values={"0": ("fresh", GOOD)}, link=link)),
        (3, stat("Oldest data", "Time since the source, region or project that is furthest behind was last read whole. What happened before is on this page; of what happened since, something may be missing.",
                 f"max({scope.age_of_data()})", unit="s", link=link, decimals=0)),
        (3, stat("Polls not ok", "Share of the polls in the range of time shown that failed, or left something unread.",
                 scope.polls_not_ok(), unit="percentunit", levels=[0.001, 0.1], link=link, unknown="no polls")),
        (3, stat("Throttled", "Share of the API requests in the range of time shown that were refused as being over the rate limit. Limits belong to accounts: a choice of sources does not narrow this.",
                 scope.throttled(), unit="percentunit", levels=[0.001, 0.05], link=link, unknown="no requests")),
        (3, stat("Left to read", "Records known to be left for later polls. Above zero, runs are still missing from the counts below; they will be counted.",
                 f"sum({scope.cell('taskrun_source_backlog')})", levels=[1, 10000], link=link)),
        (3, stat("Counts kept", "Whether what is counted reaches the disk: commits of the state that failed in the range of time shown. While they fail, counting is paused.",
                 f"sum({gain('taskrun_exporter_state_commits_total', is_('result', 'failed'))})", levels=[0.0001], link=link, decimals=0, values={"0": ("yes", GOOD)})),
    ])])


def runs_by_outcome(scope, title="Runs by outcome"):
    rate = scope.task_rate("taskrun_runs_total", by="outcome")
    return graph(title, "Finished runs a minute, by how they ended. Each is counted once, when it is first seen finished. No bar: none finished; no line at the foot: nothing is known.",
                 [Query(f"60 * sum by (outcome) ({rate})", "{{outcome}}")], "suffix: /min", colours=OUTCOMES, stack=True, bars=True, interval="1m")


def current_runs(scope):
    return graph("Runs under way", "Runs that have not finished, by state. A gap: the source was not read lately, so nobody knows.",
                 [Query(f"sum by (state) ({scope.task('taskrun_current_runs', by='state')})", "{{state}}")], "short", colours=CURRENT, stack=True, decimals=0)


def waits(scope):
    return graph("Waiting before the run", "95th percentile of the time before a run started: for other tasks or events (upstream), then for a place to run (dispatch). To the width of a bucket; a gap: no run told it.",
                 [Query(scope.quantile(0.95, "taskrun_run_wait_seconds", by="phase", own="phase"), "{{phase}}")], "s",
                 colours={"upstream": STATES["waiting"], "dispatch": STATES["queued"]}, interval="1m", empty="no run told how long it waited")


def log_lines(scope):
    return graph("Log lines by level", "Lines a minute of the logs that were read, by level. Logs are read only where the source's settings ask for them, and never kept.",
                 [Query(f"60 * sum by (level) ({scope.task_rate('taskrun_log_lines_total', by='level')})", "{{level}}")], "suffix: /min", colours=LOG, stack=True, bars=True, interval="1m", empty="no log was read")


def return_codes(scope, title="Return codes"):
    return graph(title, "Finished runs a minute by return or exit code. Green is 0; the reds are all others.",
                 [Query(f"60 * sum by (code) ({scope.task_rate('taskrun_return_codes_total', by='code')})", "{{code}}")], "suffix: /min",
                 colours={"0": STATES["success"]}, stack=True, bars=True, interval="1m", shades=FAILURES, empty="no run told a code")


NOW = {0: ("idle", STATES["idle"]), 1: ("waiting", STATES["waiting"]), 2: ("queued", STATES["queued"]), 3: ("running", STATES["running"]), 4: ("retrying", STATES["retrying"])}
LAST = {0: ("failed", STATES["failed"]), 1: ("success", STATES["success"])}


def now_state(scope):
    """One number a task for what its current runs do; the most telling state wins."""
    terms = [f"{value} * (max by ({TASK}) ({scope.of_task('taskrun_current_runs', is_('state', name))}) > bool 0)" for value, (name, _) in NOW.items() if value]
    joined = " or ".join(f'label_replace({term}, "state", "{at}", "", "")' for at, term in enumerate(terms))
    return f"max by ({TASK}) ({joined})"
