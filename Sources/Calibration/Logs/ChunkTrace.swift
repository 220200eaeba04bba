// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// Calls of the stage-2 walker's entry points with their durations, from an ftrace log.
///
/// Two forms are read: kprobe events of entry and return (addresses and sizes are known), and
/// function_graph output (durations only). Other lines are skipped; a log without any call of the
/// walker is refused.
package struct ChunkTrace: Hashable, Sendable {
  /// Which walker entry a call was.
  package enum Function: String, Hashable, Sendable, CaseIterable {
    /// `kvm_pgtable_stage2_unmap`: one chunk of an unmap.
    case unmap
    /// `kvm_pgtable_stage2_wrprotect`: one chunk of a write-protect.
    case writeProtect
    /// `kvm_pgtable_stage2_split`: one step of an eager split.
    case split
    /// `kvm_pgtable_stage2_destroy` or its range form.
    case destroy
  }

  /// One call.
  package struct Call: Hashable, Sendable {
    /// The entry that was called.
    package let function: Function
    /// The range it covered; nil in function_graph logs.
    package let range: AddressRange?
    /// From entry to return.
    package let duration: Nanoseconds
  }

  /// The calls in the order of their returns.
  package let calls: [Call]

  /// Reads a log, telling the two forms apart by their lines.
  package init(parsing bytes: some Collection<UInt8>, file: String) throws(LogError) {
    let log = try LogLines(bytes, file: file)
    let isGraph = log.lines.contains { $0.hasPrefix("# tracer: function_graph") }
    calls = isGraph ? try Self.graph(log) : try Self.probes(log)
    guard !calls.isEmpty else {
      throw LogError(
        file: file,
        line: 0,
        found: "no call of a stage-2 walker",
        legal: "kprobe events s2unmap, s2wp, s2split, s2destroy with their _ret, "
          + "or function_graph of kvm_pgtable_stage2_unmap, _wrprotect, _split or _destroy"
      )
    }
  }
}

extension ChunkTrace {
  static let probeNames: [(event: Substring, function: Function)] = [
    ("s2unmap", .unmap), ("s2wp", .writeProtect), ("s2split", .split), ("s2destroy", .destroy),
    ("s2destroyr", .destroy),
  ]

  static let symbols: [(symbol: Substring, function: Function)] = [
    ("kvm_pgtable_stage2_unmap", .unmap), ("kvm_pgtable_stage2_wrprotect", .writeProtect),
    ("kvm_pgtable_stage2_split", .split), ("kvm_pgtable_stage2_destroy", .destroy),
    ("kvm_pgtable_stage2_destroy_range", .destroy),
  ]

  struct Open {
    let function: Function
    let start: Nanoseconds
    let range: AddressRange?
  }

  /// Pairs entry and return events of the kprobes; a return without its entry is skipped, since
  /// the ring buffer may have lost it.
  static func probes(_ log: LogLines) throws(LogError) -> [Call] {
    var calls: [Call] = []
    var open: [Open] = []
    for (index, line) in log.lines.enumerated() where !line.hasPrefix("#") {
      guard let event = try probeEvent(line, at: index, in: log) else { continue }
      if !event.isReturn {
        open.append(Open(function: event.function, start: event.time, range: event.range))
      } else if let last = open.lastIndex(where: { $0.function == event.function }) {
        let entry = open[last]
        open.removeSubrange(last...)
        guard event.time >= entry.start else {
          throw log.error(at: index, legal: "a time that is not before the call's entry")
        }
        calls.append(
          Call(
            function: entry.function,
            range: entry.range,
            duration: event.time - entry.start
          )
        )
      }
    }
    return calls
  }

  struct ProbeEvent {
    let function: Function
    let isReturn: Bool
    let time: Nanoseconds
    let range: AddressRange?
  }

