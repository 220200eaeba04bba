#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How fast the machine is, on one core of this computer; every figure is measured here and now.
#
#   Benchmarks/machine/run.sh [PROGRAM]
#
# Without a program it builds one. Needs python3; installs SimPy 4.1.2 into a temporary environment for the twin.
set -euo pipefail
cd "$(dirname "$0")/../.."
tool=${1:-.build/release/s2tune}
[ $# -gt 0 ] || swift build -c release --product s2tune >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command, its answer in $work/out, and sets cpu (seconds) and memory (MB).
measure() {
  /usr/bin/time -f '%U %S %M' -o "$work/time" "$@" >"$work/out"
  read -r user system kilobytes <"$work/time"
  cpu=$(python3 -c "print(f'{$user + $system:.2f}')")
  memory=$((kilobytes / 1024))
}

field() { python3 -c "import json,sys; d=json.load(open('$work/out')); print(eval(sys.argv[1]))" "$1"; }

churn=(simulate --workload container-churn --host graviton3 --kernel 6.1 --format json)
echo "== the 256 GiB container-churn teardown at 10 Gbit/s; targets: exact 10 s, fast 0.5 s, window 0.1 s, memory 100 MB"
printf '%-34s %9s %12s %8s %9s %8s\n' scenario simulated events CPU events/s memory
for policy in chunk=2MiB chunk=1GiB slice=2MiB; do
  for mode in exact --fast --window; do
    measure "$tool" "${churn[@]}" --policy "$policy" $([ $mode = exact ] || echo $mode)
    printf '%-34s %8.1fs %12s %7.2fs %8.2fM %6dMB\n' "$policy ${mode#--}" "$(field 'd["operation"]["whole_ns"] / 1e9')" \
      "$(field 'd["event_count"]')" "$cpu" "$(field "d['event_count'] / 1e6 / $cpu")" "$memory"
  done
done

echo "== cost against the size of the guest (2 MiB chunks): linear in events"
for size in 16GiB 64GiB 256GiB; do
  measure "$tool" "${churn[@]}" --policy chunk=2MiB --set vm.memory=$size
  printf '%-34s %12s events %7.2fs %6.0f ns an event\n' $size "$(field 'd["event_count"]')" "$cpu" \
    "$(field "$cpu * 1e9 / d['event_count']")"
done

echo "== against SimPy: 100,000 datagrams a second beside one chunk of 4 GiB, the reader elsewhere; target 20 times"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q simpy==4.1.2
one=(simulate --workload kvm-page-table-test --host graviton3 --kernel 6.12 --format json --policy chunk=root-entry
  --set net.flows=0 --set net.offered=0bit/s --set net.datagrams=100000 --set net.reader=elsewhere
  --set nic.moderation=0ns --without timers --without irq-off-flushes)
measure "$tool" "${one[@]}" --set vm.memory=4GiB
small=$cpu
cpu_small=$cpu
simulated=$(field 'd["simulated_ns"] / 1e9')
stage=$(field 'd["operation"]["stage2_ns"] / 1e9')
worked=$(field 'd["cpu"]["stage2_ns"] / 1e9')
measure "$tool" "${one[@]}" --set vm.memory=64GiB
rate=$(field "(d['simulated_ns'] / 1e9 - $simulated) / max(0.01, $cpu - $cpu_small)")
"$work/venv/bin/python" Benchmarks/machine/twin.py --work "$worked" --rate 100000 --hard 1e-6 --entry 300e-9 --poll 500e-9 \
  --packet 900e-9 --tick 2e-6 --hz 250 >"$work/out"
printf 'stage 2 of %.4f s: %.4f s here, %.4f s in SimPy %s (%+.2f %%)\n' "$worked" "$stage" "$(field 'd["stage2_s"]')" \
  "$(field 'd["simpy"]')" "$(field "100 * (d['stage2_s'] / $stage - 1)")"
printf 'simulated seconds a second of CPU: %.1f here, %.3f in SimPy: %.0f times\n' "$rate" \
  "$(field 'd["simulated_s"] / d["cpu_s"]')" "$(field "$rate / (d['simulated_s'] / d['cpu_s'])")"
