// SPDX-License-Identifier: GPL-3.0-or-later

package import Files
package import PageTables
package import Quantities

/// A VM's `stage2_page_tables` from debugfs, as 6.12 and later write it: what is mapped where, by
/// leaves of which level.
///
/// Two defects of real dumps are taken as they are: on 6.12 a dump over 4 KiB begins with a range
/// that ends before it starts and has lost its header, and up to 7.2 the last range is missing.
package struct Stage2Dump: Hashable, Sendable {
  /// The file's name as the caller gave it.
  package let file: String
  /// The page size that the dump's levels were read with.
  package let granule: Granule
  /// The stretches with leaves, in ascending order; stretches that touch and are alike are one.
  package let mappings: [Mapping]
  /// The end of the last range that was written, mapped or not.
  package let end: GuestAddress
  /// Whether a first range without sense was skipped.
  package let skippedGarbage: Bool
  /// The IPA bits (`ipa_range`) and the levels (`stage2_levels`) that stood before the dump, where they did.
  package let ipaBits: Int?
  package let levels: Int?
  /// The lowest level of any line, mapped or not.
  package let topLevel: Int

  /// Reads a dump.
  ///
  /// Ranges must ascend without gaps, sizes must agree with the addresses, and
  /// leaves must be aligned to their level, and the last line must be whole; anything else is
  /// refused with file, line, text and what is legal.
  package init(
    parsing bytes: some Collection<UInt8>,
    file: String,
    granule: Granule = .size4K
  ) throws(LogError) {
    try self.init(reading: TextLines(bytes, named: file), granule: granule)
  }

  /// Reads a dump line by line, and stops at the first that cannot be one's.
  package init(reading lines: TextLines, granule: Granule = .size4K) throws(LogError) {
    var reader = DumpReader(lines: lines, granule: granule)
    try reader.read()
    file = lines.path
    self.granule = granule
    mappings = reader.mappings
    end = reader.end ?? .zero
    skippedGarbage = reader.skippedGarbage
    (ipaBits, levels, topLevel) = (reader.ipaBits, reader.levels, reader.topLevel)
  }

  /// Why the dump cannot be one of this many IPA bits, with what would fit; nil where it can.
  ///
  /// Numbers that stood before it and the levels of its lines decide.
  package func contradiction(ipaBits bits: Int) -> String? {
    if let ipaBits, ipaBits != bits {
      return "it was taken with \(ipaBits) IPA bits, and \(bits) are asked for"
    }
    guard let geometry = try? StageTwoGeometry(granule: granule, ipaBits: bits) else { return nil }
    let name = "pages of \(granule.rawValue) with \(bits) IPA bits"
    if let levels, levels != geometry.levels {
      return "it has \(levels) levels, and \(name) have \(geometry.levels)"
    }
    guard topLevel < geometry.startLevel else { return nil }
    return "it has a line of level \(topLevel), and \(name) begin at level \(geometry.startLevel)"
  }

  /// The fewest IPA bits with which the dump does not contradict itself; nil for none.
  package var fittingBits: Int? {
    ipaBits
      ?? (32...52).first { bits in
        (try? StageTwoGeometry(granule: granule, ipaBits: bits)) != nil
          && contradiction(ipaBits: bits) == nil
          && mappings.allSatisfy { $0.range.end.rawValue <= 1 << UInt64(bits) }
      }
  }

  /// The largest page size over the one it was read with that every leaf fits as well; nil for none.
  ///
  /// Where there are several stretches that is hardly chance.
  package var largerGranule: Granule? {
    guard mappings.count > 1 else { return nil }
    return Granule.allCases.last { $0.page > granule.page && fits($0) }
  }

  /// Whether each leaf begins and ends where one of another page size would, and each is as long as those.
  private func fits(_ other: Granule) -> Bool {
    !mappings.isEmpty
      && mappings.allSatisfy { mapping in
        let entry = other.entrySize(level: mapping.level)
        return mapping.level >= other.minimumBlockLevel && mapping.range.start.isAligned(to: entry)
          && mapping.range.end.isAligned(to: entry)
      }
  }

  /// Bytes that are mapped.
  package var mappedBytes: ByteCount { mappings.reduce(.zero) { $0 + $1.range.size } }

  /// The tables that the dump shows.
  package func tables(_ geometry: StageTwoGeometry) throws(PageTableError) -> StageTwo {
    var tables = StageTwo(geometry: geometry)
    for mapping in mappings {
      try tables.map(mapping.range, level: mapping.level, state: mapping.state)
    }
    return tables
  }
}

