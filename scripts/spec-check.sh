#!/usr/bin/env bash
# Compares the tables of kmip-spec with those that were read from the specification texts
# independently, once by value and once also by the spelling of every name.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

check=$KMIP_SHARED/spec/check.py
if [ ! -e "$check" ]; then
    [ -z "${KMIP_REQUIRE_ALL-}" ] || die "no $check, and KMIP_REQUIRE_ALL is set"
    say "skipped: no reference material in $KMIP_SHARED"
    exit 0
fi

cd "$ROOT"
dump=$(mktemp)
trap 'rm -f "$dump"' EXIT
cargo run --quiet --locked -p codegen -- dump >"$dump"
python3 "$check" "$dump"
python3 "$check" "$dump" --strict-names
