#!/usr/bin/env bash
# Installs the plugin and its host, with the variables and paths of s390-tools. Called by
# `make install`, which lists the variables. Nothing that an administrator may have changed is
# overwritten.
set -euo pipefail

: "${PLUGIN_FILE:?}" "${PROGRAM_FILE:?}"
DESTDIR=${DESTDIR:-}
USRBINDIR=${USRBINDIR:-/usr/bin}
USRLIB64DIR=${USRLIB64DIR:-/usr/lib64}
ZKEYKMSPLUGINDIR=${ZKEYKMSPLUGINDIR:-$USRLIB64DIR/zkey}
SYSCONFDIR=${SYSCONFDIR:-/etc}
DATADIR=${DATADIR:-/usr/share}
MANDIR=${MANDIR:-$DATADIR/man}
BASHCOMPDIR=${BASHCOMPDIR:-$DATADIR/bash-completion/completions}
DOCDIR=${DOCDIR:-$DATADIR/doc/zkey-kmip}
OWNER=${OWNER:-$(id -un)}
GROUP=${GROUP:-$(id -gn)}
PLUGIN_NAME=${PLUGIN_NAME:-zkey-kmip.so}
CONFIGURE=${CONFIGURE:-yes}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# put MODE FILE TARGET, as OWNER and GROUP
put() {
    install -D -o "$OWNER" -g "$GROUP" -m "$1" "$2" "$DESTDIR$3"
}

put 755 "$PLUGIN_FILE" "$ZKEYKMSPLUGINDIR/$PLUGIN_NAME"
put 755 "$PROGRAM_FILE" "$USRBINDIR/zkey-kmip"
put 644 "$root/packaging/zkey-kmip.1" "$MANDIR/man1/zkey-kmip.1"
put 644 "$root/packaging/zkey-kmip.bash" "$BASHCOMPDIR/zkey-kmip"
for document in zkey-kmip/PLUGIN.md zkey-kmip/HOST.md packaging/SWITCH.md; do
    put 644 "$root/$document" "$DOCDIR/$(basename "$document")"
done
# As they are shipped, to be compared with those in use.
for profile in "$root"/profiles/*.profile; do
    put 644 "$profile" "$DATADIR/zkey-kmip/profiles/$(basename "$profile")"
done
put 755 "$root/packaging/configure.sh" "$DATADIR/zkey-kmip/configure.sh"
[ "$CONFIGURE" = yes ] || exit 0

# A directory that is there keeps its owner and mode.
directory() {
    [ -d "$DESTDIR$1" ] || install -d -o "$OWNER" -g "$GROUP" -m 770 "$DESTDIR$1"
}

directory "$SYSCONFDIR/zkey"
directory "$SYSCONFDIR/zkey/kmip"
directory "$SYSCONFDIR/zkey/kmip/profiles"
for profile in "$root"/profiles/*.profile; do
    target=$SYSCONFDIR/zkey/kmip/profiles/$(basename "$profile")
    if [ ! -e "$DESTDIR$target" ]; then
        put 644 "$profile" "$target"
    elif ! cmp -s "$profile" "$DESTDIR$target"; then
        echo "kept $DESTDIR$target, which is not the shipped one" >&2
    fi
done

list=$DESTDIR$SYSCONFDIR/zkey/kms-plugins.conf
if [ ! -e "$list" ]; then
    new=$(mktemp)
    echo "KMIP=$PLUGIN_NAME" >"$new"
    put 644 "$new" "$SYSCONFDIR/zkey/kms-plugins.conf"
    rm "$new"
elif ! grep -qi '^KMIP=' "$list"; then
    # The file of s390-tools has no final newline, and an empty line is an error.
    [ -z "$(tail -c 1 "$list")" ] || echo >>"$list"
    echo "KMIP=$PLUGIN_NAME" >>"$list"
elif ! grep -qix "KMIP=$PLUGIN_NAME" "$list"; then
    echo "$list names another KMIP plugin; see SWITCH.md to use this one" >&2
fi
