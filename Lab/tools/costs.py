# SPDX-License-Identifier: GPL-3.0-or-later
"""What a packet, an interrupt, a read and a task switch cost an emulated host, from a trace of a flow alone.

A trace point takes as long as the shortest way from one to the next shows, and is taken off again. What no trace point sees,
the ways into interrupts and out of them, follows from how much longer a task that computes all the time takes beside the flow.
"""

import re
from statistics import median

from lab import Refusal

LINE = re.compile(rb"^\s*(.+)-(\d+)\s+\[\d+\]\s+\S+\s+([0-9.]+): (\w+): ?(.*)$")
RECEIVE = b"NR 207"  # recvfrom of arm64
DEVICE, TICK = b"virtio", b"arch_timer"


def events_of(trace):
    """Time in nanoseconds, thread, name and words of each line."""
    found = []
    for line in trace.splitlines():
        match = LINE.match(line)
        if match:
            found.append((round(float(match[3]) * 1e9), int(match[2]), match[4].decode(), match[5]))
    if len(found) < 1000:
        raise Refusal(f"a trace of a flow has {len(found)} events; too few to tell costs from")
    return found


def inside_longest_chunk(trace):
    """Interrupts, softirqs, polls and packets within the longest chunk, and when ksoftirqd was woken in it."""
    events = events_of(trace)
    begins = [i for i, event in enumerate(events) if event[2] == "s2unmap"]
    ends = [i for i, event in enumerate(events) if event[2] == "s2unmap_ret"]
    if not begins or not ends:
        return ""
    first, last = max(zip(begins, ends), key=lambda pair: events[pair[1]][0] - events[pair[0]][0])
    inside, begun = events[first:last], events[first][0]
    interrupts = [words for _, _, name, words in inside if name == "irq_handler_entry"]
    polls = [int(words.split(b" work ")[1].split()[0])
             for _, _, name, words in inside if name == "napi_poll"]
    woken = [at for at, _, name, words in inside if name == "sched_wakeup" and b"ksoftirqd" in words]
    text = (f"in {(events[last][0] - begun) / 1e6:.0f} ms: {sum(TICK in words for words in interrupts)} "
            f"ticks, {sum(DEVICE in words for words in interrupts)} interrupts of the card, "
            f"{sum(event[2] == 'softirq_entry' for event in inside)} softirqs, {len(polls)} polls of "
            f"{sum(polls)} packets")
    return text + (f", ksoftirqd woken after {(woken[0] - begun) / 1e6:.1f} ms" if woken else "")


def longest_gap(trace):
    """Who ran between the two returns of the reader's recv that are farthest apart, a line each."""
    events = events_of(trace)
    reads = [i for i, event in enumerate(events)
             if event[2] == "sys_exit" and event[3].startswith(RECEIVE)]
    if len(reads) < 2:
        raise Refusal("the trace has no two reads")
    first, last = max(zip(reads, reads[1:]), key=lambda pair: events[pair[1]][0] - events[pair[0]][0])
    for at, thread, name, words in events[first:last + 1]:
        if name in ("s2unmap", "s2unmap_ret", "sched_switch", "sched_wakeup", "sys_enter", "sys_exit"):
            yield (f"{(at - events[first][0]) / 1e6:9.2f} ms  {thread:>5} {name} "
                   f"{words.decode(errors='replace')[:110]}")


def least_squares(rows):
    """Coefficients c of y = c . x for rows (x, y), none below zero; those far off the first fit are left out of the second."""
    coefficients = positive(rows)
    far = [abs(y - sum(c * u for c, u in zip(coefficients, x))) for x, y in rows]
    limit = 5 * max(median(far), 1)
    return positive([row for row, off in zip(rows, far) if off <= limit])


def positive(rows):
    """The same where columns whose coefficient would be negative say nothing."""
    columns = list(range(len(rows[0][0])))
    while True:
        found = solve([([x[i] for i in columns], y) for x, y in rows])
        least = min(range(len(columns)), key=lambda i: found[i])
        if found[least] >= 0 or len(columns) == 1:
            break
        del columns[least]
    return [max(0, found[columns.index(i)]) if i in columns else 0 for i in range(len(rows[0][0]))]


def solve(rows):
    """The normal equations, by elimination; a column that says nothing new gets zero."""
    size = len(rows[0][0])
    matrix = [[sum(x[i] * x[j] for x, _ in rows) for j in range(size)]
              + [sum(x[i] * y for x, y in rows)] for i in range(size)]
    scale = [matrix[i][i] for i in range(size)]
    for i in range(size):
        if matrix[i][i] <= 1e-3 * scale[i]:
            for row in matrix:
                row[i] = 0
            matrix[i] = [0] * size + [0]
            matrix[i][i] = 1
        for j in range(size):
            if j != i:
                factor = matrix[j][i] / matrix[i][i]
                matrix[j] = [b - factor * a for a, b in zip(matrix[i], matrix[j])]
    return [matrix[i][size] / matrix[i][i] for i in range(size)]


