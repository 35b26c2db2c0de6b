#!/usr/bin/env bash
# Builds for s390x-unknown-linux-gnu and runs the tests under qemu-user. s390x is the
# platform of zkey, and big-endian: what works here by luck of byte order fails there.
#
#   scripts/s390x.sh                  setup, then build the workspace, then test kmip, zkey-needs,
#                                     zkey-kmip and the emulated adapters
#   scripts/s390x.sh setup            the tool-chain, once per machine (about a minute)
#   scripts/s390x.sh build [ARGS]     cargo build of the workspace
#   scripts/s390x.sh test [ARGS]      cargo test; ARGS name packages and tests as for cargo
#   scripts/s390x.sh cargo ARGS       any cargo command, with --target where it goes
#
# The tool-chain consists of packages of Debian 12, on amd64:
#   installed          gcc-s390x-linux-gnu and qemu-user-static (amd64 programs)
#   unpacked only      rustc 1.85 with the std of both targets, and an s390x sysroot with
#                      libc and OpenSSL, below $S390X_PREFIX
# Nothing of s390x and no Debian rustc is installed, so no package of the machine is upgraded,
# removed or shadowed. rustc is 1.85 since that is what Debian has for both architectures.
#
# Environment:
#   S390X_PREFIX       where the tool-chain is unpacked
#   S390X_TARGET_DIR   cargo's target directory; apart from the native one, whose rustc differs
#
# Tests run with KMIP_TEST_RUNNER naming the program that runs s390x executables: a test that
# starts a binary of the workspace has to put it in front (there is no binfmt_misc to rely on).
# Doctests are left out: rustdoc 1.85 does not know the options that a newer cargo passes.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TARGET=s390x-unknown-linux-gnu
PREFIX=${S390X_PREFIX:-$CACHE/s390x}
SYSROOT=$PREFIX/sysroot
RUST=$PREFIX/rust
BIN=$PREFIX/bin
# The one version that Debian has for amd64 and s390x; std must come from the very same build.
RUST_VERSION=1.85.0+dfsg3-1~deb12u3
RUST_SERIES=${RUST_VERSION%%.0*}
SYSROOT_PACKAGES=(libc6 libc6-dev linux-libc-dev libgcc-s1 libstdc++6 zlib1g libssl3 libssl-dev)

setup() {
    is_debian_12_on_amd64 ||
        die "the tool-chain comes from the packages of Debian 12 on amd64; this is another system"
    "$ROOT/scripts/setup.sh"
    package_lists
    host_tools
    mkdir -p "$PREFIX/debs/sysroot/partial" "$PREFIX/debs/rust" "$BIN"
    sysroot
    rust
    wrappers
    check_toolchain
}

is_debian_12_on_amd64() {
    [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] &&
        grep -qx 'VERSION_CODENAME=bookworm' /etc/os-release
}

package_lists() {
    local changed=
    if ! dpkg --print-foreign-architectures | grep -qx s390x; then
        as_root dpkg --add-architecture s390x
        changed=1
    fi
    if [ -e "$(sysroot_stamp)" ] && [ -e "$(rust_stamp)" ]; then return; fi
    if [ -n "$changed" ] || ! apt-cache show "libstd-rust-web-dev:s390x=$RUST_VERSION" \
        >/dev/null 2>&1; then
        say "apt-get update"
        as_root apt-get update -qq
    fi
}

host_tools() {
    if command -v s390x-linux-gnu-gcc >/dev/null && command -v qemu-s390x-static >/dev/null; then
        return
    fi
    say "installing gcc-s390x-linux-gnu and qemu-user-static"
    apt_install gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user-static
}

sysroot_stamp() {
    printf '%s/.sysroot-%s\n' "$PREFIX" "$(printf '%s ' "${SYSROOT_PACKAGES[@]}" | cksum | cut -d' ' -f1)"
}

