#!/usr/bin/env bash
# Builds a package of the plugin and its host from the committed files.
#
#   scripts/package.sh deb|rpm      into target/packages
#
# CARGO_PROFILE is `release` by default. Build dependencies are not checked, since Rust may come
# from elsewhere than from packages.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

kind=${1:?deb or rpm}
cd "$ROOT"
"$ROOT/scripts/setup.sh" "$kind"
# Set before the sources are copied, and always to the same place: cargo shall not build all
# dependencies again.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
version=$(sed -n '0,/^version = /s/^version = "\(.*\)"/\1/p' Cargo.toml)
output=$CARGO_TARGET_DIR/packages
directory=$CARGO_TARGET_DIR/package-build
source=$directory/zkey-kmip-$version
rm -rf "$directory"
mkdir -p "$output" "$source"
git archive HEAD | tar -x -C "$source"
rm -f "$output"/*."$kind"

case $kind in
deb)
    cp -r "$source/packaging/debian" "$source/debian"
    (cd "$source" && dpkg-buildpackage --build=binary --unsigned-source --unsigned-changes -d)
    cp "$directory"/*.deb "$output"
    ;;
rpm)
    tar -C "$directory" -czf "$directory/zkey-kmip-$version.tar.gz" "zkey-kmip-$version"
    # rpm runs in a copy of its own, so cargo builds the crates of the workspace once more.
    rpmbuild -bb --nodeps --define "_topdir $directory/rpm" --define "_sourcedir $directory" \
        "$source/packaging/zkey-kmip.spec"
    find "$directory/rpm/RPMS" -name '*.rpm' -exec cp {} "$output" \;
    ;;
*) die "no such kind of package: $kind" ;;
esac
rm -rf "$directory"
say "packages in $output:"
ls "$output"
