#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The search's own time a suggestion, and the share of the true hypervolume it reaches, on a made-up
# space of about 20,000 points: 100 and 200 evaluations, five seeds. Target: under 1 ms.
set -euo pipefail
cd "$(dirname "$0")/../.."
S2TUNE_BENCHMARK=1 swift test -c release -Xswiftc -enable-testing --scratch-path .build/benchmark \
  --filter ownOverheadOnALargeSpace 2>&1 | grep -E "suggestion|passed|failed"