/// Goes through a dump's lines.
private struct DumpReader {
  var lines: TextLines
  let granule: Granule
  var mappings: [Mapping] = []
  var end: GuestAddress?
  var skippedGarbage = false
  var ipaBits: Int?
  var levels: Int?
  var topLevel = 3

  init(lines: TextLines, granule: Granule) {
    self.lines = lines
    self.granule = granule
  }

  mutating func read() throws(LogError) {
    var (isFirst, hasHeading, others) = (true, false, 0)
    while let line = try lines.nextLine() {
      // A hole's line is the beginning of a leaf's: cut short it would read as another layout.
      guard lines.endsWithLineFeed else {
        throw line.error(legal: "a whole line, with its line feed")
      }
      if isFirst, !hasHeading, try isNumber(line) { continue }
      let isHeading = Self.isHeading(line.text)
      hasHeading = hasHeading || isHeading
      if isHeading || line.text.allSatisfy(\.isWhitespace) {
        others += 1
        guard others <= LogLine.mostBlank else { throw line.error(legal: "a range") }
        continue
      }
      let region = try DumpRegion(line)
      topLevel = min(topLevel, region.level)
      if isFirst, region.start > region.end {
        skippedGarbage = true
      } else {
        try add(region, line)
      }
      isFirst = false
    }
    guard !isFirst || hasHeading else {
      throw LogError(
        file: lines.path,
        line: 0,
        found: "no range and no heading",
        legal: "a stage-2 dump"
      )
    }
  }

  /// Takes a number before the dump, as `cat ipa_range stage2_levels stage2_page_tables` prints them.
  private mutating func isNumber(_ line: LogLine) throws(LogError) -> Bool {
    let text = line.text.filter { !$0.isWhitespace }
    guard !text.isEmpty, text.count < 3, text.allSatisfy(\.isNumber) else { return false }
    switch Int(text) ?? 0 {
    case let bits where (32...52).contains(bits) && ipaBits == nil: ipaBits = bits
    case let count where (2...5).contains(count) && levels == nil: levels = count
    default: throw line.error(legal: "32 to 52 bits of IPA or 2 to 5 levels, each once")
    }
    return true
  }

  private static func isHeading(_ line: String) -> Bool {
    line.hasPrefix("---[") || line.hasPrefix("VTCR:")
  }

  private mutating func add(_ region: DumpRegion, _ line: LogLine) throws(LogError) {
    guard region.start < region.end else {
      throw line.error(legal: "a range that ends after its start")
    }
    if let end, region.start != GuestAddress.zero || end != .zero, region.start != end {
      throw line.error(legal: "a range that begins at \(end), where the last ended")
    }
    end = region.end
    guard region.size == region.end - region.start else {
      throw line.error(legal: "a size of \(region.end - region.start)")
    }
    let entry = granule.entrySize(level: region.level)
    guard region.isLeaf else { return }
    guard region.isBlock == (region.level < 3) else {
      throw line.error(legal: "BLK on leaves of level 1 and 2, and only there")
    }
    guard region.level >= granule.minimumBlockLevel, region.start.isAligned(to: entry),
      region.end.isAligned(to: entry)
    else {
      throw line.error(
        legal: "leaves of level \(granule.minimumBlockLevel) to 3, aligned to \(entry)"
      )
    }
    append(
      Mapping(
        range: AddressRange(start: region.start, end: region.end),
        level: region.level,
        state: LeafState(writable: region.isWritable)
      )
    )
  }

