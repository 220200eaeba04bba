#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes models/cost/standard.json again: runs the design in the simulator and fits every response.
# Needed whenever the simulator or the features change; a test says so.
#
#   Benchmarks/model/rebuild.sh [--smoke | OPTION...]
#
# Options are passed on to `s2tune fit`, such as --store to keep the runs. With --smoke 60 runs
# are fitted and models/cost stays as it is.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
runs=8000 model=models/cost/standard.json
if [ "${1:-}" = --smoke ]; then
  runs=60 model=$work/standard.json
  shift
fi
swift build -c release --product s2tune
.build/release/s2tune fit --name standard --runs "$runs" --seed 1 --date "$(date -u +%F)" \
  --output "$model" --force "$@"
