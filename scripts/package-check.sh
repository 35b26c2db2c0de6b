#!/usr/bin/env bash
# Builds both packages, and looks at them as an administrator would: what is in them, what they
# depend on, and what is there after installing, upgrading, removing and purging them in a
# directory of their own, beside files of s390-tools.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
scripts/setup.sh deb rpm man

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
packages=$CARGO_TARGET_DIR/packages
failures=0

# check WHAT COMMAND...: the command must succeed.
check() {
    local what=$1
    shift
    if "$@" >"$directory/check" 2>&1; then return; fi
    say "WRONG: $what"
    sed 's/^/    /' "$directory/check" >&2
    failures=$((failures + 1))
}

# equal EXPECTED FOUND
equal() {
    [ "$1" = "$2" ] || { printf 'expected: %s\nfound:    %s\n' "$1" "$2"; return 1; }
}

# What the dynamic linker is to load, sorted, in one line.
needed() {
    LC_ALL=C readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-' | sort | xargs
}

# exported FILE: the symbols that it gives to others.
exported() {
    LC_ALL=C readelf -W --dyn-syms "$1" |
        awk '$7 != "UND" && ($5 == "GLOBAL" || $5 == "WEAK") && NF > 7 { print $8 }' | xargs
}

# programs PLUGIN PROGRAM
programs() {
    local libraries="libc.so.6 libcrypto.so.3 libgcc_s.so.1 libssl.so.3"
    check "the plugin exports one symbol" equal kms_get_functions "$(exported "$1")"
    check "the plugin needs few libraries" equal "$libraries" "$(needed "$1")"
    check "the program needs few libraries" equal "$libraries" "$(needed "$2")"
    # As the program says it itself, which starts with the libraries of this system.
    check "the program runs" "$2" --version
}

# modes DIRECTORY: 'MODE PATH' of what is in it, without documents.
modes() { (cd "$1" && find . -mindepth 1 ! -type d ! -path '*/share/*' -printf '%m %P\n' | sort -k 2); }

page=packaging/zkey-kmip.1
check "the manual page is clean for groff" equal "" "$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l $page 2>&1 >/dev/null)"
check "the manual page is clean for mandoc" mandoc -T lint -W warning $page

scripts/package.sh deb >"$directory/log" 2>&1 || { cat "$directory/log"; die "no Debian package"; }
deb=$(echo "$packages"/zkey-kmip_*.deb)
root=$directory/debian
mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root/etc/zkey/kmip/profiles" \
    "$root/usr/lib64/zkey" "$root/usr/share/man/man1"
: >"$root/var/lib/dpkg/status"
# s390-tools is there, and its administrator has changed things.
echo theirs >"$root/usr/lib64/zkey/zkey-kmip.so"
echo theirs >"$root/usr/share/man/man1/zkey-kmip.1.gz"
echo theirs >"$root/etc/zkey/kmip/profiles/IBM-GDE.profile"
printf 'EKMFWeb=zkey-ekmfweb.so' >"$root/etc/zkey/kms-plugins.conf"
package_manager() {
    # Small images of Debian leave out documents.
    dpkg --root="$root" --path-include='/*' \
        --force-script-chrootless --force-depends --force-not-root "$@"
}
content() { cat "$root/$1" 2>&1; }
profiles=etc/zkey/kmip/profiles

check "it is installed" package_manager --install "$deb"
check "modes and places" equal "$(printf '%s\n' \
    "644 $profiles/Cosmian-KMS.profile" "644 $profiles/HashiCorp-Vault.profile")" \
    "$(modes "$root" | grep -E '(Cosmian-KMS|HashiCorp-Vault).profile')"
check "the program can be run" equal 755 "$(stat -c %a "$root/usr/bin/zkey-kmip")"
programs "$root/usr/lib64/zkey/zkey-kmip.so" "$root/usr/bin/zkey-kmip"
check "the plugin of s390-tools is moved aside" \
    equal theirs "$(content usr/lib64/zkey/zkey-kmip.so.s390-tools)"
check "the page of s390-tools is moved aside" \
    equal theirs "$(content usr/share/man/man1/zkey-kmip.1.gz.s390-tools)"
