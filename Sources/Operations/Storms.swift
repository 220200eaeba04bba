// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
import Policies
import Profiles
import Quantities
package import Randomness

/// A storm of first touches, its prices, and what PageTables counted for one page of it.
package struct PricedStorm {
  package var storm: FaultStorm
  package var counts: EventCounts
  /// Pages of the whole operation.
  package var pages: Int64
}

extension BatchedOperation {
  /// The storm with the prices of one page's notifier call under the policy.
  package func faultStorm(seed: Seed = Seed(0)) throws(OperationError) -> PricedStorm {
    let vcpus = try stormVCPUs()
    if setup.workload.memory.blockShare + setup.workload.memory.hugeBlockShare > 0 {
      return try blockStorm(vcpus, seed)
    }
    let pages = setup.workload.memory.size.divided(roundedDownBy: setup.host.granule.page)
    let calls = try onePage()
    let sample = Int(min(pages, Int64(max(256, 65_536 / vcpus))))
    var storm = FaultStorm(
      vcpus: vcpus,
      pages: sample,
      costs: setup.host.fault,
      seed: seed
    )
    storm.clearing = setup.host.price(calls.mapped, share).whole
    storm.finding = setup.host.price(calls.empty, share).whole
    storm.sharesLock = calls.shares && switches.has(.sharedFaults)
    storm.retriesFaults = switches.has(.faultRetry)
    return PricedStorm(storm: storm, counts: calls.mapped * pages, pages: pages)
  }

  /// Every vCPU touches every huge page: the first makes the host clear it, all fault on the block.
  ///
  /// Cleaning a block is work of its own; cleaning a page is part of `fault.inside_lock`.
  private func blockStorm(_ vcpus: Int, _ seed: Seed) throws(OperationError) -> PricedStorm {
    let memory = setup.workload.memory
    guard memory.blockShare == 1 || memory.hugeBlockShare == 1 else {
      throw .value(
        name: "vm.block_share",
        given: "\(memory.blockShare) beside vm.huge_block_share=\(memory.hugeBlockShare)",
        legal: "pages alone, or blocks of one size (a share of 1) with operation=map-create"
      )
    }
    let level = memory.hugeBlockShare == 1 ? 1 : 2
    let block = setup.host.granule.entrySize(level: level)
    let blocks = max(1, memory.size.divided(roundedDownBy: block))
    let release = try rules().release
    var storm = FaultStorm(
      vcpus: vcpus,
      pages: Int(min(blocks, Int64(max(256, 65_536 / vcpus)))),
      costs: setup.host.fault,
      seed: seed
    )
    storm.population = setup.host.fault.hugeMebibyte * (block.rawValue >> 20)
    storm.cleaning = cleaning(of: block)
    storm.cleansDuplicates = release.cleansDuplicates
    storm.sharesLock = release.sharedFaults == .all && switches.has(.sharedFaults)
    return PricedStorm(storm: storm, counts: try firstTouch(), pages: blocks)
  }

  /// What cleaning a leaf to the point of coherency takes; nothing with FWB.
  func cleaning(of leaf: ByteCount) -> Nanoseconds {
    guard !setup.host.features.forcedWriteBack else { return .zero }
    return setup.host.stage2.cacheLineCleaned
      * leaf.divided(roundedUpBy: setup.host.features.cacheLine)
  }

  /// The vCPUs of a storm.
  func stormVCPUs() throws(OperationError) -> Int {
    let vcpus = setup.workload.memory.vcpus
    guard (1...FaultStorm.vcpuLimit).contains(vcpus) else {
      throw .value(name: "vm.vcpus", given: "\(vcpus)", legal: "1 to \(FaultStorm.vcpuLimit)")
    }
    return vcpus
  }

  /// A notifier call for one page, with the page mapped and without.
  private func onePage() throws(OperationError) -> (
    mapped: EventCounts, empty: EventCounts, shares: Bool
  ) {
    let rules = try rules()
    let base = GuestAddress(rawValue: 0x4000_0000)
    let page = setup.host.granule.page
    do throws(PageTableError) {
      var tables = try emptyTables()
      try tables.map(AddressRange(start: base, size: page * 64), level: 3)
      let mapped = try tables.unmap(AddressRange(start: base, size: page), rules)
      let empty = try tables.unmap(AddressRange(start: base, size: page), rules)
      return (mapped.total, empty.total, rules.release.sharedFaults == .all)
    } catch {
      throw .pageTables(error)
    }
  }

  /// The stage-2 events of one vCPU's first touch of all memory.
  func firstTouch() throws(OperationError) -> EventCounts {
    let rules = try rules()
    var counts = EventCounts()
    do throws(PageTableError) {
      var tables = try emptyTables()
      for part in mappedParts {
        let access = GuestAccess(
          range: part.range,
          stride: setup.host.granule.page,
          isWrite: true
        )
        let slot = MemorySlot(range: part.range, hostLevel: part.level)
        counts += try tables.touch(access, in: slot, rules)
      }
    } catch {
      throw .pageTables(error)
    }
    return counts
  }
}
