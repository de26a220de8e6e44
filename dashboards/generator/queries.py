"""The queries that several panels share, and the selectors with the dashboards' variables.

Every figure is one of a task, or of a cell (a source, region and project), whichever exporter shows it: two exporters
that read the same, or one that moved, must not count twice. So series are brought together with `max by` before anything
is summed. An empty label is absent, which is why "All" of a variable is `.*`.
"""

CELL = "kind, source, region, project"
TASK = f"{CELL}, workflow, task, task_id"
EXPORTER = 'job=~"$job", instance=~"$instance"'


class Scope:
    """What a dashboard looks at: everything the variables choose, or one kind, whose tasks may lack some labels."""

    def __init__(self, kind=None, without=()):
        self.kind, names = kind, ["source", "project", "workflow", "task"]
        self.choices = [name for name in names if name not in without]
        chosen = [f'kind="{kind}"' if kind else 'kind=~"$kind"', *[f'{name}=~"${name}"' for name in self.choices]]
        self.task_labels = ", ".join([EXPORTER, *chosen])
        self.cell_labels = ", ".join([EXPORTER, *[at for at in chosen if not at.startswith(("workflow", "task"))]])
        self.api_labels = f'{EXPORTER}, service="{kind}"' if kind else EXPORTER

    # Selectors.
    def of_task(self, family, *more):
        return f"{family}{{{', '.join([self.task_labels, *more])}}}"

    def of_cell(self, family, *more):
        return f"{family}{{{', '.join([self.cell_labels, *more])}}}"

    def of_api(self, family, *more):
        return f"{family}{{{', '.join([self.api_labels, *more])}}}"

    # Gauges, one series a task or cell.
    def task(self, family, *more, by=""):
        return f"max by ({TASK}{by and ', ' + by}) ({self.of_task(family, *more)})"

    def cell(self, family, *more, by=""):
        return f"max by ({CELL}{by and ', ' + by}) ({self.of_cell(family, *more)})"

    # Counters: what came in a second, or in the range of time shown.
    def task_rate(self, family, *more, by=""):
        return f"max by ({TASK}{by and ', ' + by}) (rate({self.of_task(family, *more)}[$__rate_interval]))"

    def task_gain(self, family, *more, by=""):
        return f"max by ({TASK}{by and ', ' + by}) (increase({self.of_task(family, *more)}[$__range]))"

    def cell_rate(self, family, *more, by=""):
        return f"max by ({CELL}{by and ', ' + by}) (rate({self.of_cell(family, *more)}[$__rate_interval]))"

    def cell_gain(self, family, *more, by=""):
        return f"max by ({CELL}{by and ', ' + by}) (increase({self.of_cell(family, *more)}[$__range]))"

    # Health of sources.
    def age(self):
        """Seconds since each cell was last read whole; since the exporter's start where it never was."""
        start = f"0 * {self.of_cell('taskrun_source_up')} + on (job, instance) group_left () {one('process_start_time_seconds')}"
        read = self.of_cell("taskrun_source_last_success_timestamp_seconds")
        return f"time() - max by ({CELL}) ({read} or on (job, instance, {CELL}) {start})"

    def age_of_data(self):
        """The same, without the cells that only look for projects: they hold no data and are asked seldom."""
        read = self.cell("taskrun_source_last_success_timestamp_seconds")
        return f"({self.age()}) unless ({read} unless {self.cell('taskrun_source_watermark_timestamp_seconds')})"

    def age_allowed(self):
        """After how many seconds TaskrunSourceStale fires: three intervals, as they are now, and ten minutes."""
        interval = self.cell("taskrun_source_interval_seconds")
        return f"(3 * {interval} + 600 or 0 * {self.cell('taskrun_source_up')} + 900)"

    def stale(self):
        return f"sum((({self.age()}) > bool {self.age_allowed()}))"

    def throttled(self):
        throttled = f"sum(increase({self.of_api('taskrun_api_requests_total', REFUSED)}[$__range]))"
        every = f"sum(increase({self.of_api('taskrun_api_requests_total')}[$__range]))"
        return f"({throttled} or 0 * {every}) / ({every} > 0)"

    def polls_not_ok(self):
        wrong = self.cell_gain("taskrun_source_polls_total", 'result!="ok"', by="result")
        every = self.cell_gain("taskrun_source_polls_total", by="result")
        return f"sum({wrong}) / (sum({every}) > 0)"

    # Runs.
    def success_share(self, rate, by=""):
        """Of the runs that succeeded, failed or timed out, those that succeeded; nothing where there were none."""
        ended = rate("taskrun_runs_total", 'outcome=~"success|failed|timeout"', by="outcome")
        good = rate("taskrun_runs_total", 'outcome="success"', by="outcome")
        total = f"sum{by} ({ended})"
        return f"(sum{by} ({good}) or 0 * {total}) / ({total} > 0)"

    def quantile(self, q, family, *more, by="", own="outcome"):
        """Of each source by itself, for each has buckets of its own; the slowest is shown."""
        own = f"{own}, le" if own else "le"
        buckets = f"sum by (le, kind, source{by and ', ' + by}) ({self.task_rate(family + '_bucket', *more, by=own)})"
        return f"max{by and f' by ({by})'} (histogram_quantile({q}, {buckets}))"

    # Tasks that should have succeeded by now, as TaskrunTaskOverdue sees them.
    def since_success(self):
        """Seconds since the last success of a task whose interval is known; since the exporter's start without one."""
        start = f"0 * {self.of_task('taskrun_task_expected_interval_seconds')} + on (job, instance) group_left () {one('process_start_time_seconds')}"
        success = self.of_task("taskrun_last_success_timestamp_seconds")
        return f"time() - max by ({TASK}) ({success} or on (job, instance, {TASK}) {start})"

    def late_after(self):
        """Two intervals of the task, and one of its source: a success is known one poll after it comes."""
        interval = self.cell("taskrun_source_interval_seconds")
        poll = f"({interval} or 0 * {self.cell('taskrun_source_up')})"
        return f"(2 * {self.task('taskrun_task_expected_interval_seconds')} + on ({CELL}) group_left () {poll})"

    def reached(self):
        """To be joined: only where the source was reached, for else nobody knows."""
        return f"and on ({CELL}) ({self.cell('taskrun_source_up')} == 1)"

    def overdue(self):
        return f"((({self.since_success()}) > {self.late_after()}) {self.reached()})"

    def overdue_count(self):
        return f"sum(((({self.since_success()}) > bool {self.late_after()}) {self.reached()}))"


