#!/usr/bin/env bash
# Draws the pictures of README.md: runs the demo and a Prometheus for PICTURE_MINUTES (20), then has each dashboard drawn.
#
# What draws them is no part of this repository. Set one of:
#   GRAFANA_URL   a Grafana with its image renderer, that has a data source with the uid `prometheus`, the dashboards, and
#                 reaches PROMETHEUS_ADDRESS (127.0.0.1:9090); GRAFANA_TOKEN where it asks for one
#   RENDER        a program that is called as: RENDER DASHBOARD.json PROMETHEUS_URL OUT.png --range 20m --width 1600
#                 [--var NAME=VALUE]
# Both the demo's names and Grafana want fonts for Chinese and emoji, such as Debian's fonts-wqy-zenhei and
# fonts-noto-color-emoji.
#
# Also set, where the defaults do not fit: EXPORTER (target/debug/taskrun-exporter), PROMETHEUS (target/tools/prometheus),
# PICTURES (the folder of the pictures: dashboards), PROMETHEUS_URL (draws from that one; starts nothing).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes="${PICTURE_MINUTES:-20}"
out="${PICTURES:-dashboards}"
width="${PICTURE_WIDTH:-1600}"
exporter="${EXPORTER:-target/debug/taskrun-exporter}"
prometheus="${PROMETHEUS:-target/tools/prometheus}"
address="${PROMETHEUS_ADDRESS:-127.0.0.1:9090}"

note() { printf 'dashboards/pictures.sh: %s\n' "$*" >&2; }
die() { note "$*"; exit 1; }

[ -n "${RENDER:-}${GRAFANA_URL:-}" ] || die "set GRAFANA_URL or RENDER to what draws; the head of this script says how"

pids=()
folder="$(mktemp -d)"
finish() {
  [ ${#pids[@]} = 0 ] || { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; }
  rm -rf "$folder"
}
trap finish EXIT

# until_ready URL SECONDS WHAT
until_ready() {
  local left="$2"
  until curl -fso /dev/null "$1"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { tail -n 5 "$folder"/*.log >&2; die "$3 does not answer at $1"; }
    sleep 1
  done
}

start() {
  [ -x "$exporter" ] || die "no $exporter: cargo build"
  [ -x "$prometheus" ] || die "no $prometheus: tests/tools.sh"
  local target=127.0.0.1:10310
  cat >"$folder/prometheus.yml" <<Y
global: {scrape_interval: 5s}
scrape_configs:
  - job_name: taskrun-exporter
    static_configs: [{targets: ["$target"]}]
Y
  "$exporter" demo --listen "$target" >"$folder/demo.log" 2>&1 & pids+=($!)
  "$prometheus" --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" --web.listen-address="$address" \
    >"$folder/prometheus.log" 2>&1 & pids+=($!)
  until_ready "http://$address/-/ready" 60 prometheus
  until_ready "http://$target/-/ready" 120 "the demo"
  note "gathering $minutes minutes"
  sleep "$((minutes * 60))"
}

# What is chosen in a dashboard: the task of the demo that shows most.
choice() {
  case "$1" in
    task) printf '%s\n' task=import_csv-2 ;;
  esac
}

with_grafana() {
  local name="$1" query="from=now-${minutes}m&to=now&tz=UTC&kiosk&width=$width&height=-1&var-datasource=prometheus" picked
  for picked in $(choice "$name"); do query+="&var-$picked"; done
  curl -fsS ${GRAFANA_TOKEN:+-H "Authorization: Bearer $GRAFANA_TOKEN"} -o "$out/$name.png" \
    "${GRAFANA_URL%/}/render/d/taskrun-$name/?$query"
}

with_program() {
  local name="$1" options=() picked
  for picked in $(choice "$name"); do options+=(--var "$picked"); done
  "$RENDER" "dashboards/$name.json" "$url" "$out/$name.png" --range "${minutes}m" --width "$width" "${options[@]}" >&2
}

url="${PROMETHEUS_URL:-http://$address}"
[ -n "${PROMETHEUS_URL:-}" ] || start
mkdir -p "$out"
for file in dashboards/*.json; do
  name="$(basename "$file" .json)"
  note "drawing $out/$name.png"
  if [ -n "${GRAFANA_URL:-}" ]; then with_grafana "$name"; else with_program "$name"; fi
  # A third of the size, where the program is there.
  ! command -v pngquant >/dev/null || pngquant --force --ext .png 160 "$out/$name.png"
done
