// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// What a file that people record anyway says of a host, a guest or a load.
package struct Recording: Hashable, Sendable, Codable {
  /// A value that the file gives, under the key of a profile.
  package struct Setting: Hashable, Sendable, Codable {
    /// The key, as `profiles keys` lists it.
    package let key: String
    /// The value as `--set` takes it, with its unit.
    package let value: String
    /// What of the file says so.
    package let reason: String
  }

  /// A measurement for which no profile has a key.
  package struct Figure: Hashable, Sendable, Codable {
    /// What was measured.
    package let name: String
    /// The value with its unit.
    package let value: String
  }

  /// Counters of one CPU.
  package struct Row: Hashable, Sendable, Codable {
    /// The CPU.
    package let cpu: Int64
    /// Packets, drops and squeezes.
    package let counts: [Int64]
  }

  /// A number that a run of the simulator has as well.
  package struct Measured: Hashable, Sendable, Codable {
    /// What was measured, as the file names it.
    package let name: String
    /// The iteration, counted from one; nil where there is one of it.
    package let iteration: Int?
    /// Nanoseconds, or a count.
    package let value: Double
    /// Whether it is a time.
    package let isTime: Bool

    /// The name with its iteration.
    package var label: String { iteration.map { "\(name) \($0)" } ?? name }

    enum CodingKeys: String, CodingKey {
      case name, iteration, value
      case isTime = "is_time"
    }
  }

  /// The file as the caller named it.
  package let file: String
  /// What kind of file it is.
  package let kind: RecordingKind
  /// What sets values of a profile.
  package var settings: [Setting] = []
  /// What was measured beside that.
  package var figures: [Figure] = []
  /// What the simulator is held against.
  package var measured: [Measured] = []
  /// Counters by CPU, of a snapshot or between two.
  package var counters: [Row]?
  /// What the file does not tell and a reader may expect of it.
  package var unknown: [String] = []
  /// Parts of the file that were passed over, each with its number of lines or a reason.
  package var ignored: [String] = []

  package init(_ file: String, _ kind: RecordingKind) { (self.file, self.kind) = (file, kind) }

  mutating func set(_ key: String, _ value: String, _ reason: String) {
    settings.append(Setting(key: key, value: value, reason: reason))
  }

  mutating func show(_ name: String, _ value: String) {
    figures.append(Figure(name: name, value: value))
  }

  /// Shows a number that a run has too.
  mutating func hold(
    _ name: String,
    _ value: Double,
    iteration: Int? = nil,
    isTime: Bool = true
  ) {
    let one = Measured(name: name, iteration: iteration, value: value, isTime: isTime)
    measured.append(one)
    let whole = Int64(saturating: value)
    show(one.label, isTime ? Nanoseconds(rawValue: whole).description : "\(whole)")
  }
}

/// The kinds of files that are read.
package enum RecordingKind: String, Hashable, Sendable, CaseIterable, Codable {
  case selftest, dump
  case ipaRange = "ipa-range"
  case walkerTrace = "walker-trace"
  case tracepoints
  case softnet
  case interrupts, softirqs
  case netDev = "net-dev"
  case snmp, taskStat = "task-stat"
  case ethtool
  case iperf, fio
  case migration, snapshot
  case receiver, operations
  case kernelCounts = "kernel-counts"
  case commandLine = "command-line"
  case probe, measurements

  /// What the file is, in words.
  package var title: String {
    switch self {
    case .selftest: "output of a KVM selftest"
    case .dump: "a stage-2 dump of debugfs"
    case .ipaRange: "ipa_range or stage2_levels of debugfs"
    case .walkerTrace: "a trace of the stage-2 walker"
    case .tracepoints: "a trace of KVM's tracepoints"
    case .softnet: "/proc/net/softnet_stat"
    case .interrupts: "/proc/interrupts"
    case .softirqs: "/proc/softirqs"
    case .netDev: "/proc/net/dev"
    case .snmp: "/proc/net/snmp"
    case .taskStat: "/proc/PID/stat"
    case .ethtool: "output of ethtool"
    case .iperf: "output of iperf3"
    case .fio: "output of fio"
    case .migration: "progress of a live migration"
    case .snapshot: "times of a microVM's snapshots"
    case .receiver: "what a receiver counted"
    case .operations: "times of operations"
    case .kernelCounts: "event counts of kernels"
    case .commandLine: "a kernel's command line"
    case .probe: "a record of stage2probe"
    case .measurements: "a table of measurements"
    }
  }
}

/// A text that is to be recognised.
struct RecordingText {
  let file: String
  let text: String
  /// The lines without their ends.
  let lines: [Substring]
  /// The first lines that say something.
  let head: [Substring]

  init(_ text: String, file: String) {
    (self.text, self.file) = (text, file)
    let pieces = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    lines = pieces.enumerated().map { index, piece in
      let isCut = index < pieces.count - 1 && piece.last == UInt8(ascii: "\r")
      return Substring(isCut ? piece.dropLast() : piece)
    }
    head = Array(lines.lazy.filter { !$0.isBlank }.prefix(40))
  }

  /// Whether these bytes stand anywhere in the text: found by bytes, so in any language alike.
  func has(_ words: String) -> Bool {
    var (words, text) = (words, text)
    return words.withUTF8 { words in
      text.withUTF8 { text in
        guard let first = words.first, text.count >= words.count else { return words.isEmpty }
        for start in 0...(text.count - words.count) where unsafe text[start] == first {
          if unsafe text[start..<(start + words.count)].elementsEqual(words) { return true }
        }
        return false
      }
    }
  }

  /// A refusal at a line counted from zero.
  func error(at index: Int, legal: String) -> LogError {
    let found = lines.indices.contains(index) ? String(lines[index]) : ""
    return LogError(file: file, line: index + 1, found: found, legal: legal)
  }

  /// A refusal of the file as a whole.
  func error(_ found: String, legal: String) -> LogError {
    LogError(file: file, line: 0, found: found, legal: legal)
  }
}

extension Substring {
  /// The words between blanks.
  var words: [Substring] {
    utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.map(Substring.init)
  }

  /// Whether there is nothing but blanks.
  var isBlank: Bool { utf8.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) } }

  /// The text without the blanks around it.
  var trimmed: Substring {
    var text = drop { $0.isWhitespace }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return text
  }
}
