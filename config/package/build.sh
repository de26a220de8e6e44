#!/usr/bin/env bash
# Packs what cargo has built: a Debian package, a tarball of the same files, a bill of materials, and checksums of them all.
#
#   config/package/build.sh BINARY FOLDER
#
# MAINTAINER="Name <address>" is who the Debian package names.
#
# Needs dpkg-deb, cargo and python3; root is not needed. The files get the time of the last commit, so the same source and
# binary give the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

[ $# = 2 ] || { sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64; }
binary="$(realpath "$1")"
mkdir -p "$2"
out="$(realpath "$2")"
name=taskrun-exporter
# What the Debian package is made of, and nothing that was left from before.
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
root="$work/root"

maintainer="${MAINTAINER:-The authors of taskrun-exporter <taskrun-exporter@example.org>}"
version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)"
architecture="$(dpkg --print-architecture)"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"

put() { install -D -m "$1" "$2" "$root/$3"; }
packed() { mkdir -p "$(dirname "$root/$2")"; gzip -9n <"$1" >"$root/$2"; chmod 644 "$root/$2"; }

put 755 "$binary" usr/bin/$name
strip --strip-unneeded "$root/usr/bin/$name"
put 644 config/systemd/$name.service usr/lib/systemd/system/$name.service
put 644 config/systemd/$name.socket usr/lib/systemd/system/$name.socket
put 644 config/package/config.toml usr/share/$name/config.toml
put 644 config/package/default etc/default/$name
put 644 README.md usr/share/doc/$name/README.md
put 644 config/example.toml usr/share/doc/$name/examples/config.toml
put 644 config/prometheus/scrape.yml usr/share/doc/$name/examples/scrape.yml
put 644 config/prometheus/alerts.yml usr/share/doc/$name/examples/alerts.yml

cat >"$work/copyright" <<'C'
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: taskrun-exporter

Files: *
Copyright: 2025-2026 the authors of taskrun-exporter
License: Apache-2.0
 On Debian systems the whole text is in /usr/share/common-licenses/Apache-2.0.
C
put 644 "$work/copyright" usr/share/doc/$name/copyright
cat >"$work/changelog" <<C
$name ($version) stable; urgency=medium

  * See CHANGELOG.md of the source.

 -- $maintainer  $(date -uRd "@$SOURCE_DATE_EPOCH")
C
packed "$work/changelog" usr/share/doc/$name/changelog.gz
config/package/manual.py "$root/usr/bin/$name" "$version" >"$work/manual"
packed "$work/manual" usr/share/man/man1/$name.1.gz
config/package/completion.py "$root/usr/bin/$name" >"$work/completion"
put 644 "$work/completion" usr/share/bash-completion/completions/$name

# The tarball is the same, without what is Debian's alone.
find "$root" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" \
  -c usr etc | gzip -9n >"$out/$name-$version-linux-$architecture.tar.gz"

mkdir -p "$root/DEBIAN"
for script in postinst prerm postrm; do install -m 755 "config/package/$script" "$root/DEBIAN/$script"; done
echo "/etc/default/$name" >"$root/DEBIAN/conffiles"
# The oldest C library that has every symbol the binary asks for.
glibc="$(objdump -T "$root/usr/bin/$name" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -1)"
cat >"$root/DEBIAN/control" <<C
Package: $name
Version: $version
Section: net
Priority: optional
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -sk --apparent-size "$root/usr" "$root/etc" | awk '{ sum += $1 } END { print sum }')
Depends: libc6 (>= ${glibc:-2.31}), libgcc-s1, ca-certificates
Description: Prometheus exporter for task runs in the cloud
 Watches the task runs of Tencent Cloud WeData, TAT and SCF and of Envision
 EnOS, counts every finished run exactly once, and shows Prometheus what became
 of each. What is counted outlives restarts and crashes.
C
(cd "$root" && find usr etc -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
deb="$out/${name}_${version}_$architecture.deb"
dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null

config/package/sbom.py >"$out/$name-$version.cdx.json"
(cd "$out" && sha256sum "$(basename "$deb")" $name-"$version"* >SHA256SUMS)
echo "$deb"
