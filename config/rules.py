#!/usr/bin/env python3
"""Writes Grafana's copy of config/prometheus/alerts.yml, and sets where both say that the runbooks are.

usage: config/rules.py [--check] [--runbooks URL]

  (nothing)       writes config/grafana/provisioning/alerting/taskrun-exporter.yaml
  --check         writes nothing; fails where that file is not what would be written
  --runbooks URL  first lets the alerts of alerts.yml lead to URL#name-of-the-alert

Needs PyYAML (Debian: python3-yaml). alerts.yml is the one definition; nothing is written into the copy by hand.
"""

import argparse
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ALERTS = HERE / "prometheus" / "alerts.yml"
COPY = HERE / "grafana" / "provisioning" / "alerting" / "taskrun-exporter.yaml"

HEAD = """\
# Made by config/rules.py from config/prometheus/alerts.yml; change that one, not this.
#
# The alerts of Prometheus as Grafana's own, for a Grafana that sends them itself. Use one of the two, or everything is told
# twice. Copy to provisioning/alerting of Grafana 10.4 or newer. They need the data source of ../datasources (uid
# prometheus), and Prometheus needs recording.yml and limits.yml. A rule fires for each series that its query returns, as
# in Prometheus. Grafana's texts cannot ask for a run's id: the dashboards show it.
"""

# What the description asks Prometheus for while it is written, which Grafana's templates cannot.
ASKS = re.compile(r"\{\{ with printf [^}]*\| query \}\}.*?\{\{ end \}\}", re.DOTALL)



def uid(name):
    """A name of at most 40 characters that stays: Grafana knows a rule by it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def annotation(text):
    return ASKS.sub("", text).replace("$value", "$values.query.Value")


def expression(expr, recorded):
    """The query, with what alerts.yml records for itself written out."""
    for name, inner in recorded.items():
        expr = re.sub(rf"{re.escape(name)}(?![\w:])", lambda _: f"({inner.strip()})", expr)
    return expr.strip()


def rule(alert, recorded):
    # The three steps are those that Grafana itself makes of a rule of Prometheus: a series that is there fires, whatever its value.
    def step(ref, model):
        return {"refId": ref, "datasourceUid": "__expr__", "model": {"refId": ref, **model}}

    made = {
        "uid": uid(alert["alert"]),
        "title": alert["alert"],
        "condition": "threshold",
        "data": [
            {
                "refId": "query",
                "datasourceUid": "prometheus",
                "relativeTimeRange": {"from": 600, "to": 0},
                "model": {
                    "refId": "query",
                    "datasource": {"type": "prometheus", "uid": "prometheus"},
                    "editorMode": "code",
                    "expr": expression(alert["expr"], recorded),
                    "instant": True,
                    "range": False,
                },
            },
            step("there", {"type": "math", "expression": "is_number($query) || is_nan($query) || is_inf($query)"}),
            step(
                "threshold",
                {
                    "type": "threshold",
                    "expression": "there",
                    "conditions": [{"evaluator": {"type": "gt", "params": [0]}}],
                },
            ),
        ],
        # No series is no alert: absence is asked for where it matters.
        "noDataState": "OK",
        "execErrState": "Error",
        "for": alert.get("for", "0s"),
    }
    if "keep_firing_for" in alert:
        # Older than Grafana 12 pass over it.
        made["keep_firing_for"] = alert["keep_firing_for"]
    made["annotations"] = {key: annotation(text) for key, text in alert["annotations"].items()}
    made["labels"] = alert["labels"]
    return made


def copy(text):
    groups = yaml.safe_load(text)["groups"]
    rules = [one for group in groups for one in group["rules"]]
    recorded = {one["record"]: one["expr"] for one in rules if "record" in one}
    document = {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group["name"],
                "folder": "Task runs",
                "interval": "30s",
                "rules": [rule(one, recorded) for one in group["rules"] if "alert" in one],
            }
            for group in groups
        ],
    }
    return HEAD + yaml.dump(document, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)


class Dumper(yaml.SafeDumper):
    """Texts of several lines stay as they are, and nothing is an alias."""

    def ignore_aliases(self, data):
        return True


Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--runbooks", metavar="URL")
    asked = parser.parse_args()
    text = ALERTS.read_text()
    if asked.runbooks:
        text = re.sub(r"(runbook_url: )[^#\s]*#", lambda found: f"{found[1]}{asked.runbooks}#", text)
    made = copy(text)
    if asked.check:
        if not COPY.exists() or COPY.read_text() != made:
            sys.exit(f"{COPY.name} is not what {ALERTS.name} says: run config/rules.py")
        return
    if asked.runbooks:
        ALERTS.write_text(text)
    COPY.parent.mkdir(parents=True, exist_ok=True)
    COPY.write_text(made)


if __name__ == "__main__":
    main()
