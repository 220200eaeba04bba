#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast the machine is, on one core of this computer; every figure is measured here and now.
#
#   Benchmarks/machine/run.sh [--smoke] [PROGRAM]
#
# Without a program it builds one. Needs python3. PYTHON names a Python with SimPy for the twin;
# without it a temporary environment gets one from PyPI. A time of --fast or --window that is off by
# more than 2 % fails, and so does one of SimPy's. With --smoke guests have 4 GiB at most, and
# nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
smoke=
if [ "${1:-}" = --smoke ]; then smoke=yes; shift; fi
if ! command -v python3 >/dev/null; then
  if [ -n "$smoke" ]; then echo "not run: the machine, since python3 is not installed"; exit; fi
  echo "python3 is not installed" >&2
  exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$(Benchmarks/python ${smoke:+--smoke} Benchmarks/machine/requirements.txt "$work/venv") ||
  [ -n "$smoke" ]
tool=${1:-.build/release/s2tune}
[ $# -gt 0 ] || swift build -c release --product s2tune >/dev/null

# Runs a command, its answer in $work/out, and sets cpu (seconds) and memory (MB).
measure() {
  local used
  used=$(python3 - "$work/out" "$@" <<'END'
import resource, subprocess, sys
with open(sys.argv[1], "w") as out:
    subprocess.run(sys.argv[2:], stdout=out, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss // 1024}")
END
  )
  read -r cpu memory <<<"$used"
}

field() {
  python3 -c "import json,sys; d=json.load(open('$work/out')); print(eval(sys.argv[1]))" "$1"
}

# Fails where two times differ by more than 2 %.
near() {
  if ! python3 -c "import sys; sys.exit(abs($2 / $3 - 1) > 0.02)"; then
    echo "wrong   $1: $2 and $3 differ by more than 2 %"
    exit 1
  fi
}

# With the reader on the CPU a chunk is like the next one; elsewhere it is chance in which of them
# ksoftirqd stops the softirqs, and a window of two or three says little of the rest.
# A packet costs what it did in earlier figures and what the twin in SimPy takes.
packets=(--set nic.packet=900ns --set cpu.ticks_per_softirq=16)
churn=(simulate --workload container-churn --host graviton3 --kernel 6.1 --set net.reader=same)
churn+=("${packets[@]}" --format json)
whole=256GiB sizes=(16GiB 64GiB 256GiB) chunk=4GiB long=64GiB
[ -z "$smoke" ] || whole=4GiB sizes=(1GiB 4GiB) chunk=64MiB long=1GiB

echo "== the $whole container-churn teardown at 10 Gbit/s; targets of 256 GiB: exact 10 s," \
  "fast 0.5 s, window 0.1 s, memory 100 MB"
printf '%-34s %9s %12s %8s %9s %8s\n' scenario simulated events CPU events/s memory
for policy in chunk=2MiB chunk=1GiB slice=2MiB; do
  for mode in exact --fast --window; do
    options=(--policy "$policy" --set "vm.memory=$whole")
    [ "$mode" = exact ] || options+=("$mode")
    measure "$tool" "${churn[@]}" "${options[@]}"
    seconds=$(field 'd["operation"]["whole_ns"] / 1e9')
    [ "$mode" != exact ] || exact=$seconds
    printf '%-34s %8.1fs %12s %7.2fs %8.2fM %6dMB\n' "$policy ${mode#--}" "$seconds" \
      "$(field 'd["event_count"]')" "$cpu" "$(field "d['event_count'] / 1e6 / max(0.01, $cpu)")" \
      "$memory"
    near "$policy $mode" "$seconds" "$exact"
  done
done

echo "== cost against the size of the guest (2 MiB chunks): linear in events"
for size in "${sizes[@]}"; do
  measure "$tool" "${churn[@]}" --policy chunk=2MiB --set "vm.memory=$size"
  printf '%-34s %12s events %7.2fs %6.0f ns an event\n' "$size" "$(field 'd["event_count"]')" \
    "$cpu" "$(field "$cpu * 1e9 / d['event_count']")"
done

[ -n "$python" ] || exit 0
echo "== against SimPy: 100,000 datagrams a second beside one chunk of $chunk, the reader" \
  "elsewhere; target 20 times"
one=(simulate --workload kvm-page-table-test --host graviton3 --kernel 6.12 --format json
  --policy chunk=root-entry
  "${packets[@]}"
  --set net.flows=0 --set net.offered=0bit/s --set net.datagrams=100000 --set net.reader=elsewhere
  --set nic.moderation=0ns --without timers --without irq-off-flushes)
measure "$tool" "${one[@]}" --set "vm.memory=$chunk"
short=$cpu
simulated=$(field 'd["simulated_ns"] / 1e9')
stage=$(field 'd["operation"]["stage2_ns"] / 1e9')
worked=$(field 'd["cpu"]["stage2_ns"] / 1e9')
measure "$tool" "${one[@]}" --set "vm.memory=$long"
rate=$(field "(d['simulated_ns'] / 1e9 - $simulated) / max(0.01, $cpu - $short)")
"$python" Benchmarks/machine/twin.py --work "$worked" --rate 100000 --hard 1e-6 --entry 300e-9 \
  --poll 500e-9 --packet 900e-9 --tick 2e-6 --hz 250 >"$work/out"
twin=$(field 'd["stage2_s"]')
printf 'stage 2 of %.4f s: %.4f s here, %.4f s in SimPy %s (%+.2f %%)\n' "$worked" "$stage" \
  "$twin" "$(field 'd["simpy"]')" "$(field "100 * ($twin / $stage - 1)")"
printf 'simulated seconds a second of CPU: %.1f here, %.3f in SimPy: %.0f times\n' "$rate" \
  "$(field 'd["simulated_s"] / d["cpu_s"]')" \
  "$(field "$rate / (d['simulated_s'] / d['cpu_s'])")"
near "stage 2 in SimPy and here" "$twin" "$stage"
