#!/usr/bin/env python3
"""Prints what bash completes after `taskrun-exporter`, made of what its own --help says: `completion.py BINARY`."""

import re
import subprocess
import sys

binary = sys.argv[1]


def words(*line):
    """The options and commands that may follow these words."""
    told = subprocess.run([binary, *line, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    options = sorted(set(re.findall(r"^ {2,6}(?:-\w, )?(--[\w-]+)", told, re.M)))
    below = told.partition("\nCommands:\n")[2].partition("\n\n")[0]
    return options, [name for name in re.findall(r"^ {2}([a-z]\w*)", below, re.M) if name != "help"]


def cases(*line):
    options, commands = words(*line)
    yield f'    "{" ".join(line)}") words="{" ".join(commands + options)}" ;;'
    for command in commands:
        yield from cases(*line, command)


print("# bash completion of taskrun-exporter\n_taskrun_exporter() {\n  local line=() word words=")
print('  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == [a-z]* ]] && line+=("$word"); done')
print('  case "${COMP_WORDS[COMP_CWORD-1]}" in')
print('    --config|--path|import) mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"); return ;;\n  esac')
print('  case "${line[*]}" in')
print("\n".join(cases()))
print('  esac\n  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}")\n}')
print("complete -o filenames -F _taskrun_exporter taskrun-exporter")
