#!/usr/bin/env python3
"""Writes the dashboards beside this file; with --check, only says which of them are behind. Standard library alone."""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from generator import exporter, kinds, overview, task  # noqa: E402

HERE = Path(__file__).parent
BUILD = {"overview": overview.build, "task": task.build, "exporter": exporter.build,
         "wedata": kinds.wedata, "tat": kinds.tat, "scf": kinds.scf, "enos": kinds.enos}


def main():
    check, behind = sys.argv[1:] == ["--check"], []
    if sys.argv[1:] and not check:
        sys.exit("usage: generate.py [--check]")
    for name, build in BUILD.items():
        path, text = HERE / f"{name}.json", json.dumps(build(), indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            behind.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if check and behind:
        sys.exit(f"{', '.join(behind)}: not what dashboards/generate.py gives; run make dashboards")
    print(f"written: {', '.join(behind)}" if behind else "all up to date")


if __name__ == "__main__":
    main()
