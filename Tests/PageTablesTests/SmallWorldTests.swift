// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities
import TestSupport
import Testing

@testable import PageTables

/// Every sequence of up to six steps in a world of a few addresses, fast against naive.
///
/// What a step does depends on the tables alone, so a state that several sequences reach is looked
/// at once: every step out of every state that fewer than six steps reach is every sequence.
@Suite struct SmallWorldTests {
  /// One step: something mapped, touched, unmapped, protected or split.
  enum Step: Sendable {
    case map(Int64, level: Int)
    case fault(Int64, hostLevel: Int, isWrite: Bool, isLogging: Bool)
    case unmap(Int64, Int64)
    case protect(Int64, Int64)
    case split(Int64, Int64)

    /// How many of the rules it depends on.
    var rules: Int {
      switch self {
      case .map, .split: 1
      case .fault: 2
      case .unmap, .protect: 4
      }
    }
  }

  static let page = Int64(1) << 12
  static let block = Int64(1) << 21
  static let gibibyte = Int64(1) << 30
  static let base = gibibyte

  /// The last page of a table, the first of the next, and blocks over both.
  static let steps: [Step] = [
    .map(base, level: 3),
    .map(base + block - page, level: 3),
    .map(base + block, level: 3),
    .map(base, level: 2),
    .map(base + block, level: 2),
    .map(base, level: 1),
    .fault(base + block - page, hostLevel: 1, isWrite: true, isLogging: false),
    .fault(base + block - page, hostLevel: 2, isWrite: true, isLogging: false),
    .fault(base + block - page, hostLevel: 3, isWrite: true, isLogging: true),
    .unmap(base, base + page),
    .unmap(base + block - page, base + block + page),
    .unmap(base, base + gibibyte),
    .unmap(base + block, base + gibibyte + page),
    .protect(base + page, base + block + page),
    .protect(base, base + 2 * gibibyte),
    .split(base, base + 2 * block),
  ]

  let geometry: StageTwoGeometry
  /// 7.3; 6.1 with small chunks; the thread's two ideas together with a span; a budget of visits.
  let rules: [StageTwoRules]

  init() throws {
    geometry = try StageTwoGeometry(granule: .size4K, ipaBits: 36)
    let ranged = CPUFeatures(forcedWriteBack: true, rangeTLBI: true)
    var small = try StageTwoRules(KernelRelease(major: 6, minor: 1), CPUFeatures())
    small.chunk = .smallestBlock
    var aware = try StageTwoRules(KernelRelease(major: 6, minor: 12), ranged)
    aware.chunk = .mappingAware(.mebibytes(2))
    aware.flush = .deferredIfCleared(.clearedLeaves)
    var budget = try StageTwoRules(KernelRelease(major: 6, minor: 6), ranged)
    budget.chunk = .visits(3)
    rules = [
      try StageTwoRules(KernelRelease(major: 7, minor: 3), ranged), small, aware, budget,
    ]
  }

  @Test func everySequenceIsAsTheTwinHasIt() throws {
    var seen: Set<StageTwo> = [StageTwo(geometry: geometry)]
    var front = Array(seen)
    var taken = 0
    for level in 1...6 {
      var next: [StageTwo] = []
      for state in front {
        for (index, step) in Self.steps.enumerated() {
          taken += 1
          let after = try check(step, state, "step \(level) of kind \(index)")
          if seen.insert(after).inserted { next.append(after) }
        }
      }
      front = next
    }
    #expect(seen.count > 300 && taken > 3_000, "\(seen.count) states, \(taken) steps")
  }

  /// Takes a step in both worlds, under every rule, and gives the state it leads to.
  private func check(_ step: Step, _ state: StageTwo, _ place: String) throws -> StageTwo {
    var after: StageTwo?
    for rules in rules.prefix(step.rules) {
      var tables = state
      let twin = NaiveTwin(copying: state)
      let found = try take(step, &tables, twin, rules)
      // The first difference says it all.
      try #require(found.isEmpty, "\(place), \(rules.chunk): \(step)")
      #expect(tables.layout() == twin.layout(), "\(place), \(rules.chunk): \(step)")
      // Rules decide how a range is walked, never what is left of it.
      #expect(after == nil || after == tables, "\(place), \(rules.chunk): \(step)")
      after = tables
    }
    return after ?? state
  }

  /// Takes a step in both worlds and tells where their counts differ.
  private func take(
    _ step: Step,
    _ tables: inout StageTwo,
    _ twin: NaiveTwin,
    _ rules: StageTwoRules
  ) throws -> [String] {
    switch step {
    case .map(let address, let level):
      let range = AddressRange(address, address + twin.size(level))
      guard (try? tables.map(range, level: level)) != nil else { return [] }
      twin.map(address, address + twin.size(level), level: level)
      return []
    case .fault(let address, let hostLevel, let isWrite, let isLogging):
      var slot = MemorySlot(
        range: AddressRange(Self.base, Self.base + 2 * Self.gibibyte),
        hostLevel: hostLevel
      )
      slot.isLogging = isLogging
      let access = GuestAccess(
        range: AddressRange(address, address + Self.page),
        stride: .kibibytes(4),
        isWrite: isWrite
      )
      let slow = twin.touch(access, slot, rules)
      return try tables.touch(access, in: slot, rules).differences(from: slow)
    case .unmap(let low, let high):
      let train = try tables.unmap(AddressRange(low, high), rules)
      return TwinTests().differences(train, try twin.unmap(low, high, rules))
    case .protect(let low, let high):
      let train = try tables.writeProtect(slot: AddressRange(low, high), rules)
      return TwinTests().differences(train, try twin.protect(low, high, rules))
    case .split(let low, let high):
      let release = try ReleaseRules.rules(for: KernelRelease(major: 6, minor: 12))
      var plan = try SplitPlan(chunk: .mebibytes(2), granule: .size4K, release: release)
      var cached: Int64 = 0
      let train = try tables.split(AddressRange(low, high), rules, plan: &plan)
      let naive = twin.split(
        low,
        high,
        chunk: Self.block,
        capacity: plan.capacity,
        cached: &cached
      )
      return TwinTests().differences(train, naive)
    }
  }
}
