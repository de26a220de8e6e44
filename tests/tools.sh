#!/usr/bin/env bash
# Puts what the tests need beside the build, under target/tools, and prints where it is:
#
#   promtool, prometheus, alertmanager, node-exporter
#                   from Debian's packages, unpacked but not installed; where there is no apt-get, those on PATH
#   strace          Debian's, installed: it kills the daemon at each write of a commit
#   chromium        Debian's, installed: it opens the status page; CHROMIUM=… names another one
#   venv/bin/python a Python environment with prometheus_client, PyYAML and tests/interop/requirements.txt
#
# Does nothing when all is there. Asks for root, or sudo, only where a Debian package is really missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools="$PWD/target/tools"
promtool="$tools/promtool"
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

# unpack FILE PACKAGE…: puts usr/bin/FILE of the first package that has it beside the others, under the name it has there
# less the package's own "prometheus-".
unpack() {
  local file="$1" work package
  shift
  work="$(mktemp -d "$tools/unpack.XXXXXX")"
  # As root, apt-get hands the download to a user of its own, who must be able to write here.
  chmod 755 "$work"
  for package in "$@"; do
    if (cd "$work" && quietly apt-get -q -o APT::Sandbox::User="$(id -un)" download "$package"); then
      dpkg-deb -x "$work/${package}"_*.deb "$work"
      [ -x "$work/usr/bin/$file" ] || continue
      # Debian's Alertmanager reads its templates from a fixed place, where nothing is as long as it is not installed: they
      # come along, and it looks for them from the repository's folder. The new path has the length of the old one.
      LC_ALL=C sed -i 's#/usr/share/prometheus/alertmanager#target/tools//////////////////////#g' "$work/usr/bin/$file"
      find "$work/usr/share" -name '*.tmpl' -exec mv -t "$tools" {} +
      mv "$work/usr/bin/$file" "$tools/${file#prometheus-}"
      break
    fi
  done 2>/dev/null
  rm -rf "$work"
  [ -x "$tools/${file#prometheus-}" ]
}

get() {
  local file="$1" found
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    note "downloading $file from Debian"
    unpack "$@" && return
    note "apt's package lists may be missing or old: apt-get update"
    (apt_as_root update) && unpack "$@" && return
  fi
  found="$(command -v "$file" || command -v "${file#prometheus-}")" || die "no $file: apt-get has none, and there is none on PATH"
  ln -sf "$found" "$tools/${file#prometheus-}"
}

# The environment is made anew whenever what it is to hold changes.
wanted_python() {
  echo 'prometheus_client==0.22.1'
  echo 'PyYAML==6.0.3'
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
[ -x "$promtool" ] || get promtool promtool prometheus
[ -x "$tools/prometheus" ] || get prometheus prometheus
[ -x "$tools/alertmanager" ] || get prometheus-alertmanager prometheus-alertmanager
[ -x "$tools/node-exporter" ] || get prometheus-node-exporter prometheus-node-exporter
command -v strace >/dev/null || install_debian strace
command -v "${CHROMIUM:-chromium}" >/dev/null || install_debian chromium
cmp -s "$tools/venv/holds" <(wanted_python) || get_python

printf 'PROMTOOL=%s\nINTEROP_PYTHON=%s\n' "$promtool" "$python"
