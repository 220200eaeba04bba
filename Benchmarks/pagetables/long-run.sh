#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The long run of the page tables' property tests: COUNT seeds (default 1,000,000) of each property,
# in batches, in a release build that the tests can look into. Stops at the first failing batch and
# leaves its log; a failing test names its seed, `S2TUNE_SEED=n S2TUNE_CASES=1 swift test` repeats
# it.
#
#   Benchmarks/pagetables/long-run.sh [--smoke | COUNT [FIRST [BATCH]]]
#
# With --smoke 20 seeds run in the debug build, which `swift test` has made already.
set -eu
cd "$(dirname "$0")/../.."
log=$(mktemp)
filter='TwinTests|TwinFaultTests|RangeEncodingTests|OracleTests'
if [ "${1:-}" = --smoke ]; then
  count=20 first=1000001 batch=20
  set -- --filter "$filter"
else
  count=${1:-1000000}
  first=${2:-1000001}
  batch=${3:-10000}
  set -- -c release -Xswiftc -enable-testing --scratch-path .build/long-run
  swift build --build-tests "$@"
  set -- --skip-build --filter "$filter" "$@"
fi
done=0
while [ "$done" -lt "$count" ]; do
  if ! S2TUNE_SEED=$((first + done)) S2TUNE_CASES=$batch swift test "$@" >"$log" 2>&1; then
    grep 'recorded an issue' "$log" | head -5
    echo "failed within seeds $((first + done)) to $((first + done + batch - 1)); log: $log"
    exit 1
  fi
  done=$((done + batch))
  echo "$(date +%H:%M:%S) $done seeds of each property pass"
done
grep 'test cases passed' "$log"
rm "$log"
