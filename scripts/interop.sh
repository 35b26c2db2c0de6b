#!/usr/bin/env bash
# Our client and the plugin with PyKMIP's server, PyKMIP's client and curl with our server, and several
# of our servers with a PostgreSQL database, which the test starts for itself.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/setup.sh" build python postgres
cd "$ROOT"
# Built first: the server need not wait for the compiler.
tests=(cargo test --locked -p kmip -p kmip-server -p kmip-cli -p zkey-kmip
    --features kmip-server/postgres --test 'interop*')
"${tests[@]}" --no-run
exec scripts/pykmip.sh "${tests[@]}" -- --include-ignored
