#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds docs/schemas against what generate.py makes of the sources now; --smoke does the same.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 Benchmarks/schemas/generate.py "$work"
for file in "$work"/*.json; do
  if ! diff -u "docs/schemas/$(basename "$file")" "$file"; then
    echo "wrong   docs/schemas is not what the sources say; run Benchmarks/schemas/generate.py" >&2
    exit 1
  fi
done
