#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs every kind of fit under valgrind and fails on a definite leak or a bad access.
#
#   Benchmarks/gslkit-leaks.sh [--smoke]
#
# Needs valgrind; with --smoke the fits run without it where it is missing. Builds in a folder of
# its own: a test calls this script, and `swift test` may keep .build locked meanwhile. The debug
# information is left out because valgrind 3.19 cannot read all of it.
set -eu
cd "$(dirname "$0")/.."
swift build -c release -debug-info-format none --scratch-path .build/leaks --product GSLKitLeaks
program=.build/leaks/release/GSLKitLeaks
if [ "${1:-}" = --smoke ] && ! command -v valgrind >/dev/null; then
  echo "not run: the search for leaks, since valgrind is not installed"
  exec "$program"
fi
valgrind -q --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
  --error-exitcode=9 "$program"
