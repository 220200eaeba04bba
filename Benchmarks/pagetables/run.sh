#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Measures how fast and in how much memory stage-2 operations are counted, and how much slower the
# naive twin of the tests is, whose counts must be the same.
#
#   Benchmarks/pagetables/run.sh [--smoke]
#
# With --smoke a few rounds are measured, and the twin on 64 MiB.
set -eu
cd "$(dirname "$0")/../.."
swift build -c release --product PageTablesSpeed
.build/release/PageTablesSpeed "$@"
