#!/usr/bin/env bash
# CPU seconds of a clean, not incremental build of the crate kmip alone, its dependencies built
# before: a line `profile seconds` for debug and release. In a target directory of its own.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

cd "$ROOT"
export CARGO_INCREMENTAL=0
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/compile-time
unset RUSTC_WRAPPER

# build PROFILE: the time that the compiler and the build script took, user and system.
build() {
    local TIMEFORMAT='%U %S'
    cargo build --quiet --locked -p kmip --profile "$1"
    cargo clean --quiet --locked -p kmip --profile "$1"
    { time cargo build --quiet --locked -p kmip --profile "$1" 2>&3; } 3>&2 2>&1 |
        awk '{ printf "%.1f\n", $1 + $2 }'
}

for profile in dev release; do
    seconds=$(build "$profile")
    echo "$profile $seconds"
done
