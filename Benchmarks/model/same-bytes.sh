#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes a small model twice in release and once in debug and compares the bytes.
#
#   Benchmarks/model/same-bytes.sh [--smoke]
#
# With --smoke the model is of 60 runs instead of 200.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=200
[ "${1:-}" != --smoke ] || runs=60
swift build -c release --product s2tune
swift build --product s2tune
fit() { ".build/$1/s2tune" fit --name same --runs "$runs" --workers "$2" --output "$3" >/dev/null; }
fit release 1 "$work/a.json"
fit release 2 "$work/b.json"
fit debug 2 "$work/c.json"
cmp "$work/a.json" "$work/b.json"
cmp "$work/a.json" "$work/c.json"
echo "release, release with another number of workers, and debug: the same bytes"
