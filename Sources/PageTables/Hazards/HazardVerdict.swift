// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// A hazard that a policy runs into on one kernel and CPU.
public struct HazardFinding: Hashable, Sendable {
  /// The hazard.
  public let hazard: Hazard
  /// The TLB models in which an old entry survives; both for what is no matter of the TLB.
  public let models: [TLBModel]
  /// Whether the kernel has it with its own rules, so that the policy does not add it.
  public let isInherited: Bool

  /// Number, cause and the kernel's rule, in one sentence each.
  public var sentences: String {
    let owner = isInherited ? "the kernel itself" : "the policy"
    return "hazard \(hazard.rawValue), of \(owner): \(hazard.reason). "
      + "The kernel's rule: \(hazard.kernelRule)."
  }
}

/// Whether a policy can leave a stale translation on one kernel and CPU, and why.
///
/// The oracle walks small layouts of every leaf the granule has: whole leaves and neighbours,
/// unmapped over a few chunks; a slot of exactly 2^21 pages, protected; a tree, destroyed. A host
/// splits a huge page before it takes back a part, for which the notifier covers the whole block;
/// so ranges that begin inside a leaf are no part of the judgement.
public struct HazardVerdict: Hashable, Sendable {
  /// What was found, by number.
  public let findings: [HazardFinding]

  /// The hazards that the policy adds to the kernel's own.
  public var introduced: [HazardFinding] { findings.filter { !$0.isInherited } }

  /// Whether the policy adds no hazard.
  public var isSafe: Bool { introduced.isEmpty }

  /// The verdict in words: safe, or each hazard with reason and rule.
  public var sentence: String {
    let unsafe = introduced.map(\.sentences).joined(separator: " ")
    let own = findings.filter(\.isInherited).map { "\($0.hazard.rawValue)" }
    let note =
      own.isEmpty ? "" : " The kernel itself has hazard \(own.joined(separator: ", "))."
    guard isSafe else { return "unsafe: " + unsafe + note }
    return "safe: no stale entry in either TLB model." + note
  }

  /// Judges rules for operations on a granule; cheap enough to ask for every policy.
  ///
  /// Where no vCPU can run any more and the VMID is flushed before it is used again, as at the end
  /// of a VM, nothing can be stale and only the walkers themselves are judged.
  public init(
    _ rules: StageTwoRules,
    granule: Granule,
    guestCanRun: Bool = true
  ) throws(PageTableError) {
    let geometry = try StageTwoGeometry(granule: granule, ipaBits: 48)
    _ = try rules.chunkShift(geometry)
    var stock = try StageTwoRules(release: rules.release, features: rules.features)
    stock.mayYield = rules.mayYield
    let found = Self.judge(rules, geometry)
    let inherited = stock == rules ? found : Self.judge(stock, geometry)
    findings = Hazard.allCases.compactMap { hazard in
      guard guestCanRun || hazard == .walkerNotIdempotent else { return nil }
      let models = TLBModel.allCases.filter { found[$0]?.contains(hazard) ?? false }
      guard !models.isEmpty else { return nil }
      let own = TLBModel.allCases.contains { inherited[$0]?.contains(hazard) ?? false }
      return HazardFinding(hazard: hazard, models: models, isInherited: own)
    }
  }

  private static func judge(
    _ rules: StageTwoRules,
    _ geometry: StageTwoGeometry
  ) -> [TLBModel: Set<Hazard>] {
    let discipline = BatchDiscipline(rules)
    let runs = HazardLayout.all(rules, geometry).map { $0.events(discipline, geometry) }
    var found: [TLBModel: Set<Hazard>] = [:]
    for model in TLBModel.allCases {
      for events in runs {
        var oracle = StaleEntryOracle(model: model)
        for event in events { oracle.apply(event) }
        found[model, default: []].formUnion(oracle.found)
      }
    }
    return found
  }
}

/// A small layout and what is done with it, to judge rules by.
struct HazardLayout {
  enum Work {
    case unmap(Range<Int64>)
    case protect(Range<Int64>)
    case destroy(Range<Int64>)
  }

  let mappings: [Mapping]
  let work: Work

  /// The layouts that show what a chunk or flush rule does.
  static func all(_ rules: StageTwoRules, _ geometry: StageTwoGeometry) -> [Self] {
    let levels = geometry.granule.minimumBlockLevel...3
    let unmaps = levels.map { unmap(level: $0, rules, geometry) }
    return unmaps + [slot(geometry), tree(geometry)]
  }

  private static let base = Int64(1) << 40

  /// Leaves of one level, unmapped over at most four chunks of a leaf and one leaf more.
  private static func unmap(
    level: Int,
    _ rules: StageTwoRules,
    _ geometry: StageTwoGeometry
  ) -> Self {
    let granule = geometry.granule
    let leaf = granule.entrySize(level: level).rawValue
    let shift = ((try? rules.chunkShift(geometry)) ?? nil) ?? 62
    let chunk = Int64(1) << Int64(min(shift, 50))
    let leaves: Int64 = level == 3 ? 8 : 2
    // The last pages of one table and the first of the next.
    let start = level == 3 ? base + granule.entrySize(level: 2).rawValue - 4 * leaf : base
    let range = AddressRange(
      start: GuestAddress(rawValue: UInt64(start)),
      size: ByteCount(rawValue: leaves * leaf)
    )
    let length = min(leaves * leaf, chunk < leaf ? 4 * chunk : leaves * leaf)
    return Self(
      mappings: [Mapping(range: range, level: level)],
      work: .unmap(start..<start + length)
    )
  }

  /// A slot of exactly the pages that one flush may hold.
  private static func slot(_ geometry: StageTwoGeometry) -> Self {
    let granule = geometry.granule
    let size = granule.page * RangeEncoding.pageLimit
    let block = granule.largestBlock
    let range = AddressRange(start: GuestAddress(rawValue: UInt64(base)), size: block)
    let last = AddressRange(start: range.start + (size - block), size: block)
    let level = granule.minimumBlockLevel
    return Self(
      mappings: [Mapping(range: range, level: level), Mapping(range: last, level: level)],
      work: .protect(base..<base + size.rawValue)
    )
  }

  /// Pages in two chunks of one table each.
  private static func tree(_ geometry: StageTwoGeometry) -> Self {
    let granule = geometry.granule
    let page = granule.page
    let first = AddressRange(start: GuestAddress(rawValue: UInt64(base)), size: page)
    let second = AddressRange(start: first.start + granule.largestBlock, size: page)
    return Self(
      mappings: [Mapping(range: first, level: 3), Mapping(range: second, level: 3)],
      work: .destroy(base..<base + 2 * granule.largestBlock.rawValue)
    )
  }

  /// What hardware sees of the work.
  func events(_ discipline: BatchDiscipline, _ geometry: StageTwoGeometry) -> [WalkEvent] {
    let walker = EventWalker(geometry: geometry, discipline: discipline, mappings: mappings)
    switch work {
    case .unmap(let range): walker.unmap(range)
    case .protect(let range): walker.protect(range)
    case .destroy(let range): walker.destroy(range)
    }
    return walker.events
  }
}