  /// The probe event of a line such as `cap-1 [000] d.... 12.000345: s2unmap: (...) addr= size=`,
  /// or nil for other lines.
  static func probeEvent(
    _ line: Substring,
    at index: Int,
    in log: LogLines
  ) throws(LogError) -> ProbeEvent? {
    let words = line.split(separator: " ", omittingEmptySubsequences: true)
    guard let name = words.indices.dropFirst(3).first(where: { words[$0].hasPrefix("s2") }),
      words[name].hasSuffix(":")
    else { return nil }
    let event = words[name].dropLast()
    let isReturn = event.hasSuffix("_ret")
    let base = isReturn ? event.dropLast(4) : event
    guard let probe = probeNames.first(where: { $0.event == base }) else { return nil }
    guard let time = seconds(words[name - 1]) else {
      throw log.error(at: index, legal: "a time stamp in seconds before the event's name")
    }
    let range = isReturn ? nil : try argumentRange(words[name...], at: index, in: log)
    return ProbeEvent(function: probe.function, isReturn: isReturn, time: time, range: range)
  }

  /// The range that `addr=0x... size=0x...` names, or nil where an event has neither.
  static func argumentRange(
    _ words: ArraySlice<Substring>,
    at index: Int,
    in log: LogLines
  ) throws(LogError) -> AddressRange? {
    func argument(_ name: String) -> UInt64?? {
      words.first { $0.hasPrefix(name) }.map { UInt64($0.dropFirst(name.count + 2), radix: 16) }
    }
    guard let address = argument("addr="), let size = argument("size=") else { return nil }
    guard let address, let size, address < 1 << 52, size < 1 << 52 else {
      throw log.error(at: index, legal: "addr=0x... and size=0x... below 2^52")
    }
    return AddressRange(
      start: GuestAddress(rawValue: address),
      size: ByteCount(rawValue: Int64(size))
    )
  }

  /// Reads `1507.685932:` as nanoseconds.
  static func seconds(_ word: Substring) -> Nanoseconds? {
    guard word.hasSuffix(":") else { return nil }
    let parts = word.dropLast().split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let whole = Int64(parts[0]), whole >= 0, whole < 1 << 33,
      let fraction = Int64(parts[1]), fraction >= 0, parts[1].count <= 9
    else { return nil }
    let scale = (0..<(9 - parts[1].count)).reduce(Int64(1)) { value, _ in value * 10 }
    return .seconds(whole) + .nanoseconds(fraction * scale)
  }

  /// Reads durations of leaf calls and of closing braces.
  static func graph(_ log: LogLines) throws(LogError) -> [Call] {
    var calls: [Call] = []
    var stack: [Substring] = []
    for (index, line) in log.lines.enumerated() where !line.hasPrefix("#") {
      guard let bar = line.lastIndex(of: "|") else { continue }
      let body = line[line.index(after: bar)...].trimmingPrefix { $0 == " " }
      if body.hasPrefix("/*") { continue }
      var symbol: Substring?
      if body.hasSuffix("() {") {
        stack.append(body.dropLast(4))
        continue
      } else if body.hasSuffix("();") {
        symbol = body.dropLast(3)
      } else if body.hasPrefix("}") {
        symbol = stack.popLast()
      }
      guard let symbol, let match = symbols.first(where: { $0.symbol == symbol }) else { continue }
      guard let duration = graphDuration(line[..<bar]) else {
        throw log.error(at: index, legal: "a duration such as '82.256 us' before the bar")
      }
      calls.append(Call(function: match.function, range: nil, duration: duration))
    }
    return calls
  }

  /// Reads the duration column: an optional mark, microseconds with a fraction, `us`.
  static func graphDuration(_ column: Substring) -> Nanoseconds? {
    let words = column.split(separator: " ")
    guard words.count >= 2, words.last == "us",
      let microseconds = Double(words[words.count - 2]), microseconds >= 0, microseconds < 1e12
    else { return nil }
    return Nanoseconds(rawValue: Int64((microseconds * 1_000).rounded()))
  }
}
