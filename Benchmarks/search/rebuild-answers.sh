#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes models/answers again: recommends for every workload on every host with the shipped cost
# model and keeps the answers. Needed whenever the simulator, the cost model or a profile changes; a
# test says so. Only what is missing or of another program is answered; with --fresh everything is.
#
#   Benchmarks/search/rebuild-answers.sh [--smoke | OPTION...]
#
# Options are those of `s2tune export`. With --smoke one question is answered with few runs, and
# models/answers stays as it is.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
hosts=all workloads=all answers=models/answers
if [ "${1:-}" = --smoke ]; then
  hosts=graviton3 workloads=ci-microvm answers=$work/answers
  mkdir "$answers"
  set -- --fresh --budget 9
fi
swift build -c release --product s2tune
.build/release/s2tune export --host "$hosts" --workloads "$workloads" --models models \
  --keep "$answers" --format json --output "$work/all.json" "$@"
