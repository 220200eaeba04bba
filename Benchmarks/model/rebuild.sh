#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Makes models/cost/standard.json again: runs the design in the simulator and fits every response.
# Needed whenever the simulator or the features change; a test says so. Options are passed on to
# `s2tune fit`, such as --runs-file to keep the runs.
set -eu
cd "$(dirname "$0")/../.."
swift build -c release --product s2tune
.build/release/s2tune fit --name standard --runs 8000 --seed 1 --date "$(date -u +%F)" \
  --output models/cost/standard.json --force "$@"
