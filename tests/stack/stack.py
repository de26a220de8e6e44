#!/usr/bin/env python3
"""The exporter, a real Prometheus and a real Alertmanager on this machine, with the rules that are shipped.

usage: tests/stack/stack.py            the demo to look at, until Ctrl-C
       tests/stack/stack.py --once     the same, but ends when everything has answered
       tests/stack/stack.py --evening  one failed run, from the simulated cloud to a webhook, and its end

Needs what tests/tools.sh brings, and a built exporter: `make stack` sees to both. PROMETHEUS, ALERTMANAGER and EXPORTER name
other binaries. Everything listens on free ports of 127.0.0.1 and ends with this program. Standard library only.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

from parts import ROOT, Failure, Parts, ask, until

# Of the recorded series, what has nothing to say on a first evening.
LATER = re.compile(r"past|renamed|overdue_after|run_gap|failures_in_row|memory_limit")


def queries_of_dashboards():
    """Every query of the dashboards, as it stands when all variables say "All"."""
    for path in sorted((ROOT / "dashboards").glob("*.json")):
        pending = [json.loads(path.read_text())["panels"]]
        while pending:
            value = pending.pop()
            if isinstance(value, list):
                pending.extend(value)
            elif isinstance(value, dict):
                if isinstance(value.get("expr"), str):
                    query = re.sub(r"\$__(rate_interval|interval|range)", "1m", value["expr"])
                    yield path.name, re.sub(r"\$\{?\w+(:\w+)?\}?", ".*", query)
                pending.extend(value.values())


def look(parts):
    """Asks what a person would look at first; raises where something does not answer."""
    until("Prometheus has scraped the exporter", lambda: parts.value('up{job="taskrun-exporter"} == 1'))
    until("the first task is there", lambda: parts.value("count(taskrun_last_run_success)"), 120)
    until("every rule has been evaluated", lambda: all(rule["health"] == "ok" for rule in parts.rules()))
    for rule in parts.rules():
        if rule.get("lastError"):
            raise Failure(f"rule {rule['name']}: {rule['lastError']}")
    empty = 0
    queries = list(queries_of_dashboards())
    for name, query in queries:
        answer = parts.query(query)
        if answer["status"] != "success" or answer.get("warnings") or answer.get("infos"):
            raise Failure(f"{name}: {query}\n{json.dumps(answer)[:500]}")
        empty += not answer["data"]["result"]
    # A rule is evaluated without a word where Prometheus has none to say of it.
    for rule in parts.rules():
        answer = parts.query(rule["query"])
        if answer["status"] != "success" or answer.get("warnings") or answer.get("infos"):
            raise Failure(f"rule {rule['name']}: {json.dumps(answer)[:500]}")
    # A group has its own beat, of a minute for the past.
    for rule in parts.rules():
        if rule["type"] == "recording" and not LATER.search(rule["name"]):
            until(f"{rule['name']} is recorded", lambda name=rule["name"]: parts.value(f"count({name})"), 150)
    return len(parts.rules()), len(queries), empty


def show(parts, seconds, once):
    parts.demo()
    parts.prometheus(seconds)
    parts.alertmanager()
    print("Waiting for the first scrapes; this takes up to two minutes …", flush=True)
    rules, queries, empty = look(parts)
    firing = int(parts.value("count(ALERTS{alertstate='firing'})") or 0)
    print(f"""
  exporter       {parts.url('exporter')}/           status, and {parts.url('exporter')}/metrics
  Prometheus     {parts.url('prometheus')}/alerts     {rules} rules loaded and evaluated, {firing} alerts fire
  Alertmanager   {parts.url('alertmanager')}/
  dashboards     {queries} queries answered, {empty} of them with nothing yet
  a Grafana      point its data source at {parts.url('prometheus')}, and import dashboards/*.json
""")
    if not once:
        print("Stop it with Ctrl-C.", flush=True)
        while parts.all_run():
            time.sleep(0.5)


def tasks(rows):
    """The runs of each task, in the order in which they end, with what they end as."""
    found = {}
    for row in rows:
        key = tuple(row[label] for label in ("kind", "region", "project", "workflow", "task", "task_id"))
        for run in row["runs"]:
            found.setdefault(key, []).append((run["known"] / 1000, row["outcome"], run["run"]))
    return {key: sorted(runs) for key, runs in found.items()}


def candidate(rows, now):
    """A task that fails once, soon, between two successes: its labels, the failure and the success after it."""
    best = None
    # TAT: none of its runs are tried again, and what it says of one it says at once.
    for key, runs in tasks(row for row in rows if row["kind"] == "tat").items():
        for before, failure, after in zip(runs, runs[1:], runs[2:]):
            outcomes = (before[1], failure[1], after[1])
            apart = after[0] - failure[0] >= 14 and failure[0] - before[0] >= 3
            if outcomes == ("success", "failed", "success") and failure[0] >= now + 30 and apart:
                if best is None or after[0] < best[2][0]:
                    best = key, failure, after
    return best


def soon(parts):
    """Clouds in which such a task fails and succeeds within 80 seconds, in the first of some worlds that has one."""
    for seed in range(1, 60):
        parts.clouds(speed=4, seed=seed)
        now = time.time()
        span = f"runs=1&from={int((now - 300) * 1000)}&to={int((now + 80) * 1000)}"
        if found := candidate(ask(f"{parts.url('clouds')}/truth?{span}")["rows"], now):
            return now, found
        parts.stop("clouds")
    raise Failure("no world has a task that fails once within 80 seconds")


def evening(parts):
    now, found = soon(parts)
    labels, (failed_at, _, run), (repaired_at, _, _) = found
    kind, region, project, workflow, task, task_id = labels
    print(f"{kind} task {task!r} will fail in {failed_at - now:.0f} s (run {run}) and succeed {repaired_at - failed_at:.0f} s later", flush=True)
    parts.exporter()
    parts.prometheus(1)
    parts.alertmanager(at_once=True)

    def told(status, since):
        for arrived, alert in list(parts.received):
            got = alert["labels"]
            same = all(got.get(name, "") == value for name, value in zip(("kind", "region", "project", "workflow", "task", "task_id"), labels))
            if got["alertname"] == "TaskrunTaskFailed" and same and alert["status"] == status and arrived >= since:
                return arrived, alert
        return None

    try:
        arrived, alert = until("the webhook hears of the failed run", lambda: told("firing", failed_at), failed_at - time.time() + 20)
    except Failure as failure:
        seen = parts.query(f'{{task="{task}",__name__=~"taskrun_last_.*|task:taskrun_(runs|failures).*"}}[60s:5s]')
        for one in seen["data"]["result"]:
            print(one["metric"]["__name__"], [value for _, value in one["values"]], file=sys.stderr)
        raise failure
    description, runbook = alert["annotations"]["description"], alert["annotations"]["runbook_url"]
    if alert["labels"]["severity"] != "warning" or alert["labels"]["job"] != "taskrun-exporter":
        raise Failure(f"other labels: {alert['labels']}")
    if f"run {run};" not in description or task not in description:
        raise Failure(f"not told which run failed, {run}: {description}")
    page, _, heading = runbook.partition("#")
    if f"\n## {alert['labels']['alertname']}\n" not in ask(page, parse=False) or heading != "taskruntaskfailed":
        raise Failure(f"no such runbook: {runbook}")
    print(f"failed to webhook: {arrived - failed_at:.1f} s   {description}", flush=True)
    arrived, alert = until("the webhook hears that it is repaired", lambda: told("resolved", arrived), repaired_at - time.time() + 30)
    if arrived < repaired_at:
        raise Failure(f"resolved {repaired_at - arrived:.1f} s before the next success")
    print(f"repaired to webhook: {arrived - repaired_at:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--evening", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="taskrun-stack-") as folder, Parts(pathlib.Path(folder)) as parts:
        try:
            if asked.evening:
                evening(parts)
            else:
                show(parts, 5, asked.once)
        except KeyboardInterrupt:
            print("\nstopped")
        except Failure as failure:
            print(f"{failure}\n{parts.logs()}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
