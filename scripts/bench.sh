#!/usr/bin/env bash
# Runs the benchmarks and writes RESULTS.md, results.svg, ROUND_TRIPS.md and LOAD.md of benches/. Arguments go to
# criterion; with any, it is a run of some benchmarks and nothing is written.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
target=${CARGO_TARGET_DIR:-$ROOT/target}
export CRITERION_HOME=$target/criterion

# Client and server of a benchmark share one core, where there is taskset: over two, it is a matter of
# luck how long each takes to wake up the other.
pin=()
last=$(($(nproc --all) - 1))
if taskset -c "$last" true 2>/dev/null; then pin=(taskset -c "$last"); fi

cargo bench --locked -p kmip-benches --features peers --no-run
if [ $# -gt 0 ]; then
    exec "${pin[@]}" cargo bench --locked -p kmip-benches --features peers -- "$@"
fi

# PyKMIP is measured beside us where it can be had.
peer=()
if scripts/pykmip.sh true; then peer=(scripts/pykmip.sh); fi

# What is written comes from one run.
rm -rf "$CRITERION_HOME"
"${pin[@]}" "${peer[@]}" cargo bench --locked -p kmip-benches --features peers
scripts/compile-time.sh >"$target/compile-time.txt"
cargo run --release --locked -p kmip-benches --features peers --bin results -- \
    "$CRITERION_HOME" "$target/compile-time.txt"
KMIP_LOAD=1 "${peer[@]}" cargo bench --locked -p kmip-benches --bench load >"$target/load.md"
mv "$target/load.md" benches/LOAD.md
