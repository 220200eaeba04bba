// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// What one run of a KVM selftest printed: `kvm_page_table_test` or `dirty_log_perf_test`.
///
/// One log may hold several guest modes. Lines that are not known are skipped, since releases
/// add some (random seeds, a line on nested guests).
package struct SelftestLog: Hashable, Sendable {
  /// A measured time and what it is the time of.
  package struct Measurement: Hashable, Sendable {
    /// The text before the colon, such as `KVM_CREATE_MAPPINGS` or `clear dirty log`.
    package let name: String
    /// The iteration, counted from one; nil where the test has none.
    package let iteration: Int?
    /// The measured time.
    package let time: Nanoseconds
  }

  /// The measurements of one guest mode.
  package struct Mode: Hashable, Sendable {
    /// The mode as printed, such as `PA-bits:40,  VA-bits:48,  4K pages`.
    package let name: String
    /// The tested memory, where the test prints its size.
    package var memory: ByteCount?
    /// The backing, such as `anonymous_thp`, where the test prints it.
    package var backing: String?
    /// vCPUs, where the test prints them.
    package var vcpus: Int?
    /// The times in the order of the log.
    package var measurements: [Measurement] = []
  }

  /// The modes in the order of the log.
  package let modes: [Mode]

  /// Reads a log; one without any measured time is refused.
  package init(parsing bytes: some Collection<UInt8>, file: String) throws(LogError) {
    let log = try LogLines(bytes, file: file)
    var modes: [Mode] = []
    for index in log.lines.indices {
      // TAP puts a hash before each line of a test.
      let line = log.lines[index].value(after: "# ") ?? log.lines[index]
      if let name = line.value(after: "Testing guest mode: ") {
        modes.append(Mode(name: String(name)))
      } else if !modes.isEmpty {
        try Self.read(line, at: index, of: log, into: &modes[modes.count - 1])
      }
    }
    guard modes.contains(where: { !$0.measurements.isEmpty }) else {
      throw LogError(
        file: file,
        line: 0,
        found: "no measured time",
        legal: "the output of kvm_page_table_test or dirty_log_perf_test"
      )
    }
    self.modes = modes
  }

  static func read(
    _ line: Substring,
    at index: Int,
    of log: LogLines,
    into mode: inout Mode
  ) throws(LogError) {
    if let size = line.value(after: "Testing memory size(aligned): 0x") {
      guard let bytes = Int64(size, radix: 16), bytes >= 0 else {
        throw log.error(at: index, legal: "a size in hexadecimal")
      }
      mode.memory = .bytes(bytes)
    } else if let range = line.value(after: "guest physical test memory: [") {
      mode.memory = try memory(range, at: index, of: log)
    } else if let backing = line.value(after: "Testing memory backing src type: ") {
      mode.backing = String(backing)
    } else if let count = line.value(after: "Number of testing vCPUs: ") {
      mode.vcpus = Int(count)
    } else if let measurement = try measurement(line, at: index, of: log) {
      mode.measurements.append(measurement)
    }
  }

  /// The size of `0xA, 0xB)`.
  static func memory(
    _ text: Substring,
    at index: Int,
    of log: LogLines
  ) throws(LogError) -> ByteCount {
    let bounds = text.dropLast().split(separator: ",").map { part in
      Int64(part.trimmingPrefix { $0 == " " }.dropFirst(2), radix: 16)
    }
    guard bounds.count == 2, let low = bounds[0], let high = bounds[1], 0 <= low, low < high else {
      throw log.error(at: index, legal: "a range such as [0x1000, 0x2000)")
    }
    return .bytes(high - low)
  }

  /// A line such as `Iteration 1 dirty memory time: 0.5s`, or nil for other lines.
  static func measurement(
    _ line: Substring,
    at index: Int,
    of log: LogLines
  ) throws(LogError) -> Measurement? {
    guard let colon = line.lastIndex(of: ":"), line[..<colon].hasSuffix(" time") else { return nil }
    let label = line[..<colon].dropLast(" time".count)
    let value = line[line.index(after: colon)...].trimmed
    guard let time = seconds(value) else {
      throw log.error(at: index, legal: "a time such as 0.655655904s")
    }
    guard let rest = label.value(after: "Iteration ") else {
      let name = label.value(before: ": total execution") ?? label
      return Measurement(name: String(name), iteration: nil, time: time)
    }
    let words = rest.split(separator: " ", maxSplits: 1)
    guard words.count == 2, let iteration = Int(words[0]) else {
      throw log.error(at: index, legal: "an iteration's number after 'Iteration'")
    }
    return Measurement(name: String(words[1]), iteration: iteration, time: time)
  }

  /// Reads seconds, a dot, nine digits and `s`.
  static func seconds(_ text: Substring) -> Nanoseconds? {
    let parts = text.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard text.hasSuffix("s"), parts.count == 2, parts[1].count == 9, let whole = Int64(parts[0]),
      let fraction = Int64(parts[1]), whole >= 0, fraction >= 0, whole < 1 << 33
    else { return nil }
    return .seconds(whole) + .nanoseconds(fraction)
  }
}

extension Substring {
  /// What follows a prefix, or nil where the text does not begin with it.
  func value(after prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }

  /// What stands before a suffix, or nil where the text does not end with it.
  func value(before suffix: String) -> Substring? {
    hasSuffix(suffix) ? dropLast(suffix.count) : nil
  }
}
