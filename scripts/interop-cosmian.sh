#!/usr/bin/env bash
# The whole life of keys with Cosmian KMS as the key server (see zkey-kmip/examples/demo): KMIP 1.4
# and 2.1, over TLS and over HTTPS, with its own profile, the default one, and one that `kmip doctor`
# makes. Prints a table of what worked.
#
#   KMIP_COSMIAN=/path/to/cosmian_kms scripts/interop-cosmian.sh [BACKEND...]
#
# BACKEND is software (the default), cca or ep11. The program is the binary `cosmian_kms` of the
# crate cosmian_kms_server from the Rust registry. It is not built here and not in CI, since that
# takes long.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ -n "${KMIP_COSMIAN:-}" ] || die "set KMIP_COSMIAN to the program cosmian_kms"
[ -x "$KMIP_COSMIAN" ] || die "$KMIP_COSMIAN is no program"
"$ROOT/scripts/setup.sh"
cd "$ROOT"
cargo build -q --locked -p kmip-cli -p kmip-server -p zkey-kmip --bins --lib --example demo
demo=${CARGO_TARGET_DIR:-$ROOT/target}/debug/examples/demo

[ $# -gt 0 ] || set -- software
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
row='%-9s %-5s %-11s %-8s %s\n'

# play BACKEND VERSION TRANSPORT PROFILE OPTIONS...
play() {
    local result=ok cells=("${@:1:4}")
    shift 4
    if ! "$demo" --cosmian "$KMIP_COSMIAN" --backend "${cells[0]}" --kmip "${cells[1]}" "$@" \
        >"$log" 2>&1; then
        result=FAILED
        failed=$((failed + 1))
    fi
    # shellcheck disable=SC2059 # one format for all rows
    printf "$row" "${cells[@]}" "$result, $(grep -c '^✓' "$log" || true) steps"
    [ "$result" = ok ] || sed -n '/^✗/,$p' "$log"
}

# shellcheck disable=SC2059
printf "$row" backend KMIP transport profile result
for backend; do
    for version in 1.4 2.1; do
        for transport in TLS HTTPS-TTLV HTTPS-JSON; do
            options=()
            [ "$transport" = TLS ] || options=(--https "${transport#HTTPS-}")
            play "$backend" $version $transport own "${options[@]}"
            play "$backend" $version $transport default --profile default "${options[@]}"
            play "$backend" $version $transport doctor --doctor "${options[@]}"
        done
    done
    play "$backend" AUTO TLS default --profile default
done
[ "$failed" = 0 ] || die "$failed of these failed"