# apt resolves the packages against an empty dpkg status with s390x as the native
# architecture, and only downloads them.
sysroot() {
    local stamp deb link target
    stamp=$(sysroot_stamp)
    if [ -e "$stamp" ]; then return; fi
    say "unpacking the s390x sysroot: ${SYSROOT_PACKAGES[*]}"
    : >"$PREFIX/empty-status"
    rm -rf "$SYSROOT"
    mkdir -p "$SYSROOT"
    apt-get -o APT::Architecture=s390x -o APT::Architectures::=s390x \
        -o Dir::State::status="$PREFIX/empty-status" \
        -o Dir::Cache::archives="$PREFIX/debs/sysroot" -o Debug::NoLocking=1 \
        -o APT::Install-Recommends=0 -o APT::Sandbox::User=root \
        -y -qq --download-only install "${SYSROOT_PACKAGES[@]}" >/dev/null
    for deb in "$PREFIX"/debs/sysroot/*.deb; do dpkg -x "$deb" "$SYSROOT"; done
    # Absolute links of -dev packages would lead out of the sysroot.
    find "$SYSROOT" -type l -lname '/*' | while read -r link; do
        target=$(readlink "$link")
        ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$SYSROOT$target")" "$link"
    done
    touch "$stamp"
    rm -rf "$PREFIX/debs/sysroot"
}

rust_stamp() { printf '%s/.rust-%s\n' "$PREFIX" "$RUST_VERSION"; }

# The packages conflict with rustup's and cannot be installed for two architectures at once.
rust() {
    local stamp deb
    stamp=$(rust_stamp)
    if [ -e "$stamp" ]; then return; fi
    say "unpacking rustc $RUST_VERSION"
    rm -rf "$RUST"
    mkdir -p "$RUST"
    (
        cd "$PREFIX/debs/rust"
        apt-get -o APT::Sandbox::User=root download -qq \
            "rustc-web:amd64=$RUST_VERSION" \
            "libstd-rust-web-$RUST_SERIES:amd64=$RUST_VERSION" \
            "libstd-rust-web-dev:amd64=$RUST_VERSION" \
            "libstd-rust-web-dev:s390x=$RUST_VERSION" \
            libllvm19:amd64
        for deb in *.deb; do dpkg -x "$deb" "$RUST"; done
    )
    touch "$stamp"
    rm -rf "$PREFIX/debs/rust"
}

wrapper() { cat >"$BIN/$1" && chmod 755 "$BIN/$1"; }

wrappers() {
    local libraries=$RUST/usr/lib/x86_64-linux-gnu:$RUST/lib/x86_64-linux-gnu tool
    for tool in rustc rustdoc; do
        wrapper $tool <<END
#!/bin/sh
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$RUST/usr/bin/$tool" "\$@"
END
    done
    wrapper s390x-cc <<END
#!/bin/sh
exec s390x-linux-gnu-gcc --sysroot="$SYSROOT" "\$@"
END
    # With the sysroot's loader and libraries: qemu looks below -L first for every absolute path.
    wrapper s390x-run <<END
#!/bin/sh
exec qemu-s390x-static -L "$SYSROOT" "\$@"
END
    wrapper s390x-pkg-config <<END
#!/bin/sh
PKG_CONFIG_SYSROOT_DIR="$SYSROOT" \\
PKG_CONFIG_LIBDIR="$SYSROOT/usr/lib/s390x-linux-gnu/pkgconfig:$SYSROOT/usr/share/pkgconfig" \\
exec pkg-config "\$@"
END
}

check_toolchain() {
    local program
    case $("$BIN/rustc" --version) in
    "rustc $RUST_SERIES"*) ;;
    *) die "the unpacked rustc does not run" ;;
    esac
    program=$(mktemp)
    printf '%s\n' '#include <openssl/crypto.h>' \
        'int main(void) { int one = 1; return *(char *)&one || !OpenSSL_version(0); }' |
        "$BIN/s390x-cc" -x c - -o "$program" -lcrypto
    "$BIN/s390x-run" "$program" || die "a program for s390x does not run under qemu"
    rm -f "$program"
}

cargo_s390x() {
    local command=$1
    shift
    [ -x "$BIN/rustc" ] || die "no tool-chain in $PREFIX: run 'scripts/s390x.sh setup' first"
    cd "$ROOT"
    # RUSTUP_TOOLCHAIN and RUSTFLAGS of the caller are meant for another compiler.
    env -u RUSTFLAGS \
        RUSTC="$BIN/rustc" RUSTDOC="$BIN/rustdoc" \
        CARGO_TARGET_DIR="${S390X_TARGET_DIR:-$ROOT/target/s390x}" \
        CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_LINKER="$BIN/s390x-cc" \
        CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER="$BIN/s390x-run" \
        KMIP_TEST_RUNNER="$BIN/s390x-run" KMIP_TEST_CC="$BIN/s390x-cc" \
        CC_s390x_unknown_linux_gnu="$BIN/s390x-cc" \
        AR_s390x_unknown_linux_gnu=s390x-linux-gnu-ar \
        PKG_CONFIG_s390x_unknown_linux_gnu="$BIN/s390x-pkg-config" PKG_CONFIG_ALLOW_CROSS=1 \
        S390X_UNKNOWN_LINUX_GNU_OPENSSL_INCLUDE_DIR="$SYSROOT/usr/include" \
        S390X_UNKNOWN_LINUX_GNU_OPENSSL_LIB_DIR="$SYSROOT/usr/lib/s390x-linux-gnu" \
        cargo "$command" --target "$TARGET" "$@"
}

case ${1-all} in
setup) setup ;;
build) shift && cargo_s390x build --workspace --locked "$@" ;;
test) shift && cargo_s390x test --all-targets --locked "$@" ;;
cargo) shift && cargo_s390x "$@" ;;
all)
    setup
    cargo_s390x build --workspace --locked
    cargo_s390x test --all-targets --no-fail-fast --locked -p kmip -p zkey-needs -p zkey-kmip \
        -p emulated-card -p emulated-csulcca -p emulated-ep11
    ;;
*) die "unknown command '$1': see the head of scripts/s390x.sh" ;;
esac
