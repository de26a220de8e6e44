#!/usr/bin/env bash
# Puts what the tests need beside the build, under target/tools, and prints where it is:
#
#   promtool        from Debian's package, unpacked but not installed; where there is no apt-get, the one on PATH
<<<<<<< HEAD
#   node-exporter   likewise: Prometheus' own reading of a web configuration file
=======
#   prometheus      the same, for the dashboards' queries
>>>>>>> boards
#   strace          Debian's, installed: it kills the daemon at each write of a commit
#   chromium        Debian's, installed: it opens the status page; CHROMIUM=… names another one
#   venv/bin/python a Python environment with prometheus_client and tests/interop/requirements.txt
#
# Does nothing when all is there. Asks for root, or sudo, only where a Debian package is really missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools="$PWD/target/tools"
promtool="$tools/promtool"
<<<<<<< HEAD
node_exporter="$tools/node-exporter"
=======
prometheus="$tools/prometheus"
>>>>>>> boards
python="$tools/venv/bin/python"
mkdir -p "$tools"

note() { printf 'tests/tools.sh: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }

# quietly COMMAND…: shows what a command said only where it fails.
quietly() {
  "$@" >"$tools/log" 2>&1 || { tail -n 20 "$tools/log" >&2; return 1; }
}

apt_as_root() {
  local become=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "needs root or sudo to run: apt-get $*"
    become=(sudo)
  fi
  quietly "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"
}

install_debian() {
  command -v apt-get >/dev/null || die "needs $1; please install it"
  note "installing Debian's $1"
  apt_as_root install --no-install-recommends "$1" || { apt_as_root update && apt_as_root install --no-install-recommends "$1"; }
}

<<<<<<< HEAD
# unpack PROGRAM TO PACKAGE…: the program of the first package that has it.
unpack() {
  local program="$1" to="$2" work package
  shift 2
  work="$(mktemp -d "$tools/$program.XXXXXX")"
=======
# unpack BINARY PACKAGE…: takes it out of the first of these packages that has it.
unpack() {
  local binary="$1" work package
  shift
  work="$(mktemp -d "$tools/$binary.XXXXXX")"
>>>>>>> boards
  # As root, apt-get hands the download to a user of its own, who must be able to write here.
  chmod 755 "$work"
  for package in "$@"; do
    if (cd "$work" && quietly apt-get -q -o APT::Sandbox::User="$(id -un)" download "$package"); then
      dpkg-deb -x "$work/${package}"_*.deb "$work"
<<<<<<< HEAD
      [ ! -x "$work/usr/bin/$program" ] || { mv "$work/usr/bin/$program" "$to"; break; }
    fi
  done 2>/dev/null
  rm -rf "$work"
  [ -x "$to" ]
}

# get PROGRAM TO PACKAGE…: the same, or else the program on PATH.
=======
      [ ! -x "$work/usr/bin/$binary" ] || { mv "$work/usr/bin/$binary" "$tools/$binary"; break; }
    fi
  done 2>/dev/null
  rm -rf "$work"
  [ -x "$tools/$binary" ]
}

# get BINARY PACKAGE…: puts it under target/tools, from Debian where there is apt-get, else from PATH.
>>>>>>> boards
get() {
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    note "downloading $1 from Debian"
    unpack "$@" && return
    note "apt's package lists may be missing or old: apt-get update"
    (apt_as_root update) && unpack "$@" && return
  fi
  local found
  found="$(command -v "$1")" || die "no $1: apt-get has none, and there is none on PATH"
<<<<<<< HEAD
  ln -sf "$found" "$2"
=======
  ln -sf "$found" "$tools/$1"
>>>>>>> boards
}

# The environment is made anew whenever what it is to hold changes.
wanted_python() {
  echo 'prometheus_client==0.22.1'
  if [ -f tests/interop/requirements.txt ]; then cat tests/interop/requirements.txt; fi
}

get_python() {
  command -v python3 >/dev/null || install_debian python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_debian python3-venv
  note "making a Python environment"
  rm -rf "$tools/venv"
  quietly python3 -m venv "$tools/venv" || die "python3 cannot make an environment"
  wanted_python >"$tools/requirements.txt"
  quietly "$python" -m pip install --disable-pip-version-check --requirement "$tools/requirements.txt" || die "pip cannot install what tests/interop/requirements.txt names"
  mv "$tools/requirements.txt" "$tools/venv/holds"
}

# Debian 12 has promtool in its package prometheus, later ones in a package of its own.
<<<<<<< HEAD
[ -x "$promtool" ] || get promtool "$promtool" promtool prometheus
[ -x "$node_exporter" ] || get prometheus-node-exporter "$node_exporter" prometheus-node-exporter
=======
[ -x "$promtool" ] || get promtool promtool prometheus
[ -x "$prometheus" ] || get prometheus prometheus
>>>>>>> boards
command -v strace >/dev/null || install_debian strace
command -v "${CHROMIUM:-chromium}" >/dev/null || install_debian chromium
cmp -s "$tools/venv/holds" <(wanted_python) || get_python

<<<<<<< HEAD
printf 'PROMTOOL=%s\nNODE_EXPORTER=%s\nINTEROP_PYTHON=%s\n' "$promtool" "$node_exporter" "$python"
=======
printf 'PROMTOOL=%s\nPROMETHEUS=%s\nINTEROP_PYTHON=%s\n' "$promtool" "$prometheus" "$python"
>>>>>>> boards