class Trace:
    """Spans of handlers, softirqs and the reader, each without the trace points and spans in it."""

    def __init__(self, trace):
        self.events = events_of(trace)
        steps = [b[0] - a[0] for a, b in zip(self.events, self.events[1:])
                 if a[2] == "softirq_raise" and b[2] == "irq_handler_exit"]
        if not steps:
            raise Refusal("the trace has no interrupt that raises a softirq")
        self.point = median(steps)
        self.ticks, self.interrupts, self.softirqs, self.reads = [], [], [], []
        self.raising = 0
        self.switches = [b[0] - a[0] - self.point for a, b in zip(self.events, self.events[1:])
                         if b[2] == "sched_switch" and a[2] in ("softirq_exit", "irq_handler_exit")]
        self.walk()

    def walk(self):
        stack, reader, receiving = [], None, {}
        for at, thread, name, words in self.events:
            for span in stack:
                span["points"] += 1
            if reader:
                reader["points"] += 1
            if name in ("irq_handler_entry", "softirq_entry"):
                stack.append({"kind": name, "words": words, "at": at, "points": 0, "inside": 0,
                              "polls": 0, "packets": 0, "wakeups": 0})
            elif name in ("irq_handler_exit", "softirq_exit") and stack:
                span = stack.pop()
                # Its entry is written after the time was read, its exit too: one of both, and what lies between.
                spent = at - span["at"] - span["points"] * self.point
                if stack:
                    stack[-1]["inside"] += spent
                elif reader:
                    reader["inside"] += spent
                self.end(span, max(0, spent - span["inside"]))
            elif name == "sched_wakeup" and stack:
                stack[-1]["wakeups"] += 1
            elif name == "softirq_raise" and stack and TICK in stack[-1]["words"]:
                self.raising += b"vec=3" not in words
            elif name == "napi_poll" and stack:
                work = int(words.split(b" work ")[1].split()[0])
                stack[-1]["polls"] += 1
                stack[-1]["packets"] += work
            elif name == "sys_exit" and words.startswith(RECEIVE):
                got = int(words.split(b"=")[1])
                receiving[thread] = receiving.get(thread, 0) + 1
                if reader is None or reader["thread"] != thread:
                    reader = {"thread": thread, "at": at, "points": 0, "inside": 0, "calls": 0,
                              "bytes": 0}
                reader["calls"] += 1
                reader["bytes"] += max(0, got)
            elif name == "sched_switch":
                if reader:
                    spent = at - reader["at"] - reader["points"] * self.point - reader["inside"]
                    if spent > 0:
                        self.reads.append((reader["calls"], reader["bytes"] / 1024, spent))
                reader = None
                if b"next_comm=stage2probe" in words:
                    thread = int(words.split(b"next_pid=")[1].split()[0])
                    if thread in receiving:
                        reader = {"thread": thread, "at": at, "points": 0, "inside": 0, "calls": 0,
                                  "bytes": 0}

    def end(self, span, spent):
        if span["kind"] == "softirq_entry":
            if b"NET_RX" in span["words"]:
                self.softirqs.append((span["polls"], span["packets"], span["wakeups"], spent))
        elif TICK in span["words"]:
            self.ticks.append(spent)
        elif DEVICE in span["words"]:
            self.interrupts.append((span["at"], b"input" in span["words"], spent))

    def costs(self):
        """Costs in nanoseconds by the names that host profiles give them, without the ways in and out."""
        poll, packet, wakeup = least_squares([(row[:3], row[3]) for row in self.softirqs if row[1]])
        call, kilobyte = least_squares([(row[:2], row[2]) for row in self.reads if row[0]])
        seconds = (self.events[-1][0] - self.events[0][0]) / 1e9
        packets = sum(row[1] for row in self.softirqs)
        polls = sum(row[0] for row in self.softirqs if row[1])
        wakeups = sum(row[2] for row in self.softirqs)
        reads = sum(calls for calls, _, _ in self.reads)
        arrivals = sum(is_input for _, is_input, _ in self.interrupts)
        switch = median(self.switches)
        spent = (packets * packet + polls * poll + wakeups * wakeup + reads * call
                 + sum(row[1] for row in self.reads) * kilobyte
                 + (len(self.switches) + len(self.reads)) * switch)
        return {"cpu.tick": median(self.ticks), "nic.poll": poll, "nic.packet": packet,
                "cpu.wakeup": wakeup, "nic.reader_call": call, "nic.reader_kilobyte": kilobyte,
                "cpu.context_switch": switch, "cpu.softirq_entry": 0,
                "nic.moderation": seconds * 1e9 / arrivals,
                "cpu.ticks_per_softirq": max(1, round(len(self.ticks) / max(1, self.raising)))}, {
                "seconds": seconds, "spent_ns": spent, "packets": packets, "arrivals": arrivals,
                "interrupts": len(self.interrupts), "ticks": len(self.ticks),
                "packets_a_poll": packets / max(1, polls), "trace_point_ns": self.point}


def flow_costs(trace, alone, beside, packets_per_second, is_tcp):
    """A flow's costs by the names of host profiles, and its shape.

    `alone` and `beside` are times of the same work of one task, without the flow and beside it.
    """
    costs, shape = Trace(trace).costs()
    share = 1 - median(alone) / median(beside)
    # What the trace shows of a packet, and what the task says.
    known = shape["spent_ns"] / shape["packets"] * packets_per_second
    interrupts = shape["interrupts"] / shape["packets"] * packets_per_second
    way = max(0, share * 1e9 - known) / interrupts
    costs["cpu.tick"] += way
    # Interrupts of what was sent, such as acknowledgements, are counted with those of arrivals.
    costs["cpu.hard_interrupt"] = way * shape["interrupts"] / shape["arrivals"]
    if not is_tcp:
        # Datagrams come one by one.
        costs["nic.moderation"] = 0
    return costs, {**shape, "share_of_cpu": share, "known_share": known / 1e9, "way_ns": way}


def card(counters):
    """Packets a second that the card received between two snapshots of the counters, and bytes a packet."""
    text, found = counters.decode(), []
    for when in ("before", "after"):
        part = text.split(f"== {when} uptime\n")[1]
        words = next(line for line in part.split(f"== {when} net/dev\n")[1].splitlines()
                     if "eth0:" in line).split()
        found.append((float(part.split()[0]), int(words[1]), int(words[2])))
    seconds, octets, packets = (after - before for before, after in zip(*found))
    return packets / seconds, octets / max(1, packets)
