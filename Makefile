# What people and machines run here. `make test` is what has to be green; .ci/run calls it and nothing else.
MAKEFLAGS += --no-builtin-rules
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# Where tests/tools.sh puts them; the tests take them from here.
export PROMTOOL := $(CURDIR)/target/tools/promtool
export STRACE := strace
export CHROMIUM ?= chromium
export INTEROP_PYTHON := $(CURDIR)/target/tools/venv/bin/python

# Incremental compilation stays as cargo has it: the second `make test` of an hour matters more than the first of a day.
CARGO ?= cargo
RULES := config/prometheus/alerts.yml

.PHONY: help demo test check tools rules crash-test bench fuzz soak month golden package

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# The development profile: a fresh clone shows its first page minutes sooner, and four simulated clouds are no load.
demo: ## the exporter on simulated clouds, at http://127.0.0.1:10310/metrics
	$(CARGO) run --locked -- demo

test: tools check rules ## all tests, as they run before a merge
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	$(CARGO) test --locked

check: ## formatting and lints alone
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- -D warnings

# What the tests need and a Rust toolchain does not bring.
tools:
	tests/tools.sh

rules: tools ## Prometheus' configuration, alerts and their tests
	"$(PROMTOOL)" check config --lint-fatal config/prometheus/scrape.yml
	"$(PROMTOOL)" check rules --lint-fatal $(RULES)
	"$(PROMTOOL)" test rules tests/rules/*.yml

# make test kills it 60 times.
N ?= 1000
crash-test: ## kill the daemon N times at random moments, and compare its totals with the truth
	CRASHES=$(N) $(CARGO) test --locked --lib -- keeper::tests::bytes
	CRASHES=$(N) $(CARGO) test --locked --test it -- crash:: --nocapture

bench: ## the figures of README.md, side by side with the usual ways; wants a quiet machine
	$(CARGO) bench --locked --bench paths --bench keeping

FUZZ_SECONDS ?= 60
fuzz: ## every decoder and parser on made-up input, FUZZ_SECONDS each; needs a nightly toolchain
	FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh

# The profile `release` gives the figures of life; `SOAK_PROFILE=dev` builds sooner.
SOAK_MINUTES ?= 10
SOAK_PROFILE ?= release
soak: ## a day of the exporter in SOAK_MINUTES: does anything grow, do the totals stay true
	SOAK_MINUTES=$(SOAK_MINUTES) $(CARGO) bench --locked --profile $(SOAK_PROFILE) --bench soak

month: ## 30 days at 100 finished runs a second through a state file: is it flat, is every run counted; takes an hour
	$(CARGO) bench --locked --bench month

# BINARY=… packs another one, like one that was built for another C library.
BINARY ?= target/release/taskrun-exporter
package: ## a Debian package, a tarball, a bill of materials and checksums, in target/package
	[ "$(BINARY)" != target/release/taskrun-exporter ] || $(CARGO) build --locked --release --bin taskrun-exporter
	rm -rf target/package
	config/package/build.sh "$(BINARY)" target/package

golden: tools ## accept what the tests now see: golden files and the metric table of README.md
	UPDATE_GOLDEN=1 $(CARGO) test --locked
