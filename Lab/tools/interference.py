# SPDX-License-Identifier: GPL-3.0-or-later
"""One boot of a kernel that receives flows while stage2probe works on guests, and what comes back."""

import io
import json
import re
import shlex
import tarfile

from archive import CARD as CARD_MODULES
from costs import inside_longest_chunk
from emulated import START, boot, packed, with_probe
from lab import Refusal, jobs
from network import CARD, HERE, Network

# An instruction takes 2^5 ns, whatever it is, and virtual time is held back to this machine's own, by which the senders
# go: a CPU of 31 million instructions a second beside a real network. A CPU of this machine emulates three times as many.
PACED = "shift=5,sleep=on,align=on"
# Default receive windows grow with a flow's history; these do not.
RECEIVE_WINDOW = 131072
PATIENCE_SECONDS = 3600

# Entry and return of what holds mmu_lock for one chunk, by the names that captures/net has.
CHUNKS = """p:s2unmap kvm_pgtable_stage2_unmap addr=$arg2:x64 size=$arg3:x64
r:s2unmap_ret kvm_pgtable_stage2_unmap
p:s2wp kvm_pgtable_stage2_wrprotect addr=$arg2:x64 size=$arg3:x64
r:s2wp_ret kvm_pgtable_stage2_wrprotect
"""
EVENTS = ["irq:softirq_entry", "irq:softirq_exit", "irq:softirq_raise", "irq:irq_handler_entry",
          "irq:irq_handler_exit", "napi:napi_poll", "sched:sched_switch", "sched:sched_wakeup",
          "raw_syscalls:sys_enter", "raw_syscalls:sys_exit"]

# A line of the function graph: when the function began, and its microseconds.
GRAPH = re.compile(r"^\s*([0-9.]+)\s*\|.*?\s([0-9.]+) us\s*\|\s*kvm_pgtable_stage2_\w+", re.M)

INIT = START + f"""mount -t debugfs debug /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
for module in /[0-9].ko; do [ -e $module ] && insmod $module; done
sleep 0.5
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
echo 4096 {RECEIVE_WINDOW} {RECEIVE_WINDOW} > /proc/sys/net/ipv4/tcp_rmem
# A CPU keeps freed pages and gives them back all at once with interrupts off: 6,400 of them with 6.1 on one CPU,
# which are 68 ms here. A server divides that among its CPUs and is faster by 32.
echo 100000 > /proc/sys/vm/percpu_pagelist_high_fraction
mkdir /tmp/o
cd /sys/kernel/tracing
echo 65536 > buffer_size_kb
echo mono > trace_clock
if [ -e kprobe_events ]; then
  while read -r line; do echo "$line" >> kprobe_events; done < /chunks
else
  # A kernel without modules has no kprobes.
  echo kvm_pgtable_stage2_unmap kvm_pgtable_stage2_wrprotect > set_ftrace_filter
  echo function_graph > current_tracer
  # An option of that tracer.
  echo funcgraph-abstime > trace_options
fi
counters() {{
  for file in uptime softirqs interrupts net/softnet_stat net/snmp net/dev; do
    echo "== $1 $file"
    cat /proc/$file
  done
}}
# measure NAME THREADED EVENTS PROBE-OPTIONS...
measure() {{
  name=$1 threaded=$2 events=$3
  shift 3
  echo $threaded > /sys/class/net/eth0/threaded 2> /dev/null
  echo > set_event
  echo 'kprobes:*' >> set_event
  for event in $events; do echo $event >> set_event; done
  echo > trace
  echo 1 > tracing_on
  uname -v > /tmp/o/$name.counters
  counters before >> /tmp/o/$name.counters
  /stage2probe "$@" > /tmp/o/$name.jsonl 2> /tmp/o/$name.err
  echo "RUN $name ended with $?"
  echo 0 > tracing_on
  counters after >> /tmp/o/$name.counters
  grep -v '^#' trace > /tmp/o/$name.trace
}}
. /commands
tar -c -C /tmp/o . | nc {HERE} $SINK
echo DONE
poweroff -f
"""


def boots(path, only=()):
    """The jobs of a file; each has runs, and each of those a name and options of stage2probe."""
    found = jobs(path, only, needed=("name", "question", "kernel", "cpu", "run"))
    for job in found:
        for one in job["run"]:
            if "name" not in one or "probe" not in one:
                raise Refusal(f"{path}: a run of {job['name']} lacks its name or its probe options")
    return found


