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

  /// What an operation is about.
  enum Target {
    case range(AddressRange)
    /// A range, and the level at which the host maps it.
    case memory(AddressRange, hostLevel: Int)
    /// A range, and its hugetlb pages where it has such.
    case advised(AddressRange, hugetlb: ByteCount?)
    /// 64 pages from an address on, and which of them.
    case mask(GuestAddress, UInt64)
    case address(GuestAddress)
    case nothing
  }

  /// One `--op`, as written and as read.
  struct Operation {
    let text: String
    let verb: Verb
    let target: Target
  }

  /// Reads `0x40000000+1GiB`.
  static func range(_ text: String) throws -> AddressRange {
    let parts = text.split(separator: "+", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      throw QuantityError(text: text, legal: "a range such as 0x40000000+1GiB")
    }
    let start = try GuestAddress(parsing: parts[0])
    let size = try ByteCount(parsing: parts[1])
    guard start.rawValue <= 1 << 52, start.rawValue + UInt64(size.rawValue) <= 1 << 52 else {
      throw QuantityError(text: text, legal: "a range that ends at or below 0x10000000000000")
    }
    return AddressRange(start: start, size: size)
  }

  /// Reads `0x40000000+1GiB:4K`.
  static func mapping(_ text: String, granule: Granule) throws -> Mapping {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else {
      let legal = "RANGE:LEAF such as 0x40000000+1GiB:\(leafName(granule, 3))"
      throw QuantityError(text: text, legal: legal)
    }
    return Mapping(
      range: try range(parts[0]),
      level: try level(parts[1], in: text, granule: granule)
    )
  }

  private static func level(_ name: String, in text: String, granule: Granule) throws -> Int {
    let size = try? ByteCount(parsing: name)
    guard let level = (0...3).first(where: { granule.entrySize(level: $0) == size }) else {
      let sizes = (granule.minimumBlockLevel...3).reversed().map { leafName(granule, $0) }
      throw QuantityError(text: text, legal: "a leaf of " + sizes.joined(separator: ", "))
    }
    return level
  }

  /// Reads one `--op`, such as `unmap:0x40000000+1GiB` or `destroy`.
  static func operation(_ text: String, granule: Granule) throws -> Operation {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let refusal = QuantityError(text: text, legal: Verb.legal)
    guard let word = parts.first else { throw refusal }
    guard let verb = Verb(rawValue: word) else {
      let hint = unmodelled[word] ?? didYouMean(word, among: Verb.allCases.map(\.rawValue))
      throw QuantityError(text: text, legal: Verb.legal + hint)
    }
    guard verb != .destroy else {
      guard parts.count == 1 else { throw refusal }
      return Operation(text: text, verb: verb, target: .nothing)
    }
    guard parts.count == 2 else { throw refusal }
    let target = try target(of: verb, parts[1], granule)
    return Operation(text: text, verb: verb, target: target)
  }

  /// Operations of the same walker that there is no model of, with what to say of them.
  private static let unmodelled = Dictionary(
    uniqueKeysWithValues: ["age", "test-age"].map { word in
      (word, "; aging (kvm_age_hva, the walk that clears access flags) is not modelled")
    }
  )

  private static func target(
    of verb: Verb,
    _ text: String,
    _ granule: Granule
  ) throws -> Target {
    switch verb {
    case .read, .write:
      let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
      let name = parts.count == 2 ? parts[1] : leafName(granule, 3)
      let level = try level(name, in: text, granule: granule)
      return .memory(try range(parts.first ?? ""), hostLevel: level)
    case .dontNeed:
      let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
      let page = parts.count == 2 ? try level(parts[1], in: text, granule: granule) : 3
      return .advised(
        try range(parts.first ?? ""),
        hugetlb: page < 3 ? granule.entrySize(level: page) : nil
      )
    case .zeroPage: return .address(try GuestAddress(parsing: text))
    case .clearLog where text.contains("/"): return try mask(text)
    default: return .range(try range(text))
    }
  }

  /// Reads `0x40000000/0xff00`.
  private static func mask(_ text: String) throws -> Target {
    let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
    guard parts.count == 2, parts[1].hasPrefix("0x"),
      let bits = UInt64(parts[1].dropFirst(2), radix: 16), bits != 0
    else { throw QuantityError(text: text, legal: "ADDRESS/MASK such as 0x40000000/0xff00") }
    return .mask(try GuestAddress(parsing: parts[0]), bits)
  }

  /// The name of a leaf of a level: `4K`, `2M`, `1G`.
  static func leafName(_ granule: Granule, _ level: Int) -> String {
    granule.entrySize(level: level).description.filter { $0 != "i" && $0 != "B" }
  }
}

extension CountScript {
  /// The words of `--op`.
  enum Verb: String, CaseIterable {
    case read, write
    case zeroPage = "zero-page"
    case unmap
    case unmapNonblocking = "unmap-nonblocking"
    case dontNeed = "dontneed"
    case memslotDelete = "memslot-delete"
    case writeProtect = "wrprotect"
    case logOn = "log-on"
    case logOnInitset = "log-on-initset"
    case logOff = "log-off"
    case getLog = "get-log"
    case clearLog = "clear-log"
    case ringReset = "ring-reset"
    case split
    case destroy

    /// How the verb is written with its target.
    var form: String {
      switch self {
      case .read, .write, .dontNeed: "\(rawValue):RANGE[:LEAF]"
      case .zeroPage: "\(rawValue):ADDRESS"
      case .clearLog: "\(rawValue):RANGE or \(rawValue):ADDRESS/MASK"
      case .destroy: rawValue
      default: "\(rawValue):RANGE"
      }
    }

    /// What it does, for the help.
    var summary: String {
      switch self {
      case .read: "the guest reads every page; host leaf LEAF"
      case .write: "the guest writes every page; host leaf LEAF"
      case .zeroPage: "a write to a page that is the zero page"
      case .unmap: "a notifier: munmap, MADV_DONTNEED, ..."
      case .unmapNonblocking: "a notifier that must not block: no breaks"
      case .dontNeed: "MADV_DONTNEED; LEAF is the hugetlb page"
      case .memslotDelete: "a slot deleted by ioctl"
      case .writeProtect: "a slot write-protected and flushed"
      case .logOn: "logging on: protect, then split=SIZE if set"
      case .logOnInitset: "logging on with all bits set: walks nothing"
      case .logOff: "logging off: walks nothing"
      case .getLog: "GET_DIRTY_LOG: protects what was written"
      case .clearLog: "CLEAR_DIRTY_LOG; a mask is ADDRESS/0xff00"
      case .ringReset: "reset of the dirty ring"
      case .split: "an eager split alone, by policy split=SIZE"
      case .destroy: "the end of the VM"
      }
    }

    /// Every verb with what it does, a line each.
    static let help = allCases.map { verb in
      let gap = String(repeating: " ", count: max(2, 26 - verb.short.count))
      return "  " + verb.short + gap + verb.summary
    }.joined(separator: "\n")

    private var short: String { self == .clearLog ? "clear-log:RANGE" : form }

    static let legal =
      allCases.map(\.form).joined(separator: ", ") + ", with RANGE as 0x40000000+1GiB"
  }
}
