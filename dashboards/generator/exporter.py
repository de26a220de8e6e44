"""The exporter itself: polls, lag, quota, errors, state, scrapes."""

from .colours import BAD, BREAKER, FIGURES, GOOD, KINDS, RESULTS, THROTTLES
from .panels import Column, Query, dashboard, fixed, graph, override, table, timeline
from .parts import trust
from .queries import CELL, REFUSED, Scope, busy_share, gain, is_, isnt, one, rate

UNHEALTHY = {0: ("closed", BREAKER["closed"]), 1: ("half open", BREAKER["half_open"]), 2: ("open", BREAKER["open"])}
PLACE = "{{source}} {{region}} {{project}}"
ACTION = "{{service}} {{action}}"
CODES = [override(f"/(^| )({words})/", regex=True, color=fixed(colour)) for words, colour in (
    ("ok$", RESULTS["ok"]), ("RequestLimitExceeded|http_429", RESULTS["throttled"]), ("AuthFailure|Unauthorized|http_40[13]", RESULTS["auth"]),
    ("timeout$", RESULTS["timeout"]), ("connect$", RESULTS["connect"]), ("decode$", RESULTS["decode"]), ("http_5|InternalError", RESULTS["server"]))]


def build():
    s = Scope()
    age = f"({s.age()}) / {s.age_allowed()}"
    polls = [(8, [
        (12, graph("Polls by result", "Polls a minute, by how they ended. Green is all well; partial read something and left something, the others failed.",
                  [Query(f"60 * sum by (result) ({s.cell_rate('taskrun_source_polls_total', by='result')})", "{{result}}")], "suffix: /min", colours=RESULTS, stack=True, bars=True, interval="1m")),
        (12, graph("Age of data, of what is allowed", "Time since each cell was last read whole, as a share of three of its intervals and ten minutes. At 100 % TaskrunSourceStale fires; a line that climbs is a cell that cannot be read.",
                  [Query(age, PLACE)], "percentunit", limit=1)),
        (12, graph("Poll duration", "95th percentile of how long polls took, by source, to the width of a bucket. A poll that takes longer than its interval leaves ticks out.",
                  [Query(f"histogram_quantile(0.95, sum by (le, kind, source) ({s.cell_rate('taskrun_source_poll_duration_seconds_bucket', by='le')}))", "{{source}}")], "s", interval="1m")),
        (12, graph("Lag", "How far the watermark of each cell lies behind: everything that changed before it has been read. It climbs while a source cannot be read, or catches up.",
                  [Query(f"time() - {s.cell('taskrun_source_watermark_timestamp_seconds')}", PLACE)], "s", least=None)),
        (12, graph("Left to read", "Records known to be left for later polls. It falls to 0 when a cell has caught up.", [Query(s.cell("taskrun_source_backlog"), PLACE)], "short", decimals=0)),
        (12, graph("Ticks left out, records refused", "Scheduled polls left out because the one before still ran, and records or values that could not be used by cause; a minute.",
                  [Query(f"60 * sum by (source) ({s.cell_rate('taskrun_source_skipped_ticks_total')})", "left out: {{source}}"),
                   Query(f"60 * sum by (cause) ({s.cell_rate('taskrun_source_records_rejected_total', by='cause')})", "refused: {{cause}}")], "suffix: /min", stack=True, bars=True, interval="1m")),
    ]), (9, [
        (24, table("Cells", "Each source, region and project that is polled. A cell without a project looks for projects, or is a source without them.", ["kind", "source", "region", "project"], [
            Column("Up", s.cell("taskrun_source_up"), width=80, values={0: ("down", BAD), 1: ("up", GOOD)}),
            Column("Read whole", f"1000 * {s.cell('taskrun_source_last_success_timestamp_seconds')}", unit="dateTimeFromNow", width=150),
            Column("Interval", s.cell("taskrun_source_interval_seconds"), unit="s", width=95),
            Column("Of allowed age", age, unit="percentunit", width=130, decimals=0, bounds=[0.5, 1]),
            Column("Lag", f"time() - {s.cell('taskrun_source_watermark_timestamp_seconds')}", unit="s", width=100, decimals=0),
            Column("Left to read", s.cell("taskrun_source_backlog"), width=110, bounds=[1]),
            Column("Polls not ok", f"sum by ({CELL}) ({s.cell_gain('taskrun_source_polls_total', isnt('result', 'ok'), by='result')})", width=115, decimals=0, bounds=[0.5]),
        ], sort="Of allowed age", empty="no cell is known")),
    ])]
    sent = f"sum by (service, action) ({rate('taskrun_api_requests_total')})"
    quota = [(8, [
        (12, graph("Quota used, of what is allowed", "Requests a second as a share of what the limiter allowed in the same while, the busiest region. 100 % is a budget that is used up; it is never exceeded. EnOS has one limit for all actions (*).",
                  [Query(busy_share(), ACTION)], "percentunit", limit=1, interval="1m")),
        (12, graph("Allowed now", "Requests a second that the limiter allows. A fall is a throttle; it recovers by 2 % of the rate a second. Logarithmic.",
                  [Query(f"min by (service, action) ({one('taskrun_api_rate_limit_per_second')})", ACTION)], "reqps", least=None, log=True)),
        (12, graph("Waiting for a turn", "Requests that wait for their turn, on average. Climbing lines mean that the budget is used up.",
                  [Query(f"sum by (service, action) ({rate('taskrun_api_rate_limit_wait_seconds_total')})", ACTION)], "short", interval="1m")),
        (12, graph("Requests", "Requests a second, by API action.", [Query(sent, ACTION)], "reqps", stack=True, interval="1m")),
        (12, graph("Request duration", "95th percentile of how long requests took, by service, to the width of a bucket.",
                  [Query(f"histogram_quantile(0.95, sum by (le, service) ({rate('taskrun_api_request_duration_seconds_bucket')}))", "{{service}}")], "s", colours=KINDS, interval="1m")),
        (12, graph("Throttled", "Requests a minute that were refused as being over the rate limit.", [Query(f"60 * (sum by (service, action) ({rate('taskrun_api_requests_total', REFUSED)}) or 0 * {sent})", ACTION)], "suffix: /min", stack=True, bars=True, shades=THROTTLES, interval="1m")),
    ])]
    breaker = " or ".join(f'label_replace({value} * max by (account, host) ({one("taskrun_api_breaker_state", is_("state", state))}), "state", "{state}", "", "")' for value, state in ((1, "half_open"), (2, "open")))
    errors = [(8, [
        (8, graph("Errors by code", "Requests a minute that did not end well: the API's error code, or how the connection failed.",
                  [Query(f"60 * sum by (service, code) ({rate('taskrun_api_requests_total', isnt('code', 'ok'))}) or 0 * sum by (service) ({rate('taskrun_api_requests_total')})", "{{service}} {{code}}")], "suffix: /min", stack=True, bars=True, interval="1m", regex=CODES)),
        (8, timeline("Endpoints", "Whether each endpoint is asked (closed), tried by one request at a time (half open), or left alone for the moment (open).", [Query(f"max by (account, host) ({breaker})", "{{account}} {{host}}")], UNHEALTHY)),
        (8, graph("Clock skew", "How far this machine's clock is ahead of the API's, in whole seconds of its Date; negative where it is behind. From 5 minutes on, signatures are refused.",
                  [Query(f"max by (account) ({one('taskrun_api_clock_skew_seconds')})", "{{account}}")], "s", least=None)),
    ]), (6, [
        (12, table("Quota", "Each API action with a limit of its own: requests a second allowed now, the share used over the range of time shown, and how many were refused.", ["account", "service", "action"], [
            Column("Allowed", f"min by (account, service, action) ({one('taskrun_api_rate_limit_per_second')})", unit="reqps", width=110),
            Column("Requests", f"sum by (account, service, action) ({gain('taskrun_api_requests_total')})", unit="locale", width=110, decimals=0),
            Column("Waited", f"sum by (account, service, action) ({gain('taskrun_api_rate_limit_wait_seconds_total')})", unit="s", width=110, decimals=0),
            Column("Not ok", f"sum by (account, service, action) ({gain('taskrun_api_requests_total', isnt('code', 'ok'))}) or 0 * sum by (account, service, action) ({gain('taskrun_api_requests_total')})", unit="locale", width=90, decimals=0, bounds=[0.5]),
        ], sort="Requests", empty="no request is known")),
        (12, table("Credentials", "When the credentials in use end, by account. Absent: they never do. They are renewed ahead of their end; a time that has come near says that this fails.", ["account"], [
            Column("End", f"1000 * min by (account) ({one('taskrun_credentials_expiry_timestamp_seconds')})", unit="dateTimeFromNow", width=200),
            Column("Left", f"min by (account) ({one('taskrun_credentials_expiry_timestamp_seconds')}) - time()", unit="s", width=120, decimals=0),
        ], empty="no credentials that end")),
    ])]
    place = "{{instance}}"
    state = [(8, [
        (6, graph("Commits", "Commits of the state a second. While they fail, counting is paused and the page stands.", [Query(f"sum by (result) ({rate('taskrun_exporter_state_commits_total')})", "{{result}}")], "ops",
                  colours={"ok": RESULTS["ok"], "failed": BAD}, interval="1m")),
        (6, graph("Runs remembered", "Finished runs remembered, so that none is counted twice.", [Query(one("taskrun_exporter_state_runs"), place)], "short")),
        (6, graph("State on disk", "Size of the state. 0 while it is kept in memory only, as in the demo.", [Query(one("taskrun_exporter_state_bytes"), place)], "bytes")),
        (6, graph("Losses", "In the range up to each moment: values of the state that could not be read at a start, runs forgotten before their time because limits.runs was reached, and records folded into the overflow task. All should stay 0.",
                  [Query(f"sum(increase({one('taskrun_exporter_state_damaged_values_total')}[$__rate_interval]))", "damaged values"),
                   Query(f"sum(increase({one('taskrun_exporter_state_runs_forgotten_early_total')}[$__rate_interval]))", "forgotten early"),
                   Query(f"sum(increase({one('taskrun_exporter_series_overflow_total')}[$__rate_interval]))", "overflow")], "short", bars=True, decimals=0)),
    ])]
    itself = [(8, [
        (6, graph("Scrapes", "Scrapes a minute, by HTTP status.", [Query(f"60 * sum by (code) ({rate('taskrun_exporter_scrapes_total')})", "{{code}}")], "suffix: /min", colours={"200": RESULTS["ok"]}, interval="1m")),
        (6, graph("Scrape duration", "Half and 99 % of the scrapes were answered within this time, to the width of a bucket.",
                  [Query(f"histogram_quantile({q}, sum by (le) ({rate('taskrun_exporter_scrape_duration_seconds_bucket')}))", name) for q, name in ((0.5, "p50"), (0.99, "p99"))], "s", colours=FIGURES, interval="1m")),
        (6, graph("Series", "Series of sources and tasks that a scrape gets. Beyond limits.series, new tasks are folded into one.", [Query(one("taskrun_exporter_series"), place)], "short", decimals=0)),
        (6, graph("File descriptors", "Open file descriptors, of what the process may open.", [Query(f"{one('process_open_fds')} / {one('process_max_fds')}", place)], "percentunit")),
    ]), (8, [
        (6, graph("Memory", "Memory in use (resident) by the exporter.", [Query(one("process_resident_memory_bytes"), place)], "bytes")),
        (6, graph("Processor", "Cores that the exporter keeps busy.", [Query(rate("process_cpu_seconds_total"), place)], "none", interval="1m")),
        (12, table("Exporters", "Each exporter: version, since when it runs, whether the configuration on disk is the one in use, and when it was last read.", ["instance", "version"], [
            Column("", f"max by (instance, version) ({one('taskrun_exporter_build_info')})"),
            Column("Started", f"1000 * max by (instance) ({one('process_start_time_seconds')})", unit="dateTimeFromNow", width=140),
            Column("Configuration", f"max by (instance) ({one('taskrun_exporter_config_last_reload_successful')})", width=130, values={0: ("refused", BAD), 1: ("in use", GOOD)}),
            Column("Read", f"1000 * max by (instance) ({one('taskrun_exporter_config_last_reload_success_timestamp_seconds')})", unit="dateTimeFromNow", width=140),
            Column("Virtual memory", f"max by (instance) ({one('process_virtual_memory_bytes')})", unit="bytes", width=130),
        ], empty="no exporter is known")),
    ])]
    rows = [trust(s), ("Polls and lag", polls), ("Quota", quota), ("Errors", errors), ("State", state), ("Scrapes and process", itself)]
    return dashboard("taskrun-exporter", "Exporter", "How well the clouds are read: polls, lag, quota, errors, state and what a scrape costs.", rows, ["kind", "source", "project"])