def is_(label, value):
    return f'{label}="{value}"'


def isnt(label, value):
    return f'{label}!="{value}"'


def any_of(label, values):
    return f'{label}=~"{values}"'


REFUSED = 'code=~"RequestLimitExceeded.*|http_429"'


def one(family, *more):
    """A series of the exporter itself."""
    return f"{family}{{{', '.join([EXPORTER, *more])}}}"


def rate(family, *more):
    return f"rate({one(family, *more)}[$__rate_interval])"


def gain(family, *more):
    return f"increase({one(family, *more)}[$__range])"


def exporters_down():
    """Of the exporters that were seen in the range of time shown; nothing where none was."""
    return f"sum(({one('up')} == bool 0) and on (job, instance) last_over_time({one('taskrun_exporter_build_info')}[$__range]))"


def busy_share():
    """Requests a second, of those the limiter allowed in the same while. EnOS has one limit for all actions of an account."""
    sent = "sum by (account, service, action, region) (" + rate("taskrun_api_requests_total") + ")"
    allowed = f"max by (account, service, action) (avg_over_time({one('taskrun_api_rate_limit_per_second')}[$__rate_interval]))"
    together = f'label_replace(sum by (account, service, region) ({rate("taskrun_api_requests_total")}), "action", "*", "", "")'
    return f"max by (account, service, action) ({sent} or {together}) / on (account, service, action) {allowed}"
