"""A dashboard for each kind, in the words of its own API."""

from .colours import BAD, ENOS, FAILURES, RETRIES, STATES, TAT, WEDATA, of_words, words
from .panels import Column, Query, dashboard, graph, heatmap, override, fixed, table, timeline
from .parts import LAST, NOW, current_runs, log_lines, now_state, return_codes, runs_by_outcome, trust, waits
from .queries import Scope, TASK, any_of, is_, isnt


def page(scope, title, description, rows):
    return dashboard(f"taskrun-{scope.kind}", title, description, [trust(scope), *rows], scope.choices, kind=scope.kind)


def by_code(scope, title, description, family, codes):
    """How many tasks show each code; a series is named by the code alone, so overrides give its word."""
    named = [override(str(code), displayName=text, color=fixed(colour)) for code, (text, colour) in words(codes).items()]
    return graph(title, description, [Query(f'count_values("code", {scope.task(family)})', "{{code}}")], "short", stack=True, regex=named, decimals=0)


def runs_of(scope, labels, columns, title, description):
    """A table of tasks with what finished in the range of time shown, and `columns`."""
    count = lambda *outcomes: f"sum by ({TASK}) ({scope.task_gain('taskrun_runs_total', *outcomes, by='outcome')})"
    return table(title, description, labels, [
        Column("Runs", count(), unit="locale", width=80, decimals=0),
        Column("Failed", count('outcome=~"failed|timeout"'), unit="locale", width=80, decimals=0, bounds=[0.5]),
        Column("Last", scope.task("taskrun_last_run_success"), width=90, values=LAST),
        *columns,
    ], sort="Runs", empty="no run is known")


def wedata():
    s = Scope("wedata")
    state = s.task("taskrun_wedata_instance_state")
    rows = [("Instances", [(9, [
        (16, timeline("InstanceState of the newest instance", "WeData's own code of each task's newest instance, a row a task; the API documents groups of codes, not each one. A gap: the source was not read. With scheduled tasks the newest instance is often one that waits for its time.",
                      [Query(state, "{{workflow}} / {{task}}")], words(WEDATA))),
        (8, by_code(s, "Tasks by InstanceState", "How many tasks have a newest instance in each state.", "taskrun_wedata_instance_state", WEDATA)),
    ]), (9, [
        (24, runs_of(s, ["task", "workflow", "project", "source"], [
            Column("InstanceState", state, width=200, values=words(WEDATA)),
            Column("Tries", s.task("taskrun_wedata_instance_tries"), width=75),
            Column("Retry limit", s.task("taskrun_wedata_instance_try_limit"), width=100),
            Column("Took", s.task("taskrun_last_run_duration_seconds"), unit="s", width=85),
            Column("Started late", s.task("taskrun_last_run_start_delay_seconds"), unit="s", width=110),
            Column("In a row", s.task("taskrun_consecutive_failures"), width=90, bounds=[1, 3]),
        ], "Tasks", "Each task with its newest instance (state, dispatches so far, retries it may have) and its last finished run: how long it took, how long after its plan it started, failures in a row.")),
    ])]), ("Runs", [(8, [(8, runs_by_outcome(s)), (8, current_runs(s)), (8, waits(s))])]), ("Retries and logs", [(8, [
        (8, graph("Retries", "Automatic retries a minute within the life rounds that finished, by workflow. A manual rerun is a run of its own.",
                  [Query(f"60 * sum by (workflow) ({s.task_rate('taskrun_retries_total')})", "{{workflow}}")], "suffix: /min", stack=True, bars=True, shades=RETRIES, interval="1m")),
        (8, log_lines(s)),
        (8, graph("Log volume", "Bytes a second of the logs that were read, by project.", [Query(f"sum by (project) ({s.task_rate('taskrun_log_bytes_total')})", "{{project}}")], "Bps", interval="1m")),
    ])])]
    return page(s, "WeData", "Tencent Cloud WeData: instances of scheduled tasks, in InstanceState's own words.", rows)


