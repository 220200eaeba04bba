#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a small model twice in release and once in debug and compares the bytes.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swift build -c release --product s2tune
swift build --product s2tune
small="--name same --runs 200"
.build/release/s2tune fit $small --workers 1 --output "$work/a.json" >/dev/null
.build/release/s2tune fit $small --workers 2 --output "$work/b.json" >/dev/null
.build/debug/s2tune fit $small --output "$work/c.json" >/dev/null
cmp "$work/a.json" "$work/b.json"
cmp "$work/a.json" "$work/c.json"
echo "release, release with another number of workers, and debug: the same bytes"
