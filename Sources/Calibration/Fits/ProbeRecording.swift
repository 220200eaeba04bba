// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
package import Quantities

/// What `Probe/stage2probe` printed: a host's own stage-2 operations, timed from user space.
package struct ProbeRecording: Hashable, Sendable {
  /// One operation over its repeats.
  package struct Timing: Hashable, Sendable {
    /// The phase, such as `unmap-whole`.
    package let phase: String
    /// The guest's memory.
    package let memory: ByteCount
    /// What backs it: `4k`, `thp` or `hugetlb`.
    package let backing: String
    /// vCPUs of the guest; none where only the host used the memory.
    package let vcpus: Int
    /// Slice, range of CLEAR or split chunk; zero where there is none.
    package let unit: ByteCount
    /// System calls that the time covers.
    package let calls: Int64
    /// How often it was measured.
    package let repeats: Int
    /// The middle of the repeats.
    package let median: Nanoseconds
    /// The median distance from the middle.
    package let deviation: Nanoseconds

    /// Phase, backing, memory and unit.
    package var name: String {
      "\(phase) \(backing) \(memory)" + (unit > .zero ? " by \(unit)" : "")
        + (vcpus > 1 ? " \(vcpus) vCPUs" : "")
    }

    /// The middle's relative standard error; a model of few costs is trusted to 3 % of a whole system
    /// call at best, or what it leaves out would pull costs that nothing tells.
    package var spread: Double {
      let middle = max(1, Double(median.rawValue))
      return max(0.03, 1.858 * Double(deviation.rawValue) / middle / Double(repeats).squareRoot())
    }
  }

  /// A flow beside an operation.
  package struct Flow: Hashable, Sendable {
    /// The phase beside which it ran.
    package let phase: String
    /// Bytes a second before, and while the operation ran.
    package let before: Double
    package let during: Double
    /// The longest time without a byte.
    package let longestGap: Nanoseconds
  }

  /// The kernel's release as `uname` has it.
  package let kernel: String
  /// The page size in bytes.
  package let page: Int64
  /// The IPA's width in bits.
  package let ipaBits: Int
  /// The operations in the order of the file.
  package private(set) var timings: [Timing] = []
  /// Flows beside operations.
  package private(set) var flows: [Flow] = []
  /// What the host could not do, and why.
  package private(set) var skipped: [String] = []
  /// Why the record ends early; nil where it is whole.
  package private(set) var shortfall: String? = "the file ends before the probe's last line"

  /// The largest time that is believed: a day.
  static let longest = Int64(86_400) * 1_000_000_000

  /// Whether a text is the probe's: its first line says so.
  package static func recognises(_ text: some StringProtocol) -> Bool {
    text.prefix(200).drop { $0.isWhitespace }.hasPrefix("{\"stage2probe\"")
  }

  /// Reads a record; lines behind a broken one are not taken.
  package init(parsing text: String, file: String) throws(LogError) {
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    func refuse(_ index: Int, _ legal: String) -> LogError {
      LogError(file: file, line: index + 1, found: String(lines[index].prefix(200)), legal: legal)
    }
    guard let head = lines.first, let first = Line(head), first.text("kind") == "environment" else {
      throw refuse(0, "a line of kind environment, the first that stage2probe prints")
    }
    guard let kernel = first.text("kernel"), let page = first.number("page_bytes", 4_096...65_536),
      let bits = first.number("ipa_bits", 32...52)
    else { throw refuse(0, "kernel, page_bytes from 4096 to 65536 and ipa_bits from 32 to 52") }
    (self.kernel, self.page, ipaBits) = (kernel, page, Int(bits))
    for index in lines.indices.dropFirst() where !lines[index].allSatisfy(\.isWhitespace) {
      guard let line = Line(lines[index]) else {
        // The last line of a probe that was killed may be cut.
        guard lines[(index + 1)...].allSatisfy({ $0.allSatisfy(\.isWhitespace) }) else {
          throw refuse(index, "one JSON object a line")
        }
        shortfall = "line \(index + 1) is cut"
        return
      }
      switch line.text("kind") {
      case "summary":
        guard let timing = line.timing() else {
          throw refuse(
            index,
            "phase, memory_bytes, backing, vcpus, unit_bytes, calls, repeats, median_ns and mad_ns, a time "
              + "from 1 ns to a day"
          )
        }
        timings.append(timing)
      case "flow":
        guard let flow = line.flow() else {
          throw refuse(index, "phase, before_bytes_per_s, during_bytes_per_s and longest_gap_ns")
        }
        flows.append(flow)
      case "skipped":
        let skip = "\(line.text("phase") ?? "a phase"): \(line.text("why") ?? "not told")"
        if !skipped.contains(skip) { skipped.append(skip) }
      case "end":
        let status = line.text("status") ?? "unknown"
        shortfall =
          status == "complete"
          ? nil : "the probe ended \(status)" + (line.text("why").map { ": \($0)" } ?? "")
      case "run", "environment": break
      default: throw refuse(index, "kind environment, run, summary, flow, skipped or end")
      }
    }
  }
}

extension ProbeRecording {
  /// What an operation takes beyond a change of the slot that protects nothing.
  ///
  /// Switching logging on waits for readers of the slots; with all bits set it does no more.
  func withoutSlotChange(_ timing: Timing) -> Nanoseconds {
    guard ["log-enable", "split"].contains(timing.phase),
      let bare = timings.first(where: {
        $0.phase == "log-enable-initially-set" && $0.memory == timing.memory
          && $0.backing == timing.backing && $0.vcpus == timing.vcpus
      })
    else { return timing.median }
    let rest = timing.median - bare.median
    // Of less than a tenth more the difference is chance.
    return rest * 10 > bare.median ? rest : .zero
  }
}

extension ProbeRecording {
  /// One line's values.
  private struct Line {
    let values: [String: Any]

    init?(_ text: Substring) {
      guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)),
        let values = object as? [String: Any], values["stage2probe"] != nil
      else { return nil }
      self.values = values
    }

    func text(_ key: String) -> String? { values[key] as? String }

    func number(_ key: String, _ range: ClosedRange<Int64>) -> Int64? {
      guard let number = values[key] as? NSNumber, let exact = Int64(exactly: number.doubleValue),
        range.contains(exact)
      else { return nil }
      return exact
    }

    func timing() -> Timing? {
      guard let phase = text("phase"), let backing = text("backing"),
        let memory = number("memory_bytes", 4_096...1 << 48),
        let vcpus = number("vcpus", 0...4_096),
        let unit = number("unit_bytes", 0...1 << 48), let calls = number("calls", 1...1 << 40),
        let repeats = number("repeats", 1...1_000_000),
        let median = number("median_ns", 1...ProbeRecording.longest),
        let deviation = number("mad_ns", 0...ProbeRecording.longest)
      else { return nil }
      return Timing(
        phase: phase,
        memory: .bytes(memory),
        backing: backing,
        vcpus: Int(vcpus),
        unit: .bytes(unit),
        calls: calls,
        repeats: Int(repeats),
        median: Nanoseconds(rawValue: median),
        deviation: Nanoseconds(rawValue: deviation)
      )
    }

    func flow() -> Flow? {
      let rates: ClosedRange<Int64> = 0...1 << 50
      guard let phase = text("phase"), let before = number("before_bytes_per_s", rates),
        let during = number("during_bytes_per_s", rates),
        let gap = number("longest_gap_ns", 0...ProbeRecording.longest)
      else { return nil }
      return Flow(
        phase: phase,
        before: Double(before),
        during: Double(during),
        longestGap: Nanoseconds(rawValue: gap)
      )
    }
  }
}
