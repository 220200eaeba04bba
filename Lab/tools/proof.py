# SPDX-License-Identifier: GPL-3.0-or-later
"""A question about an emulated host: what s2tune says of it, and the runs of stage2probe that say whether it is so."""

import json
import os
import re
import subprocess
from statistics import median

from costs import card, flow_costs
from interference import RECEIVE_WINDOW, holds, lines_of, longest_by_run
from lab import HOME, Refusal
from network import Flow

# How much slower the paced machine executes an instruction than the servers that the generic profiles describe.
SLOWER = 32
SCALED = re.compile(r"^(stage2|tlbi|fault|host_free)\.")
# Seeds that no answer was chosen on, and how often the kernel repeats.
SEEDS = range(101, 110)
REPEATS = 3
# How far the flow may be off its rate before a run that counts.
STEADY = 0.05
# Ethernet, IP and TCP with timestamps, which the simulator takes off a frame, and without, as here.
HEAD, HEAD_HERE = 66, 54
PATHS = {"munmap": "unmap-whole", "madvise-slices": "unmap-slices", "process-exit": "process-exit",
         "memslot-delete": "slot-delete"}


class Tool:
    """s2tune, with the profiles of this work first."""

    def __init__(self, models):
        self.models = models
        self.program = os.environ.get("S2TUNE", HOME.parent / ".build" / "release" / "s2tune")

    def __call__(self, *words, codes=(0,)):
        command = [str(word) for word in (self.program, *words)]
        environment = {**os.environ, "S2TUNE_MODELS": str(self.models), "OPENBLAS_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        except FileNotFoundError:
            raise Refusal(f"{self.program} is not built; swift build -c release") from None
        if done.returncode not in codes:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Refusal(f"s2tune {' '.join(command[1:4])}: {said[-1] if said else done.returncode}")
        return done.stdout

    def json(self, *words, codes=(0,)):
        return json.loads(self(*words, "--format", "json", codes=codes))


def scaled(text):
    """A time of a profile, so much slower; None for what is no time."""
    match = re.fullmatch(r"([0-9.]+)(ns|us|ms|s)", text)
    return match and f"{float(match[1]) * SLOWER:.6g}{match[2]}"


def calibrations(name, machine, flows):
    """The boots that say what work costs a machine, and what flows do."""
    common = {"memory": "2G", "options": "", **machine}
    costs = "--memory 16MiB,64MiB --backing 4k,thp --split 2MiB,4KiB --repeats 2 --max-time 1200"
    large = ("--memory 256MiB --backing 4k,thp --repeats 1 --max-time 1200 --phases "
             "host-unmap,log-enable-initially-set,log-enable,clear,split,unmap-whole,unmap-slices,"
             "process-exit")
    alone = "--memory 2MiB --phases host-unmap --repeats 10 --max-time 120"
    beside = "--memory 64MiB --phases host-unmap --repeats 4 --max-time 120"
    stall = "--memory 64MiB --phases slot-delete --repeats 2 --max-time 120"
    runs = []
    for flow in flows:
        runs += [{"name": flow_name(flow), "flow": flow, "traced": True, "probe": alone},
                 {"name": f"{flow_name(flow)}-beside", "flow": flow, "probe": beside}]
        if Flow(flow).is_tcp:
            runs.append({"name": f"{flow_name(flow)}-stall", "flow": flow, "probe": stall})
    return [{**common, "name": f"machine-{name}", "run": [
        {"name": "costs", "probe": costs}, {"name": "large", "probe": large}]},
            {**common, "name": f"flows-{name}", "run": runs}]


def flow_name(flow):
    return re.sub(r"[^a-z0-9]+", "-", flow.lower()).strip("-")


def buffered(files, flow):
    """What a stalled flow leaves to be read at once: the receiver's window and what lies between, in bytes."""
    found = []
    for line in lines_of(files, f"{flow_name(flow)}-stall"):
        if line["kind"] == "flow":
            rate = Flow(flow).bytes_per_second
            read = line["during_bytes_per_s"] * line["during_ns"] / 1e9
            found.append(read - rate * (line["during_ns"] - line["longest_gap_ns"]) / 1e9)
    return max(RECEIVE_WINDOW // 2, round(median(found)))


GIVEN = "measured: what the lab emulates"


def base_values(tool, name, machine, costs):
    """Values of the profile from which the fit begins: key, then value, reason and source."""
    values = {
        "host.cpus": ("1", "emulated with one CPU", GIVEN),
        "host.features": (machine["features"], "what the emulated core has", GIVEN),
        "nic.queues": ("1", "emulated with one queue", GIVEN),
        "nic.rate": ("10Gbit/s", "the card has no rate; the sender's is the workload's", "assumed"),
        "nic.ring": ("10240", "the card's ring and what the emulator's network holds behind it",
                     "fitted on captures/net 6.12 L1 (traced, flood)")}
    for key, nanoseconds in costs.items():
        text = str(nanoseconds) if key == "cpu.ticks_per_softirq" else f"{round(nanoseconds)}ns"
        values[key] = (text, "a trace of the flow alone, and a task beside it",
                       f"fitted on the calibration of {name}")
    parent = machine["parent"]
    for value in tool.json("profiles", "show", "host", parent)["values"]:
        slower = scaled(value["value"])
        if slower and SCALED.search(value["key"]) and value["key"] not in values:
            reason = f"that of {parent}, {SLOWER} times as long: where the fit begins"
            values[value["key"]] = (slower, reason, "assumed")
    return values


def profile_text(machine, values):
    lines = ["# SPDX-License-Identifier: GPL-3.0-or-later", "profile: host",
             f"summary: An emulated {machine['cpu']} at 31 million instructions a second.",
             f"parent: {machine['parent']}", "values:"]
    for key, (value, reason, source) in values.items():
        lines += [f"  {key}:", f"    value: {value}", f'    why: "{reason}"',
                  f'    source: "{source}"']
    return "\n".join(lines) + "\n"


def unmap_times(files, run):
    """How long the host took to unmap 64 MiB of pages that no guest has."""
    return [line["ns"] for line in lines_of(files, run)
            if (line["kind"], line.get("phase")) == ("run", "host-unmap")
            and line["backing"] == "4k" and line["memory_bytes"] == 64 << 20]


def is_steady(flow, rate):
    """Whether a flow came at the rate that it has, if it has one."""
    return flow.rate is None or abs(rate / flow.rate - 1) <= STEADY


def paced(files, runs):
    """Refuses boots whose flows were not at their rates: the emulated host was not held to real time."""
    for run, flow in runs.items():
        rates = [line["before_bytes_per_s"] for line in lines_of(files, run) if line["kind"] == "flow"]
        if rates and not is_steady(flow, median(rates)):
            raise Refusal(f"{run}: {flow.text} came at {median(rates) / flow.rate:.2f} of its rate. This machine "
                          "does not hold the emulated one to real time; ask again when it does")


def write_host(tool, name, machine, flow, files, costs_file):
    """The machine's profile beside a flow: what the flow's trace told, then s2tune calibrate over it.

    How far it may be off is what guests of 256 MiB show when only those of 16 and 64 MiB are fitted; then they are, too.
    """
    kind, beside = Flow(flow), f"{flow_name(flow)}-beside"
    rate, octets = card(files[f"{beside}.counters"])
    costs, shape = flow_costs(files[f"{flow_name(flow)}.trace"], unmap_times(files, "costs"),
                              unmap_times(files, beside), rate, kind.is_tcp)
    shape |= {"packets_per_second": rate, "bytes_a_packet": octets}
    if kind.is_tcp:
        shape["buffered_bytes"] = buffered(files, flow)
    hosts = tool.models / "hosts"
    hosts.mkdir(parents=True, exist_ok=True)
    large_file = costs_file.with_name("large.jsonl")
    asked = ["--host", f"{name}-base", "--kernel", machine["profile"]]

    def fit(values, *recordings):
        (hosts / f"{name}-base.yaml").write_text(profile_text(machine, values))
        tool("calibrate", *recordings, *asked, "-o", hosts / f"{name}.yaml", "--force")

    values = base_values(tool, name, machine, costs)
    fit(values, costs_file)
    seen = tool.json("validate", "--measured", large_file, "--host", name, "--kernel",
                     machine["profile"], codes=(0, 1))["measured"]["rows"]
    misses = sorted(abs(one["predicted"] / one["measured"] - 1) for one in seen)
    fit(values, costs_file, large_file)
    shape["pages_per_yield"] = pages_per_yield(tool, name, machine, flow, shape)
    values["host_free.pages_per_yield"] = (
        shape["pages_per_yield"], "how much longer the host takes to free pages beside the flow",
        f"fitted on the calibration of {name}")
    fit(values, costs_file, large_file)
    return {**shape, "fit_middle": misses[len(misses) // 2],
            "fit_nine_of_ten": misses[int(len(misses) * 0.9)], "fit_values": len(misses)}


def pages_per_yield(tool, name, machine, flow, shape):
    """How many pages the host frees between two yields, by the flow's share of the CPU meanwhile."""
    question = {"flow": flow, "memory": "64MiB", "backing": "4k"}
    shape = {**shape, "buffered_bytes": RECEIVE_WINDOW // 2}
    off = {}
    for pages in (512, 256, 128, 64, 32, 16, 8):
        run = tool.json("simulate", "--workload", "kvm-page-table-test", "--host", name, "--kernel",
                        machine["profile"], *settings(question, shape), "--policy", "path=munmap",
                        "--set", f"host_free.pages_per_yield={pages}")
        beside = run["operation"]["whole_ns"] - run["operation"]["stage2_ns"]
        share = 1 - run["cpu"]["host_side_ns"] / beside
        off[pages] = abs(share - shape["share_of_cpu"])
    return min(off, key=off.get)


def settings(question, shape):
    """The question as `--set` has it."""
    flow = Flow(question["flow"])
    values = {"vm.memory": question["memory"], "vm.ipa_bits": "40", "vm.vcpus": "1",
              "vm.block_share": "1" if question["backing"] == "thp" else "0",
              "operation": question.get("operation", "teardown"), "net.reader": "same"}
    if values["operation"] == "teardown":
        values["teardown.path"] = question.get("path", "munmap")
    if flow.is_tcp:
        frame = round(shape["bytes_a_packet"]) + HEAD - HEAD_HERE
        rate = flow.bytes_per_second * 8 / 1e6 * frame / (frame - HEAD)
        values |= {"net.flows": "1", "net.offered": f"{rate:.4g}Mbit/s", "net.frame": f"{frame}B",
                   "net.window": f"{shape['buffered_bytes']}B", "net.round_trip": "1ms"}
    else:
        values |= {"net.flows": "0", "net.offered": "0bit/s",
                   "net.datagrams": flow.datagrams_per_second,
                   "net.datagram": f"{flow.datagram_bytes}B"}
    values |= question.get("set", {})
    return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]


def probe_options(policy, question):
    """What the probe does for a policy, and whether NAPI runs in threads; None for what it cannot do."""
    parts = dict(part.split("=", 1) for part in policy.split(","))
    if parts.get("irq") == "moved" or question.get("operation", "teardown") not in (
            "teardown", "log-enable"):
        return None
    words = ["--memory", question["memory"], "--backing", question["backing"],
             "--repeats", str(REPEATS), "--max-time", "2400"]
    if question.get("operation") == "log-enable":
        split = parts.get("split", "off")
        words += ["--phases", "log-enable"] if split == "off" else [
            "--phases", "split", "--split", split]
    else:
        path = parts.get("path", question.get("path", "munmap"))
        sliced = "slice" in parts and parts["slice"] != "none" and path in ("munmap", "madvise-slices")
        words += ["--phases", "unmap-slices" if sliced else PATHS[path]]
        if sliced:
            words += ["--slices", parts["slice"]]
            pause = parts.get("pause")
            if pause == "yield":
                words += ["--pause", "yield"]
            elif pause:
                scale = {"ns": 1e-3, "us": 1, "ms": 1e3, "s": 1e6}
                number, unit = re.fullmatch(r"([0-9.]+)(ns|us|ms|s)", pause).groups()
                words += ["--pause", str(round(float(number) * scale[unit]))]
    return " ".join(words), parts.get("napi") == "threaded"


def policies(answer):
    """Role and policy of what is tried: each row of the answer, and the first alternative."""
    found = {}
    for row in answer["rows"]:
        found.setdefault(row["policy"], row["role"])
    named = (row["policy"] for row in answer.get("alternatives", []) if row.get("policy"))
    first = next(named, None)
    if first:
        found.setdefault(first, "alternative")
    return [(role, policy) for policy, role in found.items()]


def predicted(tool, policy, words):
    """Whole simulated runs of fresh seeds: each figure's least, middle and most."""
    figures = {"time": [], "kept": [], "limit": [], "gap": [], "chunk": []}
    for seed in SEEDS:
        run = tool.json("simulate", *words, "--policy", policy, "--seed", seed)
        figures["time"].append(run["operation"]["whole_ns"])
        # `io.goodput` is of the stage-2 part; the probe sees the whole call.
        figures["limit"].append(run["network"]["retained_share"])
        figures["kept"].append(run["network"]["during_whole_bits_per_s"]
                               / max(1, run["network"]["baseline_bits_per_s"]))
        figures["gap"].append(run["network"]["largest_read_gap_ns"])
        figures["chunk"].append((run.get("locks") or {}).get("longest_chunk_ns") or 0)
    return figures


def measured(files, name, flow):
    """The same figures of the kernel's runs, but for those before which the flow was not at its rate.

    A machine that falls behind real time is sent more a virtual second: something else kept the outer one busy.
    """
    lines, found = lines_of(files, name), {"time": [], "kept": [], "gap": [], "chunk": []}
    runs = [line for line in lines if line["kind"] == "run"]
    flows = [line for line in lines if line["kind"] == "flow"]
    chunks = longest_by_run(holds(files, name), len(runs))
    for number, (run, line) in enumerate(zip(runs, flows)):
        before = line["before_bytes_per_s"]
        if not is_steady(flow, before):
            continue
        found["time"].append(run["ns"])
        found["kept"].append(line["during_bytes_per_s"] / before)
        found["gap"].append(line["longest_gap_ns"])
        found["chunk"] += chunks[number:number + 1]
    if not found["time"]:
        raise Refusal(f"{name}: the flow was not at its rate before any run; is this machine busy?")
    return {**found, "left_out": len(runs) - len(found["time"])}
