#!/usr/bin/env bash
# Builds the programs of the demo and plays it: see zkey-kmip/examples/demo.
#
#   scripts/demo.sh [--backend software|cca|ep11] [--keep DIR] [--json]    and more: --help
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The demo may be called from anywhere: a directory to keep is the caller's.
cargo build -q --locked --manifest-path "$ROOT/Cargo.toml" -p kmip-server -p zkey-kmip \
    --bins --lib --example demo
exec "${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples/demo" "$@"
