"""One task: what it does now, how it ran, how it failed."""

from .colours import BAD, FIGURES, GOOD, RETRIES
from .panels import Column, Query, dashboard, graph, heatmap, stat, table, timeline
from .parts import EXPORTER_PAGE, LAST, NOW, OUTCOMES, current_runs, log_lines, now_state, return_codes, runs_by_outcome, waits
from .queries import CELL, Scope, TASK, exporters_down

NAMED = "{{task}} {{workflow}}"


def build():
    s = Scope()
    # The health of the chosen tasks' own sources, not of all that the variables let pass.
    own = f"and on ({CELL}) {s.task('taskrun_consecutive_failures')}"
    trusted = [(4, [
        (3, stat("Exporters", "Exporters, of those seen in the range of time shown, that Prometheus cannot scrape now. While one is down, its figures are missing below, not zero.",
                 exporters_down(), unit="suffix: down", levels=[1], values={"0": ("up", GOOD)}, unknown="none seen", link=EXPORTER_PAGE)),
        (3, stat("Source", "Whether the task's source was reached by its last poll. If not, all below is as old as its data.", f"min({s.cell('taskrun_source_up')} {own})", levels=[1], colours=[BAD, GOOD],
                 values={"0": ("down", BAD), "1": ("up", GOOD)}, link=EXPORTER_PAGE)),
        (3, stat("Age of data", "Time since the task's source was last read whole: of what happened since, something may be missing.", f"max({s.age()} {own})", unit="s", decimals=0, link=EXPORTER_PAGE)),
        (3, stat("Last run", "How the last finished run ended. It stays until a newer run ends, whatever runs now; where several tasks are chosen, one failed is failed.", f"min({s.task('taskrun_last_run_success')})",
                 levels=[1], colours=[BAD, GOOD], values={"0": ("failed", BAD), "1": ("success", GOOD)})),
        (3, stat("Ended", "When the last finished run ended.", f"1000 * max({s.task('taskrun_last_run_end_timestamp_seconds')})", unit="dateTimeFromNow")),
        (3, stat("Failures", "Failed and timed-out runs since the last success.", f"max({s.task('taskrun_consecutive_failures')})", levels=[1, 3])),
        (3, stat("Due every", "Time between two planned runs, from the source or the settings.", f"min({s.task('taskrun_task_expected_interval_seconds')})", unit="s")),
        (3, stat("Overdue", "Whether the last success is longer ago than two intervals of the task and one of its source.", s.overdue_count(), levels=[1], values={"0": ("no", GOOD), "1": ("yes", BAD)})),
    ])]
    course = [(6, [
        (24, timeline("Now", "What the runs under way did, a row a task: the most telling state where there are several (retrying, running, queued, waiting). A gap: the source was not read, so nobody knows.",
                      [Query(now_state(s), NAMED)], NOW)),
    ]), (5, [
        (24, timeline("Last finished run", "How the last finished run had ended at each moment. A failure stays until a newer run ends; a run that is under way does not hide it.",
                      [Query(s.task("taskrun_last_run_success"), NAMED)], LAST)),
    ])]
    buckets = f"sum by (le) (max by ({TASK}, outcome, le) (increase({s.of_task('taskrun_run_duration_seconds_bucket')}[$__rate_interval])))"
    quantiles = [Query(s.quantile(q, "taskrun_run_duration_seconds"), name) for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))]
    spent = f"sum({s.task_rate('taskrun_run_duration_seconds_sum', by='outcome')}) / (sum({s.task_rate('taskrun_run_duration_seconds_count', by='outcome')}) > 0)"
    ran = [(8, [
        (12, heatmap("Duration", "Cost time of finished runs: the darker, the more runs took that long. A gap: none finished.", buckets, "s")),
        (12, graph("Duration quantiles", "Half, 95 % and 99 % of the runs took at most this long, to the width of a bucket; and the mean. A gap: none finished.", [*quantiles, Query(spent, "mean")], "s", colours=FIGURES, interval="1m")),
    ]), (8, [(8, runs_by_outcome(s)), (8, waits(s)), (8, graph("Started late", "Start less planned time of the last finished run; negative where it started early. Empty where the source tells no plan.",
                                                         [Query(s.task("taskrun_last_run_start_delay_seconds"), NAMED)], "s", least=None))])]
    memory = [Query(s.quantile(q, "taskrun_run_memory_bytes", own=""), name) for q, name in ((0.5, "p50"), (0.95, "p95"))]
    used = [(8, [
        (8, graph("Memory", "Half and 95 % of the runs used at most this much, to the width of a bucket; the last run's own figure; and what was asked for, where the source tells.",
                  [*memory, Query(f"max({s.task('taskrun_last_run_memory_bytes')})", "last run"), Query(f"max({s.task('taskrun_enos_task_requested_memory_bytes')})", "requested")], "bytes",
                  colours=FIGURES, interval="1m", empty="no run told its memory")),
        (8, return_codes(s)),
        (8, graph("Retries", "Automatic retries a minute within the runs that finished. Reruns are runs of their own.",
                  [Query(f"60 * sum by (task) ({s.task_rate('taskrun_retries_total')})", "{{task}}")], "suffix: /min", bars=True, interval="1m", empty="no run told of retries", shades=RETRIES)),
    ]), (8, [(12, log_lines(s)), (12, current_runs(s))])]
    failed = f"and on ({TASK}) {s.task('taskrun_last_failed_run_info')}"
    tables = [(6, [
        (24, table("Last failed run", "The newest failed run, whether or not a success followed: open its id in the cloud's console.", ["task", "workflow", "project", "source", "outcome", "return_code", "run_id"], [
            Column("", s.task("taskrun_last_failed_run_info", by="run_id, outcome, return_code")),
            Column("Failed", f"1000 * {s.task('taskrun_last_failure_timestamp_seconds')} {failed}", unit="dateTimeFromNow", width=145),
            Column("Last success", f"1000 * {s.task('taskrun_last_success_timestamp_seconds')} {failed}", unit="dateTimeFromNow", width=145),
        ], sort="Failed", empty="no failed run is known", colours=OUTCOMES)),
    ]), (6, [
        (24, table("What the source tells", "The task as its source describes it, and figures of its last finished run.", ["task", "task_id", "workflow", "workflow_id", "region", "task_type", "cycle", "owner"], [
            Column("", s.task("taskrun_task_info", by="task_type, cycle, owner, workflow_id")),
            Column("Took", s.task("taskrun_last_run_duration_seconds"), unit="s", width=90),
            Column("Return code", s.task("taskrun_last_run_return_code"), width=110),
            Column("Revised", f"sum by ({TASK}) ({s.task_gain('taskrun_runs_revised_total')})", width=90, decimals=0),
            Column("Unknown states", f"sum by ({TASK}) ({s.task_gain('taskrun_unknown_states_total')})", width=130, decimals=0),
        ], empty="no such task", widths={"cycle": 70})),
    ])]
    rows = [("Can this page be trusted, and how is the task?", trusted), ("State", course), ("Duration, outcome and waits", ran), ("Memory, codes, retries and logs", used), ("Last failure, and what is known", tables)]
    return dashboard("taskrun-task", "Task", "One task: its state, its past, its last failure.", rows, ["kind", "source", "project", "workflow", "task"], one_task=True)
