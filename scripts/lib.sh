# shellcheck shell=bash
# Sourced by the other scripts: where things are, and how to speak.
#
#   ROOT         the workspace
#   CACHE        what is fetched or built once per machine ($KMIP_CACHE)
#   KMIP_SHARED  the reference material; exported, absent in a plain clone

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who source this
CACHE=${KMIP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmip-dev}
export KMIP_SHARED=${KMIP_SHARED:-$ROOT/../shared}

# cargo may have been installed by rustup without the shell knowing yet.
if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
fi

# apt takes an empty APT_CONFIG for the name of a file.
if [ "${APT_CONFIG-unset}" = "" ]; then unset APT_CONFIG; fi

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }

# as_root COMMAND...: runs it as root, through sudo where that is needed and can be had.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif can_be_root; then
        sudo "$@"
    else
        return 1
    fi
}

# Root, or a sudo that asks nothing, or somebody at the terminal whom it can ask.
can_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return
    sudo -n true 2>/dev/null || [ -t 0 ]
}

# apt_install PACKAGE...: with fresh package lists, since an image may come without any.
apt_install() {
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# host_triple: what rustc builds for by default.
host_triple() { rustc -vV | sed -n 's/^host: //p'; }

# pip_venv NAME REQUIREMENTS: prints the directory of a Python environment in the cache that
# holds these packages; a half-made one is made anew.
pip_venv() {
    local requirements=$2 venv
    venv=$CACHE/$1-$(cksum <"$requirements" | cut -d' ' -f1)
    if [ ! -e "$venv/.complete" ]; then
        "$ROOT/scripts/setup.sh" python >&2 || return
        rm -rf "$venv"
        mkdir -p "$CACHE"
        python3 -m venv "$venv" &&
            "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
                -r "$requirements" >&2 &&
            touch "$venv/.complete" || return
    fi
    printf '%s\n' "$venv"
}