class Boot:
    """A job: a kernel, a core, and runs of stage2probe, each beside its flow, the job's, or none ("")."""

    def __init__(self, job):
        self.job = job
        self.flows = {one["name"]: one.get("flow", job.get("flow", "")) for one in job["run"]}

    def commands(self, network):
        lines = [f"SINK={network.sink_port}"]
        for one in self.job["run"]:
            words = shlex.split(one["probe"])
            if self.flows[one["name"]]:
                words.append(f"--io={network.peer(self.flows[one['name']])}")
            events = " ".join(EVENTS) if one.get("traced") else ""
            lines.append(shlex.join(["measure", one["name"], str(int(one.get("threaded", False))),
                                     events, *words]))
        return "\n".join(lines) + "\n"

    def record(self, archive, work):
        """The files of one boot, by name."""
        job = self.job
        kernel = archive.named(job["kernel"])
        image = archive.image(kernel)
        console = work / "logs" / f"{job['name']}.log"
        console.parent.mkdir(exist_ok=True)
        with Network({flow for flow in self.flows.values() if flow}) as network:
            root = with_probe(work, archive, job["name"], self.commands(network))
            for number, module in enumerate(archive.modules(kernel, CARD_MODULES)):
                (root / f"{number}.ko").write_bytes(module.read_bytes())
            (root / "chunks").write_text(CHUNKS)
            text = boot(image, packed(root, INIT), console, cpu=job["cpu"], cpus=1,
                        memory=job["memory"], patience=PATIENCE_SECONDS, icount=PACED,
                        options=f"damon_stat.enabled=0 cryptomgr.notests=1 {job['options']}".strip(), devices=CARD)
            received = list(network.received)
        if "DONE" not in text.splitlines() or not received:
            raise Refusal(f"{job['name']} did not come to its end; {console} shows why")
        return self.unpacked(received[-1])

    def unpacked(self, data):
        """What the emulated host sent; a run that failed is a sentence."""
        with tarfile.open(fileobj=io.BytesIO(data)) as tree:
            files = {member.name.removeprefix("./"): tree.extractfile(member).read()
                     for member in tree.getmembers() if member.isfile()}
        for one in self.job["run"]:
            words = files.pop(f"{one['name']}.err", b"").decode(errors="replace").strip()
            lines = lines_of(files, one["name"])
            if not lines or lines[-1].get("status") != "complete":
                raise Refusal(f"{self.job['name']}, run {one['name']}: "
                              f"{words or 'the probe did not come to its end'}")
        return files


def lines_of(files, name):
    text = files.get(f"{name}.jsonl", b"").decode(errors="replace")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def holds(files, name):
    """When each chunk began, by the trace, and how long it took, in nanoseconds."""
    begun, found = None, []
    text = files.get(f"{name}.trace", b"").decode(errors="replace")
    if "|" in text:
        return [(float(match[1]), round(float(match[2]) * 1e3)) for match in GRAPH.finditer(text)]
    for line in text.splitlines():
        parts = line.split()
        stamp = next((index for index, part in enumerate(parts)
                      if part.endswith(":") and part[:-1].replace(".", "").isdigit()), None)
        if stamp is None or stamp + 1 >= len(parts):
            continue
        at, event = float(parts[stamp][:-1]), parts[stamp + 1].rstrip(":")
        if event in ("s2unmap", "s2wp"):
            begun = at
        elif event in ("s2unmap_ret", "s2wp_ret") and begun is not None:
            found.append((begun, round((at - begun) * 1e9)))
            begun = None
    return found


def longest_by_run(chunks, runs):
    """The longest chunk of each of so many runs, between which a guest is made; empty where that cannot be told.

    A guest takes a second to be made; what its end leaves to be unmapped is little.
    """
    groups, last = [], None
    for begun, took in chunks:
        if last is None or begun - last > 1:
            groups.append([])
        groups[-1].append(took)
        last = begun + took / 1e9
    most = max((sum(group) for group in groups), default=0)
    found = [max(group) for group in groups if sum(group) > most / 5]
    return found if len(found) == runs else []


def summary(files):
    """A line a run: its time, what the flow kept, its longest gap, its longest chunk."""
    for name in sorted(file[:-6] for file in files if file.endswith(".jsonl")):
        lines = lines_of(files, name)
        runs = [line for line in lines if line["kind"] == "run"]
        flows = [line for line in lines if line["kind"] == "flow"]
        chunks = holds(files, name)
        words = [f"{run['ns'] / 1e6:.1f}" for run in runs]
        text = f"{name}: {' '.join(words)} ms"
        if flows:
            kept = [f"{flow['during_bytes_per_s'] / max(1, flow['before_bytes_per_s']):.2f}"
                    for flow in flows]
            gaps = [f"{flow['longest_gap_ns'] / 1e6:.1f}" for flow in flows]
            before = [f"{flow['before_bytes_per_s'] * 8 / 1e6:.2f}" for flow in flows]
            text += (f"; before {' '.join(before)} Mbit/s, kept {' '.join(kept)}, "
                     f"longest gap {' '.join(gaps)} ms")
        if chunks:
            longest = max(took for _, took in chunks)
            text += f"; longest chunk {longest / 1e6:.1f} ms of {len(chunks)}"
        if b"irq_handler_entry" in files.get(f"{name}.trace", b""):
            text += f"; {inside_longest_chunk(files[f'{name}.trace'])}"
        yield text
