// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

package import PageTables
import Policies
import Profiles
package import Quantities
package import Randomness

extension BatchedOperation {
  /// The level of all leaves of a storm's memory, which is in leaves of one size.
  private func stormLevel() throws(OperationError) -> Int {
    let memory = setup.workload.memory
    let blocks = memory.blockShare + memory.hugeBlockShare
    guard blocks == 0 || memory.blockShare == 1 || memory.hugeBlockShare == 1 else {
      throw .value(
        name: "vm.block_share",
        given: "\(memory.blockShare) beside vm.huge_block_share=\(memory.hugeBlockShare)",
        legal: "leaves of one size: both 0, or one of them 1, with operation=dirty or populate"
      )
    }
    return memory.hugeBlockShare == 1 ? 1 : memory.blockShare == 1 ? 2 : 3
  }

  /// How often each vCPU accesses its part: once a page, or once a leaf where it is empty.
  package func privateAccesses() throws(OperationError) -> Int64 {
    let vcpus = try stormVCPUs()
    let level = setup.workload.operation == .populate ? try stormLevel() : 3
    let leaf = setup.host.granule.entrySize(level: level)
    return max(1, setup.workload.memory.size.divided(roundedDownBy: leaf) / Int64(vcpus))
  }

  /// The storm over a sample of `accesses` of each vCPU, with its prices.
  package func privateStorm(_ accesses: Int64, seed: Seed) throws(OperationError) -> PrivateStorm {
    let vcpus = setup.workload.memory.vcpus
    let level = try stormLevel()
    var storm = PrivateStorm(
      vcpus: vcpus,
      accesses: Int(min(accesses, Int64(max(level == 3 ? 256 : 8_192, 65_536 / vcpus)))),
      memory: try stormMemory(level),
      seed: seed
    )
    storm.writes = setup.workload.writeShare
    let release = try rules().release
    let costs = setup.host.fault
    var fault = PrivateStorm.Fault()
    // mmap_lock and mmu_lock, each taken and given back.
    fault.line = vcpus > 1 && switches.has(.lockLines) ? costs.lineTransfer * 4 : .zero
    fault.outside = costs.outsideLock * 1
    fault.inside = costs.insideLock * 1
    storm.relax = try relaxFault(fault, release)
    fault.sharesLock = release.sharedFaults == .all && switches.has(.sharedFaults)
    // A relaxed page was cleaned when it was mapped; what is mapped is cleaned without FWB.
    let isEmpty = storm.memory == .empty
    fault.inside += cleaning(of: setup.host.granule.entrySize(level: isEmpty ? level : 3))
    storm.map = fault
    if isEmpty { populate(&storm.map, level) }
    storm.split = fault
    storm.split.inside += setup.host.stage2.tableAllocated * Int64(3 - level)
    addFlush(setup.host.tlbi.ipaFlush.inNanoseconds, to: &storm.split)
    return storm
  }

  /// What stage 2 holds before: nothing, or what logging has write-protected, split where the policy
  /// splits blocks before the guest writes.
  private func stormMemory(_ level: Int) throws(OperationError) -> PrivateStorm.Memory {
    guard setup.workload.operation == .dirty else { return .empty }
    guard level < 3, policy.eagerSplit == .zero else { return .pages }
    let granule = setup.host.granule
    let pages = granule.entrySize(level: level).divided(roundedDownBy: granule.page)
    return .blocks(pages: Int(pages))
  }

  /// A write to a protected page: as the only invalidator, since what vCPUs make each other wait is
  /// simulated.
  private func relaxFault(
    _ fault: PrivateStorm.Fault,
    _ release: ReleaseRules
  ) throws(OperationError) -> PrivateStorm.Fault {
    let cost = try relaxation(invalidators: 1)
    var relax = fault
    relax.sharesLock = cost.isShared
    if release.relaxesLocally {
      relax.issue = .seconds(rounding: cost.flush / 1e9)
    } else {
      addFlush(cost.flush, to: &relax)
    }
    return relax
  }

