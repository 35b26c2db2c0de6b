#!/usr/bin/env bash
# Runs every fuzz target for some seconds, with coverage feedback, debug assertions and overflow
# checks. The stable compiler does: the flags are those that cargo-fuzz passes.
#
#   scripts/fuzz.sh SECONDS [TARGET...]
#   scripts/fuzz.sh run TARGET FILE...      runs single inputs, such as a crash
#
# FUZZ_SEED=N makes a run repeatable: each target begins with the same inputs in the same order and
# ends after FUZZ_RUNS runs (100000), or SECONDS. What a machine finds so, another one finds too,
# unless time cuts it short. Without it each run takes other ways, from where the last one ended.
# FUZZ_SANITIZER=address adds that sanitizer. It takes twice the time and finds nothing in safe
# code, which is what the targets run but for the calls of OpenSSL.
#
# fuzz/seeds/TARGET is committed; fuzz/corpus/TARGET grows from it and from the reference
# material, where that is present; what crashes is left in fuzz/artifacts/TARGET.
set -euo pipefail

# The fuzzer prints a stack trace by itself.
export RUST_BACKTRACE=0
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

FUZZ=$ROOT/fuzz

targets() { sed -n 's|^path = "fuzz_targets/\(.*\)\.rs"$|\1|p' "$FUZZ/Cargo.toml"; }

flags() {
    printf '%s ' \
        -Cpasses=sancov-module \
        -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
        -Cforce-frame-pointers \
        ${FUZZ_SANITIZER:+-Zsanitizer="$FUZZ_SANITIZER"} \
        --cfg fuzzing
}

# With --target, so that build scripts and proc macros are left without the flags.
build() {
    (
        cd "$FUZZ"
        # What is fuzzed has the dependencies of the workspace; cargo adds the fuzzer's.
        cp "$ROOT/Cargo.lock" .
        # The stable compiler has sanitizers too, but asks to be told.
        if [ -n "${FUZZ_SANITIZER-}" ]; then export RUSTC_BOOTSTRAP=1; fi
        RUSTFLAGS=$(flags) cargo build --quiet --release --bins --target "$host"
    )
}

# Official vectors and examples make good starting points where they are at hand.
fill_corpus() {
    local target=$1 corpus=$2
    mkdir -p "$corpus" "$FUZZ/artifacts/$target"
    if [ -d "$FUZZ/seeds/$target" ]; then cp -n "$FUZZ/seeds/$target"/* "$corpus"; fi
    if [ -d "$KMIP_SHARED/conformance" ] && command -v python3 >/dev/null; then
        python3 "$ROOT/scripts/fuzz-corpus.py" "$KMIP_SHARED" "$target" "$corpus"
    fi
}

fuzz() {
    local target=$1 seconds=$2 scratch log corpus options
    scratch=$(mktemp -d)
    log=$scratch/log
    # A TTLV message of a few KiB shows all there is; time and memory limits find what grows.
    options=(-artifact_prefix="$FUZZ/artifacts/$target/" -max_total_time="$seconds"
        -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
    if [ -n "${FUZZ_SEED-}" ]; then
        corpus=$scratch/corpus
        fill_corpus "$target" "$scratch/inputs"
        mkdir "$corpus"
        # A directory has no order of its own.
        find "$scratch/inputs" -type f | LC_ALL=C sort | paste -sd, | tr -d '\n' >"$scratch/list"
        options+=(-seed="$FUZZ_SEED" -runs="${FUZZ_RUNS:-100000}" -reload=0)
        if [ -s "$scratch/list" ]; then options+=(-seed_inputs="@$scratch/list"); fi
    else
        corpus=$FUZZ/corpus/$target
        fill_corpus "$target" "$corpus"
    fi
    if ! "$bin/$target" "$corpus" "${options[@]}" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        rm -rf "$scratch"
        say "$target: FAILED; again with: scripts/fuzz.sh run $target FILE"
        return 1
    fi
    say "$target: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 runs in \2 s/p' "$log")," \
        "$(sed -n 's/.*\(cov: [0-9]* ft: [0-9]*\) corp: \([0-9]*\).*/\1 corpus: \2/p' "$log" | tail -n 1)"
    rm -rf "$scratch"
}

"$ROOT/scripts/setup.sh" build cxx
host=$(host_triple)
bin=$FUZZ/target/$host/release
say "building"
build

if [ "${1-}" = run ]; then
    [ $# -ge 3 ] || die "usage: scripts/fuzz.sh run TARGET FILE..."
    exec "$bin/$2" "${@:3}"
fi

seconds=${1:?usage: scripts/fuzz.sh SECONDS [TARGET...]}
shift
if [ $# = 0 ]; then mapfile -t wanted < <(targets); else wanted=("$@"); fi
failed=()
for target in "${wanted[@]}"; do fuzz "$target" "$seconds" || failed+=("$target"); done
[ ${#failed[@]} = 0 ] || die "failed: ${failed[*]}"
