// SPDX-License-Identifier: GPL-3.0-or-later

package import Files
package import PageTables
import Profiles
package import Quantities

/// Event counts of one phase on one real host: a row of a file like `kernel-counts.csv`.
package struct CountsRow: Hashable, Sendable {
  /// The line in the file, counted from one.
  package let line: Int
  /// The kernel column as written, such as `6.1.0`.
  package let kernel: String
  /// The release whose rules apply.
  package let release: KernelRelease
  /// The CPU column as written.
  package let cpu: String
  /// The CPU's features, with the workarounds that the release has for its core.
  package let features: CPUFeatures
  /// Bits of the IPA space.
  package let ipaBits: Int
  /// Size of the memory slot.
  package let memory: ByteCount
  /// The page size: of the backing where it names pages, else of the kernel's other rows and name.
  package let granule: Granule
  /// What the memory stands on.
  package let backing: HostBacking
  /// The backing as written.
  package let backingName: String
  /// How much the guest writes again in the phases that rewrite.
  package let rewrite: ByteCount
  /// The phase's name, such as `A.dontneed_all`.
  package let phase: String
  /// The counts.
  package let counts: EventCounts
  /// Instructions executed in stage-2 code.
  package let instructions: Int64
  /// Virtual time of the phase.
  package let time: Nanoseconds
}

extension CountsRow {
  /// The core in a CPU as QEMU takes it: `neoverse-n1` of `neoverse-n1,pmu=off`.
  static func core(of cpu: String) -> String {
    cpu.prefix { $0 != "," && $0 != " " }.lowercased()
  }

  /// The core.
  var core: String { Self.core(of: cpu) }
}

/// A file of event counts in the captures' format.
package struct KernelCounts: Hashable, Sendable {
  /// The columns that describe the run, in the captures' order.
  static let keys = [
    "kernel", "cpu", "fwb", "tlbirange", "vhe", "ipa_bits", "memory_mib", "backing",
    "rewrite_mib", "phase",
  ]
  /// Names of a distribution's that say the series alone, and the update that the captures ran.
  static let updates = ["6.1.0": KernelRelease(major: 6, minor: 1, patch: 176)]
  /// Instructions of stage-2 code, and virtual time.
  static let measures = ["stage2_instructions", "icount_ns"]

  /// The file's name as the caller gave it.
  package let file: String
  /// The rows in the file's order.
  package let rows: [CountsRow]

  /// Reads a file: a header with every column of the captures in any order, then the rows.
  ///
  /// A missing column, a count that is not a whole number of at least zero, and a row of
  /// another length are refused with file, line, value and what is legal.
  package init(parsing bytes: some Collection<UInt8>, file: String) throws(LogError) {
    try self.init(reading: TextLines(bytes, named: file))
  }

  /// Reads a file line by line, and stops at the first that cannot be one's.
  package init(reading lines: TextLines) throws(LogError) {
    var lines = lines
    let file = lines.path
    let first = try lines.nextLine() ?? LogLine(file: file, number: 1, text: "")
    let header = try CountsHeader(first)
    var read: [CountsLine] = []
    var blank = 0
    while let line = try lines.nextLine() {
      guard line.text.isEmpty else {
        read.append(try CountsLine(line, header: header))
        continue
      }
      blank += 1
      guard blank <= LogLine.mostBlank else { throw line.error(legal: "a row") }
    }
    let granules = Dictionary(
      read.compactMap { line in line.namedGranule.map { (line.text("kernel"), $0) } },
      uniquingKeysWith: { first, _ in first }
    )
    var rows: [CountsRow] = []
    for line in read {
      rows.append(try line.row(granule: granules[line.text("kernel")] ?? .size4K))
    }
    guard !rows.isEmpty else {
      throw LogError(file: file, line: 1, found: "a header alone", legal: "at least one row")
    }
    self.file = file
    self.rows = rows
  }
}

/// Where each column stands.
private struct CountsHeader {
  let positions: [String: Int]
  let width: Int

  init(_ line: LogLine) throws(LogError) {
    let names = line.text.split(separator: ",", omittingEmptySubsequences: false)
    width = names.count
    var positions: [String: Int] = [:]
    for (position, name) in names.enumerated() {
      let name = String(name)
      guard positions.updateValue(position, forKey: name) == nil else {
        throw LogError(file: line.file, line: 1, found: name, legal: "each column once")
      }
    }
    let wanted =
      KernelCounts.keys + EventCounts.capturedColumns.map(\.name) + KernelCounts.measures
    for name in wanted where positions[name] == nil {
      throw line.error(legal: "a column '\(name)'")
    }
    self.positions = positions
  }
}

