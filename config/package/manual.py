#!/usr/bin/env python3
"""Prints the manual page of a taskrun-exporter, made of what its own --help says: `manual.py BINARY VERSION`.

The command line is defined once, in the program.
"""

import os
import re
import subprocess
import sys
from datetime import datetime, timezone

binary, version = sys.argv[1], sys.argv[2]
date = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc).strftime("%Y-%m-%d")


def ask(*words):
    return subprocess.run([binary, *words, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text)


def parts(text):
    """The lines before the first heading, and those below each heading."""
    found, name = {"": []}, ""
    for line in text.splitlines():
        heading = re.match(r"^(\w+):(.*)$", line)
        if heading:
            name = heading[1]
            found[name] = [heading[2].strip()] if heading[2].strip() else []
        else:
            found[name].append(line)
    return found


def entries(lines):
    """The entries of a list: what stands at its margin, and the text beside or below it."""
    for line in lines:
        entry = re.match(r"^ {2,6}((?:-|<|\[|[a-z])\S*(?: \S+)*?)(?:  +(.*))?$", line)
        if entry and (line.startswith("  ") and len(line) - len(line.lstrip()) <= 6):
            print(".TP\n.B " + roff(entry[1]))
            if entry[2]:
                print(roff(entry[2]))
        elif line.strip():
            print(roff(line.strip()))


def describe(words):
    told = parts(ask(*words))
    print(f".SS {' '.join(words)}" if words else ".SH OPTIONS")
    if words:
        print("\n".join(roff(line) for line in told[""] if line.strip()))
        print(".PP\n.B " + roff(" ".join(told["Usage"])))
    for heading in ("Arguments", "Options"):
        entries(told.get(heading, []))
    return [line.split()[0] for line in told.get("Commands", []) if re.match(r"^ {2}[a-z]", line)]


whole = parts(ask())
print(f'.TH TASKRUN\\-EXPORTER 1 "{date}" "taskrun\\-exporter {roff(version)}" "User Commands"')
about = " ".join(line.strip() for line in whole[""] if line.strip())
print(".SH NAME\ntaskrun\\-exporter \\- Prometheus exporter for task runs of WeData, TAT, SCF and EnOS")
print(".SH SYNOPSIS\n.B taskrun\\-exporter\n[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]")
print(".SH DESCRIPTION\n" + roff(about) + ".")
commands = describe([])
print(".SH COMMANDS")
for command in commands:
    if command != "help":
        for deeper in describe([command]):
            if deeper != "help":
                describe([command, deeper])
print(".SH FILES\n.TP\n.I /etc/taskrun\\-exporter/config.toml\nThe configuration; every key is in")
print(".IR /usr/share/doc/taskrun\\-exporter/examples/config.toml .")
print(".TP\n.I /var/lib/taskrun\\-exporter\nWhat is remembered, so that no run is counted twice.")
print(".SH SIGNALS\n.TP\n.B SIGHUP\nReads the configuration again; a bad one changes nothing.")
print(".TP\n.B SIGTERM, SIGINT\nEnds: answers under way are finished, within five seconds.")
print(".SH EXIT STATUS\n.TP\n.B 0\nAll is well.\n.TP\n.B 1\nIt failed while running.")
print(".TP\n.B 64\nThe command line was not understood.\n.TP\n.B 78\nThe configuration has problems.")