def tat():
    s = Scope("tat", without=["project"])
    machine = "{{task}} / {{workflow}}"
    colours = of_words(TAT)
    known = f"0 * sum by ({TASK}) ({s.task_gain('taskrun_runs_total', by='outcome')})"
    count = lambda outcome: Column(outcome, f"sum by ({TASK}) ({s.task_gain('taskrun_runs_total', is_('outcome', outcome), by='outcome')}) or {known}", unit="locale", width=95, decimals=0)
    rows = [("Machines", [(9, [
        (12, timeline("Under way, by machine", "What each machine does of each command: the most telling state where there are several. A gap: the source was not read, so nobody knows.", [Query(now_state(s), machine)], NOW)),
        (12, timeline("Last result, by machine", "How the last invocation task of each machine and command had ended at each moment.", [Query(s.task("taskrun_last_run_success"), machine)], LAST)),
    ]), (9, [
        (24, table("Invocation tasks by machine", "Invocation tasks that ended in the range of time shown, by machine and command, and the last one. An exit code is told only where the command started.", ["task", "workflow", "region", "source"], [
            *[count(outcome) for outcome in ("success", "failed", "timeout", "cancelled")],
            Column("Last", s.task("taskrun_last_run_success"), width=90, values=LAST),
            Column("Exit code", s.task("taskrun_last_run_return_code"), width=95),
            Column("Took", s.task("taskrun_last_run_duration_seconds"), unit="s", width=90),
            Column("In a row", s.task("taskrun_consecutive_failures"), width=90, bounds=[1, 3]),
        ], sort="failed", empty="no invocation task is known")),
    ])]), ("Commands", [(8, [
        (8, graph("Invocation tasks by TaskStatus", "Invocation tasks created within the lookback of the source, by TaskStatus. Not only new ones: a failed one stays here until it is older than the lookback.",
                  [Query(f"sum by (status) ({s.task('taskrun_tat_invocation_tasks', by='status')})", "{{status}}")], "short", colours=colours, stack=True, decimals=0)),
        (8, graph("Invocations by InvocationStatus", "Invocations created within the lookback of the source, by InvocationStatus. A choice of command or machine does not narrow this.",
                  [Query(f"sum by (status) ({s.cell('taskrun_tat_invocations', by='status')})", "{{status}}")], "short", colours=colours, stack=True, decimals=0)),
        (8, graph("Failed by command", "Invocation tasks that failed or timed out, a minute, by command.",
                  [Query(f"60 * sum by (workflow) ({s.task_rate('taskrun_runs_total', any_of('outcome', 'failed|timeout'), by='outcome')})", "{{workflow}}")], "suffix: /min", stack=True, bars=True, shades=FAILURES, interval="1m")),
    ])]), ("Runs", [(8, [(8, runs_by_outcome(s)), (8, return_codes(s, "Exit codes")), (8, graph("Duration by command", "95th percentile of ExecEndTime less ExecStartTime, to the width of a bucket. A gap: none ended.",
                                                                                               [Query(s.quantile(0.95, "taskrun_run_duration_seconds", by="workflow"), "{{workflow}}")], "s", interval="1m"))])])]
    return page(s, "TAT", "Tencent Cloud TAT: commands on machines, in TaskStatus' own words. A task is a machine, a workflow a command.", rows)


def scf():
    s = Scope("scf", without=["workflow"])
    name = "{{task}}"
    per_task = f"sum by ({TASK}) ({s.task_gain('taskrun_run_memory_bytes_sum')}) / (sum by ({TASK}) ({s.task_gain('taskrun_run_memory_bytes_count')}) > 0)"
    rows = [("Functions", [(9, [
        (24, runs_of(s, ["task", "project", "region", "source"], [
            Column("RetCode", s.task("taskrun_last_run_return_code"), width=90),
            Column("Took", s.task("taskrun_last_run_duration_seconds"), unit="s", width=90),
            Column("Memory", s.task("taskrun_last_run_memory_bytes"), unit="bytes", width=100),
            Column("Memory, mean", per_task, unit="bytes", width=130),
            Column("Billed", f"sum by ({TASK}) ({s.task_gain('taskrun_billed_seconds_total')})", unit="s", width=100, decimals=0),
            Column("Retries", f"sum by ({TASK}) ({s.task_gain('taskrun_retries_total')})", unit="locale", width=90, decimals=0),
            Column("In a row", s.task("taskrun_consecutive_failures"), width=90, bounds=[1, 3]),
        ], "Functions", "Each function with what finished in the range of time shown (runs, billed time, retries) and its last finished run: RetCode, duration, memory.")),
    ])]), ("RetCode and outcome", [(8, [
        (8, return_codes(s, "RetCode")),
        (8, graph("Not 0, by function", "Runs a minute whose RetCode was not 0, by function.", [Query(f"60 * sum by (task) ({s.task_rate('taskrun_return_codes_total', isnt('code', '0'), by='code')})", name)], "suffix: /min", stack=True, bars=True, shades=FAILURES, interval="1m")),
        (8, timeline("Last run, by function", "How the last finished run of each function had ended at each moment.", [Query(s.task("taskrun_last_run_success"), name)], LAST)),
    ])]), ("Memory and duration", [(8, [
        (8, heatmap("Memory", "MemUsage of finished runs: the darker, the more runs used that much.", f"sum by (le) (max by ({TASK}, le) (increase({s.of_task('taskrun_run_memory_bytes_bucket')}[$__rate_interval])))", "bytes")),
        (8, graph("Memory by function", "95th percentile of MemUsage, to the width of a bucket. A gap: none finished.", [Query(s.quantile(0.95, "taskrun_run_memory_bytes", by="task", own=""), name)], "bytes", interval="1m")),
        (8, graph("Duration by function", "95th percentile of the duration, to the width of a bucket. A gap: none finished.", [Query(s.quantile(0.95, "taskrun_run_duration_seconds", by="task"), name)], "s", interval="1m")),
    ])]), ("Cost and logs", [(8, [
        (8, graph("Billed time", "Billed seconds a second, by function: 1 is one instance that is paid for all the time.", [Query(f"sum by (task) ({s.task_rate('taskrun_billed_seconds_total')})", name)], "none", stack=True, interval="1m")),
        (8, runs_by_outcome(s)), (8, log_lines(s)),
    ])])]
    return page(s, "SCF", "Tencent Cloud SCF: invocations of functions. A project is a namespace.", rows)


