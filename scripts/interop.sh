#!/usr/bin/env bash
# Our client against PyKMIP's server. ARGS go to the test program.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

exec scripts/pykmip.sh cargo test --locked -p kmip --test interop -- --ignored "$@"
