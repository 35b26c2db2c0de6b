#!/usr/bin/env bash
# Checks for what a build needs beside Rust, names what is missing and installs it
# (Debian, Ubuntu, Fedora; as root or with sudo). Says nothing when all is there.
#
#   scripts/setup.sh            check, install what is missing
#   scripts/setup.sh --check    check only
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MINIMUM_RUST=1.85
MINIMUM_OPENSSL=3.0

missing=() # for people
apt=()     # the same as packages of Debian and Ubuntu
dnf=()     # ... and of Fedora
need() { missing+=("$1"); apt+=($2); dnf+=($3); }

links_c_program() {
    printf '#include <stdio.h>\nint main(void) { return 0; }\n' |
        cc -x c - -o /dev/null 2>/dev/null
}

has_openssl() {
    # The openssl crate's own variables come first, as they do in its build script.
    [ -n "${OPENSSL_DIR-}${OPENSSL_INCLUDE_DIR-}" ] && return
    pkg-config --atleast-version="$MINIMUM_OPENSSL" openssl 2>/dev/null
}

command -v make >/dev/null || need "make" "make" "make"
links_c_program || need "a C compiler and linker (cc)" "gcc libc6-dev" "gcc glibc-devel"
command -v pkg-config >/dev/null || need "pkg-config" "pkg-config" "pkgconf-pkg-config"
has_openssl || need "the headers of OpenSSL $MINIMUM_OPENSSL or later" "libssl-dev" "openssl-devel"

if [ ${#missing[@]} -gt 0 ]; then
    for thing in "${missing[@]}"; do say "missing: $thing"; done
    if command -v apt-get >/dev/null; then
        by_hand="apt-get update && apt-get install -y ${apt[*]}"
        install() { apt_install "${apt[@]}"; }
    elif command -v dnf >/dev/null; then
        by_hand="dnf install -y ${dnf[*]}"
        install() { as_root dnf install -y -q "${dnf[@]}"; }
    else
        die "neither apt-get nor dnf is here: install these with the system's package manager"
    fi
    if [ "${1-}" = --check ] || ! can_be_root; then
        die "run this as root, then try again:  $by_hand"
    fi
    say "installing: $by_hand"
    install || die "the installation failed; run this as root, then try again:  $by_hand"
    has_openssl || die "OpenSSL $MINIMUM_OPENSSL or later is still missing: this system is too old"
fi

command -v cargo >/dev/null || die "missing: Rust $MINIMUM_RUST or later, see https://rustup.rs"
release=$(rustc --version)
release=${release#rustc }
release=${release%%[ -]*}
oldest=$(printf '%s\n' "$MINIMUM_RUST" "$release" | sort -V | head -n 1)
[ "$oldest" = "$MINIMUM_RUST" ] || die "Rust $release is too old: $MINIMUM_RUST or later is needed"
