// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// Why a row cannot be replayed, as a sentence.
struct ReplayRefusal: Error, Hashable { let text: String }

/// What a captured VM lived: the part of a phase's name before the dot, such as `A` or `E2m`.
struct CapturedSeries: Hashable, Sendable {
  /// What kind of life it is.
  enum Kind: Character, Hashable, Sendable, CaseIterable {
    /// Faults, unmaps and slot changes.
    case unmaps = "A"
    /// Logging with automatic protection.
    case logging = "B"
    /// Logging with manual protection and all bits set.
    case manualLogging = "C"
    /// Logging with eager splitting of the chunk that the name says.
    case eagerSplit = "E"
    /// As A, with slices of other sizes than 2 MiB.
    case slices = "F"
    /// As A, by a guest that touches one page in the size that the name says.
    case sparse = "S"

    /// What the replay knows, for messages.
    var summary: String {
      switch self {
      case .unmaps: "A (faults, unmaps and slot changes)"
      case .logging: "B (logging)"
      case .manualLogging: "C (manual logging)"
      case .eagerSplit: "E with a chunk, such as E2m (eager split)"
      case .slices: "F, with or without a size (slices)"
      case .sparse: "S with a size, such as S64k (one page touched in so much)"
      }
    }
  }

  /// The name as written.
  let name: String
  let kind: Kind
  /// The size in the name; nil where it has none.
  let size: ByteCount?

  /// Reads a series' name: a letter, and a size behind those that have one.
  init(_ name: Substring) throws(ReplayRefusal) {
    self.name = String(name)
    let kind = name.first.flatMap { Kind(rawValue: Character($0.uppercased())) }
    let rest = name.dropFirst()
    let size = rest.isEmpty ? nil : ByteCount(capturedSize: rest)
    guard let kind, rest.isEmpty || size != nil else { throw Self.unknown(name) }
    switch kind {
    case .unmaps, .logging, .manualLogging: guard size == nil else { throw Self.unknown(name) }
    case .eagerSplit, .sparse: guard size != nil else { throw Self.unknown(name) }
    case .slices: break
    }
    self.kind = kind
    self.size = size
  }

  private static func unknown(_ name: Substring) -> ReplayRefusal {
    ReplayRefusal(
      text: "the series '\(name)' is not known; known are "
        + Kind.allCases.map(\.summary).joined(separator: ", ")
    )
  }
}

extension ByteCount {
  /// Reads the sizes in captures' names: `4k`, `64K`, `2m`, `1g`.
  init?(capturedSize text: some StringProtocol) {
    let units: [Character: ByteCount] = [
      "k": .kibibytes(1), "m": .mebibytes(1), "g": .gibibytes(1),
    ]
    let number = text.dropLast()
    guard let unit = text.last?.lowercased().first.flatMap({ units[$0] }),
      number.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int64(number),
      (1...1_024).contains(count)
    else { return nil }
    self = unit * count
  }
}

/// What happened in a phase: the part of its name behind the dot.
enum CapturedStep: Hashable, Sendable {
  case touch
  case dontNeedAll, dontNeedAllEmpty
  /// MADV_DONTNEED in slices of a size.
  case dontNeedSlices(ByteCount)
  case slotDelete, slotAdd, slotDeleteEmpty
  case destroy, destroyEmpty
  case logEnable, logEnableInitset, logDisable
  case getLogClean, getLog, clearLogAll
  /// The guest writes again, and what it wrote is harvested, for the n-th time.
  case rewrite(Int), getLogDirty(Int)

  /// Steps with one name each.
  private static let names: [(name: String, step: Self)] = [
    ("fault", .touch), ("touch", .touch), ("map", .touch), ("dontneed_all", .dontNeedAll),
    ("dontneed_all_empty", .dontNeedAllEmpty), ("memslot_delete", .slotDelete),
    ("memslot_add", .slotAdd), ("memslot_delete_empty", .slotDeleteEmpty),
    ("destroy", .destroy), ("destroy_empty", .destroyEmpty), ("log_enable_wp", .logEnable),
    ("log_enable_wp_split", .logEnable), ("log_enable", .logEnable),
    ("log_enable_initset", .logEnableInitset), ("log_disable", .logDisable),
    ("getlog_clean", .getLogClean), ("getlog", .getLog), ("clearlog_all", .clearLogAll),
  ]

  /// Reads a step's name, such as `dontneed_64k`.
  init(_ name: Substring, of series: CapturedSeries) throws(ReplayRefusal) {
    if let known = Self.names.first(where: { $0.name == name }) {
      self = known.step
      return
    }
    for (word, make) in [("rewrite", Self.rewrite), ("getlog_dirty", Self.getLogDirty)]
    where name.hasPrefix(word) {
      let digits = name.dropFirst(word.count)
      if let round = digits.isEmpty ? 1 : Int(digits), (1...9).contains(round) {
        self = make(round)
        return
      }
    }
    if ["dontneed_slices", "dontneed"].contains(name) {
      self = .dontNeedSlices(series.kind == .slices ? series.size ?? .mebibytes(2) : .mebibytes(2))
      return
    }
    for word in ["dontneed_slices_", "dontneed_", "slices_"] where name.hasPrefix(word) {
      guard let size = ByteCount(capturedSize: name.dropFirst(word.count)) else { continue }
      self = .dontNeedSlices(size)
      return
    }
    throw ReplayRefusal(
      text: "the phase '\(name)' of series \(series.name) is not known; known are "
        + Self.names.map(\.name).joined(separator: ", ")
        + ", dontneed_slices, dontneed_SIZE such as dontneed_64k, rewrite and getlog_dirty with or "
        + "without a number"
    )
  }

  /// Whether the guest runs in the step outside logging, so that the host's own tables are walked.
  var isTouch: Bool { self == .touch }

  /// Whether the step is one of a VM whose slot is logged.
  var isLogging: Bool {
    switch self {
    case .logEnable, .logEnableInitset, .logDisable, .getLogClean, .getLog, .clearLogAll, .rewrite,
      .getLogDirty:
      true
    default: false
    }
  }

  /// Where the step comes in a life.
  var place: Int {
    switch self {
    case .touch: 0
    case .logEnable, .logEnableInitset: 1
    case .getLogClean, .getLog: 2
    case .clearLogAll: 3
    case .rewrite(let round): 10 + 2 * round
    case .getLogDirty(let round): 11 + 2 * round
    case .logDisable: 40
    case .dontNeedAll: 50
    case .dontNeedAllEmpty: 51
    // Slices grow: F is 4 KiB, then 64 KiB, then 1 MiB.
    case .dontNeedSlices(let size): 52 + Int64.bitWidth - size.rawValue.leadingZeroBitCount
    case .slotDelete: 130
    case .slotAdd: 131
    case .slotDeleteEmpty: 132
    case .destroy, .destroyEmpty: 140
    }
  }

  /// Whether the step is about memory that the guest has touched.
  var needsTouch: Bool {
    switch self {
    case .dontNeedAll, .dontNeedSlices, .slotDelete, .destroy: true
    default: false
    }
  }
}

/// A phase by its name.
struct CapturedPhase: Hashable, Sendable {
  let name: String
  let series: CapturedSeries
  let step: CapturedStep

  /// Reads a phase's name, such as `F.dontneed_64k`.
  init(_ name: String) throws(ReplayRefusal) {
    let parts = name.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty else {
      throw ReplayRefusal(
        text: "'\(name)' names no phase; a name is SERIES.PHASE, such as A.dontneed_all"
      )
    }
    self.name = name
    series = try CapturedSeries(parts[0])
    step = try CapturedStep(parts[1], of: series)
  }
}