def enos():
    s = Scope("enos")
    status = s.task("taskrun_enos_task_instance_status")
    running = f"time() - {s.task('taskrun_oldest_current_run_timestamp_seconds', is_('state', 'running'))}"
    limit = s.task("taskrun_enos_task_timeout_seconds")
    yes = {0: ("no", STATES["cancelled"]), 1: ("yes", BAD)}
    rows = [("Task instances", [(9, [
        (16, timeline("Status of the newest instance", "EnOS' own status of each task's newest instance, a row a task. A gap: the source was not read.", [Query(status, "{{workflow}} / {{task}}")], words(ENOS))),
        (8, by_code(s, "Tasks by status", "How many tasks have a newest instance in each status.", "taskrun_enos_task_instance_status", ENOS)),
    ]), (9, [
        (24, runs_of(s, ["task", "workflow", "source"], [
            Column("Status", status, width=140, values=words(ENOS)),
            Column("Took", s.task("taskrun_last_run_duration_seconds"), unit="s", width=85),
            Column("May take", limit, unit="s", width=95),
            Column("Timed out", s.task("taskrun_enos_task_timed_out"), width=95, values=yes),
            Column("Alert", s.task("taskrun_enos_task_alert"), width=75, values=yes),
            Column("Cores", s.task("taskrun_enos_task_requested_cpu_cores"), width=75, decimals=1),
            Column("Memory", s.task("taskrun_enos_task_requested_memory_bytes"), unit="bytes", width=95),
            Column("In a row", s.task("taskrun_consecutive_failures"), width=90, bounds=[1, 3]),
        ], "Tasks", "Each task with its newest instance (status, whether it ran longer than it may or raised an alert), what it asks for, and its last finished run.")),
    ])]), ("Resources and time", [(8, [
        (8, graph("Requested by what runs", "Memory that the running tasks ask for, by workflow. A task asks for as much for each of its runs.",
                  [Query(f"sum by (workflow) ({s.task('taskrun_current_runs', is_('state', 'running'))} * {s.task('taskrun_enos_task_requested_memory_bytes')})", "{{workflow}}")], "bytes", stack=True)),
        (8, graph("Cores requested by what runs", "Cores that the running tasks ask for, by workflow.",
                  [Query(f"sum by (workflow) ({s.task('taskrun_current_runs', is_('state', 'running'))} * {s.task('taskrun_enos_task_requested_cpu_cores')})", "{{workflow}}")], "none", stack=True)),
        (8, graph("Running time, of what is allowed", "How long the oldest running instance of each task runs, as a share of the time it may take. At 100 % EnOS stops it. Empty while nothing runs.",
                  [Query(f"({running}) / ({limit} > 0)", "{{workflow}} / {{task}}")], "percentunit", limit=1, empty="nothing is running")),
    ])]), ("Runs", [(8, [(8, runs_by_outcome(s)), (8, current_runs(s)), (8, graph("Retries", "Automatic retries a minute (recallNum) within the runs that finished, by workflow.",
                                                                             [Query(f"60 * sum by (workflow) ({s.task_rate('taskrun_retries_total')})", "{{workflow}}")], "suffix: /min", stack=True, bars=True, shades=RETRIES, interval="1m"))]),
                (8, [(24, graph("Duration by workflow", "95th percentile of end less start, to the width of a bucket. A gap: none finished.", [Query(s.quantile(0.95, "taskrun_run_duration_seconds", by="workflow"), "{{workflow}}")], "s", interval="1m"))])])]
    return page(s, "EnOS", "Envision EnOS: task instances of batch flows, in the status words of its API. A project is an organisation.", rows)
