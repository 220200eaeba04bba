// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What interrupts, softirqs and polls did on the CPU that ran one stage-2 chunk, from an ftrace
/// log with the irq, softirq, napi, sched and chunk kprobe events.
///
/// The receive queue is the NAPI instance with the most packets in the log; polls of others
/// (transmit) count as polls but bring no packets worth speaking of.
package struct InterferenceTrace: Hashable, Sendable {
  /// From the chunk's entry to its return.
  package let chunk: Nanoseconds
  /// Timer interrupts inside the chunk.
  package let tickInterrupts: Int
  /// Other hard interrupts inside the chunk.
  package let deviceInterrupts: Int
  /// Softirq vectors served inside the chunk.
  package let softirqRuns: Int
  /// NAPI polls inside the chunk.
  package let polls: Int
  /// Packets those polls took.
  package let packets: Int
  /// From the chunk's entry to the first wakeup of ksoftirqd inside it; nil for none.
  package let ksoftirqdWoken: Nanoseconds?
  /// The longest time inside the chunk in which no softirq ran.
  package let longestWithoutSoftirq: Nanoseconds
  /// Packets per second polled in the log before the chunk.
  package let packetsPerSecondBefore: Double

  /// Packets per second polled inside the chunk.
  package var packetsPerSecondInside: Double { Double(packets) / chunk.inSeconds }

  /// Reads a log; the first complete unmap chunk in it is the one that is measured.
  package init(parsing bytes: some Collection<UInt8>, file: String) throws(LogError) {
    let log = try LogLines(bytes, file: file)
    let events = try Self.events(log)
    guard let entry = events.firstIndex(where: { $0.name == "s2unmap" }),
      let exit = events[entry...].firstIndex(where: { $0.name == "s2unmap_ret" })
    else {
      throw LogError(
        file: file,
        line: 0,
        found: "no complete chunk",
        legal: "an s2unmap and its s2unmap_ret"
      )
    }
    let inside = events[entry...exit]
    let start = events[entry].time
    chunk = events[exit].time - start
    let interrupts = inside.filter { $0.name == "irq_handler_entry" }
    tickInterrupts = interrupts.count { $0.text.contains("name=arch_timer") }
    deviceInterrupts = interrupts.count - tickInterrupts
    softirqRuns = inside.count { $0.name == "softirq_entry" }
    let work = inside.compactMap(\.polledPackets)
    polls = work.count
    packets = work.reduce(0, +)
    ksoftirqdWoken = inside.first(where: \.wakesKsoftirqd).map { $0.time - start }
    longestWithoutSoftirq = Self.longestGap(inside)
    let before = events[..<entry]
    let span = start - (before.first?.time ?? start)
    let earlier = before.compactMap(\.polledPackets).reduce(0, +)
    packetsPerSecondBefore = span > .zero ? Double(earlier) / span.inSeconds : 0
  }
}

extension InterferenceTrace {
  struct Event {
    let time: Nanoseconds
    let name: Substring
    let text: Substring

    /// The packets of a NAPI poll, or nil for other events.
    var polledPackets: Int? {
      guard name == "napi_poll" else { return nil }
      let words = text.split(separator: " ")
      return words.firstIndex(of: "work").flatMap { index in
        index + 1 < words.count ? Int(words[index + 1]) : nil
      }
    }

    var wakesKsoftirqd: Bool {
      name == "sched_wakeup" && text.contains("comm=ksoftirqd/")
    }
  }

  /// The events in order; a log whose time runs backwards is refused.
  static func events(_ log: LogLines) throws(LogError) -> [Event] {
    var events: [Event] = []
    for (index, line) in log.lines.enumerated() where !line.hasPrefix("#") && !line.isEmpty {
      guard let event = event(line) else {
        throw log.error(at: index, legal: "a line of an ftrace log: task, CPU, flags, time, event")
      }
      if let last = events.last, event.time < last.time {
        throw log.error(at: index, legal: "a time that is not before the last line's")
      }
      events.append(event)
    }
    return events
  }

  /// Splits `task-1 [000] d.h.. 12.000345: name: text`.
  static func event(_ line: Substring) -> Event? {
    let words = line.split(separator: " ", maxSplits: 16)
    guard let cpu = words.firstIndex(where: { $0.hasPrefix("[") && $0.hasSuffix("]") }),
      cpu + 3 < words.count, let time = ChunkTrace.seconds(words[cpu + 2]),
      words[cpu + 3].hasSuffix(":")
    else { return nil }
    let name = words[cpu + 3]
    return Event(time: time, name: name.dropLast(), text: line[name.endIndex...])
  }

  /// The longest time between a softirq's exit and the next one's entry, the chunk's ends included.
  static func longestGap(_ inside: ArraySlice<Event>) -> Nanoseconds {
    var longest = Nanoseconds.zero
    guard var idleSince = inside.first?.time, let end = inside.last?.time else { return longest }
    for event in inside {
      if event.name == "softirq_entry" { longest = max(longest, event.time - idleSince) }
      if event.name == "softirq_exit" { idleSince = event.time }
    }
    return max(longest, end - idleSince)
  }
}