/// One line, as fields by column.
private struct CountsLine {
  let file: String
  let line: Int
  let header: CountsHeader
  let fields: [Substring]

  init(_ line: LogLine, header: CountsHeader) throws(LogError) {
    fields = line.text.split(separator: ",", omittingEmptySubsequences: false)
    guard fields.count == header.width else {
      throw line.error(legal: "\(header.width) fields, as in the header")
    }
    file = line.file
    self.line = line.number
    self.header = header
  }

  func text(_ column: String) -> String {
    guard let position = header.positions[column] else { return "" }
    return String(fields[position])
  }

  private func refuse(_ column: String, _ legal: String) -> LogError {
    LogError(file: file, line: line, found: "\(column)=\(text(column))", legal: legal)
  }

  func count(_ column: String, in legal: ClosedRange<Int64> = 0...Int64.max) throws(LogError)
    -> Int64
  {
    guard let value = Int64(text(column)), legal.contains(value) else {
      let isOpen = legal.upperBound == .max
      throw refuse(
        column,
        isOpen
          ? "a whole number of at least \(legal.lowerBound)"
          : "a whole number from \(legal.lowerBound) to \(legal.upperBound)"
      )
    }
    return value
  }

  private func flag(_ column: String) throws(LogError) -> Bool {
    switch text(column) {
    case "yes": return true
    case "no": return false
    default: throw refuse(column, "yes or no")
    }
  }

  private func release() throws(LogError) -> KernelRelease {
    let number = text("kernel").prefix { $0 != "-" && $0 != "+" }
    if let update = KernelCounts.updates[String(number)] { return update }
    guard let release = try? KernelRelease(written: String(number)) else {
      throw refuse("kernel", "a release such as 6.12.107")
    }
    return release
  }

  private func features(on release: KernelRelease) throws(LogError) -> CPUFeatures {
    let features = CPUFeatures(
      forcedWriteBack: try flag("fwb"),
      rangeTLBI: try flag("tlbirange"),
      virtualizationHostExtensions: try flag("vhe"),
      levelHint: true
    )
    return CoreErrata.features(features, of: CountsRow.core(of: text("cpu")), on: release)
  }

  /// The page size that the row names: by pages as its backing, or in the kernel's name
  /// (`6.12.107-16k`).
  var namedGranule: Granule? {
    let words = ["4k": Granule.size4K, "16k": .size16K, "64k": .size64K]
    return words[text("backing")] ?? words.first { text("kernel").hasSuffix("-\($0.key)") }?.value
  }

  private func backing() throws(LogError) -> HostBacking {
    let text = text("backing")
    if ["4k", "16k", "64k"].contains(text) { return .pages }
    if text == "thp" { return .transparentHuge }
    let units = ["k": ByteCount.kibibytes(1), "m": .mebibytes(1), "g": .gibibytes(1)]
    guard text.first == "h", let unit = text.last.flatMap({ units[String($0)] }),
      let size = Int64(text.dropFirst().dropLast()), (1...1_024).contains(size)
    else { throw refuse("backing", "4k, 16k, 64k, thp, or hugetlb with a size such as h2m") }
    return .hugetlb(unit * size)
  }

  func row(granule: Granule) throws(LogError) -> CountsRow {
    var counts = EventCounts()
    for column in EventCounts.capturedColumns {
      counts[keyPath: column.field] = try count(column.name)
    }
    let release = try release()
    return CountsRow(
      line: line,
      kernel: text("kernel"),
      release: release,
      cpu: text("cpu"),
      features: try features(on: release),
      ipaBits: Int(try count("ipa_bits", in: 32...52)),
      memory: .mebibytes(try count("memory_mib", in: 1...(1 << 24))),
      granule: granule,
      backing: try backing(),
      backingName: text("backing"),
      rewrite: .mebibytes(try count("rewrite_mib", in: 0...(1 << 24))),
      phase: text("phase"),
      counts: counts,
      instructions: try count("stage2_instructions"),
      time: .nanoseconds(try count("icount_ns"))
    )
  }
}
