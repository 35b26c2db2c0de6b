#!/bin/sh
# Adds to the configuration what is missing. It belongs to s390-tools and to the administrator, so
# nothing is overwritten but profiles that this script made and that nobody changed since: what
# packages do with configuration files of their own. Called when a package was installed.
#
#   configure.sh PLUGIN-FILE      the plugin as it is named in the list of plugins
#
# DPKG_ROOT is put in front of all paths.
set -e
plugin=$1
root=${DPKG_ROOT:-}
shipped=$root/usr/share/zkey-kmip/profiles
profiles=$root/etc/zkey/kmip/profiles
# Checksums of the profiles as they were made.
made=$root/var/lib/zkey-kmip/profiles.sha256
if getent group zkeyadm >/dev/null; then group=zkeyadm; else group=$(id -gn); fi

for directory in /etc/zkey /etc/zkey/kmip /etc/zkey/kmip/profiles; do
    [ -d "$root$directory" ] || install -d -m 770 -g "$group" "$root$directory"
done

mkdir -p "${made%/*}"
[ -e "$made" ] || : >"$made"
for profile in "$shipped"/*.profile; do
    name=${profile##*/}
    target=$profiles/$name
    if [ ! -e "$target" ]; then
        # One that was removed stays so.
        if grep -q " $name\$" "$made"; then continue; fi
    elif ! (cd "$profiles" && grep " $name\$" "$made" | sha256sum --check --status 2>/dev/null); then
        continue
    fi
    install -m 644 -g "$group" "$profile" "$target.new"
    mv "$target.new" "$target"
    grep -v " $name\$" "$made" >"$made.new" || true
    (cd "$profiles" && sha256sum "$name") >>"$made.new"
    mv "$made.new" "$made"
done

list=$root/etc/zkey/kms-plugins.conf
if [ ! -e "$list" ]; then
    echo "KMIP=$plugin" >"$list"
    chmod 644 "$list"
elif ! grep -qi '^KMIP=' "$list"; then
    # The file of s390-tools has no final newline, and an empty line is an error.
    [ -z "$(tail -c 1 "$list")" ] || echo >>"$list"
    echo "KMIP=$plugin" >>"$list"
fi
