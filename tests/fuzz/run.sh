#!/usr/bin/env bash
# Fuzzes every target, or those that are named, for FUZZ_SECONDS each: `make fuzz`.
#
# New inputs go to target/fuzz; what is worth keeping is copied to corpus/TARGET by hand, and from then on is a test of
# `make test` (src/fuzzing/tests.rs). An input that fails is left in target/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seconds=${FUZZ_SECONDS:-60}
tool="$PWD/target/tools/bin/cargo-fuzz"
[ -x "$tool" ] || cargo install --locked --root target/tools --target-dir target/tools/build cargo-fuzz

# The sanitizers that the fuzzer needs are not in a stable toolchain.
export RUSTUP_TOOLCHAIN=${FUZZ_TOOLCHAIN:-nightly}
# The very versions that the program is built with.
cp Cargo.lock tests/fuzz/Cargo.lock

targets=("$@")
[ $# -gt 0 ] || for file in tests/fuzz/targets/*.rs; do targets+=("$(basename "$file" .rs)"); done

for target in "${targets[@]}"; do
  # Folders with more inputs, as they are for other tests.
  case $target in
    config) seeds=(tests/config/good tests/config/bad) ;;
    credentials) seeds=(tests/fixtures/transport/tencent) ;;
    durations) seeds=() ;;
    enos) seeds=(tests/fixtures/enos) ;;
    enos_envelope) seeds=(tests/fixtures/transport/enos) ;;
    faults) seeds=() ;;
    headers) seeds=() ;;
    logs) seeds=() ;;
    records) seeds=() ;;
    salvage) seeds=() ;;
    scf) seeds=(tests/fixtures/scf) ;;
    tat) seeds=(tests/fixtures/tat) ;;
    tencent_envelope) seeds=(tests/fixtures/transport/tencent) ;;
    times) seeds=() ;;
    wedata) seeds=(tests/fixtures/wedata) ;;
    *) echo "tests/fuzz/run.sh: say where the seeds of $target are" >&2; exit 64 ;;
  esac
  found="target/fuzz/corpus/$target"
  artifacts="$PWD/target/fuzz/artifacts/$target/"
  mkdir -p "$found" "$artifacts"
  echo "== $target, $seconds s"
  # JSON as it is written: libFuzzer finds braces by itself, but no field names.
  "$tool" run --fuzz-dir tests/fuzz --target-dir target/fuzz/build "$target" "$found" "tests/fuzz/corpus/$target" \
    "${seeds[@]}" -- -max_total_time="$seconds" -max_len=32768 -timeout=30 -rss_limit_mb=2048 \
    -dict=tests/fuzz/words.dict -artifact_prefix="$artifacts" -print_final_stats=1 -verbosity=0
done
echo "fuzz: nothing found in ${#targets[@]} targets"
