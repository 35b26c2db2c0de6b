#!/usr/bin/env bash
# Our client and the plugin with PyKMIP's server, and PyKMIP's client with our server.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

"$ROOT/scripts/setup.sh"
cd "$ROOT"
# Built first: the server need not wait for the compiler.
tests=(cargo test --locked -p kmip -p kmip-server -p kmip-cli -p zkey-kmip --test 'interop*')
"${tests[@]}" --no-run
exec scripts/pykmip.sh "${tests[@]}" -- --include-ignored
