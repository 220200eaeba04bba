#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes models/answers again: recommends for every workload on every host with the shipped cost model
# and keeps the answers. Needed whenever the simulator, the cost model or a profile changes; a test
# says so. Only what is missing or of another program is answered; with --fresh everything is.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
swift build -c release --product s2tune
.build/release/s2tune export --host all --workloads all --models models --keep models/answers \
  --format json --output "$work/all.json" "$@"