  /// A broadcast flush of so many nanoseconds, of which the fabric carries its share.
  private func addFlush(_ flush: Double, to fault: inout PrivateStorm.Fault) {
    let carried = switches.has(.fabric) ? flush * setup.host.tlbi.occupancy : 0
    fault.carried = .seconds(rounding: carried / 1e9)
    fault.issue = .seconds(rounding: flush / 1e9) - fault.carried
  }

  /// The host's first fault on a leaf: memory is allocated and cleared.
  private func populate(_ fault: inout PrivateStorm.Fault, _ level: Int) {
    let costs = setup.host.fault
    guard level < 3 else {
      fault.outside += costs.pageAllocation * 1
      return
    }
    let leaf = setup.host.granule.entrySize(level: level)
    let cleared = costs.hugeMebibyte * (leaf.rawValue >> 20)
    if setup.workload.memory.vcpus > 1 {
      fault.clearing = .seconds(rounding: cleared.inSeconds * costs.memoryOccupancy)
    }
    fault.outside += cleared - fault.clearing
  }

  /// The stage-2 events of `accesses` by each vCPU.
  package func privateCounts(_ accesses: Int64) throws(OperationError) -> EventCounts {
    guard setup.workload.operation == .dirty else { return try firstTouch() }
    let rules = try rules()
    let level = try stormLevel()
    let granule = setup.host.granule
    let memory = try stormMemory(level)
    let base = GuestAddress(rawValue: 0x4000_0000)
    var (size, mapped) = (granule.page * 64, 3)
    var touched = granule.page
    var repeats = Double(accesses) * Double(setup.workload.memory.vcpus)
    if case .blocks(let pages) = memory {
      // All of a block faults once a page of it is written, whatever is read.
      (size, mapped) = (granule.entrySize(level: level), level)
      touched = size
      let unwritten = pow(1 - setup.workload.writeShare, Double(pages))
      repeats *= (1 - unwritten) / Double(pages)
    } else {
      repeats *= setup.workload.writeShare
    }
    let part = AddressRange(start: base, size: size)
    do throws(PageTableError) {
      var tables = try emptyTables()
      try tables.map(part, level: mapped)
      _ = try tables.writeProtect(slot: part, rules)
      let access = GuestAccess(
        range: AddressRange(start: base, size: touched),
        stride: granule.page,
        isWrite: true
      )
      var slot = MemorySlot(range: part, hostLevel: mapped)
      slot.isLogging = true
      let one = try tables.touch(access, in: slot, rules)
      return one * Int64(saturating: repeats)
    } catch {
      throw .pageTables(error)
    }
  }

  /// What a write to a protected page costs under the scenario's switches; `gap` as in
  /// `RelaxationCost`.
  package func relaxation(invalidators: Int, gap: Double = 0) throws(OperationError)
    -> RelaxationCost
  {
    let shared = FabricShare(setup.host, setup.workload, invalidators: invalidators)
    return RelaxationCost(
      on: setup.host,
      try rules().release,
      sharesLock: switches.has(.sharedFaults),
      switches.has(.fabric) ? shared : FabricShare(),
      gap: gap
    )
  }

  /// What each vCPU does between two writes to clean pages, in nanoseconds.
  package var dirtyGap: Double {
    let rate = Double(setup.workload.migration.dirtyPagesPerSecond)
    return rate > 0 ? 1e9 * Double(max(1, setup.workload.memory.vcpus)) / rate : 0
  }

  /// The mean time between two faults of a guest that runs while the operation does; nil where no
  /// guest runs, or where it is not said what it writes.
  package var faultGap: Nanoseconds? {
    switch setup.workload.operation {
    case .migration, .logEnable:
      let rate = setup.workload.migration.dirtyPagesPerSecond
      return rate > 0 ? .seconds(1) / Int64(rate) : nil
    default: return nil
    }
  }
}