check "there is our page" zgrep -q ZKEY_KMIP_PROFILES "$root/usr/share/man/man1/zkey-kmip.1.gz"
check "profiles of others are kept" equal theirs "$(content $profiles/IBM-GDE.profile)"
check "the list of plugins is added to" equal $'EKMFWeb=zkey-ekmfweb.so\nKMIP=zkey-kmip.so' \
    "$(content etc/zkey/kms-plugins.conf)"
for profile in profiles/*.profile; do
    check "$profile is there" test -s "$root/etc/zkey/kmip/$profile"
done
check "nothing depends on more than OpenSSL" equal "libc6 libgcc-s1 libssl3" \
    "$(dpkg-deb -f "$deb" Depends | sed 's/([^)]*)//g; s/[ ,]\+/ /g; s/ $//')"

# An upgrade: what nobody changed follows the package, what was changed or removed stays so.
echo mine >"$root/$profiles/IBM-GKLM.profile"
rm "$root/$profiles/HashiCorp-Vault.profile"
old=$root/$profiles/default.profile
echo "# of an older version" >"$old"
sed -i "s/^[0-9a-f]*\(  default.profile\)$/$(sha256sum <"$old" | cut -c 1-64)\1/" \
    "$root/var/lib/zkey-kmip/profiles.sha256"
check "it is upgraded" package_manager --install "$deb"
check "changed profiles are kept" equal mine "$(content $profiles/IBM-GKLM.profile)"
check "removed profiles stay removed" test ! -e "$root/$profiles/HashiCorp-Vault.profile"
check "profiles that were left alone are upgraded" cmp profiles/default.profile "$old"
check "profiles of others are still kept" equal theirs "$(content $profiles/IBM-GDE.profile)"
check "the list of plugins stays" equal $'EKMFWeb=zkey-ekmfweb.so\nKMIP=zkey-kmip.so' \
    "$(content etc/zkey/kms-plugins.conf)"

check "it is removed" package_manager --remove zkey-kmip
check "the plugin of s390-tools is back" equal theirs "$(content usr/lib64/zkey/zkey-kmip.so)"
check "the page of s390-tools is back" equal theirs "$(content usr/share/man/man1/zkey-kmip.1.gz)"
check "the program is gone" test ! -e "$root/usr/bin/zkey-kmip"
check "profiles are still there" cmp profiles/default.profile "$old"
check "it is purged" package_manager --purge zkey-kmip
check "only what others made is left" equal "IBM-GDE.profile IBM-GKLM.profile" \
    "$(cd "$root/$profiles" && echo *)"
check "nothing else is left" test ! -e "$root/var/lib/zkey-kmip"

scripts/package.sh rpm >"$directory/log" 2>&1 || { cat "$directory/log"; die "no RPM package"; }
rpm=$(echo "$packages"/zkey-kmip-*.rpm)
root=$directory/rpm
mkdir "$root"
(cd "$root" && rpm2cpio "$rpm" | cpio --quiet -id)
libraries=$(rpm --eval %_libdir)
check "the RPM has its plugin" equal 755 "$(stat -c %a "$root$libraries/zkey/zkey-kmip-rs.so")"
programs "$root$libraries/zkey/zkey-kmip-rs.so" "$root/usr/bin/zkey-kmip"
check "the RPM owns nothing below /etc" equal "" "$(rpm -qlp "$rpm" | grep ^/etc)"
check "the RPM has our page" test -e "$root"/usr/share/man/man1/zkey-kmip-rs.1*
check "it is configured" env DPKG_ROOT="$root" "$root/usr/share/zkey-kmip/configure.sh" zkey-kmip-rs.so
check "the plugin is listed" equal KMIP=zkey-kmip-rs.so "$(cat "$root/etc/zkey/kms-plugins.conf")"
check "there are profiles" cmp profiles/default.profile "$root/$profiles/default.profile"
for file in "$root/etc/zkey" "$root/etc/zkey/kmip" "$root/$profiles"; do
    check "$file is for the group" equal 770 "$(stat -c %a "$file")"
done

[ $failures = 0 ] || die "$failures checks failed"
say "both packages are good"
