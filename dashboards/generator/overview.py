"""What failed, what runs, what should have run, what takes long."""

from .colours import BAD, GOOD, KINDS, STATES, WARN
from .panels import Column, Query, dashboard, graph, stat, table
from .parts import CURRENT, LAST, OUTCOMES, current_runs, runs_by_outcome, trust
from .queries import Scope, TASK, any_of, is_

LABELS = ["task", "workflow", "project", "source"]


def build():
    s = Scope()
    failing = f"and on ({TASK}) ({s.task('taskrun_consecutive_failures')} > 0)"
    failed = [(9, [
        (4, stat("Tasks failing", "Tasks whose failed runs no success has followed yet.", f"sum({s.task('taskrun_consecutive_failures')} > bool 0)", levels=[1])),
        (20, table("Failing tasks", "Tasks whose failed runs no success has followed yet, with the newest failed run: open that one in the cloud's console. Empty: none fails, as far as the first row says that all is known.",
                   ["task", "workflow", "project", "source", "outcome", "return_code", "run_id"], [
                       Column("", f"{s.task('taskrun_last_failed_run_info', by='run_id, outcome, return_code')} {failing}"),
                       Column("In a row", f"{s.task('taskrun_consecutive_failures')} > 0", width=85, bounds=[1, 3]),
                       Column("Failed", f"1000 * {s.task('taskrun_last_failure_timestamp_seconds')} {failing}", unit="dateTimeFromNow", width=145),
                       Column("Last success", f"1000 * {s.task('taskrun_last_success_timestamp_seconds')} {failing}", unit="dateTimeFromNow", width=145),
                   ], sort="In a row", empty="no failing task is known", colours=OUTCOMES)),
    ])]
    share = s.success_share(s.task_gain)
    stats = [
        (4, stat("Runs", "Runs that finished in the range of time shown.", f"sum({s.task_gain('taskrun_runs_total', by='outcome')})", unit="locale", decimals=0)),
        (4, stat("Success rate", "Of the runs that succeeded, failed or timed out in the range of time shown, those that succeeded.", share, unit="percentunit", levels=[0.9, 0.99],
                 colours=[BAD, WARN, GOOD], unknown="no runs", decimals=1)),
        (4, stat("Running", "Runs that have started and not finished, as of the last poll of their source.", f"sum({s.task('taskrun_current_runs', is_('state', 'running'))})")),
        (4, stat("Waiting", "Runs that wait for another task, an event or a place to run.", f"sum({s.task('taskrun_current_runs', any_of('state', 'waiting|queued'))})")),
        (4, stat("Retrying", "Runs that failed and will be tried again by the cloud.", f"sum({s.task('taskrun_current_runs', is_('state', 'retrying'))})", levels=[1, 10], colours=[GOOD, WARN, BAD])),
        (4, stat("Overdue", "Tasks without a success for twice the time between two planned runs, and one interval of their source. Tasks whose interval is not known, and those of a source that cannot be reached, are left out.",
                 s.overdue_count(), levels=[1])),
    ]
    oldest = f"time() - min by ({TASK}, state) ({s.of_task('taskrun_oldest_current_run_timestamp_seconds')}) >= 0"
    late = f"and on ({TASK}) {s.overdue()}"
    now = [(4, stats), (8, [
        (12, table("Under way", "Runs that have not finished, oldest first: since they started, else since they were due. Runs planned for later are left out.",
                   ["task", "workflow", "source", "state"], [
                       Column("Since", oldest, unit="s", width=110, decimals=0),
                       Column("Runs", f"({s.task('taskrun_current_runs', by='state')} > 0) and on ({TASK}, state) ({oldest})", width=80),
                   ], sort="Since", empty="no run is known to be under way", colours=CURRENT)),
        (12, table("Overdue", "Tasks without a success for twice the time between two planned runs, and one interval of their source. A task that never succeeded is measured from the exporter's start.",
                   ["task", "workflow", "source"], [
                       Column("No success for", s.overdue(), unit="s", width=140, decimals=0),
                       Column("Due every", f"{s.task('taskrun_task_expected_interval_seconds')} {late}", unit="s", width=110),
                       Column("Last run", f"{s.task('taskrun_last_run_success')} {late}", width=100, values=LAST),
                   ], sort="No success for", empty="no overdue task is known")),
    ])]
    by_kind = s.success_share(s.task_rate, by=" by (kind)")
    runs = [(8, [
        (12, runs_by_outcome(s)),
        (12, graph("Success rate by kind", "Of the runs that succeeded, failed or timed out, those that succeeded. A gap: none finished.", [Query(by_kind, "{{kind}}")], "percentunit",
                   colours=KINDS, interval="5m", top=1)),
    ]), (8, [
        (12, current_runs(s)),
        (12, graph("Run duration by kind", "95th percentile of the cost time of runs that finished, to the width of a bucket. A gap: none finished. Logarithmic.",
                   [Query(s.quantile(0.95, "taskrun_run_duration_seconds", by="kind"), "{{kind}}")], "suffix: s", colours=KINDS, interval="1m", least=None, log=True, empty="no finished run is known")),
    ])]
    count = f"sum by ({TASK}) ({s.task_gain('taskrun_runs_total', by='outcome')})"
    lost = f"sum by ({TASK}) ({s.task_gain('taskrun_runs_total', any_of('outcome', 'failed|timeout'), by='outcome')})"
    spent = f"sum by ({TASK}) ({s.task_gain('taskrun_run_duration_seconds_sum', by='outcome')})"
    timed = f"sum by ({TASK}) ({s.task_gain('taskrun_run_duration_seconds_count', by='outcome')})"
    busiest, mean = f"topk(20, {count} > 0)", f"({spent} / ({timed} > 0))"
    slowest = f"topk(20, {mean})"
    last = s.task("taskrun_last_run_duration_seconds")
    newest = f"topk(50, {s.task('taskrun_last_run_end_timestamp_seconds')})"
    most = [(9, [
        (12, table("Busiest tasks", "The twenty tasks with most finished runs in the range of time shown, and how much of their runs failed.", ["task", "workflow", "source"], [
            Column("Runs", busiest, unit="locale", width=150, decimals=0, bar=STATES["running"]),
            Column("Failed", f"{lost} / ({count} > 0) and on ({TASK}) {busiest}", unit="percentunit", width=90, decimals=1, bounds=[0.01, 0.1]),
            Column("Time in all", f"{spent} and on ({TASK}) {busiest}", unit="s", width=110, decimals=0),
        ], sort="Runs", empty="no finished run is known")),
        (12, table("Slowest tasks", "The twenty tasks whose finished runs took longest on average in the range of time shown, and how the last run compares: far above 100 % is slow against its own past.",
                   ["task", "workflow", "source"], [
                       Column("Mean", slowest, unit="s", width=150, bar=STATES["running"]),
                       Column("Last run", f"{last} and on ({TASK}) {slowest}", unit="s", width=100),
                       Column("Last to mean", f"{last} / {mean} and on ({TASK}) {slowest}", unit="percentunit", width=120, decimals=0, bounds=[1.5, 3]),
                   ], sort="Mean", empty="no finished run is known")),
    ]), (9, [(24, table("Newest runs", "The last finished run of each task, the fifty that ended last.", ["task", "workflow", "project", "source", "kind"], [
        Column("Outcome", f"{s.task('taskrun_last_run_success')} and on ({TASK}) {newest}", width=100, values=LAST),
        Column("Ended", f"1000 * {newest}", unit="dateTimeFromNow", width=140),
        Column("Took", f"{last} and on ({TASK}) {newest}", unit="s", width=90),
        Column("Started late", f"{s.task('taskrun_last_run_start_delay_seconds')} and on ({TASK}) {newest}", unit="s", width=110),
        Column("Code", f"{s.task('taskrun_last_run_return_code')} and on ({TASK}) {newest}", width=80),
    ], sort="Ended", empty="no finished run is known"))])]
    rows = [trust(s), ("What failed", failed), ("What is running, waiting and overdue", now), ("Runs", runs), ("Busiest, slowest and newest", most)]
    return dashboard("taskrun-overview", "Overview", "What the cloud's tasks did and do, and how far that can be trusted.", rows, ["kind", "source", "project", "workflow", "task"])
