// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Quantities

/// What `count` lays out and does, read from its options.
struct CountScript {
  /// One `--map`: a range and the level of its leaves.
  struct Mapping {
    let range: AddressRange
    let level: Int
  }

  /// One `--op`.
  enum Operation {
    case unmap(AddressRange)
    case writeProtect(AddressRange)
    case destroy

    static let legal = "unmap:RANGE, wrprotect:RANGE or destroy, with RANGE as 0x40000000+1GiB"
  }

  /// Reads `0x40000000+1GiB`.
  static func range(_ text: String) throws -> AddressRange {
    let parts = text.split(separator: "+", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw QuantityError(text: text, legal: "a range such as 0x40000000+1GiB")
    }
    let start = try GuestAddress(parsing: parts[0])
    let size = try ByteCount(parsing: parts[1])
    guard start.rawValue + UInt64(size.rawValue) <= 1 << 52 else {
      throw QuantityError(text: text, legal: "a range that ends at or below 0x10000000000000")
    }
    return AddressRange(start: start, size: size)
  }

  /// Reads `0x40000000+1GiB:4K`.
  static func mapping(_ text: String, granule: Granule) throws -> Mapping {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let sizes = (granule.minimumBlockLevel...3).reversed().map { leafName(granule, $0) }
    guard parts.count == 2 else {
      throw QuantityError(
        text: text,
        legal: "RANGE:LEAF such as 0x40000000+1GiB:\(sizes[0])"
      )
    }
    guard let level = (0...3).first(where: { leafName(granule, $0) == parts[1] }) else {
      throw QuantityError(text: text, legal: "a leaf of " + sizes.joined(separator: ", "))
    }
    return Mapping(range: try range(parts[0]), level: level)
  }

  /// Reads `unmap:0x40000000+1GiB`, `wrprotect:...` or `destroy`.
  static func operation(_ text: String) throws -> Operation {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    switch (parts.first, parts.count) {
    case ("destroy", 1): return .destroy
    case ("unmap", 2): return .unmap(try range(parts[1]))
    case ("wrprotect", 2): return .writeProtect(try range(parts[1]))
    default: throw QuantityError(text: text, legal: Operation.legal)
    }
  }

  /// The name of a leaf of a level: `4K`, `2M`, `1G`.
  static func leafName(_ granule: Granule, _ level: Int) -> String {
    granule.entrySize(level: level).description.filter { $0 != "i" && $0 != "B" }
  }
}
