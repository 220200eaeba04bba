// SPDX-License-Identifier: GPL-3.0-or-later

import Machine
import PageTables
import Policies
import Profiles
import Quantities
import Randomness

/// A storm of first touches, its prices, and what PageTables counted for one page of it.
struct PricedStorm {
  var storm: FaultStorm
  var counts: EventCounts
  /// Pages of the whole operation.
  var pages: Int64
}

extension Scenario {
  /// Guest threads touch memory for the first time: every vCPU all of it, every second one
  /// writing.
  ///
  /// A sample of the pages is simulated and scaled.
  func mapCreate() throws(ScenarioError) -> RunReport {
    let priced = try storm()
    let outcome = priced.storm.run()
    let scale = Double(priced.pages) / Double(priced.storm.pages)
    var report = RunReport(identity: identity)
    report.counts = priced.counts
    report.add(outcome, scale: scale)
    return report
  }

  /// The storm with the prices of one page's notifier call under the policy.
  func storm() throws(ScenarioError) -> PricedStorm {
    let vcpus = try stormVCPUs()
    if workload.memory.blockShare + workload.memory.hugeBlockShare > 0 {
      return try blockStorm(vcpus)
    }
    let pages = workload.memory.size.divided(roundedDownBy: host.granule.page)
    let calls = try onePage()
    let sample = Int(min(pages, Int64(max(256, 65_536 / vcpus))))
    var storm = FaultStorm(
      vcpus: vcpus,
      pages: sample,
      costs: host.fault,
      seed: seed
    )
    storm.clearing = host.price(calls.mapped, share).whole
    storm.finding = host.price(calls.empty, share).whole
    storm.sharesLock = calls.shares && switches.has(.sharedFaults)
    storm.retriesFaults = switches.has(.faultRetry)
    return PricedStorm(storm: storm, counts: calls.mapped * pages, pages: pages)
  }

  /// Every vCPU touches every huge page: the first makes the host clear it, all fault on the block.
  ///
  /// Cleaning a block is work of its own; cleaning a page is part of `fault.inside_lock`.
  private func blockStorm(_ vcpus: Int) throws(ScenarioError) -> PricedStorm {
    let memory = workload.memory
    guard memory.blockShare == 1 || memory.hugeBlockShare == 1 else {
      throw .value(
        name: "vm.block_share",
        given: "\(memory.blockShare) beside vm.huge_block_share=\(memory.hugeBlockShare)",
        legal: "pages alone, or blocks of one size (a share of 1) with operation=map-create"
      )
    }
    let level = memory.hugeBlockShare == 1 ? 1 : 2
    let block = host.granule.entrySize(level: level)
    let blocks = max(1, memory.size.divided(roundedDownBy: block))
    let release = try rules().release
    var storm = FaultStorm(
      vcpus: vcpus,
      pages: Int(min(blocks, Int64(max(256, 65_536 / vcpus)))),
      costs: host.fault,
      seed: seed
    )
    storm.population = host.fault.hugeMebibyte * (block.rawValue >> 20)
    storm.cleaning = cleaning(of: block)
    storm.cleansDuplicates = release.cleansDuplicates
    storm.sharesLock = release.sharedFaults == .all && switches.has(.sharedFaults)
    return PricedStorm(storm: storm, counts: try firstTouch(), pages: blocks)
  }

  /// What cleaning a leaf to the point of coherency takes; nothing with FWB.
  private func cleaning(of leaf: ByteCount) -> Nanoseconds {
    guard !host.features.forcedWriteBack else { return .zero }
    return host.stage2.cacheLineCleaned * leaf.divided(roundedUpBy: host.features.cacheLine)
  }

  /// The vCPUs of a storm.
  func stormVCPUs() throws(ScenarioError) -> Int {
    let vcpus = workload.memory.vcpus
    guard (1...FaultStorm.vcpuLimit).contains(vcpus) else {
      throw .value(name: "vm.vcpus", given: "\(vcpus)", legal: "1 to \(FaultStorm.vcpuLimit)")
    }
    return vcpus
  }

  /// A notifier call for one page, with the page mapped and without.
  private func onePage() throws(ScenarioError) -> (
    mapped: EventCounts, empty: EventCounts, shares: Bool
  ) {
    let rules = try rules()
    let base = GuestAddress(rawValue: 0x4000_0000)
    let page = host.granule.page
    do throws(PageTableError) {
      var tables = StageTwo(
        geometry: try StageTwoGeometry(granule: host.granule, ipaBits: workload.memory.ipaBits)
      )
      try tables.map(AddressRange(start: base, size: page * 64), level: 3)
      let mapped = try tables.unmap(AddressRange(start: base, size: page), rules)
      let empty = try tables.unmap(AddressRange(start: base, size: page), rules)
      return (mapped.total, empty.total, rules.release.sharedFaults == .all)
    } catch {
      throw .pageTables(error)
    }
  }
}

extension RunReport {
  /// Takes over what a storm of faults measured on a sample, scaled to the whole.
  mutating func add(_ outcome: FaultStorm.Outcome, scale: Double) {
    fidelity = scale > 1 ? .window : .exact
    simulated = outcome.time
    events = outcome.events
    digest = outcome.digest
    operation.whole = .seconds(rounding: outcome.time.inSeconds * scale)
    operation.stageTwo = operation.whole
    operation.simulatedShare = 1 / max(1, scale)
    operation.errorBound = scale > 1 ? 0.03 : 0
    faults = outcome.faults
    guard outcome.holds.count > 0 else { return }
    var locks = LockHolds()
    locks.holds = outcome.holds
    locks.longestChunk = outcome.holds.max
    self.locks = locks
  }
}
