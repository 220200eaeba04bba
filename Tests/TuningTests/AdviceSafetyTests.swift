// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Operations
import Policies
import Profiles
import Quantities
import Randomness
import TestSupport
import Testing

@testable import PageTables
@testable import Tuning

/// What the rules of safety let through is walked over guests that they have not seen, entry by entry,
/// in both models of the TLB: nothing but the kernel's own hazards may show.
///
/// `Fuzz/advice` tries a million.
@Suite struct AdviceSafetyTests {
  private let setups: [LoadedSetup]

  init() throws {
    let store = ProfileStore(directories: [packageRoot.appending(path: "models")])
    let workloads = ["container-churn", "live-migration-thp", "container-churn-exit"]
    setups = store.names(of: .host).flatMap { host in
      store.names(of: .kernel).compactMap { kernel in
        let workload = workloads[(host.utf8.count + kernel.utf8.count) % workloads.count]
        return try? LoadedSetup(workload: workload, host: host, kernel: kernel, from: store)
      }
    }
  }

  @Test func policiesThatAreLetThroughLeaveNothingStale() throws {
    #expect(setups.count > 100)
    let oracle = RuleSafety()
    var (safe, unsafe) = (0, 0)
    for seed in Property.seeds(2_000) {
      var chance = Seed(seed).stream("advice")
      let setup = setups[Int(chance.uniform(below: UInt64(setups.count)))]
      let question = Question(setup.setup)
      guard let policy = policy(for: question, &chance) else { continue }
      guard oracle.verdict(question, policy: policy).isSafe else {
        unsafe += 1
        continue
      }
      safe += 1
      let found = try hazards(question, policy, &chance)
      #expect(found.isEmpty, "seed \(seed): \(setup.files[0]) \(policy): \(found)")
    }
    #expect(safe > 100 && unsafe > 20, "\(safe) safe, \(unsafe) unsafe")
    print("advice: \(safe) policies let through and none unsafe, \(unsafe) held back")
  }

  @Test func storedAnswersLeaveNothingStale() throws {
    var count = 0
    for answer in try StoredAnswer.all() {
      var chance = Seed(UInt64(count)).stream("stored")
      for row in answer.rows where row.recommended {
        let policy = try Policy(parsing: row.policy)
        let found = try hazards(Question(answer.setup.setup), policy, &chance)
        #expect(found.isEmpty, "\(answer.file): \(found)")
        count += 1
      }
    }
    #expect(count > 100)
  }

  /// A policy of random knobs, nil where it is impossible there.
  private func policy(for question: Question, _ chance: inout Randomness.Stream) -> Policy? {
    func pick(_ texts: [String]) -> String {
      texts[Int(chance.uniform(below: UInt64(texts.count)))]
    }
    var policy = question.presentPolicy
    for key in [PolicyKey.chunk, .tlbi, .controller, .breaks, .split, .path]
    where chance.uniform(below: 3) > 0 {
      let middle: [PolicyKey: [String]] = [
        .chunk: [
          "64KiB", "512MiB", "32MiB", "1GiB", "mapping-aware:64KiB", "visits:64", "visits:512",
        ],
        .tlbi: ["vmid:1", "vmid:64", "deferred", "if-cleared"],
        .controller: ["time:50us/16", "feedback:64KiB/4"],
      ]
      guard (try? policy.set(key, to: pick(key.ends + (middle[key] ?? [])))) != nil else {
        return nil
      }
    }
    guard (try? policy.validate(in: question.setting)) != nil else { return nil }
    return policy.canonical(in: question.setting)
  }

  /// The hazards of a policy on a random guest that the kernel's own rules do not have there.
  private func hazards(
    _ question: Question,
    _ policy: Policy,
    _ chance: inout Randomness.Stream
  ) throws -> [String] {
    let path = policy.path(over: question.workload.teardownPath)
    guard question.workload.operation != .teardown || path != .processExit else { return [] }
    let setting = question.setting
    let geometry = try StageTwoGeometry(granule: setting.granule, ipaBits: 48)
    let guest = guest(setting.granule, &chance)
    let protects = question.workload.operation != .teardown
    let chunk = BatchedOperation(question.setup, policy).chunkRule
    let rules = try setting.rules(of: policy, chunk: chunk)
    guard isWalkable(rules, geometry, guest.range) else { return [] }
    let stock = try StageTwoRules(release: rules.release, features: rules.features)
    let own = found(rules, geometry, guest, protects)
    let kernels = found(stock, geometry, guest, protects)
    var hazards: [String] = []
    for model in TLBModel.allCases {
      let (mine, kernel) = (own[model] ?? Set<Hazard>(), kernels[model] ?? Set<Hazard>())
      hazards += mine.subtracting(kernel).map { "\(model) hazard \($0.rawValue)" }
    }
    return hazards
  }

  /// Whether a range has few enough chunks to be walked entry by entry.
  private func isWalkable(
    _ rules: StageTwoRules,
    _ geometry: StageTwoGeometry,
    _ range: Range<Int64>
  ) -> Bool {
    guard let shift = (try? rules.chunkShift(geometry)) ?? nil else { return true }
    return Int64(range.count) >> Int64(shift) <= 4_096
  }

  private func found(
    _ rules: StageTwoRules,
    _ geometry: StageTwoGeometry,
    _ guest: (mappings: [Mapping], range: Range<Int64>),
    _ protects: Bool
  ) -> [TLBModel: Set<Hazard>] {
    let walker = EventWalker(
      geometry: geometry,
      discipline: BatchDiscipline(rules),
      mappings: guest.mappings
    )
    if protects { walker.protect(guest.range) } else { walker.unmap(guest.range) }
    var found: [TLBModel: Set<Hazard>] = [:]
    for model in TLBModel.allCases {
      var oracle = StaleEntryOracle(model: model)
      for event in walker.events { oracle.apply(event) }
      found[model] = oracle.found
    }
    return found
  }

  /// A few leaves of random levels with holes between them, and a range from a leaf's start to a
  /// leaf's end.
  private func guest(
    _ granule: Granule,
    _ chance: inout Randomness.Stream
  ) -> (mappings: [Mapping], range: Range<Int64>) {
    let levels = Array(max(2, granule.minimumBlockLevel)...3)
    let base = (Int64(1) << 40) + Int64(chance.uniform(below: 4)) * granule.smallestBlock.rawValue
    var mappings: [Mapping] = []
    var address = base
    for _ in 0..<(2 + chance.uniform(below: 10)) {
      let level = levels[Int(chance.uniform(below: UInt64(levels.count)))]
      let leaf = granule.entrySize(level: level).rawValue
      address = (address + leaf - 1) / leaf * leaf
      let size = leaf * Int64(1 + chance.uniform(below: UInt64(level == 3 ? 6 : 2)))
      let start = GuestAddress(rawValue: UInt64(address))
      mappings.append(
        Mapping(range: AddressRange(start: start, size: ByteCount(rawValue: size)), level: level)
      )
      address += size + leaf * Int64(chance.uniform(below: 3))
    }
    let ends = mappings.map { (Int64($0.range.start.rawValue), Int64($0.range.end.rawValue)) }
    let first = Int(chance.uniform(below: UInt64(ends.count)))
    let last = first + Int(chance.uniform(below: UInt64(ends.count - first)))
    return (mappings, ends[first].0..<ends[last].1)
  }
}