  private mutating func append(_ mapping: Mapping) {
    if let last = mappings.last, last.range.end == mapping.range.start,
      last.level == mapping.level, last.state == mapping.state
    {
      mappings[mappings.count - 1] = Mapping(
        range: AddressRange(start: last.range.start, end: mapping.range.end),
        level: last.level,
        state: last.state
      )
    } else {
      mappings.append(mapping)
    }
  }
}

/// One line of a dump.
private struct DumpRegion {
  let start: GuestAddress
  let end: GuestAddress
  let size: ByteCount
  let level: Int
  let isLeaf: Bool
  let isWritable: Bool
  let isBlock: Bool

  private static let legal =
    "0x<16 digits>-0x<16 digits>, a size with K, M, G, T, P or E, a level and attributes"

  init(_ line: LogLine) throws(LogError) {
    func refuse() -> LogError { line.error(legal: Self.legal) }
    let bytes = Array(line.text.utf8)
    // Addresses stand in 18 columns each with a dash between; the size ends before the level.
    guard bytes.count > 40, bytes[18] == UInt8(ascii: "-"),
      let start = Self.address(bytes[0..<18]), let end = Self.address(bytes[19..<37])
    else { throw refuse() }
    let rest = bytes[37...]
    guard let first = rest.firstIndex(where: { $0 != 0x20 }),
      let gap = rest[first...].firstIndex(of: 0x20), gap + 1 < bytes.count,
      (UInt8(ascii: "0")...UInt8(ascii: "3")).contains(bytes[gap + 1])
    else { throw refuse() }
    self.start = start
    self.end = end
    level = Int(bytes[gap + 1] - UInt8(ascii: "0"))
    guard start > end || Self.size(bytes[first..<gap]) != nil else { throw refuse() }
    size = Self.size(bytes[first..<gap]) ?? .zero
    // From the level on: a blank, then words in fixed columns, each after a blank.
    let words = Array(bytes[(gap + 2)...]) + Array(repeating: 0x20, count: 6)
    let isEmpty = words.allSatisfy { $0 == 0x20 || $0 == 0x0D }
    let isFault = words[1] == UInt8(ascii: "F")
    isLeaf = !isEmpty && !isFault
    guard isEmpty || isFault || words[3] == UInt8(ascii: "R") || words[3] == 0x20 else {
      throw refuse()
    }
    isWritable = words[5] == UInt8(ascii: "W")
    isBlock = line.text.split(separator: " ").last == "BLK"
  }

  private static func address(_ bytes: ArraySlice<UInt8>) -> GuestAddress? {
    guard bytes.starts(with: "0x".utf8) else { return nil }
    let digits = String(decoding: bytes.dropFirst(2), as: UTF8.self)
    guard digits.allSatisfy(\.isHexDigit), let value = UInt64(digits, radix: 16),
      value <= UInt64(1) << 56
    else { return nil }
    return GuestAddress(rawValue: value)
  }

  private static func size(_ bytes: ArraySlice<UInt8>) -> ByteCount? {
    let units: [(UInt8, Int64)] = [
      (UInt8(ascii: "K"), 10), (UInt8(ascii: "M"), 20), (UInt8(ascii: "G"), 30),
      (UInt8(ascii: "T"), 40), (UInt8(ascii: "P"), 50), (UInt8(ascii: "E"), 60),
    ]
    guard let unit = units.first(where: { $0.0 == bytes.last }),
      let count = Int64(String(decoding: bytes.dropLast(), as: UTF8.self)), count >= 0,
      count <= Int64(1) << (56 - min(unit.1, 56))
    else { return nil }
    return ByteCount(rawValue: count << unit.1)
  }
}
