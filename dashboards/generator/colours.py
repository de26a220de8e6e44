"""What each colour means, in every dashboard: one state has one colour, and no colour stands for two states that meet."""

# Outcomes and current states of runs, in the words of the exporter.
STATES = {
    "success": "#56A64B",
    "failed": "#E02F44",
    "timeout": "#FF780A",
    "cancelled": "#8E8E99",
    "skipped": "#B8C0CC",
    "running": "#3274D9",
    "queued": "#6ED0E0",
    "waiting": "#7D8FB3",
    "retrying": "#F2CC0C",
    "idle": "#3A3F4A",
    "unknown": "#705DA0",
}

# Figures drawn from many runs.
FIGURES = {"p50": "#8AB8FF", "p95": "#3274D9", "p99": "#1F4E9E", "mean": "#C0C8D4", "last run": "#E5E9F0", "requested": STATES["failed"]}

# How good or bad a figure is: thresholds, and what is neither.
GOOD, WARN, BAD, PLAIN = STATES["success"], STATES["timeout"], STATES["failed"], "text"
# Series that are the same state of different tasks, commands or actions.
FAILURES, RETRIES, THROTTLES = ({"mode": "shades", "fixedColor": colour} for colour in (BAD, STATES["retrying"], "#FFB357"))
LEVEL = [GOOD, WARN, BAD]

KINDS = {"wedata": "#37A2B0", "tat": "#B877D9", "scf": "#C9A227", "enos": "#C4835A"}

# How a poll or a request ended. Words that are states as well (ok, timeout, cancelled) have the state's colour.
RESULTS = {
    "ok": STATES["success"],
    "partial": "#F2CC0C",
    "throttled": THROTTLES["fixedColor"],
    "auth": "#A352CC",
    "timeout": STATES["timeout"],
    "connect": "#7C2EA3",
    "server": STATES["failed"],
    "decode": "#C15C17",
    "too_large": "#967302",
    "rejected": "#FF7383",
    "cancelled": STATES["cancelled"],
    "panicked": "#AD0317",
}

# Levels of log lines.
LOG = {"error": STATES["failed"], "warn": "#F2CC0C", "info": "#8AB8FF", "debug": "#7D8FB3", "other": "#8E8E99"}

BREAKER = {"closed": STATES["success"], "half_open": "#F2CC0C", "open": STATES["failed"]}

# The kinds' own words, each with the state that it becomes. The documents give no meaning to a single InstanceState code,
# only to groups of them.
WEDATA = {
    0: ("waiting for an event", "waiting"), 12: ("waiting for upstream", "waiting"),
    **{code: ("waiting to run", "queued") for code in (6, 7, 9, 10, 18)},
    **{code: ("running", "running") for code in (1, 19, 22)},
    21: ("skipped", "skipped"), 3: ("failed, will retry", "retrying"), 2: ("success", "success"),
    **{code: ("failed", "failed") for code in (4, 5, 8, 13)},
}
ENOS = {
    -1: ("FAIL", "failed"), 0: ("INIT", "waiting"), 1: ("SUCCESS", "success"), 2: ("RUNNING", "running"),
    3: ("SUSPEND", "waiting"), 4: ("INTERNAL_ERROR", "failed"), 5: ("WAIT", "waiting"), 6: ("READY", "queued"),
    7: ("TIMEOUT", "timeout"), 8: ("CANCEL", "cancelled"), 9: ("RERUN", "retrying"), 10: ("SKIP", "skipped"),
}
TAT = {
    "PENDING": "waiting", "DELIVERING": "queued", "DELIVER_DELAYED": "queued", "RUNNING": "running", "CANCELLING": "running",
    "SUCCESS": "success", "FAILED": "failed", "DELIVER_FAILED": "failed", "START_FAILED": "failed", "TIMEOUT": "timeout",
    "TASK_TIMEOUT": "timeout", "CANCELLED": "cancelled", "TERMINATED": "cancelled",
    "PARTIAL_FAILED": "failed", "PARTIAL_CANCELLED": "cancelled",
}


def words(codes):
    """Value mappings for the codes of a kind: `4 failed`, in the colour of the state."""
    return {code: (f"{code} {text}", STATES[state]) for code, (text, state) in sorted(codes.items())}


def of_words(codes):
    """The colours of a kind's words."""
    return {word: STATES[state] for word, state in codes.items()}
